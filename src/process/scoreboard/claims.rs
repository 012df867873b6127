//! What one of several workers says, and not each: the first to claim it does, and nobody again for a while.
//!
//! A word each: which it is, as a number, and when it was claimed. Two that have one number are taken for one, which among
//! a hundred happens once in a million.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many there can be at a time; further ones are not held back.
pub(super) const WORDS: usize = 128;

/// What has been claimed.
pub(super) struct Claims(pub(super) &'static [AtomicU64]);

impl Claims {
    /// Claims `what` at `now_seconds`, unless somebody has within the last `period`.
    pub(super) fn claim(&self, what: &str, period: Duration, now_seconds: u32) -> bool {
        let number = number_of(what);
        let is_over = |word: u64| {
            let age = now_seconds.saturating_sub(word as u32);
            word == 0 || u64::from(age) >= period.as_secs()
        };
        let mine = number << 32 | u64::from(now_seconds);
        // Whoever is quicker has taken one word from us: once more from the start.
        for _ in 0..=self.0.len() {
            let words = self.0.iter().map(|word| word.load(Ordering::Acquire));
            let words: Vec<u64> = words.collect();
            let known = words.iter().position(|word| word >> 32 == number);
            if known.is_some_and(|known| !is_over(words[known])) {
                return false;
            }
            let Some(place) = known.or_else(|| words.iter().position(|word| is_over(*word))) else {
                return true;
            };
            let taken = self.0[place].compare_exchange(
                words[place],
                mine,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                return true;
            }
        }
        true
    }
}

/// Never 0.
fn number_of(what: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    (hasher.finish() >> 32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn claims() -> Claims {
        let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Claims(words.leak())
    }

    #[test]
    fn one_of_many_says_it_once_an_hour() {
        let claims = claims();
        for (now, expected) in [(10, 1), (11, 0), (3609, 0), (3610, 1), (3611, 0)] {
            let said = std::thread::scope(|scope| {
                let said = || scope.spawn(|| claims.claim("GET /block", HOUR, now));
                let threads: Vec<_> = (0..4).map(|_| said()).collect();
                let said = threads.into_iter().map(|thread| thread.join().unwrap());
                said.filter(|said| *said).count()
            });
            assert_eq!(said, expected, "{now}");
        }
    }

    #[test]
    fn each_has_its_own_and_what_has_no_room_is_said() {
        let claims = claims();
        let all = |now| {
            let said = (0..WORDS + 10).filter(|n| claims.claim(&n.to_string(), HOUR, now));
            said.count()
        };
        assert_eq!(all(10), WORDS + 10);
        assert_eq!(all(11), 10);
        assert_eq!(all(4000), WORDS + 10);
    }
}
