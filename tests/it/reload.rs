//! HUP: new workers with what is there now, or the old ones go on; and a new version of the program in the same process.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{
    Folder, Hammer, Server, Worker, block_on, is_running, poll, processes_with, run, signal,
    undisturbed,
};
use crate::lifecycle::{Home, asleep};

/// Makes `/version` say `version`.
fn write_version(home: &Home, version: &str) {
    let text = format!("-- name: version$\n-- http: GET /version\nselect '{version}';\n");
    home.folder.write("version.sql", &text);
}

/// That every one of several new connections is answered so: they are dealt to all workers.
#[track_caller]
fn all_say(server: &Server, version: &str) {
    for _ in 0..8 {
        assert_eq!(server.get("/version").body, format!("\"{version}\""));
    }
}

/// HUP, and the new generation serves alone.
#[track_caller]
fn reload(server: &Server, generation: u64) {
    server.signal(Signal::HUP);
    server.says(&format!("reloaded: generation {generation} serves"));
    poll("the generation before to accept no more", || {
        let workers = server.service().workers;
        let old = |worker: &Worker| worker.generation < generation && worker.state != "draining";
        (!workers.iter().any(old)).then_some(())
    });
}

#[test]
fn new_files_are_served_and_requests_under_way_are_finished() {
    let home = Home::new("reload_new");
    write_version(&home, "old");
    for options in [&["--workers", "2"][..], &["--supervise"]] {
        let server = home.serve(options);
        let count = options.len();
        let old = server.settled(count);
        all_say(&server, "old");
        let mut busy = asleep(&server, &home, "1.5");
        let mut idle = server.connect();
        assert_eq!(idle.request("GET", "/one", &[], "").body, "1");
        write_version(&home, "new");
        reload(&server, 2);
        all_say(&server, "new");
        // Its worker is on its way out.
        assert!(idle.is_closed());
        let answer = busy.answer_to("GET");
        assert_eq!((answer.status, answer.body.as_str()), (200, "\"slept\""));
        assert_eq!(answer.header("connection"), Some("close"));
        drop(busy);
        let new = server.settled(count);
        assert!(new.iter().all(|worker| worker.generation == 2));
        for worker in old {
            assert!(!is_running(worker.pid));
        }
        assert_eq!(server.service().restarts, 0);
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
        write_version(&home, "old");
    }
}

#[test]
fn clients_that_never_rest_see_no_failure() {
    let home = Home::new("reload_load");
    for accept in ["slots", "shared"] {
        let server = home.serve(&["--workers", "2", "--accept", accept]);
        let loads = [
            Hammer::gently(server.address(), 3, "/one"),
            Hammer::connecting(server.address(), 1, "/ping"),
        ];
        for generation in 2..7 {
            reload(&server, generation);
            loads.iter().for_each(|load| load.goes_on(20));
        }
        for load in loads {
            load.stop().flawless(100);
        }
        server.settled(2);
    }
}

#[test]
fn what_cannot_be_served_is_refused_and_the_old_goes_on() {
    let home = Home::new("reload_refused");
    write_version(&home, "old");
    let server = home.serve(&["--workers", "2"]);
    let before = server.settled(2);
    let load = Hammer::gently(server.address(), 2, "/version");
    let path = home.folder.path().join("version.sql");
    let refused = |number: usize, reason: &str| {
        server.signal(Signal::HUP);
        poll("a refusal", || {
            let log = server.log();
            (log.matches("not reloaded, generation 1 goes on: ").count() == number).then_some(())
        });
        assert!(server.log().contains(reason), "{reason}: {}", server.log());
        all_say(&server, "old");
    };
    // Wrong by itself.
    write_version(&home, "new';\ncommit; select 'x");
    refused(1, "version.sql:4:1: ");
    // Wrong to the database: a worker finds out.
    let text = "-- name: version$\n-- http: GET /version\nselect missing;\n";
    home.folder.write("version.sql", text);
    refused(2, "a new worker ended with status 65");
    assert_eq!(
        server.log().matches("version.sql:3:8: ").count(),
        1,
        "{}",
        server.log()
    );
    // Not to be read: not even by root.
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere.sql", &path).unwrap();
    refused(3, "version.sql");
    // Nothing there.
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(home.folder.path().join("api.sql")).unwrap();
    refused(4, &home.folder.path().display().to_string());

    let after = server.settled(2);
    assert_eq!(after[0].pid, before[0].pid);
    assert_eq!(after[1].pid, before[1].pid);
    load.goes_on(20);
    load.stop().flawless(20);
    write_version(&home, "new");
    reload(&server, 2);
    all_say(&server, "new");
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn two_signals_at_once_are_followed_and_one_during_the_start_is_not_lost() {
    let home = Home::new("reload_twice");
    write_version(&home, "first");
    let server = home.serve(&["--workers", "2"]);
    server.signal(Signal::HUP);
    server.says("reloading");
    write_version(&home, "last");
    // The one before may have read the files already.
    server.signal(Signal::HUP);
    poll("the last version", || {
        (server.get("/version").body == "\"last\"").then_some(())
    });
    server.settled(2);
    all_say(&server, "last");
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_signal_while_the_first_workers_start_is_followed_once_they_serve() {
    let home = Home::new("reload_early");
    home.database.run("create table held (id int)");
    home.folder.write(
        "held.sql",
        "-- name: held\n-- http: GET /held\nselect id from held;\n",
    );
    let locker = home.database.another_client();
    block_on(locker.batch_execute("begin; lock table held")).unwrap();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| home.serve(&["--workers", "2"]));
        // Preparing the statement waits for the lock.
        poll("the first worker to wait", || {
            let waiting = "select 1 from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock'";
            home.database.ask(waiting)
        });
        let top = poll("the supervisor", || {
            let path = home.folder.path().to_str().unwrap();
            processes_with(path).into_iter().min()
        });
        signal(top, Signal::HUP);
        block_on(locker.batch_execute("commit")).unwrap();
        let server = starting.join().unwrap();
        assert_eq!(server.pid(), top);
        server.says("reloaded: generation 2 serves");
        server.settled(2);
        assert_eq!(server.get("/held").status, 200);
    });
}

/// A program of a test's own, which it may replace.
pub struct Installed {
    folder: Folder,
}

impl Installed {
    pub fn new() -> Installed {
        let installed = Installed {
            folder: Folder::new(),
        };
        installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
        installed
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("peppercorn")
    }

    /// As package managers do: a new file takes the name.
    pub fn replace_by(&self, program: &Path) {
        let new = self.folder.path().join("new");
        // By another process: what another test starts meanwhile would inherit a file of ours that is open for writing,
        // and such a file is not executed.
        let copied = run(Command::new("cp").arg(program).arg(&new));
        assert_eq!(copied.code, Some(0), "{copied:?}");
        std::fs::rename(new, self.path()).unwrap();
    }

    pub fn serve(&self, home: &Home, options: &[&str]) -> Command {
        let mut command = undisturbed(&self.path());
        command.env("DATABASE_URL", home.database.url());
        command.arg("serve").arg(home.folder.path()).args(options);
        command
    }

    /// Whether a process runs the file that is there now.
    pub fn is_run_by(&self, pid: u32) -> bool {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path == self.path())
    }
}

#[test]
fn a_new_version_of_the_program_takes_over_in_place() {
    let home = Home::new("reload_upgrade");
    let installed = Installed::new();
    write_version(&home, "old");
    let socket = home.folder.path().join("http.sock");
    let unix = format!("unix:{}", socket.display());
    let server = Server::spawn(installed.serve(&home, &["--workers", "2", "--bind", &unix]));
    let old = server.settled(2);
    let load = Hammer::gently(server.address(), 2, "/one");
    installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
    assert!(!installed.is_run_by(server.pid()));
    // A worker that is replaced meanwhile runs what the others run.
    signal(old[0].pid, Signal::KILL);
    let like = server.successor(&old[0]);
    assert!(!installed.is_run_by(like.pid));
    let failed = load.stop().failures.len();
    assert!(failed <= 2, "{failed}");

    let load = Hammer::gently(server.address(), 2, "/one");
    let mut busy = asleep(&server, &home, "1.5");
    for version in ["new", "newer"] {
        write_version(&home, version);
        server.signal(Signal::HUP);
        poll("the supervisor to run the new program", || {
            installed.is_run_by(server.pid()).then_some(())
        });
        poll("the new version", || {
            (server.get("/version").body == format!("\"{version}\"")).then_some(())
        });
    }
    // A request that has outlived its supervisor's program is finished.
    let answer = busy.answer_to("GET");
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"slept\""));
    drop(busy);
    load.stop().flawless(100);

    let new = server.settled(2);
    for worker in &new {
        assert!(installed.is_run_by(worker.pid));
        assert_eq!(worker.generation, 3);
    }
    assert!(old.iter().all(|worker| !is_running(worker.pid)));
    // It supervises as before.
    signal(new[1].pid, Signal::KILL);
    server.successor(&new[1]);
    server.signal(Signal::TTIN);
    server.settled(3);
    all_say(&server, "newer");
    assert!(socket.exists());
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.ends_with("stopped\n"), "{log}");
    assert!(!socket.exists());
}

#[test]
fn a_signal_that_comes_while_a_new_version_takes_over_is_for_that() {
    let home = Home::new("reload_handed");
    let installed = Installed::new();
    write_version(&home, "old");
    let server = Server::spawn(installed.serve(&home, &["--workers", "2"]));
    server.settled(2);
    for (version, last) in [("new", "newer"), ("newest", "last")] {
        installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
        let reloads = server.log().matches("reloading").count();
        write_version(&home, version);
        server.signal(Signal::HUP);
        poll("a reload to begin", || {
            (server.log().matches("reloading").count() > reloads).then_some(())
        });
        write_version(&home, last);
        server.signal(Signal::HUP);
        poll("the last version", || {
            (server.get("/version").body == format!("\"{last}\"")).then_some(())
        });
        assert!(installed.is_run_by(server.pid()));
        server.settled(2);
    }
    // The end of the service, too.
    installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
    server.signal(Signal::HUP);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_new_version_that_cannot_run_is_refused() {
    let home = Home::new("reload_unfit");
    let installed = Installed::new();
    let server = Server::spawn(installed.serve(&home, &["--workers", "2"]));
    let old = server.settled(2);
    let load = Hammer::gently(server.address(), 2, "/one");
    let texts = home.folder.path().join("api.sql");
    let fails = Path::new("/bin/false");
    for (number, program, mode) in [(1, &*texts, 0o644), (2, &*texts, 0o755), (3, fails, 0o755)] {
        installed.replace_by(program);
        std::fs::set_permissions(installed.path(), PermissionsExt::from_mode(mode)).unwrap();
        server.signal(Signal::HUP);
        poll("a refusal", || {
            let log = server.log();
            (log.matches("not reloaded, generation 1 goes on: ").count() == number).then_some(())
        });
    }
    let now = server.settled(2);
    assert_eq!(now[0].pid, old[0].pid);
    assert_eq!(now[1].pid, old[1].pid);
    // Replacements run what runs.
    signal(now[0].pid, Signal::KILL);
    server.successor(&now[0]);
    load.stop();
    // A good one is welcome afterwards.
    installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
    reload(&server, 2);
    server.settled(2);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}
