//! Inputs for property tests: pieces of a grammar, in order or not, then mutated. Random bytes alone are refused at
//! the first of them and test nothing behind it.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, contextualize_config};

/// So many cases, the same in every run. `PROPTEST_CASES` asks for more, `PROPTEST_RNG_SEED` for others.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    contextualize_config(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0),
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

/// Bytes, shown as text.
#[derive(Clone)]
pub(crate) struct Input(pub Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// The entries of a dictionary in libFuzzer's format.
pub(crate) fn dictionary(text: &str) -> Vec<Vec<u8>> {
    let quoted = text
        .lines()
        .filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescaped).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.bytes());
        let length = match after.strip_prefix('x') {
            Some(digits) => {
                bytes.push(u8::from_str_radix(&digits[..2], 16).expect("two digits"));
                3
            }
            None => {
                bytes.extend(after.bytes().take(1));
                1
            }
        };
        rest = &after[length..];
    }
    bytes.extend(rest.bytes());
    bytes
}

/// The one of a list that is usual, or one of the others.
pub(crate) fn usual(
    usual: &'static str,
    others: &'static [&'static str],
) -> impl Strategy<Value = String> + Clone {
    prop_oneof![3 => Just(usual), 1 => select(others)].prop_map(str::to_owned)
}

/// Pieces one after another, and now and then a few bytes that are none.
pub(crate) fn disorder(pieces: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    let piece = prop_oneof![
        12 => select(pieces),
        1 => prop::collection::vec(any::<u8>(), 1..20),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| Input(pieces.concat()))
}

/// What is `valid`, with a few mutations, a quarter of the time with none.
pub(crate) fn mutated(
    valid: impl Strategy<Value = Vec<u8>> + Clone,
    pieces: Vec<Vec<u8>>,
) -> impl Strategy<Value = Input> {
    let mutations = prop_oneof![
        1 => Just(Vec::new()),
        3 => prop::collection::vec(mutation(valid.clone(), pieces), 1..5),
    ];
    (valid, mutations).prop_map(|(mut bytes, mutations)| {
        for mutation in mutations {
            mutation.apply(&mut bytes);
        }
        Input(bytes)
    })
}

/// One change to an input. Places are relative, so that they stay inside while the input shrinks.
#[derive(Clone, Debug)]
enum Mutation {
    /// One bit of one byte.
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    /// Bytes stand twice in a row.
    Duplicate(Index, usize),
    Truncate(Index),
    /// From the first place on, what another input has from the second place on.
    Splice(Index, Vec<u8>, Index),
}

fn mutation(
    other: impl Strategy<Value = Vec<u8>>,
    pieces: Vec<Vec<u8>>,
) -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let inserted = prop_oneof![
        2 => select(pieces),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop_oneof![
        2 => (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        4 => (at(), inserted).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (at(), 1..8usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        2 => (at(), 1..40usize).prop_map(|(at, length)| Mutation::Duplicate(at, length)),
        1 => at().prop_map(Mutation::Truncate),
        1 => (at(), other, at()).prop_map(|(at, other, from)| Mutation::Splice(at, other, from)),
    ]
}

impl Mutation {
    fn apply(self, bytes: &mut Vec<u8>) {
        let place = |at: Index, bytes: &[u8]| at.index(bytes.len() + 1);
        let piece = |at: Index, length: usize, bytes: &[u8]| {
            let start = place(at, bytes);
            start..bytes.len().min(start + length)
        };
        match self {
            Mutation::Flip(at, bit) => {
                let at = place(at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Mutation::Insert(at, inserted) => {
                let at = place(at, bytes);
                bytes.splice(at..at, inserted);
            }
            Mutation::Delete(at, length) => drop(bytes.drain(piece(at, length, bytes))),
            Mutation::Duplicate(at, length) => {
                let piece = piece(at, length, bytes);
                bytes.splice(piece.end..piece.end, bytes[piece].to_vec());
            }
            Mutation::Truncate(at) => bytes.truncate(place(at, bytes)),
            Mutation::Splice(at, other, from) => {
                bytes.truncate(place(at, bytes));
                bytes.extend_from_slice(&other[place(from, &other)..]);
            }
        }
    }
}
