//! One request head.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peppercorn::invariants;

fuzz_target!(|bytes: &[u8]| invariants::head(bytes));
