//! Handlers that block, how soon they are named, and what the watch costs.

use std::time::{Duration, Instant};

use crate::support::harness::{Server, poll};
use crate::support::{Load, median, report};
use crate::{Field, cpu_of_request};

/// The default of `--stall-threshold`.
const THRESHOLD: Duration = Duration::from_millis(50);
/// What `GET /block` takes.
const BLOCKED: Duration = Duration::from_millis(200);
const ASKED: usize = 20;

/// `GET /block`, one after the other.
pub fn stalls(field: &Field) {
    let server = field.trouble(None);
    let (mut stuck, mut over) = (Vec::new(), Vec::new());
    let mut connection = server.connect();
    for number in 1..=ASKED {
        let begin = Instant::now();
        connection.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n");
        let said = |text| said(&server, text, number).duration_since(begin);
        stuck.push(said("GET /block holds up the thread").as_secs_f64() * 1e3);
        over.push(said("GET /block held up its thread").as_secs_f64() * 1e3);
        assert_eq!(connection.answer_to("GET").status, 204);
    }
    let most = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let line = |times: &[f64]| {
        let median = median(times.to_vec());
        format!(
            "in the log {median:.0} ms after the request, {:.0} ms at most of {ASKED}",
            most(times)
        )
    };
    let goal = 2 * THRESHOLD;
    report(
        "stalls, while stuck",
        &line(&stuck),
        &format!("at most {} ms", goal.as_millis()),
        most(&stuck) <= goal.as_secs_f64() * 1e3,
    );
    let goal = BLOCKED + THRESHOLD;
    report(
        "stalls, after",
        &line(&over),
        &format!("at most {} ms", goal.as_millis()),
        most(&over) <= goal.as_secs_f64() * 1e3,
    );
}

/// When the log has said so as often.
fn said(server: &Server, text: &str, times: usize) -> Instant {
    poll(text, || {
        // The harness looks every 5 ms: too seldom here.
        let begin = Instant::now();
        loop {
            if server.log().matches(text).count() >= times {
                return Some(Instant::now());
            }
            if begin.elapsed() > Duration::from_secs(1) {
                return None;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    })
}

/// `/ping` with the monitor and without, by turns.
pub fn cost(field: &Field) {
    let servers = ["0s", "50ms"]
        .map(|threshold| Server::spawn(field.command(&["--stall-threshold", threshold])).ready());
    let load = Load {
        connections: 64,
        duration: Duration::from_secs(1),
        pipelined: 1,
    };
    let mut runs: [Vec<f64>; 2] = Default::default();
    for turn in 0..field.turns(2 * load.duration) as usize {
        // Neither always comes first.
        for index in [turn % 2, 1 - turn % 2] {
            runs[index].push(cpu_of_request(&servers[index], &load, "/ping"));
        }
    }
    let ratios = runs[0].iter().zip(&runs[1]);
    let ratios = median(ratios.map(|(without, with)| with / without).collect());
    let [without, with] = runs.clone().map(median);
    let ratio = with / without;
    report(
        "stall-cost",
        &format!(
            "{without:.2} µs of CPU for a ping without the monitor, {with:.2} µs with it: {:+.1}% (median of {} turns; of \
             their ratios {:+.1}%)",
            (ratio - 1.0) * 100.0,
            runs[0].len(),
            (ratios - 1.0) * 100.0
        ),
        "at most 2% more",
        ratio <= 1.02,
    );
}
