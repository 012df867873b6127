//! The pool under requests that come and go: every answer is its own, nothing is cancelled but what was abandoned, and
//! no connection is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_lite::future;
use peppercorn::Problem;
use peppercorn::metrics::Metrics;
use peppercorn::pg::{Call, Collect, Options, Parameter, ParameterType, Pool, Prepared, Query};
use smol::{Executor, Timer};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::harness::{Database, block_on, clock, database, poll};

const SLEEP: usize = 0;
const TOUCH: usize = 1;

/// A pool with its keeper, on two threads.
struct Running {
    pool: Pool,
    executor: Arc<Executor<'static>>,
    stop: smol::channel::Sender<()>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    fn start(database: &Database, max: usize) -> Running {
        let query = |sql: &str, parameters: &[Type]| Query {
            name: sql.to_owned(),
            sql: sql.to_owned(),
            parameters: parameters
                .iter()
                .cloned()
                .map(ParameterType::Known)
                .collect(),
        };
        let queries = [
            query(
                "select $1::text from pg_sleep($2)",
                &[Type::TEXT, Type::FLOAT8],
            ),
            query("select $1::text || count(*) from place", &[Type::TEXT]),
        ];
        let options = Options {
            purpose: "testing",
            config: database.url().parse().unwrap(),
            min: 2,
            max,
            slow: Duration::ZERO,
            names_requests: false,
            metrics: Metrics::unread(),
        };
        let (pool, keeper) = Pool::new(options, Arc::new(queries), clock());
        let executor = Arc::new(Executor::new());
        executor.spawn(keeper.run(executor.clone())).detach();
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        let thread = || {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || {
                let _closed = block_on(executor.run(stopped.recv()));
            })
        };
        Running {
            pool,
            threads: vec![thread(), thread()],
            stop,
            executor,
        }
    }

    fn await_ready(&self) {
        poll("the pool", || self.pool.is_ready().then_some(()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pool.close();
        self.stop.close();
        self.threads
            .drain(..)
            .for_each(|thread| thread.join().unwrap());
    }
}

/// Takes the one value of a result.
#[derive(Default)]
struct One(Vec<u8>);

impl Collect for One {
    fn row(&mut self, prepared: &Prepared, row: Row) -> anyhow::Result<()> {
        prepared.columns()[0].write_value(&row, 0, &mut self.0)
    }
}

fn call(query: usize, parameters: &[String]) -> Call {
    let parameters = parameters.iter().map(|text| Parameter::from(text.as_str()));
    Call {
        query,
        parameters: parameters.collect(),
        request_id: "test".into(),
        transaction: None,
    }
}

async fn sleep(pool: &Pool, text: &str, seconds: f64) -> Result<String, Problem> {
    let parameters = [text.to_owned(), seconds.to_string()];
    let done = pool.run(&call(SLEEP, &parameters), One::default).await?;
    Ok(String::from_utf8(done.collected.0).unwrap())
}

fn active(database: &Database) -> String {
    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()";
    database.ask(sql).unwrap()
}

fn prepare_database(name: &str) -> Database {
    let database = database(name);
    database.run("create table place (n int)");
    database
}

#[test]
fn requests_that_leave_at_any_moment_harm_nobody() {
    let database = prepare_database("pool_leave");
    let running = Running::start(&database, 3);
    running.await_ready();
    let seed = fastrand::u64(..);
    let client = |number: u64| {
        let pool = running.pool.clone();
        let mut random = fastrand::Rng::with_seed(seed + number);
        async move {
            let (mut answered, mut busy) = (0, 0);
            for round in 0..150 {
                let id = format!("{number}-{round}");
                let seconds = random.f64() * 0.004;
                let asking = async { Some(sleep(&pool, &id, seconds).await) };
                let patience = Duration::from_micros(random.u64(0..20_000));
                let leaving = async {
                    Timer::after(patience).await;
                    None
                };
                let answer = match random.bool() {
                    true => asking.await,
                    false => future::or(asking, leaving).await,
                };
                match answer {
                    None => {}
                    Some(Ok(text)) => {
                        assert_eq!(text, format!("\"{id}\""), "seed {seed}");
                        answered += 1;
                    }
                    // A cancellation that hit this query instead of another would be a 504.
                    Some(Err(problem)) => {
                        assert_eq!(problem.status() as u16, 503, "{problem}, seed {seed}");
                        busy += 1;
                    }
                }
            }
            (answered, busy)
        }
    };
    let clients: Vec<_> = (0..32)
        .map(|number| running.executor.spawn(client(number)))
        .collect();
    let (mut answered, mut busy) = (0, 0);
    for client in clients {
        let ended = block_on(client);
        (answered, busy) = (answered + ended.0, busy + ended.1);
    }
    assert!(
        answered > 1500 && busy < answered / 4,
        "{answered} answered, {busy} busy"
    );
    poll("backends to be idle", || {
        (active(&database) == "0").then_some(())
    });
    for n in 0..50 {
        let text = block_on(sleep(&running.pool, &n.to_string(), 0.0)).unwrap();
        assert_eq!(text, format!("\"{n}\""));
    }
}

#[test]
fn what_everybody_has_left_is_cancelled() {
    let database = prepare_database("pool_cancel");
    let running = Running::start(&database, 2);
    running.await_ready();
    for round in 0..5 {
        // Several to a connection: the pool does not know yet, or believes no more, that they are slow.
        let mut asking: Vec<_> = (0..8)
            .map(|n| {
                let pool = running.pool.clone();
                let asking = async move { sleep(&pool, &n.to_string(), 60.0).await };
                running.executor.spawn(asking)
            })
            .collect();
        poll("queries to run", || {
            (active(&database) != "0").then_some(())
        });
        let begin = Instant::now();
        asking.clear();
        poll("backends to be idle", || {
            (active(&database) == "0").then_some(())
        });
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
        let text = block_on(sleep(&running.pool, "after", 0.0));
        assert_eq!(text.unwrap(), "\"after\"", "round {round}");
    }
}

#[test]
fn a_locked_table_does_not_hold_a_session_for_ever() {
    let database = prepare_database("pool_locked");
    let locker = database.another_client();
    block_on(locker.batch_execute("begin; lock table place in access exclusive mode")).unwrap();
    let running = Running::start(&database, 2);
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let outage = poll("the pool to say why", || running.pool.outage());
    assert!(outage.contains("is a table locked?"), "{outage}");
    // Those of the first attempt are gone; at most the second attempt waits.
    let waiters: u32 = database.ask(waiting).unwrap().parse().unwrap();
    assert!(waiters <= 2, "{waiters} backends wait for the lock");
    block_on(locker.batch_execute("commit")).unwrap();
    running.await_ready();
    let call = call(TOUCH, &["n = ".into()]);
    let done = block_on(running.pool.run(&call, One::default));
    assert_eq!(done.unwrap().collected.0, b"\"n = 0\"");
}

#[test]
fn connections_that_end_at_once_are_opened_again_with_pauses() {
    let database = prepare_database("pool_ending");
    // From 14 on PostgreSQL can end sessions that do nothing.
    database.run("alter database pool_ending set idle_session_timeout = '1ms'");
    let begin = Instant::now();
    let running = Running::start(&database, 2);
    let sessions = "select sessions from pg_stat_database where datname = current_database()";
    let opened = poll("a few sessions", || {
        let opened: u32 = database.ask(sessions).unwrap().parse().unwrap();
        (opened > 8).then_some(opened)
    });
    // Two at a time, with pauses that grow to half a second.
    let most = 10.0 + 2.0 * 10.0 * begin.elapsed().as_secs_f64();
    assert!(
        f64::from(opened) < most,
        "{opened} in {:?}",
        begin.elapsed()
    );
    drop(running);
}
