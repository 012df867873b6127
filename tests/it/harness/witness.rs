//! Clients of an API that know what each answer must be, and remember every one that was not it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::testimony::{Seen, Testimony, What};
use super::{Answer, Answers, Connection, poll};

/// Endpoints whose answers carry the number in their request.
pub const API: &str = "
-- name: echo^
-- http: GET /echo/{id}
select :id::bigint as id;
-- name: rows
-- http: GET /rows/{id}
select :id::bigint as id, n from generate_series(1, 20) as n;
-- name: slow^
-- http: GET /slow/{id}
select :id::bigint as id from pg_sleep(0.02);
-- name: snapshot^
-- http: GET /snapshots/{id}
-- tx: repeatable read
select 1;
select :id::bigint as id, pg_current_xact_id_if_assigned() is null as fresh;
-- name: fresh^
-- http: POST /fresh
select :id::bigint as id, pg_current_xact_id_if_assigned() is null as fresh;
-- name: keep<!
-- http: POST /kept
insert into kept values (:id) returning id;
-- name: keep-both<!
-- http: POST /pairs
insert into pair values (:id);
insert into pair values (:id) returning id;
-- name: keep-all*!
-- http: POST /lists
insert into listed values (:id);
-- name: sleep$
-- http: GET /sleep/{seconds}
select 'slept' from pg_sleep(:seconds::float8);
-- name: write-and-sleep$
-- http: POST /sleep
insert into pair values (case when :seconds::float8 > 1 then -1 else 0 end);
select 'slept' from pg_sleep(:seconds::float8);
-- name: statements^
-- http: GET /statements
select pg_backend_pid() as pid, (select count(*) from pg_prepared_statements) as statements from pg_sleep(0.01);
";

pub const TABLES: &str = "
create table kept (id bigint);
create table pair (id bigint);
create table listed (id bigint);
";

/// A longer wait for an answer is a hang: requests have 30 s unless something else is said.
const HANG: Duration = Duration::from_secs(60);

/// A question, by its number, and the status and the body of its only right answer; one that ends in `…` is its beginning.
#[derive(Clone, Copy)]
pub struct Question {
    pub name: &'static str,
    pub ask: fn(u64) -> String,
    pub answer: fn(u64) -> (u16, String),
}

pub(super) fn get(path: &str, id: u64) -> String {
    format!("GET /{path}/{id} HTTP/1.1\r\nHost: a\r\nX-Request-Id: w-{id}\r\n\r\n")
}

pub(super) fn post(path: &str, id: u64, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /{path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: w-{id}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub(super) fn own(id: u64) -> String {
    format!("{{\"id\":{id}}}")
}

fn twenty(id: u64) -> String {
    let rows = (1..=20).map(|n| format!("{{\"id\":{id},\"n\":{n}}}"));
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn fresh(id: u64) -> String {
    format!("{{\"id\":{id},\"fresh\":true}}")
}

pub(super) const fn question(
    name: &'static str,
    ask: fn(u64) -> String,
    answer: fn(u64) -> (u16, String),
) -> Question {
    Question { name, ask, answer }
}

/// What clients of [`API`] ask in turn.
pub const QUESTIONS: &[Question] = &[
    question("echo", |id| get("echo", id), |id| (200, own(id))),
    question("keep", |id| post("kept", id, &own(id)), |id| (201, own(id))),
    question("rows", |id| get("rows", id), |id| (200, twenty(id))),
    question(
        "keep-both",
        |id| post("pairs", id, &own(id)),
        |id| (201, own(id)),
    ),
    question("snapshot", |id| get("snapshots", id), |id| (200, fresh(id))),
    question(
        "keep-all",
        |id| post("lists", id, &format!("[{0},{0},{0}]", own(id))),
        |_| (200, "{\"affected\":3}".into()),
    ),
    question("slow", |id| get("slow", id), |id| (200, own(id))),
    question(
        "fresh",
        |id| post("fresh", id, &own(id)),
        |id| (200, fresh(id)),
    ),
];

/// Clients at work.
pub struct Witnesses {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Vec<Seen>>>,
    leavers: Vec<JoinHandle<u64>>,
}

struct Shared {
    address: SocketAddr,
    questions: &'static [Question],
    pause: Duration,
    numbers: AtomicU64,
    good: AtomicU64,
    stop: AtomicBool,
}

impl Witnesses {
    /// So many clients that ask these questions in turn, with a pause after each answer.
    pub fn start(
        address: SocketAddr,
        clients: usize,
        questions: &'static [Question],
        pause: Duration,
    ) -> Witnesses {
        let shared = Arc::new(Shared {
            address,
            questions,
            pause,
            numbers: AtomicU64::new(1),
            good: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let client = |first: usize| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.client(first))
        };
        Witnesses {
            clients: (0..clients).map(client).collect(),
            leavers: Vec::new(),
            shared,
        }
    }

    /// And so many who ask the same and leave at any moment, up to so much later.
    pub fn with_leavers(mut self, leavers: usize, patience: Duration, seed: u64) -> Witnesses {
        let leaver = |number: usize| {
            let shared = self.shared.clone();
            let random = fastrand::Rng::with_seed(seed + number as u64);
            std::thread::spawn(move || shared.leaver(random, patience))
        };
        self.leavers = (0..leavers).map(leaver).collect();
        self
    }

    /// How many good answers there were so far.
    pub fn good(&self) -> u64 {
        self.shared.good.load(Ordering::Relaxed)
    }

    /// Waits until there are so many more.
    #[track_caller]
    pub fn go_on(&self, more: u64) {
        let goal = self.good() + more;
        poll("good answers", || (self.good() >= goal).then_some(()));
    }

    /// Ends the clients, each after the answer that it waits for; what they have seen, in the order of its beginning, and how
    /// many requests were left.
    pub fn stop(self) -> (Testimony, u64) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let clients = self.clients.into_iter();
        let mut seen: Vec<Seen> = clients.flat_map(|client| client.join().unwrap()).collect();
        seen.sort_by_key(|seen| seen.begun);
        let leavers = self.leavers.into_iter();
        let left = leavers.map(|leaver| leaver.join().unwrap()).sum();
        let questions = self.shared.questions;
        (Testimony { questions, seen }, left)
    }
}

impl Shared {
    fn client(&self, first: usize) -> Vec<Seen> {
        let mut all = Vec::new();
        let mut wire = None;
        for turn in first.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let question = turn % self.questions.len();
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let begun = Instant::now();
            let answer = self.ask(&mut wire, &(self.questions[question].ask)(number));
            let what = match answer {
                Ok(answer) => self.judge(question, number, &answer),
                Err(why) => {
                    wire = None;
                    What::Wrong(why.into())
                }
            };
            if what == What::Good {
                self.good.fetch_add(1, Ordering::Relaxed);
            }
            all.push(Seen {
                number,
                question,
                begun,
                took: begun.elapsed(),
                what,
            });
            std::thread::sleep(self.pause);
        }
        all
    }

    fn ask(&self, wire: &mut Option<TcpStream>, request: &str) -> Result<Answer, String> {
        let said = |error: std::io::Error| error.to_string();
        let stream = match wire {
            Some(stream) => stream,
            None => wire.insert(TcpStream::connect(self.address).map_err(said)?),
        };
        stream.set_nodelay(true).map_err(said)?;
        stream.set_read_timeout(Some(HANG)).map_err(said)?;
        stream.write_all(request.as_bytes()).map_err(said)?;
        let mut answers = Answers::to(Vec::new(), false);
        let mut chunk = [0; 16 * 1024];
        while answers.whole.is_empty() {
            match stream.read(&mut chunk).map_err(said)? {
                0 => return Err("closed without an answer".into()),
                read => answers.feed(&chunk[..read]),
            }
            if answers.broken.is_some() || !answers.faults.is_empty() {
                return Err(format!("{answers:?}"));
            }
        }
        Ok(answers.whole.remove(0))
    }

    fn judge(&self, question: usize, number: u64, answer: &Answer) -> What {
        let (status, body) = (self.questions[question].answer)(number);
        let named = answer.header("x-request-id") == Some(&format!("w-{number}"));
        let same = match body.strip_suffix('…') {
            Some(beginning) => answer.body.starts_with(beginning),
            None => answer.body == body,
        };
        if named && same && answer.status == status {
            return What::Good;
        }
        let may_retry = answer.status != 503 || answer.header("retry-after").is_some();
        if named && may_retry && matches!(answer.status, 503 | 504) {
            let problem = answer.json();
            let text = |name: &str| problem[name].as_str().map(Box::from);
            return What::Refused(
                answer.status,
                text("detail").unwrap_or_default(),
                text("code"),
            );
        }
        What::Wrong(format!("{answer:?}").into())
    }

    fn leaver(&self, mut random: fastrand::Rng, patience: Duration) -> u64 {
        for left in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return left;
            }
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let question = random.usize(0..self.questions.len());
            let mut gone = Connection::open(self.address);
            gone.send((self.questions[question].ask)(number));
            let patience = patience.as_micros() as u64;
            std::thread::sleep(Duration::from_micros(random.u64(0..=patience)));
            gone.reset();
            std::thread::sleep(self.pause);
        }
        0
    }
}
