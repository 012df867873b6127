//! Through PgBouncer, and how much that costs.

use std::net::SocketAddr;
use std::path::Path;

use crate::Field;
use crate::support::harness::{Connection, Folder, PgBouncer, Server};
use crate::support::{Answered, Load, median, report, word};

/// Requests of each client that looks whether what it gets is its own.
const LOOKS: usize = 5_000;

/// A way to the database.
struct Way {
    name: &'static str,
    server: Server,
    reads: Vec<f64>,
    writes: Vec<f64>,
    errors: u64,
}

impl Way {
    fn new(name: &'static str, command: std::process::Command) -> Way {
        Way {
            name,
            server: Server::spawn(command).ready(),
            reads: Vec::new(),
            writes: Vec::new(),
            errors: 0,
        }
    }

    fn measure(&mut self, field: &Field, script: &Path) {
        let load = Load {
            connections: 64,
            duration: field.duration / 5,
            pipelined: 1,
        };
        let address = self.server.address();
        let mut count = |answered: Answered| {
            self.errors += answered.errors;
            answered.per_second
        };
        let read = count(load.run_anywhere(address, "/items/7"));
        let written = count(load.run_script(address, script));
        self.reads.push(read);
        self.writes.push(written);
    }
}

/// In turns, so that what drifts meets all alike.
pub fn pgbouncer(field: &Field) {
    let program = word("pgbouncer").unwrap_or_else(|| "pgbouncer".to_owned());
    let folder = Folder::with(&[("post.lua", POST)]);
    let script = folder.path().join("post.lua");
    let pooler = PgBouncer::start(&program, &field.database, &[]);
    let pooled = ["--db-pooler", "--db-connections", "16"];
    let direct = field.command(&field.database.url(), &["--db-connections", "16"]);
    let mut ways = vec![
        Way::new("direct", direct),
        Way::new("through PgBouncer", field.command(&pooler.url(), &pooled)),
    ];
    let lasting = keeps_statements(&program).then(|| with_statements(field, &program));
    if let Some(pooler) = &lasting {
        let mut command = field.command(&pooler.url(), &["--db-connections", "16"]);
        command.env("PEPPERCORN_READ_DATABASE_URL", pooler.url_of("shop_read"));
        ways.push(Way::new("through PgBouncer, prepared", command));
    }
    for _ in 0..5 {
        ways.iter_mut().for_each(|way| way.measure(field, &script));
    }
    let direct = (
        median(ways[0].reads.clone()),
        median(ways[0].writes.clone()),
    );
    for way in &ways {
        let (reads, writes) = (median(way.reads.clone()), median(way.writes.clone()));
        report(
            &format!("pgbouncer: {}", way.name),
            &format!(
                "one row {reads:.0}/s ({:.2} of direct), an insert {writes:.0}/s ({:.2}), {} errors",
                reads / direct.0,
                writes / direct.1,
                way.errors
            ),
            "0 errors",
            way.errors == 0,
        );
    }
    let wrong = look(ways[1].server.address());
    let left = ways[1].server.get("/left").body;
    report(
        "pgbouncer: apart",
        &format!(
            "of {} settings that are a transaction's own, read back, {wrong} were another's; {left} statements or settings left in a session",
            8 * LOOKS
        ),
        "0, 0",
        wrong == 0 && left == "0",
    );
}

/// Eight clients, each of which says who it is and is told.
fn look(address: SocketAddr) -> usize {
    let client = move |number: usize| {
        let mut connection = Connection::open(address);
        let wrong = |round: usize, connection: &mut Connection| {
            let who = format!("{number}-{round}");
            let answer = connection.request("GET", &format!("/who?who={who}"), &[], "");
            usize::from(answer.body != format!("\"{who}\""))
        };
        (0..LOOKS)
            .map(|round| wrong(round, &mut connection))
            .sum::<usize>()
    };
    let clients: Vec<_> = (0..8)
        .map(|number| std::thread::spawn(move || client(number)))
        .collect();
    clients
        .into_iter()
        .map(|client| client.join().expect("a client"))
        .sum()
}

fn keeps_statements(program: &str) -> bool {
    let said = std::process::Command::new(program)
        .arg("--version")
        .output();
    let said = said.expect("pgbouncer (Debian's package pgbouncer)");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = text.split_whitespace().nth(1).unwrap_or_default();
    let mut numbers = version
        .split('.')
        .filter_map(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(1), Some(21))
}

/// As the comments in the shipped file say.
fn with_statements(field: &Field, program: &str) -> PgBouncer {
    let commented = [
        ";max_prepared_statements",
        ";ignore_startup_parameters",
        ";[databases]",
    ];
    let mut more: Vec<(&str, &str)> = commented.iter().map(|line| (*line, &line[1..])).collect();
    more.push((
        ";shop_read = host=/run/postgresql port=5432 dbname=shop",
        "shop_read = PLACE",
    ));
    PgBouncer::start(program, &field.database, &more)
}

pub const POST: &str = r#"wrk.method = "POST"
wrk.path = "/added"
wrk.headers["Content-Type"] = "application/json"
wrk.body = "{}"
"#;
