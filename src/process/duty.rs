//! What a worker does beside serving: it obeys signals, outlives its supervisor only for as long as its requests need,
//! asks to be replaced when it is worn out, and, on its own, tells systemd how it is.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::MutexGuard;
use std::time::Duration;

use futures_lite::future;
use smol::channel::Receiver;

use super::scoreboard::{Database, Header, Stage, now_ms};
use super::signals::{Order, Signals};
use super::systemd::{Systemd, Word};
use super::worker::Worker;
use crate::lock::lock;
use crate::observe::{self, Event};
use crate::runtime::Readable;

/// For requests in flight when the supervisor is gone: whoever starts the service anew should find the port free.
const ORPHAN_LIMIT: Duration = Duration::from_secs(4);
/// A heartbeat that is older is no sign of life.
const STALE_MS: u64 = 3000;

/// What happens to a worker.
enum News {
    Order(Order),
    /// There is no supervisor any more.
    Orphaned,
    /// It has answered as many requests as it may.
    WornOut,
}

/// Drains at TERM, after `--drain-delay` if it is the service that ends, or when the supervisor is gone; cuts at INT, QUIT or a second TERM, or when the time to finish is
/// over. Never ends by itself.
pub(super) async fn obey(signals: Signals, worker: &Worker) -> io::Result<()> {
    let mut ears = Ears::new(signals, worker)?;
    let mut deadline = worker.clock.deadline();
    loop {
        // Not armed before TERM: never over.
        let Some(news) = deadline.race(ears.news(worker)).await else {
            if worker.drain.is_draining() {
                break worker.drain.cut();
            }
            deadline.arm(worker.graceful);
            worker.begin_drain(worker.graceful);
            continue;
        };
        let limit = match news {
            News::Order(Order::Finish) if !worker.drain.is_leaving() => match worker.delay() {
                Duration::ZERO => worker.graceful,
                delay => {
                    deadline.arm(delay);
                    worker.announce_drain(delay);
                    continue;
                }
            },
            News::Order(Order::Finish | Order::Quit) => break worker.drain.cut(),
            News::Orphaned => {
                // Nobody goes on with its sockets.
                worker.scoreboard.set(Header::Stopping, 1);
                let limit = worker.graceful.min(ORPHAN_LIMIT);
                observe::emit(&Event::Orphaned { limit });
                limit
            }
            News::WornOut => {
                worker.advance(Stage::Retiring);
                continue;
            }
            News::Order(Order::Reload) if worker.supervisor.is_none() => {
                worker.ask_for_reload();
                continue;
            }
            // The supervisor's affair.
            News::Order(Order::Reload | Order::More | Order::Fewer) => continue,
        };
        deadline.arm(limit);
        if !worker.drain.is_draining() {
            worker.begin_drain(limit);
        }
    }
    future::pending().await
}

/// Where a worker hears of what happens to it.
struct Ears {
    signals: Signals,
    bell: Readable,
    heard: VecDeque<Order>,
    /// Of a worker that has a supervisor, while it has.
    lifeline: Option<Readable>,
    worn_out: bool,
    stopped: bool,
}

impl Ears {
    fn new(signals: Signals, worker: &Worker) -> io::Result<Ears> {
        let lifeline = worker.supervisor.as_ref().map(|supervisor| {
            let lifeline = supervisor.lifeline.as_fd().try_clone_to_owned()?;
            Readable::new(lifeline)
        });
        Ok(Ears {
            bell: Readable::new(signals.bell()?)?,
            signals,
            heard: VecDeque::new(),
            lifeline: lifeline.transpose()?,
            worn_out: false,
            stopped: false,
        })
    }

    async fn news(&mut self, worker: &Worker) -> News {
        let order = async {
            loop {
                self.heard.extend(self.signals.pending());
                match self.heard.pop_front() {
                    Some(order) => break News::Order(order),
                    None => self.bell.news().await,
                }
            }
        };
        let lifeline = &mut self.lifeline;
        let orphaned = async {
            match lifeline {
                // Nobody writes into it: that there is news is that its other end is closed.
                Some(end) => end.news().await,
                None => future::pending().await,
            }
            *lifeline = None;
            News::Orphaned
        };
        let worn_out = once(&mut self.worn_out, &worker.worn_out, News::WornOut);
        let finish = News::Order(Order::Finish);
        let stopped = once(&mut self.stopped, &worker.stop.1, finish);
        future::or(order, future::or(orphaned, future::or(worn_out, stopped))).await
    }
}

/// Tells that a channel is closed, unless that has been `told`.
async fn once(told: &mut bool, closed: &Receiver<()>, news: News) -> News {
    if *told {
        future::pending::<()>().await;
    }
    let _closed = closed.recv().await;
    *told = true;
    news
}

impl Worker {
    /// All of its executors accept connections.
    pub(super) fn serves(&self) {
        self.advance(Stage::Serving);
        self.tell(&[Word::Ready]);
    }

    /// How long it goes on taking requests after TERM. Where others go on with its sockets nobody needs to be told.
    fn delay(&self) -> Duration {
        let ends = self.supervisor.is_none() || self.scoreboard.get(Header::Stopping) == 1;
        if ends {
            self.drain_delay
        } else {
            Duration::ZERO
        }
    }

    fn announce_drain(&self, delay: Duration) {
        if self.supervisor.is_none() {
            observe::emit(&Event::Leaving { delay });
        }
        self.tell(&[Word::Stopping]);
        self.drain.announce();
    }

    fn begin_drain(&self, limit: Duration) {
        self.advance(Stage::Draining);
        if self.supervisor.is_none() {
            observe::emit(&Event::Draining { limit });
        }
        self.tell(&[Word::Stopping]);
        self.drain.start();
    }

    /// Tells systemd that a reload begins.
    pub(super) fn tell_reloading(&self) {
        if let Some(systemd) = self.systemd() {
            systemd.tell_reloading();
        }
    }

    /// Tells systemd that it is over, however it went: what serves is ready. Not when the end is what is told of.
    pub(super) fn tell_reloaded(&self) {
        if !self.drain.is_leaving() {
            self.tell(&[Word::Ready]);
        }
    }

    fn tell(&self, words: &[Word<'_>]) {
        if let Some(systemd) = self.systemd() {
            systemd.tell(words);
        }
    }

    fn systemd(&self) -> Option<MutexGuard<'_, Systemd>> {
        let systemd = self.systemd.as_ref()?;
        Some(lock(systemd))
    }

    /// Tells systemd how it is, unless a supervisor does.
    pub(super) fn tell_how_it_is(&self) {
        let Some(mut systemd) = self.systemd() else {
            return;
        };
        let database = match self.row.database() {
            Database::None => "",
            Database::Ok => ", database ok",
            Database::Away => ", database away",
        };
        systemd.tell_status(format!("{}{database}", self.row.stage().word()));
        if self.drain.is_leaving() {
            systemd.tell_stopping();
        }
        // One executor asks for all of them.
        let fresh = |last| now_ms().saturating_sub(last) < STALE_MS;
        if self.row.heartbeat().is_some_and(fresh) {
            systemd.tell_alive();
        }
    }
}
