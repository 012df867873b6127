//! Clients that leave, statements that are overtaken, and messages that are cut off, all under load: whoever stays has the
//! right answer, or is told to come again.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crate::api_service::{Service, serve_with};
use crate::harness::{
    CHANGING, CHANGING_QUESTIONS, CHANGING_TABLES, Chaos, Connection, Fault, Folder, Odds,
    QUESTIONS, Server, WITNESSED, WITNESSED_TABLES, What, Witnesses, change, database, peppercorn,
    poll,
};

/// Between two questions of a client.
const PAUSE: Duration = Duration::from_millis(2);

fn service(name: &str, connections: &str) -> Service {
    let options = ["--db-connections", connections];
    serve_with(name, WITNESSED_TABLES, WITNESSED, &options)
}

/// A request that sleeps, where it reads or where it writes before.
fn sleep(service: &Service, number: usize, seconds: f64) -> Connection {
    let mut connection = service.connect();
    connection.send(match number % 2 {
        0 => format!("GET /sleep/{seconds} HTTP/1.1\r\nHost: a\r\n\r\n"),
        _ => {
            let body = format!("{{\"seconds\":{seconds}}}");
            let length = body.len();
            format!("POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
        }
    });
    connection
}

/// How many statements each connection has prepared, by its backend.
fn statements(service: &Service) -> BTreeMap<u64, u64> {
    let asking: Vec<Connection> = (0..8)
        .map(|_| {
            let mut connection = service.connect();
            connection.send("GET /statements HTTP/1.1\r\nHost: a\r\n\r\n");
            connection
        })
        .collect();
    let answers = asking.into_iter().map(|mut asking| asking.answer_to("GET"));
    let answers = answers.filter(|answer| answer.status == 200);
    answers
        .map(|answer| {
            let number = |name: &str| answer.json()[name].as_u64().unwrap();
            (number("pid"), number("statements"))
        })
        .collect()
}

/// The answer, or that others were first: a machine that does other things besides may keep a request waiting for a second.
fn is_good_or_busy(what: &What) -> bool {
    match what {
        What::Good => true,
        What::Refused(503, detail, None) => detail.starts_with("the server is busy"),
        _ => false,
    }
}

/// What is left of those who have asked for a minute's sleep, and are gone.
#[track_caller]
fn nothing_is_left(service: &Service) {
    service.await_idle();
    let rows = service
        .database
        .ask("select count(*) from pair where id = -1");
    assert_eq!(rows.as_deref(), Some("0"));
}

#[test]
fn clients_that_leave_leave_neither_queries_nor_connections_nor_statements() {
    let service = service("outages_left", "4");
    let most = |counts: BTreeMap<u64, u64>| counts.values().max().copied().unwrap();
    let before = most(statements(&service));
    for _ in 0..3 {
        let clients: Vec<Connection> = (0..20).map(|n| sleep(&service, n, 60.0)).collect();
        let asleep = "select 1 from pg_stat_activity
            where datname = current_database() and wait_event = 'PgSleep'";
        poll("some to sleep", || service.database.ask(asleep));
        clients.into_iter().for_each(Connection::reset);
        nothing_is_left(&service);
    }
    assert!(most(statements(&service)) <= before);
    let connections = "select count(*) <= 8 from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    assert_eq!(service.database.ask(connections).as_deref(), Some("t"));
}

#[test]
fn whoever_stays_is_neither_cancelled_nor_inside_of_a_transaction_of_those_who_leave() {
    let service = service("outages_race", "1");
    let clients = Witnesses::start(service.server.address(), 4, QUESTIONS, PAUSE);
    clients.go_on(20);
    let mut random = fastrand::Rng::new();
    let seed = random.get_seed();
    for _ in 0..50 {
        let gone = (0..20).map(|number| {
            let seconds = *random.choice([0.0, 0.001, 0.01, 60.0].iter()).unwrap();
            sleep(&service, number, seconds)
        });
        let gone: Vec<Connection> = gone.collect();
        thread::sleep(Duration::from_micros(random.u64(0..10_000)));
        gone.into_iter().for_each(Connection::reset);
    }
    clients.go_on(20);
    let (told, _) = clients.stop();
    let other = told.seen.iter().find(|seen| !is_good_or_busy(&seen.what));
    assert!(other.is_none(), "{other:?}, seed {seed}");
    told.true_in(&service.database);
    nothing_is_left(&service);
}

/// Of a query that is not known to take long, others are put behind it.
#[test]
fn whoever_waits_behind_a_query_that_was_left_is_answered() {
    let sleep = |n| {
        format!("-- name: sleep-{n}$\n-- http: GET /sleep-{n}\nselect 'slept' from pg_sleep(60);\n")
    };
    let sleeps: String = (0..6).map(sleep).collect();
    // Every other one is a transaction.
    let echo = "-- name: echo$\n-- http: GET /echo-0/{id}\nselect :id::int;\n
        -- name: echo-twice$\n-- http: GET /echo-1/{id}\nselect 1;\nselect :id::int;\n";
    let options = ["--db-connections", "1"];
    let service = serve_with("outages_behind", "", &(sleeps + echo), &options);
    for n in 0..6 {
        let (mut first, mut second) = (service.connect(), service.connect());
        first.send(format!("GET /sleep-{n} HTTP/1.1\r\nHost: a\r\n\r\n"));
        second.send(format!(
            "GET /echo-{}/{n} HTTP/1.1\r\nHost: a\r\n\r\n",
            n % 2
        ));
        let asleep = "select 1 from pg_stat_activity
            where datname = current_database() and wait_event = 'PgSleep'";
        poll("the first to sleep", || service.database.ask(asleep));
        first.reset();
        let answer = second.answer_to("GET");
        // Who came too late to be put there has waited for a second.
        let busy = answer.status == 503 && answer.body.contains("the server is busy");
        assert!(answer.body == n.to_string() || busy, "{answer:?}");
        service.await_idle();
    }
}

#[test]
fn statements_that_stay_valid_are_answered_whatever_happens_to_their_tables() {
    let service = serve_with("outages_alter", CHANGING_TABLES, CHANGING, &[]);
    let clients = Witnesses::start(service.server.address(), 6, CHANGING_QUESTIONS, PAUSE);
    for number in 0..12 {
        clients.go_on(40);
        change(&service.database, &service.server, number);
    }
    clients.go_on(40);
    let (told, _) = clients.stop();
    let failed = told.seen.iter().find(|seen| !is_good_or_busy(&seen.what));
    assert!(failed.is_none(), "{failed:?}");
}

#[test]
fn no_answer_is_another_request_s_whatever_happens_on_the_way_to_the_database() {
    let database = database("outages_chaos");
    database.run(WITNESSED_TABLES);
    let folder = Folder::with(&[("api.sql", WITNESSED)]);
    let seed = fastrand::u64(..) >> 16;
    println!("seed {seed}");
    let way = Chaos::to(&database, seed);
    let mut command = peppercorn();
    command.env("DATABASE_URL", way.url());
    command.arg("serve").arg(folder.path());
    command.args(["--timeout", "2s"]);
    let server = Server::spawn(command).ready();
    let clients = Witnesses::start(server.address(), 6, QUESTIONS, PAUSE);
    let clients = clients.with_leavers(2, Duration::from_millis(10), seed);
    way.set(Odds {
        split: 5_000,
        delay: 500,
        end: 300,
        reset: 300,
        silence: 20,
    });
    let cuts = || {
        let (_, met) = way.met();
        let cut = |fault: &Fault| matches!(fault, Fault::End | Fault::Reset | Fault::Silence);
        let cuts = met.iter().filter(|((fault, ..), _)| cut(fault));
        cuts.map(|(_, count)| count).sum::<u64>()
    };
    poll("connections to be cut", || (cuts() >= 80).then_some(()));
    way.set(Odds::default());
    let end = "select pg_terminate_backend(pid), pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    database.run(end);
    clients.go_on(60);
    let (told, _) = clients.stop();
    told.true_in(&database);
}
