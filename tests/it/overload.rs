//! More than can be done: requests for which there is no connection, and statements that take too long.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::api_service::{Service, problem, serve, serve_with};
use crate::harness::{block_on, poll, scrape};

const ENDPOINTS: &str = "
-- name: slow$
-- http: GET /slow
select 'slow' from pg_sleep(0.2), pg_advisory_xact_lock_shared(7);
-- name: one$
-- http: GET /one
select 1;
-- name: late$
-- http: GET /late
-- timeout: 200ms
select 'late' from pg_sleep(60);
-- name: locked!
-- http: POST /locked
-- timeout: 200ms
update locked set n = n + 1;
-- name: locked-twice!
-- http: POST /locked/twice
-- timeout: 200ms
insert into note values (1);
update locked set n = n + 1;
";

const SCHEMA: &str =
    "create table locked (n int); insert into locked values (1); create table note (n int)";

/// Requests that waited for a connection no longer than a moment.
fn hardly_waited(service: &Service) -> f64 {
    let labels = ["purpose=\"reading\"", "le=\"0.1\""];
    scrape(&service.server).sum("peppercorn_db_pool_wait_seconds_bucket", &labels)
}

fn refused(service: &Service) -> f64 {
    scrape(&service.server).sum("peppercorn_db_pool_timeouts_total", &["\"reading\""])
}

/// A slow query has one connection of two. What it costs is known; all but a few of many would wait for it in vain.
#[test]
fn whoever_would_wait_in_vain_is_refused_at_once() {
    const MANY: usize = 30;
    let service = serve_with(
        "overload_pool",
        SCHEMA,
        ENDPOINTS,
        &["--db-connections", "2"],
    );
    for _ in 0..10 {
        assert_eq!(service.get("/slow").body, "\"slow\"");
    }
    let locker = service.database.another_client();
    block_on(locker.batch_execute("select pg_advisory_lock(7)")).unwrap();
    let before = (hardly_waited(&service), refused(&service));
    let answered = AtomicUsize::new(0);
    let served = std::thread::scope(|scope| {
        let clients = (0..MANY).map(|_| {
            scope.spawn(|| {
                let answer = service.get("/slow");
                answered.fetch_add(1, Ordering::Relaxed);
                match answer.status {
                    200 => 1,
                    _ => {
                        problem(&answer, 503);
                        0
                    }
                }
            })
        });
        let clients: Vec<_> = clients.collect();
        poll("all but one to be refused", || {
            (answered.load(Ordering::Relaxed) == MANY - 1).then_some(())
        });
        // Nobody else notices.
        assert_eq!(service.get("/one").body, "1");
        assert_eq!(service.get("/ping").body, "pong");
        let counted = refused(&service) - before.1;
        assert_eq!(counted as usize, MANY - 1);
        // That one, and those who were worth their while: a second's at most.
        let at_once = hardly_waited(&service) - before.0;
        assert!(at_once as usize >= MANY - 10, "{at_once}");
        block_on(locker.batch_execute("select pg_advisory_unlock(7)")).unwrap();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(served, 1);
    assert_eq!(service.get("/slow").body, "\"slow\"");
}

/// Backends that serve requests.
fn backends(service: &Service) -> Vec<String> {
    let sql = "select string_agg(pid::text, ' ') from pg_stat_activity
        where datname = current_database() and application_name = 'peppercorn' and pid <> pg_backend_pid()";
    let pids = service.database.ask(sql).unwrap_or_default();
    pids.split(' ').map(str::to_owned).collect()
}

/// Whether it runs or waits for a lock, on its own or in a transaction.
#[test]
fn what_takes_too_long_leaves_its_connection_to_others() {
    let service = serve("overload_late", SCHEMA, ENDPOINTS);
    let locker = service.database.another_client();
    block_on(locker.batch_execute("begin; select n from locked for update")).unwrap();
    let before = backends(&service);
    for request in ["GET /late", "POST /locked", "POST /locked/twice"] {
        for _ in 0..3 {
            let detail = problem(&service.ask(request), 504)["detail"].clone();
            assert_eq!(detail, "the request took longer than 0.2 s");
        }
    }
    block_on(locker.batch_execute("rollback")).unwrap();
    service.await_idle();
    let after = backends(&service);
    assert!(
        before.iter().all(|pid| after.contains(pid)),
        "{before:?} before, {after:?} after"
    );
    assert_eq!(service.ask("POST /locked").status, 204);
    let done = service.database.ask("select n from locked");
    assert_eq!(done.as_deref(), Some("2"));
    assert_eq!(service.database.ask("select 1 from note"), None);
}
