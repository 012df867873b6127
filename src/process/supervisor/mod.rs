//! The supervisor: it holds what a service must not lose (its sockets, its workers' places) and does nothing else.
//!
//! One thread (and the logger's, which only writes), no executor, no lock: a loop of verbs around poll(2), see
//! [`Supervisor::run`]. Signals only queue. Workers are executed, not forked off: each is a clean process that reads the
//! settings for itself and is handed its sockets by number ([`handover`](super::handover)); what it has to say, it writes
//! on the scoreboard and rings the bell.
//!
//! | module | verbs |
//! |---|---|
//! | `members` | see who serves, who is to be replaced and who has to go |
//! | `start` | execute workers, and the keeper of the private cluster |
//! | `reload` | put a new generation in place of the old one, or keep the old one |
//! | `reports` | have Sentry told of what happened to workers |
//! | `ends`, `restarts` | reap what has ended, and end the service |
//! | `tell` | tell systemd how it is |
//! | `itself` | execute a new version of this program in this process, and go on |

mod ends;
mod itself;
mod member;
mod members;
mod memory;
mod pauses;
mod reload;
mod reports;
mod restarts;
mod start;
mod tell;

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;
use rustix::time::Timespec;

use self::ends::KEEPER_PAUSE;
use self::itself::Program;
use self::member::Member;
use self::memory::OomKills;
use self::pauses::Pauses;
use self::reload::Reload;
use self::restarts::Restarts;
use super::Error;
use super::child::Child;
use super::exposed::Usage;
use super::memfile;
use super::reporter::Reports;
use super::scoreboard::{Header, Scoreboard};
use super::signals::{Order, Signals};
use super::sockets::Sockets;
use super::systemd::Systemd;
use crate::config::{DatabaseSource, Serve};
use crate::metrics::Metrics;
use crate::observe::{self, Event};
use crate::sql;

/// Between looks at the workers' heartbeats, and the longest that the loop sleeps.
const TICK: Duration = Duration::from_millis(500);

/// A service's top process.
pub struct Supervisor {
    config: Serve,
    program: Program,
    scoreboard: Scoreboard,
    /// Rung by workers when they have written something that matters at once.
    bell: OwnedFd,
    /// Held open: what closes it is the end of this process. Workers watch the other end.
    held: OwnedFd,
    lifeline: OwnedFd,
    signals: Signals,
    sockets: Sockets,
    systemd: Systemd,
    members: Vec<Member>,
    pauses: Pauses,
    oom_kills: OomKills,
    restarts: Restarts,
    usage: Usage,
    keeper: Option<Child>,
    /// When the keeper may be started.
    keeper_due: Instant,
    /// What there is to tell Sentry; none if it is not to be told.
    reports: Option<Reports>,
    reporter: Option<Child>,
    /// When the next reporter may be started.
    reporter_due: Instant,
    /// When the last one's time is over.
    farewell: Option<Instant>,
    /// Workers wanted.
    wanted: usize,
    /// The one that serves; 1 is the first.
    generation: u64,
    /// The SQL files that it serves: a worker that is replaced is replaced by its like, whatever is on the disk by now.
    files: OwnedFd,
    reload: Option<Reload>,
    /// HUP has been heard and not been followed yet.
    reload_asked: bool,
    /// The first generation has come to serve.
    up: bool,
    /// What the service ends with: it is on its way out.
    stopping: Option<Result<(), Error>>,
    next_tick: Instant,
}

/// What a supervisor keeps though it becomes another program, beside its sockets.
struct Kept {
    scoreboard: Scoreboard,
    bell: OwnedFd,
    held: OwnedFd,
    lifeline: OwnedFd,
    files: OwnedFd,
}

impl Supervisor {
    /// Opens the sockets and reads the SQL files; nothing is started before [`Supervisor::run`].
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) fn new(config: Serve) -> Result<Supervisor, Error> {
        let files = files_in_memory(&config).map_err(Error::Files)?;
        let sockets = Sockets::open(&config, config.workers, true)?;
        let assemble = || -> anyhow::Result<Supervisor> {
            let (lifeline, held) = pipe_with(PipeFlags::CLOEXEC)?;
            let kept = Kept {
                scoreboard: Scoreboard::create(true)?,
                bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
                held,
                lifeline,
                files,
            };
            Supervisor::with(config, sockets, kept)
        };
        assemble().map_err(Error::System)
    }

    /// One that has no workers yet.
    fn with(config: Serve, sockets: Sockets, kept: Kept) -> anyhow::Result<Supervisor> {
        let metrics = Metrics::new(kept.scoreboard.supervisors_arena(), &[]);
        Ok(Supervisor {
            program: Program::of_this_process()?,
            restarts: Restarts::new(&metrics),
            usage: Usage::going_on(&metrics),
            scoreboard: kept.scoreboard,
            bell: kept.bell,
            held: kept.held,
            lifeline: kept.lifeline,
            signals: Signals::listen()?,
            sockets,
            systemd: Systemd::new(),
            members: Vec::new(),
            pauses: Pauses::default(),
            oom_kills: OomKills::from_now_on(),
            keeper: None,
            keeper_due: Instant::now(),
            reports: config.sentry.as_ref().map(|_| Reports::collect()),
            reporter: None,
            reporter_due: Instant::now(),
            farewell: None,
            wanted: config.workers,
            generation: 1,
            files: kept.files,
            reload: None,
            reload_asked: false,
            up: false,
            stopping: None,
            next_tick: Instant::now() + TICK,
            config,
        })
    }

    /// Supervises until the service is stopped and its last worker is gone.
    ///
    /// # Errors
    /// [`Error::Ended`] when no worker has come to serve; else see [`Error`].
    pub fn run(mut self) -> Result<(), Error> {
        loop {
            self.obey_signals();
            self.reap();
            self.notice_progress();
            self.advance_reload();
            self.let_go_of_the_replaced();
            if self.is_tick() {
                self.abort_stuck();
                self.oom_kills.look();
                self.usage.count();
            }
            self.kill_overdue();
            self.spawn_missing();
            self.notify_systemd();
            self.send_reports();
            if self.is_over() {
                return self.end();
            }
            self.wait();
        }
    }

    /// Sleeps until a signal, a worker's end, the bell, or the time for something.
    fn wait(&self) {
        let due = [
            Some(self.next_tick),
            self.members.iter().filter_map(Member::due).min(),
            self.pauses.next(),
            self.farewell,
        ];
        let now = Instant::now();
        let pause = due.into_iter().flatten().min().unwrap_or(now);
        let pause = pause
            .saturating_duration_since(now)
            .min(self.systemd.patience());
        let children = self
            .members
            .iter()
            .map(|member| &member.child)
            .chain(&self.keeper)
            .chain(&self.reporter);
        let mut events: Vec<PollFd<'_>> = [self.signals.as_fd(), self.bell.as_fd()]
            .into_iter()
            .chain(children.map(AsFd::as_fd))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        // Rounded up by a millisecond: woken early, the loop would spin.
        let pause = Timespec::try_from(pause + Duration::from_millis(1)).ok();
        // Interrupted: as if something had happened.
        let _interrupted = poll(&mut events, pause.as_ref());
        // The bell's count does not matter. Before the scoreboard is read: what is written later rings again.
        let _silent = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    fn obey_signals(&mut self) {
        let orders: Vec<Order> = self.signals.pending().collect();
        for order in orders {
            match order {
                Order::Finish if self.stopping.is_none() => self.stop(Signal::TERM, Ok(())),
                Order::Finish | Order::Quit => self.stop(Signal::QUIT, Ok(())),
                Order::Reload => self.reload_asked = true,
                Order::More => self.resize(self.wanted + 1),
                Order::Fewer => self.resize(self.wanted - 1),
            }
        }
    }

    fn is_tick(&mut self) -> bool {
        let now = Instant::now();
        let tick = now >= self.next_tick;
        if tick {
            self.next_tick = now + TICK;
        }
        tick
    }

    /// Whether the private cluster, if there is one, can be used; it is started if it is not there.
    fn is_database_open(&mut self) -> bool {
        if !matches!(self.config.database, DatabaseSource::Private(_)) {
            return true;
        }
        if self.keeper.is_none() && Instant::now() >= self.keeper_due {
            match self.start_keeper() {
                Ok(keeper) => {
                    self.scoreboard.set(Header::Keeper, keeper.pid().into());
                    self.keeper = Some(keeper);
                }
                Err(error) => {
                    self.keeper_due = Instant::now() + KEEPER_PAUSE;
                    self.cannot_start(error);
                }
            }
        }
        self.scoreboard.get(Header::Cluster) == 1
    }

    fn cannot_start(&mut self, error: anyhow::Error) {
        match self.up {
            true => observe::emit(&Event::CannotStart { error }),
            false => self.stop(Signal::TERM, Err(Error::System(error))),
        }
    }
}

/// Reads the SQL files once, for all workers of a generation. That one of them is wrong is found here, before anything
/// is started for it; what the database says is up to the workers.
fn files_in_memory(config: &Serve) -> anyhow::Result<OwnedFd> {
    let files = config.files.read()?;
    let memory = memfile::write("peppercorn-files", &files.to_bytes())?;
    sql::define(files)?;
    Ok(memory)
}
