//! A scrape: sums over the arenas of all workers, those that are no more too. It is done in pieces, so that whoever does it
//! has others take their turn in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::arena::{Arena, Series, values};
use super::family::Family;
use super::text;

/// Series that are added up at once, and that are written at once: a tenth of a millisecond's work each.
const ADDED: usize = 256;
const WRITTEN: usize = 64;

/// What there is to show.
#[derive(Default)]
pub struct Sources {
    /// What has been counted, by process.
    pub arenas: Vec<Arena>,
    /// What is now.
    pub samples: Vec<Sample>,
}

/// Asks for them at the time of a scrape.
pub type Expose = Arc<dyn Fn() -> Sources + Send + Sync>;

/// A metric with its labels, and its value.
pub struct Sample {
    pub(super) family: &'static Family,
    /// As in a series.
    key: Vec<u8>,
    pub(super) cells: Vec<u64>,
}

impl Sample {
    /// One that is not in an arena.
    pub fn new(family: &'static Family, labels: &[&str], value: u64) -> Sample {
        Sample {
            family,
            key: super::arena::key(labels),
            cells: vec![value],
        }
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.family.labels.iter().copied().zip(values(&self.key))
    }
}

/// A scrape on its way.
pub struct Scrape(State);

enum State {
    Adding(Box<dyn Iterator<Item = Series> + Send>, Sums),
    Writing(std::vec::IntoIter<Sample>, Option<&'static Family>),
}

/// What has been added up so far; the keys begin with the family's number.
struct Sums {
    /// Where each series is in `samples`.
    places: HashMap<Vec<u8>, usize>,
    samples: Vec<Sample>,
}

impl Scrape {
    /// One of these.
    pub fn new(sources: Sources) -> Scrape {
        let series = sources.arenas.into_iter().flat_map(Arena::series);
        let sums = Sums {
            places: HashMap::new(),
            samples: sources.samples,
        };
        Scrape(State::Adding(Box::new(series), sums))
    }

    /// Goes on for a piece, and adds to `text` what is ready. False: it was the last.
    pub fn advance(&mut self, text: &mut Vec<u8>) -> bool {
        match &mut self.0 {
            State::Adding(series, sums) => {
                for _ in 0..ADDED {
                    match series.next() {
                        Some(series) => sums.add(&series),
                        None => {
                            let samples = std::mem::take(&mut sums.samples);
                            self.0 = State::Writing(sorted(samples).into_iter(), None);
                            break;
                        }
                    }
                }
                true
            }
            State::Writing(samples, before) => {
                for sample in samples.by_ref().take(WRITTEN) {
                    if before.is_none_or(|before| before.number != sample.family.number) {
                        text::head(sample.family, text);
                    }
                    *before = Some(sample.family);
                    text::sample(&sample, text);
                }
                !samples.as_slice().is_empty()
            }
        }
    }

    /// All of it at once.
    pub fn text(mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while self.advance(&mut text) {}
        text
    }
}

impl Sums {
    fn add(&mut self, series: &Series) {
        let Some(family) = series.known() else {
            return;
        };
        let mut key = series.family.to_be_bytes().to_vec();
        series.read_key(&mut key);
        let samples = &mut self.samples;
        let place = *self.places.entry(key).or_insert_with_key(|key| {
            samples.push(Sample {
                family,
                key: key[2..].to_vec(),
                cells: vec![0; family.cells()],
            });
            samples.len() - 1
        });
        for (sum, cell) in samples[place].cells.iter_mut().zip(series.cells) {
            *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
        }
    }
}

/// By family, then by the values of the labels.
fn sorted(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.sort_unstable_by(|one, other| {
        let families = one.family.number.cmp(&other.family.number);
        families.then_with(|| values(&one.key).cmp(values(&other.key)))
    });
    samples
}
