//! A system clock that is set an hour ahead, and back, while the server runs.

use std::fs::File;
use std::time::{Duration, Instant};

use peppercorn::http::HttpDate;
use peppercorn::observe::rfc3339;
use rustix::process::Signal;

use crate::harness::{
    Folder, SECRET, Server, SteppedClock, bearer, database, peppercorn, poll, write_key,
};

const HOUR: i64 = 3600;
const LIMIT: Duration = Duration::from_secs(1);

const ENDPOINTS: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: late$
-- http: GET /late
-- auth: public
-- timeout: 1s
select 'late' from pg_sleep(60);
";

#[test]
fn a_clock_that_is_set_changes_the_time_and_no_time_limit() {
    let (database, folder) = (
        database("clock_set"),
        Folder::with(&[("api.sql", ENDPOINTS)]),
    );
    let clock = SteppedClock::new(folder.path());
    let log = folder.path().join("access.log");
    let mut command = peppercorn();
    clock.rules(&mut command);
    command
        .env("DATABASE_URL", database.url())
        .arg("serve")
        .arg(folder.path())
        .args(["--access-log", "--keep-alive", "1s"])
        .args(["--jwt-key", &write_key(&folder, SECRET)])
        .stdout(File::create(&log).unwrap());
    let server = Server::spawn(command).ready();
    for ahead in [HOUR, 0, -HOUR] {
        let mut idle = server.connect();
        assert_eq!(idle.request("GET", "/ping", &[], "").body, "pong");
        let mut late = server.connect();
        let began = Instant::now();
        let id = format!("late-{}", ahead + HOUR);
        late.send(format!(
            "GET /late HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n"
        ));
        clock.set(ahead);
        assert_eq!(late.answer_to("GET").status, 504);
        assert!(began.elapsed() >= LIMIT, "{:?}", began.elapsed());
        assert!(idle.is_closed() && began.elapsed() >= LIMIT);
        let before = clock.seconds();
        let answer = server.get("/ping");
        let after = clock.seconds();
        // The coarse clock may be behind by its tick.
        let right = (before as u64 - 1..=after as u64).map(HttpDate::from_unix);
        let date = answer.header("date").unwrap();
        assert!(
            right.into_iter().any(|right| right.as_str() == date),
            "{date}"
        );
        for (name, seconds, status) in [
            ("exp", 10.0, 200),
            ("exp", -40.0, 401),
            ("nbf", 40.0, 401),
            ("nbf", -10.0, 200),
        ] {
            let token = bearer(&format!("{{\"{name}\":{:.3}}}", clock.seconds() + seconds));
            let asked = server
                .connect()
                .request("GET", "/one", &[("Authorization", &token)], "");
            assert_eq!(asked.status, status, "{name} {seconds}: {asked:?}");
        }
        // The time in its line is that of its end.
        let least = rfc3339(clock.now() - Duration::from_secs(30));
        let line = poll("the line", || {
            let text = std::fs::read_to_string(&log).unwrap();
            let mut lines = text.lines().rev();
            lines.find(|line| line.ends_with(&id)).map(str::to_owned)
        });
        let time = line.split(' ').next().unwrap();
        assert!(*least <= *time && *time <= *rfc3339(clock.now()), "{line}");
    }
    server.signal(Signal::TERM);
    let (status, _) = server.wait();
    assert!(status.success());
}
