//! Readiness of sockets, from one epoll set per executor.
//!
//! A socket is registered once, edge-triggered, for as long as it lives. async-io registers one-shot, which costs an
//! `epoll_ctl` per wait, wakes a helper thread when the executor is busy for long, and has one reactor for the whole
//! process; here an executor's threads poll their own set in between running tasks:
//!
//! ```text
//! run tasks until none is runnable → epoll_wait → wake the tasks whose sockets have news → …
//! ```
//!
//! With several threads on one executor, one of those that are idle waits in epoll and the others park; the one that
//! finds news has another take its place before it goes to work. A socket made outside of an executor (tests, a
//! command that asks one question) belongs to a set that a thread of its own waits on.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::time::Timespec;

use super::source::{Source, Sources};
use super::turn::Turn;
use crate::lock::lock;

/// Events taken per `epoll_wait`; more come with the next.
const EVENTS: usize = 256;
/// The key of the descriptor that interrupts a wait; sources count from 0.
const INTERRUPT: u64 = u64::MAX;

/// What is watched of a socket: both directions and the peer's end, each told once when it changes.
const ALL_NEWS: EventFlags = EventFlags::IN
    .union(EventFlags::OUT)
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// What is watched of a listening socket. Of several sets that watch the same one, those whose threads are busy are told,
/// but only one that is idle is woken for it.
const ARRIVALS: EventFlags = EventFlags::IN
    .union(EventFlags::ET)
    .union(EventFlags::EXCLUSIVE);

/// An epoll set and who waits for it.
pub(super) struct Poller {
    epoll: OwnedFd,
    /// Written to end a wait from another thread.
    interrupt: OwnedFd,
    sources: Mutex<Sources>,
    /// Held by the thread that waits in epoll.
    lead: Mutex<()>,
    /// Idle threads that do not wait in epoll.
    parked: Mutex<Vec<Thread>>,
}

/// What a wait brings; its memory is used again.
struct News {
    events: Vec<Event>,
    /// Of the tasks that wait for it.
    wakers: Vec<Waker>,
}

impl News {
    /// Not under a lock, nor in the wait: what a waker does is not known here, and this thread's own must not think
    /// that it waits.
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Default for News {
    fn default() -> News {
        News {
            events: Vec::with_capacity(EVENTS),
            wakers: Vec::with_capacity(EVENTS),
        }
    }
}

/// A socket's place in its set; left when dropped.
pub(super) struct Registration {
    poller: Arc<Poller>,
    key: u64,
    pub(super) source: Arc<Source>,
}

thread_local! {
    /// The set of the executor that this thread runs.
    static CURRENT: RefCell<Option<Arc<Poller>>> = const { RefCell::new(None) };
}

impl Poller {
    pub(super) fn new() -> io::Result<Arc<Poller>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let interrupt = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Edge-triggered: written, it interrupts one wait, and need not be read.
        epoll::add(
            &epoll,
            &interrupt,
            EventData::new_u64(INTERRUPT),
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(Arc::new(Poller {
            epoll,
            interrupt,
            sources: Mutex::default(),
            lead: Mutex::default(),
            parked: Mutex::default(),
        }))
    }

    /// The set that sockets of this thread belong to.
    fn current() -> io::Result<Arc<Poller>> {
        match CURRENT.with_borrow(Clone::clone) {
            Some(poller) => Ok(poller),
            None => Poller::background(),
        }
    }

    /// The set for sockets made outside of an executor.
    fn background() -> io::Result<Arc<Poller>> {
        static BACKGROUND: OnceLock<Arc<Poller>> = OnceLock::new();
        if let Some(poller) = BACKGROUND.get() {
            return Ok(poller.clone());
        }
        let new = Poller::new()?;
        let poller = BACKGROUND.get_or_init(|| new.clone());
        // Another thread may have been first: then its set is the one, and has its thread.
        if Arc::ptr_eq(poller, &new) {
            std::thread::Builder::new()
                .name("poller".into())
                .spawn(move || {
                    let mut news = News::default();
                    loop {
                        new.wait(&mut news, None);
                        news.wake();
                    }
                })?;
        }
        Ok(poller.clone())
    }

    /// Registers a connected socket with the set of this thread.
    pub(super) fn register(socket: impl AsFd) -> io::Result<Registration> {
        Poller::add(socket, ALL_NEWS)
    }

    /// Registers a listening socket with the set of this thread. It is to be [taken out](Registration::take_out) before it
    /// is closed.
    pub(super) fn register_listener(socket: impl AsFd) -> io::Result<Registration> {
        Poller::add(socket, ARRIVALS)
    }

    fn add(socket: impl AsFd, flags: EventFlags) -> io::Result<Registration> {
        let poller = Poller::current()?;
        let source = Arc::new(Source::default());
        let key = lock(&poller.sources).insert(source.clone());
        let registration = Registration {
            poller,
            key,
            source,
        };
        epoll::add(
            &registration.poller.epoll,
            socket.as_fd(),
            EventData::new_u64(key),
            flags,
        )?;
        Ok(registration)
    }

    /// Waits for news, at most for `limit`. The tasks that it is for are still to be woken.
    fn wait(&self, news: &mut News, limit: Option<&Timespec>) {
        let News { events, wakers } = news;
        events.clear();
        // Interrupted by a signal: as if there were no news. Nothing else can be wrong with the set.
        let _interrupted = epoll::wait(&self.epoll, spare_capacity(events), limit);
        let sources = lock(&self.sources);
        for event in &*events {
            if let Some(source) = sources.get(event.data.u64()) {
                source.tell(event.flags, wakers);
            }
        }
    }

    /// Looks whether there is news for the tasks of this thread's executor, unless a thread waits for it already.
    pub(super) fn look() {
        if let Some(poller) = CURRENT.with_borrow(Clone::clone) {
            poller.look_for(&mut News::default());
        }
    }

    fn look_for(&self, news: &mut News) {
        if let Ok(lead) = self.lead.try_lock() {
            self.wait(news, Some(&Timespec::default()));
            news.wake();
            self.hand_over(lead);
        }
    }

    /// Stops leading, and has an idle thread lead from now on: it may have parked because of us.
    fn hand_over(&self, lead: MutexGuard<'_, ()>) {
        drop(lead);
        let next = lock(&self.parked).pop();
        next.inspect(Thread::unpark);
    }

    /// Runs `future` on this thread, which waits for the set's sockets whenever there is nothing else to do.
    /// Notes the thread's turns in `turn`.
    pub(super) fn block_on<T>(
        self: &Arc<Self>,
        turn: Option<Turn>,
        future: impl Future<Output = T>,
    ) -> T {
        let before = CURRENT.replace(Some(self.clone()));
        let runner = Arc::new(Runner {
            poller: self.clone(),
            thread: std::thread::current(),
            woken: AtomicBool::new(false),
            leads: AtomicBool::new(false),
        });
        let waker = Waker::from(runner.clone());
        let mut context = Context::from_waker(&waker);
        let mut news = News::default();
        let mut future = pin!(future);
        let output = loop {
            turn.inspect(|turn| turn.begin());
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                break output;
            }
            match runner.woken.swap(false, Ordering::SeqCst) {
                // More to do at once: only look whether there is news.
                true => self.look_for(&mut news),
                false => {
                    turn.inspect(|turn| turn.rest());
                    runner.idle(&mut news);
                }
            }
        };
        CURRENT.set(before);
        output
    }
}

impl Registration {
    /// Whether bytes that arrive are news. What arrived while they were not is news when they are again.
    pub(super) fn hear_arrivals(&self, socket: &OwnedFd, hear: bool) -> io::Result<()> {
        let mut flags = ALL_NEWS;
        flags.set(EventFlags::IN, hear);
        let data = EventData::new_u64(self.key);
        epoll::modify(&self.poller.epoll, socket.as_fd(), data, flags)?;
        Ok(())
    }

    /// Takes a socket out of the set that is held elsewhere, too: closing it here would leave it in, and an arrival might
    /// be told to us instead of to those who go on with it.
    pub(super) fn take_out(&self, socket: impl AsFd) {
        // It is in the set: nothing can be wrong with that.
        let _out = epoll::delete(&self.poller.epoll, socket.as_fd());
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Closing the descriptor, which follows, takes it out of the epoll set.
        lock(&self.poller.sources).remove(self.key);
    }
}

/// A thread inside [`Poller::block_on`].
struct Runner {
    poller: Arc<Poller>,
    thread: Thread,
    /// Its future is to be polled again.
    woken: AtomicBool,
    /// It waits in epoll, or is about to.
    leads: AtomicBool,
}

impl Runner {
    /// Waits until the future is woken, or there may be work.
    fn idle(&self, news: &mut News) {
        if let Ok(lead) = self.poller.lead.try_lock() {
            self.lead(lead, news);
        } else {
            lock(&self.poller.parked).push(self.thread.clone());
            // Once more: the leader may have left before it could see us here.
            match self.poller.lead.try_lock() {
                Ok(lead) => self.lead(lead, news),
                Err(_) if self.woken.load(Ordering::SeqCst) => {}
                Err(_) => std::thread::park(),
            }
            lock(&self.poller.parked).retain(|thread| thread.id() != self.thread.id());
        }
        self.woken.store(false, Ordering::SeqCst);
    }

    /// Waits in epoll, and has somebody else do so from then on.
    fn lead(&self, lead: MutexGuard<'_, ()>, news: &mut News) {
        self.leads.store(true, Ordering::SeqCst);
        // From here on a wake interrupts the wait; one that came before is seen now.
        let limit = self.woken.load(Ordering::SeqCst).then(Timespec::default);
        self.poller.wait(news, limit.as_ref());
        self.leads.store(false, Ordering::SeqCst);
        news.wake();
        self.poller.hand_over(lead);
    }
}

impl Wake for Runner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.woken.swap(true, Ordering::SeqCst) {
            return;
        }
        match self.leads.load(Ordering::SeqCst) {
            // Full means that it was written and has not been seen: it will be.
            true => drop(rustix::io::write(
                &self.poller.interrupt,
                &1_u64.to_ne_bytes(),
            )),
            false => self.thread.unpark(),
        }
    }
}
