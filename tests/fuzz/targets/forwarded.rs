//! The value of `Forwarded` or `X-Forwarded-For`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peppercorn::invariants;

fuzz_target!(|bytes: &[u8]| invariants::forwarded(bytes));
