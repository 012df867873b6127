//! The experiment: every run of the plan that has not been made, one after the other.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;
use serde_json::Value;

use super::load::Wrk;
use super::pin;
use super::plan::{Cell, WARM_UP};
use super::processes::Processors;
use super::progress::Progress;
use super::results::{Load, Results, Run, Used};
use super::server::{Running, Starter};
use super::stop::Interrupted;
use super::text::several;
use crate::observe::rfc3339;

/// Between looks at a run.
const POLL: Duration = Duration::from_millis(20);
/// The part of a run after which its server's memory is looked at.
const LOOK_AT_MEMORY: f64 = 0.75;
/// For wrk to end after its time: an answer may take long.
const LATE: Duration = Duration::from_secs(30);

/// All that the runs of a plan need.
pub struct Experiment<'a> {
    /// Starts servers.
    pub starter: Starter<'a>,
}

impl Experiment<'_> {
    /// Starts each server once, and has it answer each path.
    ///
    /// What they answer should be the same, as JSON if it is JSON: where it is not, a sentence says so.
    ///
    /// # Errors
    /// A server does not start, or does not answer a path with 2xx.
    pub fn check(&self) -> anyhow::Result<Vec<String>> {
        let plan = self.starter.plan;
        let mut first: Vec<Vec<u8>> = Vec::new();
        let mut differences = Vec::new();
        for server in &plan.servers {
            let running = self.starter.start(server)?;
            for (index, path) in plan.paths.iter().enumerate() {
                let (status, body) = running.get(&path.path)?;
                if !(200..300).contains(&status) {
                    bail!("{} answers {} with status {status}", server.name, path.path);
                }
                match first.get(index) {
                    None => first.push(body),
                    Some(expected) if is_same(expected, &body) => {}
                    Some(expected) => differences.push(format!(
                        "{} answers {} otherwise than {}: {} bytes against {}",
                        server.name,
                        path.path,
                        plan.servers[0].name,
                        body.len(),
                        expected.len()
                    )),
                }
            }
            self.starter.stop.check()?;
        }
        Ok(differences)
    }

    /// Makes the runs that are missing. The results are written after each, the report after each round.
    ///
    /// # Errors
    /// [`Interrupted`]; a server does not start; results cannot be written.
    pub fn run(&self, results: &mut Results) -> anyhow::Result<()> {
        let plan = self.starter.plan;
        let mut progress = Progress::of(plan, results.runs.len());
        for round in 0..plan.rounds {
            let before = results.runs.len();
            for server in plan.order(round) {
                let mut cells = plan.cells(round, server);
                cells.retain(|cell| !results.has(round, cell));
                if cells.is_empty() {
                    continue;
                }
                self.run_server(server, round, &cells, results, &mut progress)?;
            }
            if results.runs.len() > before {
                self.starter.files.write_report(results)?;
            }
        }
        progress.end();
        Ok(())
    }

    /// The runs of one server in one round.
    fn run_server(
        &self,
        server: usize,
        round: usize,
        cells: &[Cell],
        results: &mut Results,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let plan = self.starter.plan;
        let server = &plan.servers[server];
        let mut kept = None;
        for cell in cells {
            let mut running = match kept.take() {
                Some(running) => running,
                None => {
                    progress.say(&format!("starting {}", server.name));
                    let started = self.starter.start(server)?;
                    self.warm_up(&started)?;
                    started
                }
            };
            let path = &plan.paths[cell.path].path;
            let connections = several(cell.connections, "connection");
            let (name, rounds) = (&server.name, plan.rounds);
            progress.say(&format!(
                "{name} {path}, {connections}, round {} of {rounds}",
                round + 1
            ));
            self.rest(Duration::from_millis(plan.settle_ms))?;
            let run = self.measure(&mut running, round, *cell)?;
            progress.count(run.void.as_deref());
            results.runs.push(run);
            self.starter.files.write_results(results)?;
            // One that has ended is started again for the next cell.
            kept = running.ended().is_none().then_some(running);
        }
        Ok(())
    }

    /// What is done only once, such as opening connections to the database, is done before anything is measured.
    fn warm_up(&self, running: &Running<'_>) -> anyhow::Result<()> {
        let plan = self.starter.plan;
        for path in &plan.paths {
            let url = running.url(&path.path);
            let mut wrk = self.start_wrk(&url, plan.most_connections(), WARM_UP)?;
            while wrk.child.try_wait()?.is_none() {
                self.rest(POLL)?;
            }
        }
        Ok(())
    }

    fn start_wrk(
        &self,
        url: &str,
        connections: usize,
        duration: Duration,
    ) -> anyhow::Result<super::load::Running> {
        let plan = self.starter.plan;
        let wrk = Wrk {
            url,
            connections,
            duration,
            threads: plan.wrk_threads,
            files: self.starter.files,
        };
        pin::on(&plan.pin.client, || wrk.start())?
    }

    /// One run.
    fn measure(&self, running: &mut Running<'_>, round: usize, cell: Cell) -> anyhow::Result<Run> {
        let plan = self.starter.plan;
        let duration = Duration::from_secs(plan.duration_s);
        let url = running.url(&plan.paths[cell.path].path);
        let (began, processors) = (SystemTime::now(), Processors::now());
        let (cpu, begin) = (running.tree().cpu(), Instant::now());
        let mut wrk = self.start_wrk(&url, cell.connections, duration)?;
        let mut pss_bytes = None;
        while wrk.child.try_wait()?.is_none() {
            if pss_bytes.is_none() && begin.elapsed() > duration.mul_f64(LOOK_AT_MEMORY) {
                pss_bytes = Some(running.tree().pss_bytes());
            }
            if begin.elapsed() > duration + LATE {
                break;
            }
            self.rest(POLL)?;
        }
        let used = running.tree().used(cpu, pss_bytes);
        let stolen = Processors::now().since(processors).stolen;
        let used = running.ended().is_none().then_some(used);
        let hangs = wrk.child.try_wait()?.is_none();
        let counted = match hangs {
            true => Err(anyhow::anyhow!("wrk did not end")),
            false => wrk.counted(),
        };
        Ok(Run {
            round,
            cell,
            began: rfc3339(began),
            void: why_void(&counted, used.as_ref()),
            load: counted.ok(),
            used,
            stolen,
        })
    }

    /// Waits, unless it is asked to end.
    fn rest(&self, time: Duration) -> Result<(), Interrupted> {
        let begin = Instant::now();
        while let Some(left) = time
            .checked_sub(begin.elapsed())
            .filter(|left| !left.is_zero())
        {
            self.starter.stop.check()?;
            sleep(left.min(POLL));
        }
        self.starter.stop.check()
    }
}

/// Why a run does not count, if it does not.
fn why_void(counted: &anyhow::Result<Load>, used: Option<&Used>) -> Option<String> {
    match counted {
        Err(error) => Some(format!("{error:#}")),
        _ if used.is_none() => Some("the server has ended".to_owned()),
        Ok(load) if load.requests == 0 => Some("nothing was answered".to_owned()),
        Ok(load) => load.errors.sentence(),
    }
}

/// Whether two bodies say the same: as JSON, whatever their white space and the order of an object's members, or byte by
/// byte.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let json = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    match (json(one), json(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_compared_as_what_they_mean() {
        assert!(is_same(b"pong", b"pong") && !is_same(b"pong", b"ping"));
        assert!(is_same(br#"{"a":1,"b":[2]}"#, br#"{ "b": [2], "a": 1 }"#));
        assert!(!is_same(br#"{"a":1}"#, br#"{"a":2}"#) && !is_same(b"[1,2]", b"[2,1]"));
    }

    #[test]
    fn a_run_with_errors_is_void() {
        let mut load = Load {
            requests: 10,
            ..Load::default()
        };
        let used = Used::default();
        assert_eq!(why_void(&Ok(load.clone()), Some(&used)), None);
        assert_eq!(
            why_void(&Ok(load.clone()), None).unwrap(),
            "the server has ended"
        );
        load.errors.status = 3;
        let void = why_void(&Ok(load.clone()), Some(&used)).unwrap();
        assert_eq!(void, "3 answers of status 400 or above");
        load = Load::default();
        assert_eq!(
            why_void(&Ok(load), Some(&used)).unwrap(),
            "nothing was answered"
        );
        assert_eq!(why_void(&Err(anyhow::anyhow!("no")), None).unwrap(), "no");
    }
}
