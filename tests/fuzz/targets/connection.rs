//! All bytes of a connection, after four that say how they are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peppercorn::invariants;

fuzz_target!(|bytes: &[u8]| invariants::connection(bytes));
