//! One SQL statement.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peppercorn::invariants;

fuzz_target!(|text: &str| invariants::sql_lexer(text));
