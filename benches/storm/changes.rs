//! New files, and new versions of the program, under load.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::harness::{Folder, Server, poll};
use crate::support::report;
use crate::{Field, beside};

const RELOADS: u32 = 20;
const CONNECTIONS: u64 = 32;

/// 20 times HUP.
pub fn reload(field: &Field) {
    for accept in ["slots", "shared"] {
        let server = field.server(&["--workers", "2", "--accept", accept]);
        twenty(field, &format!("reload, {accept}"), &server, &|| {});
    }
}

/// 20 times another file under the program's name, and HUP.
pub fn upgrade(field: &Field) {
    let folder = Folder::new();
    let program = folder.path().join("peppercorn");
    let install = || {
        let new = folder.path().join("new");
        std::fs::copy(Path::new(env!("CARGO_BIN_EXE_peppercorn")), &new).expect("a copy");
        std::fs::rename(new, &program).expect("a name");
    };
    install();
    let command = field.command(Some(&program), &["--workers", "2"]);
    let server = Server::spawn(command).ready();
    twenty(field, "upgrade", &server, &install);
    let runs = std::fs::read_link(format!("/proc/{}/exe", server.pid())).expect("it runs");
    report(
        "upgrade",
        &format!("the supervisor, the same process, runs {}", runs.display()),
        "the file that is there",
        runs == program,
    );
}

/// Over twice the duration of a storm.
fn twenty(field: &Field, storm: &str, server: &Server, prepare: &dyn Fn()) {
    server.settled(2);
    let pause = 2 * field.duration / RELOADS;
    let margin = Duration::from_secs(2);
    let load = beside(
        server.address(),
        "/one",
        CONNECTIONS,
        pause * RELOADS + margin,
    );
    let mut slowest = Duration::ZERO;
    for number in 1..=RELOADS {
        let begin = Instant::now();
        prepare();
        let asked = Instant::now();
        server.signal(Signal::HUP);
        let generation = u64::from(number) + 1;
        poll("a reload", || {
            let service = server.service();
            let old = |worker: &crate::support::harness::Worker| worker.generation < generation;
            let done = service.generation == generation && !service.workers.iter().any(old);
            done.then_some(())
        });
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(pause.saturating_sub(begin.elapsed()));
    }
    let answered = load.join().expect("wrk");
    report(
        storm,
        &format!(
            "{RELOADS} times: {} of {} requests failed; from HUP until the old workers are gone {:.0} ms at most; p99 {:?}",
            answered.errors,
            answered.requests,
            slowest.as_secs_f64() * 1e3,
            answered.p99
        ),
        "0 of at least 100,000",
        answered.errors == 0 && (answered.requests >= 100_000 || field.duration.as_secs() < 30),
    );
}
