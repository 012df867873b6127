//! What Sentry is told of what goes wrong behind the requests' backs, and what is told to nobody.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use sentry_core::protocol::Event;

use crate::harness::{
    Database, FakeSentry, Folder, Server, database, ok, peppercorn, poll, run, scrape, signal, tag,
    within,
};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;

-- name: large$
-- http: GET /large
select repeat('x', 200 * 1024 * 1024);
";

fn event_named(sentry: &FakeSentry, name: &str) -> Event<'static> {
    poll(name, || {
        let heard = sentry.heard();
        let mut events = heard.iter().flat_map(|heard| heard.events());
        events.find(|event| tag(event, "event") == name)
    })
}

fn command(database: &Database, folder: &Folder, sentry: &FakeSentry) -> Command {
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .env("SENTRY_DSN", sentry.dsn())
        .arg("serve")
        .arg(folder.path());
    command
}

#[test]
fn the_deaths_of_workers_are_told_by_their_supervisor() {
    let (database, sentry) = (database("capture_deaths"), FakeSentry::start(|_, _| ok()));
    let folder = Folder::with(&[("api.sql", API)]);
    let mut command = command(&database, &folder, &sentry);
    command.args(["--workers", "2"]);
    let server = Server::spawn(command);
    let workers = server.settled(2);
    signal(workers[1].pid, Signal::KILL);
    let event = event_named(&sentry, "worker_ended");
    assert_eq!(tag(&event, "worker"), "1");
    assert_eq!(tag(&event, "how"), "was killed by SIGKILL");
    assert_ne!(tag(&event, "out_of_memory"), "yes");
    assert_eq!(tag(&event, "process"), "supervisor");
    server.successor(&workers[1]);
    // One that hangs is told of when it is found out, and how it ended afterwards.
    signal(workers[0].pid, Signal::STOP);
    let event = event_named(&sentry, "worker_stuck");
    assert_eq!(tag(&event, "worker"), "0");
    server.successor(&workers[0]);
    server.settled(2);
    // What cannot be reloaded is told, too.
    std::fs::write(folder.path().join("api.sql"), "-- name: one$\nselect 1;").unwrap();
    server.signal(Signal::HUP);
    let event = event_named(&sentry, "reload_refused");
    assert!(tag(&event, "reason").contains("api.sql"), "{event:?}");
    let (status, _) = server.stop();
    assert!(status.success());
}

#[test]
fn a_service_that_cannot_boot_says_so_to_sentry() {
    let (database, sentry) = (database("capture_boot"), FakeSentry::start(|_, _| ok()));
    let folder = Folder::with(&[(
        "api.sql",
        "-- name: one$\n-- http: GET /one\nselect nothing;",
    )]);
    let mut command = command(&database, &folder, &sentry);
    let ended = run(command.args(["--workers", "2", "--bind", "127.0.0.1:0"]));
    assert_eq!(ended.code, Some(65), "{}", ended.stderr);
    let event = event_named(&sentry, "boot_failed");
    assert_eq!(tag(&event, "how"), "ended with status 65");
}

/// A control group of our own with so little memory, if this system lets us have one.
fn control_group(name: &str, bytes: u64) -> Option<PathBuf> {
    let name = format!("peppercorn-{name}-{}", std::process::id());
    for (root, limit, procs) in [
        (
            "/sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "cgroup.procs",
        ),
        ("/sys/fs/cgroup", "memory.max", "cgroup.procs"),
    ] {
        let group = Path::new(root).join(&name);
        if !Path::new(root).join(procs).exists() || std::fs::create_dir(&group).is_err() {
            continue;
        }
        // Where swap counts apart, it must not help out.
        let _absent = std::fs::write(group.join("memory.swap.max"), "0");
        if std::fs::write(group.join(limit), bytes.to_string()).is_ok() {
            let _absent =
                std::fs::write(group.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            return Some(group);
        }
        let _gone = std::fs::remove_dir(&group);
    }
    None
}

#[test]
fn a_worker_that_runs_out_of_memory_is_told_of_as_one() {
    let Some(group) = control_group("oom", 96 * 1024 * 1024) else {
        eprintln!("no control group can be made here: not tested");
        return;
    };
    let (database, sentry) = (database("capture_oom"), FakeSentry::start(|_, _| ok()));
    let folder = Folder::with(&[("api.sql", API)]);
    let mut served = command(&database, &folder, &sentry);
    served.args(["--workers", "2"]);
    // The shell becomes the service, in the group.
    let mut shell = Command::new("sh");
    let script = "echo $$ > \"$GROUP/cgroup.procs\" && exec \"$0\" \"$@\"";
    shell.args(["-c", script]).env("GROUP", &group);
    let server = Server::spawn(within(shell, &served));
    server.settled(2);
    let mut client = server.connect();
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    let event = event_named(&sentry, "worker_ended");
    assert_eq!(tag(&event, "out_of_memory"), "yes", "{event:?}");
    server.says("was killed by SIGKILL, because memory ran out");
    let restarts = scrape(&server).sum("peppercorn_worker_restarts_total", &["reason=\"oom\""]);
    assert_eq!(restarts, 1.0);
    server.stop();
    std::fs::remove_dir(group).unwrap();
}

#[test]
fn secrets_are_told_to_nobody() {
    let sentry = FakeSentry::start(|_, _| ok());
    let database = database("capture_secrets");
    database.run(
        "do $$ begin
            if not exists (select from pg_roles where rolname = 'canary') then
                create role canary login superuser password 'canary-password';
            end if;
         end $$",
    );
    let folder = Folder::with(&[("api.sql", API)]);
    let url = database.url();
    let (_, rest) = url.split_once('@').unwrap();
    // What the scripted Sentry takes for a key.
    let dsn = sentry.dsn();
    let (scheme, place) = dsn.split_once("://").unwrap();
    let (_, place) = place.split_once('@').unwrap();
    let mut command = peppercorn();
    command
        .env(
            "DATABASE_URL",
            format!("postgres://canary:canary-password@{rest}"),
        )
        .env("SENTRY_DSN", format!("{scheme}://canarykey@{place}"))
        .arg("serve")
        .arg(folder.path())
        .args(["--workers", "2", "--access-log"]);
    let server = Server::spawn(command);
    let workers = server.settled(2);
    assert_eq!(server.get("/one?token=canary-token").status, 400);
    signal(workers[0].pid, Signal::KILL);
    event_named(&sentry, "worker_ended");
    server.successor(&workers[0]);
    let metrics = server.get("/metrics").body;
    let mut titles = String::new();
    for pid in server.service().pids() {
        titles += &std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        titles += &std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    }
    // From here on nobody gets in with that password, which is much to talk about.
    database.run("alter role canary password 'another' nologin");
    database.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'canary'");
    event_named(&sentry, "database_away");
    let bodies: Vec<String> = sentry.heard().iter().map(|heard| heard.text()).collect();
    let (_, log) = server.stop();
    for (what, text) in [
        ("the log", &log),
        ("an event", &bodies.concat()),
        ("a title", &titles),
        ("/metrics", &metrics),
    ] {
        // The key is what Sentry knows us by: in the head of each request, and in no event.
        for canary in ["canary-password", "canarykey", "canary-token"] {
            assert!(!text.contains(canary), "{what} tells {canary}: {text}");
        }
    }
    database.run("drop role canary");
}
