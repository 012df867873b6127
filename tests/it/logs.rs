//! The logs: what stands in them, as text and as JSON, and readers that do not read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    Answer, Connection, Database, Folder, PATIENCE, database, golden, peppercorn, poll, run,
    service_of, signal, wait,
};

/// One that fails, at length.
const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: one$\n-- http: GET /one\nselect 1;\n\n\
     -- name: fail$\n-- http: GET /fail\nselect fail(:length);\n",
)];
const FAIL: &str = "create function fail(length int) returns text language plpgsql as $$
    begin raise exception using errcode = 'XX000', message = repeat('x', length); end $$";
/// The longest that the end of a service may take when nobody reads its log.
const END: Duration = Duration::from_secs(1);

/// Files on a database of their own.
struct Home {
    folder: Folder,
    database: Database,
}

impl Home {
    fn new(name: &str) -> Home {
        let database = database(name);
        database.run(FAIL);
        Home {
            folder: Folder::with(API),
            database,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// Serves with this stderr and this stdout, until it answers. No test need read the log to know where.
    #[track_caller]
    fn serve(&self, options: &[&str], stderr: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Quiet {
        self.serve_with(options, &[], stderr, stdout)
    }

    #[track_caller]
    fn serve_with(
        &self,
        options: &[&str],
        variables: &[(&str, &str)],
        stderr: impl Into<Stdio>,
        stdout: impl Into<Stdio>,
    ) -> Quiet {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", self.database.url())
            .envs(variables.iter().copied())
            .arg("serve")
            .arg(self.folder.path())
            .arg("--bind")
            .arg(format!("unix:{}", self.socket().display()))
            .args(options)
            .stderr(stderr)
            .stdout(stdout);
        let quiet = Quiet {
            child: command.spawn().unwrap(),
            socket: self.socket(),
        };
        poll("the server to be ready", || {
            UnixStream::connect(&quiet.socket).ok()?;
            (quiet.get("/readyz", "r").status == 200).then_some(())
        });
        quiet
    }
}

/// A server whose log is the test's business.
struct Quiet {
    child: Child,
    socket: PathBuf,
}

impl Quiet {
    fn connect(&self) -> Connection<UnixStream> {
        Connection::open_unix(&self.socket)
    }

    #[track_caller]
    fn get(&self, target: &str, id: &str) -> Answer {
        self.connect()
            .request("GET", target, &[("X-Request-Id", id)], "")
    }

    /// Has so many requests fail, with as many bytes of log each; they are all answered.
    #[track_caller]
    fn fail(&self, count: usize, bytes: usize) {
        let target = format!("/fail?length={bytes}");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // A connection each, so that all workers have their share.
                    for request in 0..count / 4 {
                        let answer = self.get(&target, &format!("r-{request}"));
                        assert_eq!(answer.status, 500, "{answer:?}");
                    }
                });
            }
        });
    }

    /// TERM, and its end: the exit code, and how long it took.
    #[track_caller]
    fn stop(&mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        signal(self.child.id(), Signal::TERM);
        (wait(&mut self.child), begin.elapsed())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A small pipe: its reader, and the end that a server writes to.
fn pipe() -> (BufReader<File>, OwnedFd) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    (BufReader::new(reader.into()), writer)
}

/// Reads to the end of the pipe, which all processes of the service have closed by then.
fn rest(mut reader: BufReader<File>) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

/// Reads to the end of the line that holds `text`. What one process says later may come earlier than what another one says.
#[track_caller]
fn until(text: &str, reader: &mut BufReader<File>) -> String {
    let mut log = String::new();
    while !log.contains(text) {
        next_line(reader, &mut log);
    }
    log
}

#[track_caller]
fn next_line(reader: &mut BufReader<File>, log: &mut String) {
    if !reader.buffer().contains(&b'\n') {
        let mut ready = [PollFd::new(reader.get_ref(), PollFlags::IN)];
        let count = rustix::event::poll(&mut ready, Some(&PATIENCE.try_into().unwrap()));
        assert_eq!(count, Ok(1), "nothing more comes after {log}");
    }
    assert!(reader.read_line(log).unwrap() > 0, "the end of {log}");
}

#[track_caller]
fn parsed(log: &str) -> Vec<Value> {
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(parse).collect()
}

/// What no two runs have in common.
fn masked(log: &str, home: &Home) -> String {
    let folder = home.folder.path().display().to_string();
    let masked = log.replace(&folder, "FOLDER");
    let lines = masked
        .lines()
        .map(|line| match line.strip_prefix("{\"time\":\"") {
            Some(rest) => {
                let (time, rest) = rest.split_at(27);
                assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
                format!("{{\"time\":\"TIME{rest}\n")
            }
            None => format!("{line}\n"),
        });
    lines.collect()
}

#[test]
fn both_formats_are_as_they_were_agreed() {
    let home = Home::new("logs_formats");
    for (format, options) in [("text", &[][..]), ("json", &["--log-format", "json"])] {
        let (mut reader, writer) = pipe();
        let options = [&["--workers", "1", "--supervise"], options].concat();
        let mut server = home.serve(&options, writer, Stdio::null());
        assert_eq!(server.get("/fail?length=3", "r-1").status, 500);
        let log = until("r-1", &mut reader);
        assert_eq!(server.stop().0, Some(0));
        golden(
            &format!("log-{format}.txt"),
            &masked(&(log + &rest(reader)), &home),
        );
    }
}

/// The environment says so, too, and the last words are an object like all others.
#[test]
fn json_is_json_to_the_last_word() {
    let mut command = peppercorn();
    command.env("PEPPERCORN_LOG_FORMAT", "json");
    let ended = run(command.args(["serve", "--threads", "0"]));
    assert_eq!(ended.code, Some(78));
    let words = parsed(&ended.stderr);
    assert_eq!(words.len(), 1, "{words:?}");
    assert_eq!(
        (&words[0]["level"], &words[0]["event"]),
        (&"error".into(), &"failed".into())
    );
    let message = words[0]["message"].as_str().unwrap();
    assert!(message.contains("--threads: \"0\""), "{message}");
    let ended = run(peppercorn().args(["serve", "--log-format", "xml"]));
    assert_eq!(ended.code, Some(78));
    assert!(
        ended
            .stderr
            .starts_with("peppercorn: --log-format: \"xml\" is neither text nor json"),
        "{ended:?}"
    );
}

/// The journal takes the priority off each line, JSON or not. A pipe stands for its socket.
#[test]
fn the_journal_finds_a_priority_before_each_line() {
    let home = Home::new("logs_journal");
    for format in ["text", "json"] {
        let (reader, writer) = pipe();
        let stat = rustix::fs::fstat(&writer).unwrap();
        let stream = format!("{}:{}", stat.st_dev, stat.st_ino);
        let mut server = home.serve_with(
            &["--log-format", format],
            &[("JOURNAL_STREAM", &stream)],
            writer,
            Stdio::null(),
        );
        assert_eq!(server.get("/fail?length=3", "r-1").status, 500);
        assert_eq!(server.stop().0, Some(0));
        let log = rest(reader);
        let marks: Vec<&str> = log.lines().map(|line| &line[..3]).collect();
        assert_eq!(marks, ["<6>", "<3>", "<6>", "<6>"], "{log}");
        if format == "json" {
            let unmarked: String = log
                .lines()
                .map(|line| format!("{}\n", &line[3..]))
                .collect();
            assert_eq!(parsed(&unmarked).len(), 4);
        }
    }
}

/// How many bytes of log fill what a process keeps of it, and far more.
const FLOOD: (usize, usize) = (1200, 3000);

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let home = Home::new("logs_unread");
    let (reader, writer) = pipe();
    let mut server = home.serve(&["--workers", "2"], writer, Stdio::null());
    server.fail(FLOOD.0, FLOOD.1);
    let ping = server.get("/ping", "r");
    assert_eq!((ping.status, ping.body.as_str()), (200, "pong"));
    // A worker is replaced, and then all of them are.
    let pid = server.child.id();
    let lost = service_of(pid).unwrap().workers[0].pid;
    signal(lost, Signal::KILL);
    let serving = |generation| {
        move || {
            let workers = service_of(pid)?.workers;
            let good = workers.iter().all(|worker| {
                worker.state == "serving" && worker.generation == generation && worker.pid != lost
            });
            (good && workers.len() == 2).then_some(())
        }
    };
    poll("the lost worker to be replaced", serving(1));
    signal(pid, Signal::HUP);
    poll("the new generation to serve", serving(2));
    server.fail(FLOOD.0, FLOOD.1);
    assert_eq!(server.get("/one", "r").body, "1");
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < END, "{took:?}");
    drop(reader);
}

#[test]
fn a_reader_that_comes_back_is_told_what_it_has_missed() {
    let home = Home::new("logs_missed");
    let (mut reader, writer) = pipe();
    let mut server = home.serve(
        &["--workers", "2", "--log-format", "json"],
        writer,
        Stdio::null(),
    );
    server.fail(FLOOD.0, FLOOD.1);
    // What the reader has not read, it is told of.
    let (mut log, mut told) = (Vec::new(), 0);
    while told < FLOOD.0 as u64 {
        let mut line = String::new();
        next_line(&mut reader, &mut line);
        let line = parsed(&line).remove(0);
        told += match line["event"].as_str().unwrap() {
            "request_failed" => 1,
            "lines_lost" => line["count"].as_u64().unwrap(),
            _ => 0,
        };
        log.push(line);
    }
    assert_eq!(told, FLOOD.0 as u64);
    let lost: Vec<&Value> = log
        .iter()
        .filter(|line| line["event"] == "lines_lost")
        .collect();
    assert!(!lost.is_empty());
    assert!(
        lost.iter()
            .all(|line| line["log"] == "diagnostics" && line["level"] == "warn")
    );
    // From here on everything is there again.
    server.fail(4, 10);
    assert_eq!(server.stop().0, Some(0));
    let log = rest(reader);
    assert_eq!(log.matches("\"request_failed\"").count(), 4, "{log}");
}

#[test]
fn a_disk_that_is_full_stops_nothing() {
    let home = Home::new("logs_full");
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let mut server = home.serve(&["--workers", "2"], full(), full());
    server.fail(40, 100);
    assert_eq!(server.get("/one", "r").body, "1");
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < END, "{took:?}");
}

/// What was asked, as the access log has it: method, path, route; and what was answered.
type Line = (Option<String>, Option<String>, Option<String>, u16, usize);

/// A line of the access log as text.
#[track_caller]
fn line_of_text(line: &str) -> Line {
    let words: Vec<&str> = line.split(' ').collect();
    let [time, "-", method, path, status, bytes, seconds, route, id] = words[..] else {
        panic!("{line}")
    };
    assert!(time.len() == 27 && time.ends_with('Z'), "{line}");
    let (whole, micros) = seconds.split_once('.').unwrap();
    assert!(whole == "0" && micros.len() == 6, "{line}");
    assert!(id == "an-id" || method == "\"-", "{line}");
    let text = |word: &str| Some(word.replace('"', "")).filter(|word| word != "-");
    (
        text(method),
        text(path),
        text(route),
        status.parse().unwrap(),
        bytes.parse().unwrap(),
    )
}

/// The same as JSON.
#[track_caller]
fn line_of_json(line: &str) -> Line {
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    assert_eq!(
        (&line["event"], &line["level"]),
        (&"request".into(), &"info".into())
    );
    assert_eq!(
        (&line["peer"], &line["message"]),
        (&Value::Null, &Value::Null)
    );
    let seconds = line["duration_seconds"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < 10.0, "{line}");
    assert!(
        line["request_id"] == "an-id" || line["method"].is_null(),
        "{line}"
    );
    (
        text("method"),
        text("path"),
        text("route"),
        line["status"].as_u64().unwrap() as u16,
        line["bytes"].as_u64().unwrap() as usize,
    )
}

#[test]
fn the_access_log_has_a_line_for_each_request() {
    let home = Home::new("logs_access");
    for (format, read) in [
        ("text", line_of_text as fn(&str) -> Line),
        ("json", line_of_json),
    ] {
        let (reader, stdout) = pipe();
        let mut server = home.serve(
            &["--access-log", "--log-format", format],
            Stdio::null(),
            stdout,
        );
        let mut expected = Vec::new();
        for (target, route, status) in [
            ("/one", Some("/one"), 200),
            ("/one?secret=7", Some("/one"), 400),
            ("/fail?length=3", Some("/fail"), 500),
            ("/nothing", None, 404),
        ] {
            let answer = server.get(target, "an-id");
            assert_eq!(answer.status, status);
            let path = target.split('?').next().unwrap();
            expected.push((
                Some("GET".to_owned()),
                Some(path.to_owned()),
                route.map(str::to_owned),
                status,
                answer.body.len(),
            ));
        }
        // A probe is no news. What is no request has neither method nor path.
        assert_eq!(server.get("/ping", "an-id").status, 200);
        let mut connection = server.connect();
        connection.send("GET\r\n\r\n");
        let answer = connection.answer_to("GET");
        expected.push((None, None, None, answer.status, answer.body.len()));
        assert_eq!(server.stop().0, Some(0));
        let log = rest(reader);
        assert!(!log.contains("secret"), "{log}");
        // How often the server was asked whether it is ready is up to chance.
        let lines = log.lines().filter(|line| !line.contains("/readyz"));
        assert_eq!(lines.map(read).collect::<Vec<_>>(), expected, "{log}");
    }
}

#[test]
fn an_access_log_that_nobody_reads_stops_nothing() {
    let home = Home::new("logs_access_unread");
    let (reader, stdout) = pipe();
    let (mut diagnostics, stderr) = pipe();
    let mut server = home.serve(&["--access-log", "--log-format", "json"], stderr, stdout);
    // About 250 bytes a line, some of them of the request's id.
    let id = "i".repeat(120);
    let count = 8000;
    let mut connection = server.connect();
    for _ in 0..count {
        let answer = connection.request("GET", "/one", &[("X-Request-Id", &id)], "");
        assert_eq!(answer.body, "1");
    }
    // The reader comes back, and the other log says how much it has missed.
    let reader = std::thread::spawn(move || rest(reader));
    let told = until("lines_lost", &mut diagnostics);
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < END, "{took:?}");
    let lost = &parsed(&told)[1];
    assert_eq!(
        (&lost["event"], &lost["log"]),
        (&"lines_lost".into(), &"access".into())
    );
    let log = reader.join().unwrap();
    let read = parsed(&log)
        .iter()
        .filter(|line| line["path"] == "/one")
        .count() as u64;
    let lost = lost["count"].as_u64().unwrap();
    assert!(lost > 1000, "{lost}");
    assert_eq!(read + lost, count);
    drop(rest(diagnostics));
}

#[test]
fn an_end_waits_for_no_reader_of_the_access_log() {
    let home = Home::new("logs_access_end");
    let (reader, stdout) = pipe();
    let mut server = home.serve(&["--access-log", "--workers", "2"], Stdio::null(), stdout);
    for _ in 0..400 {
        assert_eq!(server.get("/one", "an-id").body, "1");
    }
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < END, "{took:?}");
    // What did come is whole lines.
    let log = rest(reader);
    assert!(
        log.ends_with('\n')
            && log
                .lines()
                .all(|line| line.ends_with(" an-id") || line.ends_with(" r")),
        "{log}"
    );
}
