//! What is known of the readiness of sockets, as epoll tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use atomic_waker::AtomicWaker;
use rustix::event::epoll::EventFlags;

/// Registered sockets by key: an index and, so that a late event does not hit a new socket, a generation.
#[derive(Default)]
pub(super) struct Sources {
    slots: Vec<(u32, Option<Arc<Source>>)>,
    free: Vec<u32>,
}

impl Sources {
    pub(super) fn insert(&mut self, source: Arc<Source>) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            self.slots.len() as u32 - 1
        });
        let (generation, slot) = &mut self.slots[index as usize];
        *slot = Some(source);
        u64::from(*generation) << 32 | u64::from(index)
    }

    pub(super) fn get(&self, key: u64) -> Option<&Source> {
        let (generation, source) = self.slots.get(key as u32 as usize)?;
        source
            .as_deref()
            .filter(|_| u64::from(*generation) == key >> 32)
    }

    pub(super) fn remove(&mut self, key: u64) {
        let (generation, source) = &mut self.slots[key as u32 as usize];
        *generation = generation.wrapping_add(1);
        *source = None;
        self.free.push(key as u32);
    }
}

/// What is known of one socket's readiness.
#[derive(Default)]
pub(super) struct Source {
    pub(super) read: Side,
    pub(super) write: Side,
    /// The peer has ended its direction, or the connection is broken: reads do not run dry any more.
    pub(super) hung_up: AtomicBool,
}

/// One direction of a socket.
#[derive(Default)]
pub(super) struct Side {
    /// There was news since the last look.
    news: AtomicBool,
    waker: AtomicWaker,
}

impl Side {
    /// Whether there was news; the next call says only what comes after this one.
    pub(super) fn take_news(&self) -> bool {
        self.news.swap(false, Ordering::AcqRel)
    }

    /// Has the task woken at the next news. False if there is some already: look again instead of waiting.
    pub(super) fn wait(&self, context: &mut Context<'_>) -> bool {
        self.waker.register(context.waker());
        !self.news.load(Ordering::Acquire)
    }

    /// Notes news; the task to wake, if one waits.
    fn tell(&self) -> Option<Waker> {
        self.news.store(true, Ordering::Release);
        self.waker.take()
    }
}

impl Source {
    /// Notes what epoll tells; `wakers` gets those of the tasks that wait for it.
    pub(super) fn tell(&self, flags: EventFlags, wakers: &mut Vec<Waker>) {
        let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        if broken || flags.contains(EventFlags::RDHUP) {
            self.hung_up.store(true, Ordering::Release);
        }
        if broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP) {
            wakers.extend(self.read.tell());
        }
        if broken || flags.contains(EventFlags::OUT) {
            wakers.extend(self.write.tell());
        }
    }
}
