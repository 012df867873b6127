//! Tables change under the statements that read and write them, and connections forget what they have prepared.

use std::time::{Duration, Instant};

use crate::support::harness::{
    CHANGING, CHANGING_QUESTIONS, CHANGING_TABLES, Folder, What, Witnesses, change,
};
use crate::support::report;
use crate::{Field, of_100, refusals, report_backends};

/// Between two changes.
const EVERY: Duration = Duration::from_millis(500);

pub fn alter(field: &Field) {
    let trial = "alter";
    let database = field.database();
    database.run(CHANGING_TABLES);
    let folder = Folder::with(&[("api.sql", CHANGING)]);
    let server = field.server_of(&folder, &database.url(), &[]);
    let clients = Witnesses::start(
        server.address(),
        16,
        CHANGING_QUESTIONS,
        Duration::from_millis(2),
    );
    clients.go_on(200);
    let length = Duration::from_secs(field.either(60, 5));
    let begin = Instant::now();
    let mut changes = 0;
    while begin.elapsed() < length {
        let at = Instant::now();
        change(&database, &server, changes);
        changes += 1;
        std::thread::sleep(EVERY.saturating_sub(at.elapsed()));
    }
    let (told, _) = clients.stop();
    let failed = told.seen.len() - told.good();
    let mut took: Vec<Duration> = told.seen.iter().map(|seen| seen.took).collect();
    report(
        trial,
        &format!(
            "{changes} changes of tables, {} times a connection forgot its statements: {failed} of {} requests failed \
             (answers after {:.1} ms, 99 of 100; {:.0} ms at most)",
            2 * changes.div_ceil(3),
            told.seen.len(),
            of_100(99.0, &mut took).as_secs_f64() * 1e3,
            of_100(100.0, &mut took).as_secs_f64() * 1e3,
        ),
        "0",
        failed == 0,
    );
    let bad = told.seen.iter().filter(|seen| seen.what != What::Good);
    bad.take(5).for_each(|seen| println!("{seen:?}"));
    println!("{}", refusals(&told));
    report_backends(trial, &database, 8);
}
