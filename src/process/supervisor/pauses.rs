//! How long a slot stays empty after its worker has ended unasked: not at all at first, longer if that goes on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::member::{Member, Phase};

/// A worker that has served for so long is replaced at once, and has not failed again.
const SETTLED: Duration = Duration::from_secs(1);
/// The first pause before a worker is replaced that has not; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause if it has served, and the shortest if it has not.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause if it has not.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

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
        let now = Instant::now();
        let settled = matches!(member.phase, Phase::Serving { since } if now - since >= SETTLED);
        let served = match member.phase {
            Phase::Serving { .. } | Phase::Aborting { .. } => true,
            Phase::Killed { served } => served,
            _ => false,
        };
        let pause = self.0.entry(member.slot).or_insert(Pause {
            failures: 0,
            until: now,
        });
        pause.failures = match settled {
            true => 0,
            false => pause.failures + 1,
        };
        let length = length(pause.failures, served);
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

/// The first to end too soon may have had bad luck.
fn length(failures: u32, served: bool) -> Duration {
    let doubled = |first: Duration, times: u32| first.saturating_mul(1 << times.min(16));
    match (served, failures) {
        (true, 0 | 1) => Duration::ZERO,
        (true, failures) => doubled(PAUSE, failures - 2).min(LONG_PAUSE),
        (false, failures) => doubled(LONG_PAUSE, failures.saturating_sub(1)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let ms = |failures, served| length(failures, served).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 4, 9, 99].map(|failures| ms(failures, true)),
            [0, 0, 50, 100, 200, 1000, 1000]
        );
        assert_eq!(
            [1, 2, 3, 9].map(|failures| ms(failures, false)),
            [1000, 2000, 4000, 10_000]
        );
    }
}
