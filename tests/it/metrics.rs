//! `/metrics`: what a service tells of itself adds up, whatever becomes of its workers, and Prometheus understands it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use peppercorn::Method;
use peppercorn::metrics::{Arena, Metrics, Sample, Scrape, Sources, family};
use rustix::process::Signal;

use crate::harness::{
    Connection, Hammer, Scraped, Server, golden, kill_worker, peppercorn, poll, run, scrape, signal,
};
use crate::lifecycle::{Home, asleep};
use crate::reload::Installed;

/// Fails unless Prometheus' own check finds nothing to say of it.
#[track_caller]
fn check(text: &str) {
    let mut checker = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of the Debian package prometheus");
    checker
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let checked = checker.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr) + String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.is_empty(),
        "{said}: {text}"
    );
}

#[test]
fn every_metric_is_shown_as_prometheus_has_it() {
    let arena = || {
        let words: Vec<AtomicU64> = (0..8192).map(|_| AtomicU64::new(0)).collect();
        Arena::new(Box::leak(Box::new(AtomicU64::new(0))), words.leak())
    };
    let arenas = vec![arena(), arena()];
    let workers = [0, 1].map(|number| Metrics::new(arenas[number], &[]));
    let ms = Duration::from_millis;
    for (metrics, took) in workers.iter().zip([3, 800]) {
        let route = metrics.route("/markets/{market_id}", "market");
        route.observe(Some(Method::Get), 200, ms(took));
        route.observe(Some(Method::Head), 304, Duration::from_nanos(1));
        route.count_error("42P01");
        metrics.nowhere().observe(None, 400, ms(took));
        metrics.count_stall("market", ms(took));
        let pool = metrics.pool("reading");
        pool.wait.observe(Duration::from_micros(1500));
        pool.timeouts.add(took);
        let queries = metrics.histogram(&family::QUERY_DURATION, &["say \"hello\"\\\n"]);
        queries.observe(Duration::from_secs(11));
        metrics.counter(&family::CPU, &[]).add(took * 1_000_000);
        metrics.counter(&family::WORKER_RESTARTS, &["exit"]).add(1);
        metrics.counter(&family::SENTRY_EVENTS, &["sent"]).add(1);
        metrics
            .counter(&family::LOG_LINES_DROPPED, &["access"])
            .add(1);
        metrics.counter(&family::OVERFLOWED, &[]).add(1);
    }
    let samples = vec![
        Sample::new(&family::WORKERS, &["serving"], 2),
        Sample::new(&family::WORKERS, &["draining"], 0),
        Sample::new(&family::ACTIVE_REQUESTS, &[], 1),
        Sample::new(&family::POOL_CONNECTIONS, &["reading"], 2),
        Sample::new(&family::POOL_IDLE, &["reading"], 1),
        Sample::new(&family::POOL_WAITING, &["reading"], 0),
        Sample::new(&family::BUILD_INFO, &["0.1.0", "tls,docs"], 1),
        Sample::new(&family::MEMORY, &[], 3 << 20),
        Sample::new(&family::START, &[], 1_530_000_000),
    ];
    let text = String::from_utf8(Scrape::new(Sources { arenas, samples }).text()).unwrap();
    for family in family::ALL {
        let shown = format!("# HELP {} ", family.name);
        assert!(text.contains(&shown), "{} is missing here", family.name);
    }
    golden("metrics.txt", &text);
    check(&text);
}

#[test]
fn requests_are_counted_by_route_and_status_and_never_by_path() {
    let home = Home::new("metrics_requests");
    home.folder.write(
        "market.sql",
        "-- name: market^\n-- http: GET /markets/{id}\nselect :id::int as id where :id < 10;\n\
         -- name: wrong$\n-- http: GET /wrong\nselect 1/0;\n\
         -- name: raise$\n-- http: POST /raise\nselect pg_terminate_backend(pg_backend_pid());\n",
    );
    let server = home.serve(&[]).ready();
    let mut connection = server.connect();
    for (method, target, status) in [
        ("GET", "/markets/1", 200),
        ("GET", "/markets/2", 200),
        ("HEAD", "/markets/2", 200),
        ("GET", "/markets/77", 404),
        ("GET", "/markets/x", 400),
        ("GET", "/nothing/here", 404),
        ("DELETE", "/markets/1", 405),
        ("OPTIONS", "/markets/1", 204),
        ("PROPFIND", "/markets/1", 405),
        ("GET", "/wrong", 400),
        ("GET", "/ping", 200),
    ] {
        let answer = connection.request(method, target, &[], "");
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
    }
    let pipelined = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    connection.send(pipelined);
    for _ in 0..20 {
        assert_eq!(connection.answer_to("GET").body, "pong");
    }
    // Not a request at all.
    let mut broken = server.connect();
    broken.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    assert_eq!(broken.answer_to("GET").status, 400);

    let scraped = scrape(&server);
    check(&scraped.0);
    let series = |method: &str, route: &str, status: u16| {
        scraped.requests(&[
            &format!("http_request_method=\"{method}\""),
            &format!("http_route=\"{route}\""),
            &format!("http_response_status_code=\"{status}\""),
        ])
    };
    let expected = [
        ("GET", "/markets/{id}", 200, 2.0),
        ("HEAD", "/markets/{id}", 200, 1.0),
        ("GET", "/markets/{id}", 404, 1.0),
        ("GET", "/markets/{id}", 400, 1.0),
        ("GET", "", 404, 1.0),
        ("DELETE", "", 405, 1.0),
        ("OPTIONS", "", 204, 1.0),
        ("_OTHER", "", 405, 1.0),
        ("_OTHER", "", 400, 1.0),
        ("GET", "/wrong", 400, 1.0),
        ("GET", "/ping", 200, 21.0),
    ];
    for (method, route, status, count) in expected {
        assert_eq!(
            series(method, route, status),
            count,
            "{method} {route} {status}: {}",
            scraped.0
        );
    }
    for path in ["/markets/1", "/markets/2", "/nothing/here", "PROPFIND"] {
        assert!(!scraped.0.contains(path), "{path}: {}", scraped.0);
    }
    // This scrape is the only request that has no answer yet.
    assert_eq!(scraped.sum("http_server_active_requests", &[]), 1.0);
    let errors = |labels: &[&str]| scraped.sum("peppercorn_errors_total", labels);
    assert_eq!(errors(&["endpoint=\"wrong\"", "code=\"22012\""]), 1.0);
    assert_eq!(errors(&["endpoint=\"market\"", "code=\"404\""]), 1.0);
    let queries = |endpoint| {
        let label = format!("endpoint=\"{endpoint}\"");
        scraped.sum("peppercorn_db_query_duration_seconds_count", &[&label])
    };
    // The parameter that is no number came as far as PostgreSQL.
    assert_eq!(
        (queries("market"), queries("wrong"), queries("one")),
        (5.0, 1.0, 0.0)
    );
    assert_eq!(
        scraped.sum("peppercorn_db_pool_wait_seconds_count", &["reading"]),
        6.0
    );
    assert_eq!(scraped.sum("peppercorn_workers", &["serving"]), 1.0);
    assert_eq!(
        scraped.sum("peppercorn_build_info", &[env!("CARGO_PKG_VERSION")]),
        1.0
    );
    assert!(scraped.sum("process_resident_memory_bytes", &[]) > 1e6);
    assert!(scraped.sum("process_start_time_seconds", &[]) > 1.6e9);
}

#[test]
fn pools_are_told_of_as_they_are() {
    let home = Home::new("metrics_pools");
    let server = home.serve(&["--db-connections", "2"]).ready();
    let pool = |what: &str, purpose: &str| {
        scrape(&server).sum(&format!("peppercorn_db_pool_{what}"), &[purpose])
    };
    poll("both pools to be open", || {
        (pool("connections", "reading") == 2.0 && pool("connections", "writing") == 2.0)
            .then_some(())
    });
    assert_eq!(pool("idle", "reading"), 2.0);
    // From then on it is known to be slow: nothing is put behind it.
    let learned = server.send("POST", "/sleep", "{\"seconds\":0.2}");
    assert_eq!(learned.status, 200);
    let sleep = "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"seconds\":3}";
    let mut connections: Vec<Connection> = (0..2).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.send(sleep);
    }
    home.sleeping("2");
    let mut third = server.connect();
    third.send(sleep);
    poll("a query to wait", || {
        (pool("waiting", "writing") == 1.0).then_some(())
    });
    assert_eq!(
        (pool("idle", "writing"), pool("connections", "writing")),
        (0.0, 2.0)
    );
    assert_eq!(
        (pool("idle", "reading"), pool("waiting", "reading")),
        (2.0, 0.0)
    );
    assert!(scrape(&server).sum("http_server_active_requests", &[]) >= 4.0);
    assert_eq!(third.answer_to("POST").status, 503);
    assert_eq!(pool("timeouts_total", "writing"), 1.0);
    for connection in &mut connections {
        assert_eq!(connection.answer_to("POST").status, 200);
    }
    poll("connections to be idle", || {
        (pool("idle", "writing") == 2.0).then_some(())
    });
    assert_eq!(pool("waiting", "writing"), 0.0);
    assert_eq!(scrape(&server).sum("http_server_active_requests", &[]), 1.0);
    let scraped = scrape(&server);
    let queries = |suffix: &str| {
        let name = format!("peppercorn_db_query_duration_seconds_{suffix}");
        scraped.sum(&name, &["endpoint=\"sleep-writing\""])
    };
    assert_eq!(queries("count"), 3.0);
    assert!((6.0..12.0).contains(&queries("sum")), "{}", queries("sum"));
    // The one that was refused waited for a second.
    assert_eq!(
        scraped.sum("peppercorn_db_pool_wait_seconds_count", &["writing"]),
        4.0
    );
    let waited = scraped.sum("peppercorn_db_pool_wait_seconds_sum", &["writing"]);
    assert!((1.0..3.0).contains(&waited), "{waited}");
}

/// What clients have counted is what the service has, but for what was in flight when a worker was killed.
#[test]
fn the_sums_are_those_of_the_clients_though_a_worker_is_killed() {
    let home = Home::new("metrics_killed");
    let server = home.serve(&["--workers", "3"]);
    let workers = server.settled(3);
    let loads = [
        ("/one", Hammer::gently(server.address(), 6, "/one")),
        ("/ping", Hammer::gently(server.address(), 3, "/ping")),
        ("/ping", Hammer::connecting(server.address(), 1, "/ping")),
    ];
    loads.iter().for_each(|(_, load)| load.goes_on(200));
    let mut killed = 0;
    for worker in &workers[..2] {
        killed += kill_worker(worker.pid, server.address().port()).len();
        server.successor(worker);
        loads.iter().for_each(|(_, load)| load.goes_on(200));
    }
    let mut answered = [("/one", 0.0), ("/ping", 0.0)];
    for (path, load) in loads {
        let seen = load.stop();
        let count = answered.iter_mut().find(|(of, _)| *of == path).unwrap();
        count.1 += seen.answered.len() as f64;
    }
    let scraped = scrape(&server);
    for (path, answered) in answered {
        let route = format!("http_route=\"{path}\"");
        let counted = scraped.requests(&["\"200\"", &route]);
        // A request in flight on each connection of the killed at most.
        let most = answered + killed as f64;
        assert!(
            (answered..=most).contains(&counted),
            "{path}: {counted} of {answered}, {killed} connections"
        );
    }
    let restarts = |reason: &str| scraped.sum("peppercorn_worker_restarts_total", &[reason]);
    assert_eq!(
        (restarts("signal"), restarts("exit"), restarts("")),
        (2.0, 0.0, 2.0)
    );
    assert_eq!(scraped.sum("peppercorn_workers", &["serving"]), 3.0);
    check(&scraped.0);
    // Whoever answers, answers for all.
    let again: Vec<f64> = (0..8)
        .map(|_| scrape(&server).requests(&["/one"]))
        .collect();
    assert!(again.iter().all(|count| *count == again[0]), "{again:?}");
}

#[test]
fn nothing_is_forgotten_when_generations_and_programs_change() {
    let home = Home::new("metrics_changed");
    let installed = Installed::new();
    let server = Server::spawn(installed.serve(&home, &["--workers", "2"]));
    server.settled(2);
    let load = Hammer::gently(server.address(), 4, "/one");
    load.goes_on(100);
    let before = scrape(&server);
    for generation in 2..5 {
        if generation == 3 {
            installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
        }
        server.signal(Signal::HUP);
        server.says(&format!("reloaded: generation {generation} serves"));
        poll("the program that is there", || {
            installed.is_run_by(server.pid()).then_some(())
        });
        load.goes_on(100);
    }
    server.settled(2);
    let seen = load.stop();
    seen.flawless(300);
    let after = scrape(&server);
    assert_eq!(
        after.requests(&["\"200\"", "\"/one\""]),
        seen.answered.len() as f64
    );
    let started = |scraped: &Scraped| scraped.sum("process_start_time_seconds", &[]);
    assert_eq!(started(&before), started(&after));
    // Not twice what it has used, though the supervisor's program has begun anew.
    let cpu = after.sum("process_cpu_seconds_total", &[]);
    assert!(cpu > before.sum("process_cpu_seconds_total", &[]), "{cpu}");
    assert_eq!(after.sum("peppercorn_worker_restarts_total", &[]), 0.0);
}

#[test]
fn a_worker_on_its_own_goes_on_counting_when_it_reloads() {
    let home = Home::new("metrics_alone");
    let server = home.serve(&["--threads", "2"]).ready();
    let load = Hammer::gently(server.address(), 2, "/one");
    for generation in 2..4 {
        load.goes_on(50);
        server.signal(Signal::HUP);
        server.says(&format!("reloaded: generation {generation} serves"));
    }
    load.goes_on(50);
    let seen = load.stop();
    seen.flawless(150);
    let scraped = scrape(&server);
    assert_eq!(
        scraped.requests(&["\"200\"", "\"/one\""]),
        seen.answered.len() as f64
    );
    // The pools of generations before are gone.
    poll("their connections to be closed", || {
        let connections = scrape(&server).sum("peppercorn_db_pool_connections", &["reading"]);
        let open = home.database.ask("select count(*) from pg_stat_activity where datname = current_database() \
            and application_name is distinct from 'x' and pid <> pg_backend_pid() and backend_type = 'client backend'");
        let writing = scrape(&server).sum("peppercorn_db_pool_connections", &["writing"]);
        (open.unwrap().parse::<f64>().unwrap() == connections + writing).then_some(())
    });
}

#[test]
fn restarts_are_told_by_their_reason() {
    let home = Home::new("metrics_reasons");
    let server = home.serve(&["--workers", "2", "--max-requests", "2000"]);
    let workers = server.settled(2);
    let restarts =
        |reason: &str| scrape(&server).sum("peppercorn_worker_restarts_total", &[reason]);
    signal(workers[0].pid, Signal::STOP);
    let successor = server.successor(&workers[0]);
    poll("the end of what was stuck", || {
        (restarts("stuck") == 1.0).then_some(())
    });
    signal(successor.pid, Signal::KILL);
    server.successor(&successor);
    assert_eq!((restarts("signal"), restarts("")), (1.0, 2.0));
    // Until one of them has answered as many as it may.
    let load = Hammer::gently(server.address(), 4, "/ping");
    poll("a worker to be worn out", || {
        (server
            .service()
            .workers
            .iter()
            .any(|worker| worker.state == "draining"))
        .then_some(())
    });
    load.stop();
    assert!(restarts("retired") >= 1.0);
    assert_eq!(restarts("retired") + 2.0, restarts(""));
}

#[test]
fn only_operators_are_told_if_they_have_an_entrance() {
    let home = Home::new("metrics_admin");
    let server = home.serve(&["--admin-bind", "127.0.0.1:0"]);
    let mut admin = Connection::open(server.admin());
    assert_eq!(server.get("/metrics").status, 404);
    poll("the worker to serve", || {
        let answer = admin.request("GET", "/metrics", &[], "");
        assert_eq!(answer.status, 200);
        let serving = "peppercorn_workers{state=\"serving\"} 1\n";
        answer.body.contains(serving).then_some(())
    });
    let head = admin.request("HEAD", "/metrics", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    drop(server);
    home.folder.write(
        "own.sql",
        "-- name: own$\n-- http: GET /metrics\nselect 1;\n",
    );
    let mut command = peppercorn();
    command.env("DATABASE_URL", home.database.url());
    command.arg("serve").arg(home.folder.path());
    let ended = run(command.args(["--bind", "127.0.0.1:0"]));
    assert_eq!(ended.code, Some(65), "{ended:?}");
    let expected = "own.sql:2:10: GET /metrics is answered by peppercorn itself already";
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

/// An answer that is larger than a piece of it.
#[test]
fn a_service_of_many_routes_is_shown_whole() {
    let home = Home::new("metrics_many");
    let endpoint = |number: usize| {
        format!("-- name: part-{number}$\n-- http: GET /parts/{number}/{{id}}\nselect :id::int;\n")
    };
    home.folder
        .write("parts.sql", &(0..200).map(endpoint).collect::<String>());
    let server = home.serve(&[]).ready();
    let mut connection = server.connect();
    for number in 0..200 {
        let target = format!("/parts/{number}/1");
        assert_eq!(connection.request("GET", &target, &[], "").status, 200);
    }
    let scraped = scrape(&server);
    assert_eq!(scraped.requests(&["/parts/"]), 200.0);
    assert_eq!(scraped.sum("peppercorn_metrics_overflowed_total", &[]), 0.0);
    assert!(scraped.0.len() > 200 * 1024, "{} bytes", scraped.0.len());
    check(&scraped.0);
}

/// A request whose client does not wait is counted too, and no longer active.
#[test]
fn a_client_that_leaves_is_counted() {
    let home = Home::new("metrics_gone");
    let server = home.serve(&[]).ready();
    let connection = asleep(&server, &home, "60");
    drop(connection);
    poll("it to be counted", || {
        let gone = scrape(&server).requests(&["\"499\"", "\"/sleep\""]);
        (gone == 1.0).then_some(())
    });
    assert_eq!(scrape(&server).sum("http_server_active_requests", &[]), 1.0);
}

/// Standard output that takes nothing is no reason to stop, but one to tell.
#[test]
fn lines_that_a_log_has_lost_are_counted() {
    let home = Home::new("metrics_lost");
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for options in [&["--workers", "2"][..], &[]] {
        let mut command = peppercorn();
        command.env("DATABASE_URL", home.database.url());
        command.arg("serve").arg(home.folder.path()).args(options);
        command.arg("--access-log").stdout(full());
        let server = Server::spawn(command).ready();
        for _ in 0..20 {
            assert_eq!(server.get("/one").body, "1");
        }
        poll("the lines to be given up", || {
            let lost = scrape(&server).sum("peppercorn_log_lines_dropped_total", &["access"]);
            (lost >= 20.0).then_some(())
        });
        let lost = scrape(&server).sum("peppercorn_log_lines_dropped_total", &["diagnostics"]);
        assert_eq!(lost, 0.0);
    }
}
