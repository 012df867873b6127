//! A disk that is full: the logs', and the database's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Field;
use crate::clients::{Client, Got, Times, over_and_over, together};
use crate::support::harness::{Connection, Folder, PATIENCE, Server, peppercorn, poll};
use crate::support::report;

const CLIENTS: usize = 8;
/// Requests that are logged while there is no room: their lines are several times as much as there is.
const REQUESTS: usize = 20_000;
/// And those when there is.
const MORE: usize = 200;

/// A small file system, unmounted with its owner.
struct Disk(PathBuf);

impl Disk {
    fn new(field: &Field, name: &str, size: &str) -> Disk {
        let path = field.folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args([
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size},mode=777"),
            "tmpfs",
        ]);
        let mounted = mount.arg(&path).status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "mount (root may)"
        );
        Disk(path)
    }

    fn file(&self, name: &str) -> File {
        let mut options = File::options();
        options
            .append(true)
            .create(true)
            .open(self.0.join(name))
            .expect("a file")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A server that logs where nobody reads.
struct Quiet {
    child: Child,
    address: SocketAddr,
}

impl Quiet {
    fn start(field: &Field, options: &[&str], stdout: File, stderr: File) -> Quiet {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = free.expect("a free port");
        let mut command = field.command(options);
        command.args(["--access-log", "--bind", &address.to_string()]);
        let child = command
            .stdout(stdout)
            .stderr(stderr)
            .stdin(Stdio::null())
            .spawn();
        let quiet = Quiet {
            child: child.expect("a server"),
            address,
        };
        poll("the server to be ready", || {
            std::net::TcpStream::connect(address).ok()?;
            let answer = Connection::open(address).request("GET", "/readyz", &[], "");
            (answer.status == 200).then_some(())
        });
        quiet
    }

    /// Lines that a log has lost, as `/metrics` tells.
    fn dropped(&self, log: &str) -> usize {
        let text = Connection::open(self.address)
            .request("GET", "/metrics", &[], "")
            .body;
        let name = format!("peppercorn_log_lines_dropped_total{{log=\"{log}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.expect("a metric").parse::<f64>().expect("a number") as usize
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

pub fn full_disk(field: &Field) {
    logs(field);
    nowhere(field);
    table(field);
    cluster(field);
}

/// So many requests for `/one`: times, and other answers than 200.
fn ask(address: SocketAddr, count: usize) -> (Times, Vec<String>) {
    over_and_over(address, CLIENTS, "GET /one", count / CLIENTS, 200)
}

/// Whole lines for `/one`.
fn lines(file: &Path) -> usize {
    let text = String::from_utf8_lossy(&fs::read(file).expect("a log")).into_owned();
    let whole = |line: &&str| line.contains(" \"GET /one\" 200 ") && line.split(' ').count() == 9;
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter(whole)
        .count()
}

/// Both logs on a file system of 1 MiB, half of which somebody else has.
fn logs(field: &Field) {
    let disk = Disk::new(field, "logs", "1m");
    let other = disk.0.join("other");
    fs::write(&other, vec![0; 512 * 1024]).expect("room");
    let server = Quiet::start(field, &[], disk.file("access.log"), disk.file("events.log"));
    let (times, others) = ask(server.address, REQUESTS);
    let access = disk.0.join("access.log");
    let counted = || lines(&access) + server.dropped("access");
    // One for /readyz, and those for /metrics, may be lost, too.
    let exact = poll("the log to be dealt with", || {
        (counted() >= REQUESTS).then(counted)
    });
    let (before, dropped) = (lines(&access), server.dropped("access"));
    report(
        "full-disk: logs on 1 MiB",
        &format!(
            "{} × 200 (p99 {:.1?}), else {others:?}; {before} lines are there, {dropped} counted as lost: {exact} of {REQUESTS}",
            times.count(),
            times.of_thousand(990)
        ),
        "all answered, each line there or counted",
        times.count() == REQUESTS && dropped > REQUESTS / 2 && exact.abs_diff(REQUESTS) <= 100,
    );
    fs::remove_file(&other).expect("a file");
    // What was full says so once more at most: then there is room. Some of these lines may come late.
    ask(server.address, CLIENTS);
    poll("the log to go on", || {
        (lines(&access) > before).then_some(())
    });
    let (before, lost) = (lines(&access), server.dropped("access"));
    let (times, _) = ask(server.address, MORE);
    let there = poll("the new lines", || {
        let there = lines(&access) - before;
        (there >= MORE).then_some(there)
    });
    let said = fs::read_to_string(disk.0.join("events.log")).unwrap_or_default();
    let said = said.lines().filter(|line| line.contains("lost")).count();
    report(
        "full-disk: when there is room again",
        &format!(
            "{} × 200, {there} new lines, {} lost; the other log says {said} times how many were",
            times.count(),
            server.dropped("access") - lost
        ),
        "every line there",
        (MORE..=MORE + CLIENTS).contains(&there) && server.dropped("access") == lost && said > 0,
    );
}

/// Both logs where there is never room.
fn nowhere(field: &Field) {
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("a device")
    };
    let server = Quiet::start(field, &[], full(), full());
    let before = server.dropped("access");
    let (times, others) = ask(server.address, REQUESTS);
    let all = REQUESTS + before;
    let dropped = poll("the lines to be lost", || {
        let dropped = server.dropped("access");
        (dropped >= all).then_some(dropped)
    });
    report(
        "full-disk: logs on /dev/full",
        &format!(
            "{} × 200 (p99 {:.1?}), else {others:?}; {dropped} lines counted as lost",
            times.count(),
            times.of_thousand(990)
        ),
        "all answered, all counted",
        times.count() == REQUESTS && dropped.abs_diff(all) <= 100,
    );
}

/// A table on a file system of 16 MiB.
fn table(field: &Field) {
    let disk = Disk::new(field, "table", "16m");
    let owned = Command::new("chown").arg("postgres").arg(&disk.0).status();
    assert!(
        owned.is_ok_and(|status| status.success()),
        "chown (root may)"
    );
    field.database.run(&format!(
        "create tablespace small location '{}'",
        disk.0.display()
    ));
    field
        .database
        .run("alter table filled set tablespace small");
    field
        .database
        .run("alter table filled alter column text set storage external");
    let other = disk.0.join("other");
    fs::write(&other, vec![0; 4 << 20]).expect("room");
    let server = field.server(&[]);
    let answers = |count: usize, server: &Server| -> Vec<Got> {
        let address = server.address();
        together([async move {
            let mut client = Client::open(address).await.expect("a connection");
            let mut all = Vec::new();
            for _ in 0..count {
                let request = "POST /filled HTTP/1.1\r\nHost: limits\r\n\r\n";
                all.push(client.ask(request.as_bytes()).await.expect("an answer"));
                all.push(client.get("/one").await.expect("an answer"));
            }
            all
        }])
        .remove(0)
    };
    let all = answers(200, &server);
    let writes: Vec<&Got> = all.iter().step_by(2).collect();
    let full = writes
        .iter()
        .filter(|got| got.status == 503 && got.field("retry-after").is_some())
        .count();
    let written = writes.iter().filter(|got| got.status == 204).count();
    let reads = all
        .iter()
        .skip(1)
        .step_by(2)
        .filter(|got| got.status == 200)
        .count();
    let body = server.send("POST", "/filled", "").body;
    fs::remove_file(&other).expect("a file");
    let again = answers(2, &server)
        .iter()
        .step_by(2)
        .filter(|got| got.status == 204)
        .count();
    report(
        "full-disk: a table's",
        &format!(
            "{written} writes, then {full} × 503 with Retry-After; {reads} reads beside them; {again} of 2 writes when there is room; {body}"
        ),
        "53100 is 503, reads go on, writes when there is room",
        written > 0
            && full > 0
            && written + full == 200
            && reads == 200
            && again == 2
            && body.contains("53100"),
    );
    drop(server);
    field.database.run("drop table filled");
    field.database.run("drop tablespace small");
}

/// All of a private PostgreSQL, on a file system of 140 MiB: it cannot write its log ahead, and ends.
fn cluster(field: &Field) {
    let disk = Disk::new(field, "cluster", "140m");
    let other = disk.0.join("other");
    let folder = Folder::with(&[
        (
            "api.sql",
            "-- name: filled!\n-- http: POST /filled\ninsert into filled select repeat('x', 10000) from generate_series(1, 100);\n\
             -- name: one$\n-- http: GET /one\nselect 1;\n",
        ),
        (
            "schema.sql",
            "create table filled (text text); alter table filled alter column text set storage external;",
        ),
    ]);
    let mut command = peppercorn();
    command.arg("serve").arg(folder.path()).arg("--supervise");
    command.arg("--state-dir").arg(disk.0.join("state"));
    let server = Server::spawn(command).ready();
    fs::write(&other, vec![0; 85 << 20]).expect("room");
    let mut ends = BTreeMap::new();
    let mut write = || {
        let answer = server.send("POST", "/filled", "");
        *ends.entry(answer.status).or_insert(0) += 1;
        answer.status
    };
    let began = Instant::now();
    while write() == 204 && began.elapsed() < PATIENCE {}
    for _ in 0..50 {
        write();
    }
    let pings = (0..50)
        .filter(|_| server.get("/ping").status == 200)
        .count();
    fs::remove_file(&other).expect("a file");
    let began = Instant::now();
    poll("the database to be back", || (write() == 204).then_some(()));
    let back = began.elapsed();
    report(
        "full-disk: a private PostgreSQL's",
        &format!(
            "{ends:?}; {pings} of 50 pings beside them; writes again {back:.1?} after there is room"
        ),
        "503 until there is room, and back by itself",
        ends.keys().all(|status| [204, 503].contains(status)) && pings == 50,
    );
    drop(server.stop());
}
