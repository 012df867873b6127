//! How a worker's threads run tasks: the layouts, and the coarse clock.
//!
//! | layout | threads | executor | a task may move |
//! |---|---|---|---|
//! | `local` | 1 | one [`LocalExecutor`] | no |
//! | `local`, N threads | N | a [`LocalExecutor`] each, nothing shared | no |
//! | `shared` | N | one work-stealing [`Executor`] | between threads |
//!
//! A [`Program`] is written once and runs under each of them: it is started once per executor (a *seat*) and
//! spawns through [`Spawn`].

mod acceptor;
mod awake;
mod clock;
mod drain;
mod join;
mod plain;
mod poller;
mod readable;
mod socket;
mod source;
pub mod stalls;
mod turn;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use async_executor::{Executor, LocalExecutor};
use awake::WhenWoken;
use futures_lite::future;
use poller::Poller;

pub use acceptor::Acceptor;
pub use clock::{Clock, Deadline, TICK};
pub use drain::Drain;
pub(crate) use join::join_all;
pub use plain::Plain;
pub use readable::Readable;
pub(crate) use socket::MOST_PATH_BYTES;
pub use socket::Socket;
use stalls::{Label, Monitor};
pub use turn::Turn;

/// Tasks that a thread runs before it looks at its sockets again.
const TASKS_IN_A_ROW: usize = 64;

/// Which kind of executor the threads of a worker run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorKind {
    /// A [`LocalExecutor`] per thread: tasks stay where they were started.
    Local,
    /// One [`Executor`] for all threads: idle threads take tasks from busy ones.
    Shared,
}

impl ExecutorKind {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            ExecutorKind::Local => "local",
            ExecutorKind::Shared => "shared",
        }
    }

    /// What so many threads have when nobody says.
    pub fn usual(threads: usize) -> ExecutorKind {
        match threads {
            1 => ExecutorKind::Local,
            _ => ExecutorKind::Shared,
        }
    }
}

/// Threads and executor of one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Executor threads, at least 1.
    pub threads: usize,
    /// What they run.
    pub executor: ExecutorKind,
}

/// One thread.
impl Default for Layout {
    fn default() -> Layout {
        Layout {
            threads: 1,
            executor: ExecutorKind::Local,
        }
    }
}

impl Layout {
    /// How many executors there are, each with its own listener and database connections.
    pub fn seats(self) -> usize {
        match self.executor {
            ExecutorKind::Local => self.threads,
            ExecutorKind::Shared => 1,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.executor.word();
        let plural = if self.threads == 1 { "" } else { "s" };
        write!(f, "{} thread{plural} ({kind})", self.threads)
    }
}

/// Starts tasks on one executor. The two kinds of executor differ only in what may be spawned; everything
/// that peppercorn spawns may go on either.
pub trait Spawn: Clone + 'static {
    /// Starts `task`, whose polls are for `label`; it runs until it is done or the executor ends.
    fn spawn(&self, label: Label, task: impl Future<Output = ()> + Send + 'static);
}

impl Spawn for Rc<LocalExecutor<'static>> {
    fn spawn(&self, label: Label, task: impl Future<Output = ()> + Send + 'static) {
        LocalExecutor::spawn(self, stalls::timed(label, task)).detach();
    }
}

impl Spawn for Arc<Executor<'static>> {
    fn spawn(&self, label: Label, task: impl Future<Output = ()> + Send + 'static) {
        Executor::spawn(self, stalls::timed(label, task)).detach();
    }
}

/// What runs on every seat of a layout.
pub trait Program: Sync {
    /// What a seat comes back with.
    type Output: Send;
    /// The main task of seat number `seat` (from 0); the tasks it spawned end with it.
    fn run<S: Spawn>(&self, seat: usize, spawn: S) -> impl Future<Output = Self::Output>;
}

/// Runs `program` on all threads of `layout` until every seat's main task is done; outputs by seat.
///
/// The calling thread is the first of them. Each notes its turns in the word of its number in `turns`, if there is one, and
/// is watched by `monitor`, if there is one.
///
/// # Errors
/// When the system refuses a thread.
pub fn run<P: Program>(
    layout: Layout,
    turns: &[Turn],
    monitor: Option<&Monitor>,
    program: &P,
) -> std::io::Result<Vec<P::Output>> {
    match layout.executor {
        ExecutorKind::Local => run_local(layout.threads, turns, monitor, program),
        ExecutorKind::Shared => Ok(vec![run_shared(layout.threads, turns, monitor, program)?]),
    }
}

fn run_local<P: Program>(
    threads: usize,
    turns: &[Turn],
    monitor: Option<&Monitor>,
    program: &P,
) -> std::io::Result<Vec<P::Output>> {
    let seat = |number: usize, poller: Arc<Poller>| {
        let _watched = monitor.map(Monitor::watch_this_thread);
        let executor = Rc::new(LocalExecutor::new());
        let main = program.run(number, executor.clone());
        poller.block_on(turns.get(number).copied(), run_alone(&executor, main))
    };
    let first = Poller::new()?;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|number| {
                let poller = Poller::new()?;
                std::thread::Builder::new()
                    .name(format!("seat-{number}"))
                    .spawn_scoped(scope, move || seat(number, poller))
            })
            .collect::<Result<_, _>>()?;
        let first = seat(0, first);
        let others = others.into_iter().map(|thread| match thread.join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Ok(std::iter::once(first).chain(others).collect())
    })
}

/// Runs `main`, and the tasks of `executor` beside it. What [`LocalExecutor::run`] does besides, a queue per thread and
/// stealing between them, is of no use where one thread runs them all.
async fn run_alone<T>(executor: &LocalExecutor<'static>, main: impl Future<Output = T>) -> T {
    let tasks = async {
        loop {
            // Waits for one.
            executor.tick().await;
            if (1..TASKS_IN_A_ROW).all(|_| executor.try_tick()) {
                future::yield_now().await;
            }
        }
    };
    future::or(WhenWoken::new(stalls::timed(Label::WORKER, main)), tasks).await
}

/// Lets other tasks run before this one goes on: those too whose sockets have news that nobody has looked at yet.
pub async fn yield_now() {
    Poller::look();
    future::yield_now().await;
}

fn run_shared<P: Program>(
    threads: usize,
    turns: &[Turn],
    monitor: Option<&Monitor>,
    program: &P,
) -> std::io::Result<P::Output> {
    let executor = Arc::new(Executor::new());
    let poller = Poller::new()?;
    // Closed, by dropping the sender, when the main task is done.
    let (running, done) = smol::channel::bounded::<()>(1);
    std::thread::scope(|scope| {
        let running = running;
        for number in 1..threads {
            let (executor, poller, done) = (executor.clone(), poller.clone(), done.clone());
            let turn = turns.get(number).copied();
            std::thread::Builder::new()
                .name(format!("executor-{number}"))
                .spawn_scoped(scope, move || {
                    let _watched = monitor.map(Monitor::watch_this_thread);
                    let _closed = poller.block_on(turn, executor.run(done.recv()));
                })?;
        }
        let _watched = monitor.map(Monitor::watch_this_thread);
        let main = stalls::timed(Label::WORKER, program.run(0, executor.clone()));
        let output = poller.block_on(turns.first().copied(), executor.run(WhenWoken::new(main)));
        drop(running);
        Ok(output)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every seat spawns tasks and counts them as they end.
    struct Count;

    impl Program for Count {
        type Output = usize;
        async fn run<S: Spawn>(&self, seat: usize, spawn: S) -> usize {
            let (sender, receiver) = smol::channel::unbounded();
            for _ in 0..100 {
                let sender = sender.clone();
                spawn.spawn(Label::TASK, async move {
                    futures_lite::future::yield_now().await;
                    let _sent = sender.send(()).await;
                });
            }
            drop(sender);
            let mut done = 0;
            while receiver.recv().await.is_ok() {
                done += 1;
            }
            done + 1000 * seat
        }
    }

    #[test]
    fn every_layout_runs_every_task() {
        let run = |threads, executor| run(Layout { threads, executor }, &[], None, &Count).unwrap();
        assert_eq!(run(1, ExecutorKind::Local), [100]);
        assert_eq!(run(3, ExecutorKind::Local), [100, 1100, 2100]);
        assert_eq!(run(1, ExecutorKind::Shared), [100]);
        assert_eq!(run(3, ExecutorKind::Shared), [100]);
    }
}
