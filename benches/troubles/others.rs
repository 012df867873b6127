//! Clients that have no part in the trouble, and what they notice of it.

use std::time::Duration;

use crate::support::harness::Server;
use crate::support::{Answered, Load, median, report};

/// Between two requests of one client, so that the server is never at its limit.
const PAUSE: Duration = Duration::from_millis(2);
const CONNECTIONS: u64 = 16;

/// What nobody notices: 10% of what an idle server takes is less than one request takes that comes first.
const HARDLY: Duration = Duration::from_micros(50);

/// Others, who ask for `/ping` for so long.
pub fn others(server: &Server, duration: Duration) -> Answered {
    gently(server, "/ping", duration)
}

/// The same for any path.
pub fn gently(server: &Server, path: &str, duration: Duration) -> Answered {
    let load = Load {
        connections: CONNECTIONS,
        duration,
        pipelined: 1,
    };
    load.run_paced(server.address(), path, PAUSE)
}

/// What others noticed, turn by turn: with the trouble, and without.
#[derive(Default)]
pub struct Noticed(Vec<(Answered, Answered)>);

impl Noticed {
    pub fn note(&mut self, during: Answered, without: Answered) {
        self.0.push((during, without));
    }

    /// Beside the goal of all troubles.
    pub fn report(&self, trouble: &str, whose: &str, without: &str) {
        let reached = self.ratio() <= 1.1 || self.more() <= HARDLY;
        let goal = format!("within 10% or {} µs, none failed", HARDLY.as_micros());
        report(
            trouble,
            &self.figure(whose, without),
            &goal,
            reached && self.errors() == 0,
        );
    }

    pub fn figure(&self, whose: &str, without: &str) -> String {
        format!(
            "{whose} p99 {} µs, {} {without}: {:.2} × (median of {} turns); {} of the requests failed",
            self.middle(&|(during, _)| us(during)),
            self.middle(&|(_, without)| us(without)),
            self.ratio(),
            self.0.len(),
            self.errors(),
        )
    }

    fn ratio(&self) -> f64 {
        self.middle(&|(during, without)| us(during) / us(without))
    }

    fn more(&self) -> Duration {
        let more = self.middle(&|(during, without)| us(during) - us(without));
        Duration::from_secs_f64(more.max(0.0) / 1e6)
    }

    fn errors(&self) -> u64 {
        self.0.iter().map(|(a, b)| a.errors + b.errors).sum()
    }

    fn middle(&self, of: &dyn Fn(&(Answered, Answered)) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }
}

/// A 99th percentile, in microseconds.
fn us(answered: &Answered) -> f64 {
    (answered.p99.as_secs_f64() * 1e6).round()
}
