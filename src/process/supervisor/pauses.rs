//! How long a slot stays empty after its worker has ended unasked: not at all at first, longer if that goes on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::member::{Member, Phase};

/// A worker that has served for so long is replaced at once, and has not failed again. Starting one takes a tenth of that.
const SETTLED: Duration = Duration::from_millis(250);
/// The first pause before a worker is replaced that has not; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause if it has served, and the shortest if it has not.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause if it has not.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait before a slot's next worker is started: longer, the sooner the last ones ended.
#[derive(Default)]
pub(super) struct Pauses(HashMap<usize, Pause>);

struct Pause {
    /// Workers of the slot that ended too soon, one after the other.
    failures: u32,
    until: Instant,
}

impl Pauses {
    /// The pause after the end of `member`.
    pub(super) fn after(&mut self, member: &Member) -> Duration {
        let settled =
            matches!(member.phase, Phase::Serving { since } if since.elapsed() >= SETTLED);
        if settled {
            self.0.remove(&member.slot);
        }
        let served = match member.phase {
            Phase::Serving { .. } | Phase::Aborting { .. } => true,
            Phase::Killed { served } => served,
            _ => false,
        };
        self.fail(member.slot, served)
    }

    /// A worker could not even be started.
    pub(super) fn after_failure(&mut self, slot: usize) {
        self.fail(slot, false);
    }

    /// Forgets what was: a new generation is another matter.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn fail(&mut self, slot: usize, served: bool) -> Duration {
        let now = Instant::now();
        let pause = self.0.entry(slot).or_insert(Pause {
            failures: 0,
            until: now,
        });
        let length = length(pause.failures, served);
        pause.failures += 1;
        pause.until = now + length;
        length
    }

    pub(super) fn is_over(&self, slot: usize) -> bool {
        self.0
            .get(&slot)
            .is_none_or(|pause| pause.until <= Instant::now())
    }

    /// When the next one ends.
    pub(super) fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        self.0
            .values()
            .map(|pause| pause.until)
            .filter(|until| *until > now)
            .min()
    }
}

/// After so many failures before this one. The first may have been bad luck.
fn length(failures: u32, served: bool) -> Duration {
    let doubled = |first: Duration, times: u32| first.saturating_mul(1 << times.min(16));
    match (served, failures) {
        (true, 0) => Duration::ZERO,
        (true, failures) => doubled(PAUSE, failures - 1).min(LONG_PAUSE),
        (false, failures) => doubled(LONG_PAUSE, failures).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let ms = |failures, served| length(failures, served).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 8, 99].map(|failures| ms(failures, true)),
            [0, 50, 100, 200, 1000, 1000]
        );
        assert_eq!(
            [0, 1, 2, 9].map(|failures| ms(failures, false)),
            [1000, 2000, 4000, 5000]
        );
    }
}
