//! What an input costs, in bytes looked at or moved: so that tests can tell that no input costs more than its length
//! allows.
//!
//! The loops over foreign bytes in `http` and `sql` say here how far they go. A clock would depend on the machine;
//! this does not. Outside of tests and fuzzing nothing is counted.

#[cfg(any(test, fuzzing))]
thread_local! {
    static BYTES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes are looked at or moved.
#[inline]
pub(crate) fn add(bytes: usize) {
    #[cfg(any(test, fuzzing))]
    BYTES.set(BYTES.get() + bytes);
    let _ = bytes;
}

/// What `run` comes to, and how many bytes it looked at or moved.
#[cfg(any(test, fuzzing))]
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = BYTES.get();
    let value = run();
    (value, BYTES.get() - before)
}
