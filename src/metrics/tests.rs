//! What holds for arenas whatever happens to their processes, and what a scrape shows.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use http_types::Method;
use proptest::prelude::*;

use crate::mutate;

use super::arena::{Arena, OTHER, Writer, values};
use super::family::{ALL, ERRORS, Family, OVERFLOWED, QUERY_DURATION, REQUEST_DURATION, STALLS};
use super::scrape::{Sample, Scrape, Sources};
use super::{Metrics, arena};

/// An arena with these words in it.
fn arena_of(words: Vec<u64>, used: u64) -> Arena {
    let words: Vec<AtomicU64> = words.into_iter().map(AtomicU64::new).collect();
    Arena::new(Box::leak(Box::new(AtomicU64::new(used))), words.leak())
}

fn empty(words: usize) -> Arena {
    arena_of(vec![0; words], 0)
}

/// Every series by family and labels, with the sum of its cells.
fn read(arena: Arena) -> HashMap<(u16, Vec<String>), u64> {
    let series = arena.series().map(|series| {
        let mut key = Vec::new();
        series.read_key(&mut key);
        let labels = values(&key).map(|value| String::from_utf8_lossy(value).into_owned());
        let sum = series.cells.iter().map(|cell| cell.load(Ordering::Relaxed));
        ((series.family, labels.collect()), sum.sum())
    });
    series.collect()
}

fn errors(arena: Arena, labels: [&str; 2]) -> Option<u64> {
    let labels = labels.map(str::to_owned).to_vec();
    read(arena).get(&(ERRORS.number, labels)).copied()
}

fn shown(arenas: Vec<Arena>, samples: Vec<Sample>) -> String {
    String::from_utf8(Scrape::new(Sources { arenas, samples }).text()).unwrap()
}

#[test]
fn who_comes_after_goes_on_counting() {
    let arena = empty(4096);
    for count in 1..=3 {
        let metrics = Metrics::new(arena, &[]);
        metrics.counter(&ERRORS, &["prices", "42P01"]).add(2);
        let route = metrics.route("/markets/{id}", "prices");
        route.observe(Some(Method::Get), 200, Duration::from_millis(7));
        assert_eq!(arena.series().count(), 2);
        assert_eq!(errors(arena, ["prices", "42P01"]), Some(2 * count));
    }
    assert_eq!(errors(arena, ["prices", ""]), None);
}

#[test]
fn lists_of_labels_are_never_mixed_up() {
    let writer = Writer::new(empty(4096));
    let lists = [
        ["ab", "c"],
        ["a", "bc"],
        ["", "abc"],
        ["abc", ""],
        ["a\0", "b"],
    ];
    for (index, labels) in lists.iter().enumerate() {
        writer.cells(&ERRORS, labels)[0].store(index as u64 + 1, Ordering::Relaxed);
    }
    for (index, labels) in lists.iter().enumerate() {
        assert_eq!(
            writer.cells(&ERRORS, labels)[0].load(Ordering::Relaxed),
            index as u64 + 1
        );
    }
}

/// One that dies half way through an append has written anything but what makes it count.
#[test]
fn what_is_half_appended_is_not_there() {
    let arena = empty(4096);
    Writer::new(arena).cells(&STALLS, &["first"])[0].store(5, Ordering::Relaxed);
    let writer = Writer::new(arena);
    // A whole series, but for the word that says so.
    let used = arena.used.load(Ordering::Relaxed);
    writer
        .cells(&QUERY_DURATION, &["second"])
        .iter()
        .for_each(|cell| cell.store(9, Ordering::Relaxed));
    arena.used.store(used, Ordering::Relaxed);
    assert_eq!(read(arena).len(), 1);
    let after = Writer::new(arena);
    after.cells(&STALLS, &["third"])[0].store(1, Ordering::Relaxed);
    let sum: u64 = after
        .cells(&QUERY_DURATION, &["second"])
        .iter()
        .map(|cell| cell.load(Ordering::Relaxed))
        .sum();
    assert_eq!(sum, 0);
    assert_eq!(read(arena).values().sum::<u64>(), 6);
}

#[test]
fn what_has_no_room_is_counted_with_others_and_said() {
    let arena = empty(2048);
    let metrics = Metrics::new(arena, &[]);
    for number in 0..1000 {
        let route = metrics.route(&format!("/{number}"), "one");
        route.observe(Some(Method::Get), 200, Duration::ZERO);
        route.count_error("XX000");
        // Found again each time, in the room or out of it.
        route.observe(Some(Method::Get), 200, Duration::ZERO);
    }
    let series = read(arena);
    let of = |family: &Family| -> u64 {
        let mine = series
            .iter()
            .filter(|((number, _), _)| *number == family.number);
        mine.map(|(_, sum)| sum).sum()
    };
    assert_eq!((of(&REQUEST_DURATION), of(&ERRORS)), (2000, 1000));
    let others = series[&(REQUEST_DURATION.number, vec![OTHER.to_owned(); 3])];
    let overflowed = series[&(OVERFLOWED.number, Vec::new())];
    assert!(
        others > 1000 && overflowed >= others / 2,
        "{others} in {overflowed}"
    );
    // Every family still has a place for what is new.
    for family in ALL {
        assert!(
            Writer::new(arena)
                .place(family, &vec!["new"; family.labels.len()])
                .is_some(),
            "{}",
            family.name
        );
    }
}

#[test]
fn a_route_counts_more_statuses_than_it_remembers() {
    let arena = empty(8192);
    let route = Metrics::new(arena, &[]).route("/", "all");
    for _ in 0..3 {
        for status in 400..430 {
            route.observe(Some(Method::Post), status, Duration::ZERO);
            route.observe_many(None, status, 2, Duration::ZERO);
        }
    }
    let series = read(arena);
    assert_eq!(series.len(), 60);
    for ((_, labels), sum) in series {
        assert_eq!(sum, if labels[0] == "POST" { 3 } else { 6 }, "{labels:?}");
    }
}

#[test]
fn threads_that_meet_a_series_first_count_in_one() {
    let arena = empty(4096);
    let metrics = Metrics::new(arena, &[]);
    let route = metrics.route("/", "all");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for status in (200..208).cycle().take(8000) {
                    route.observe(Some(Method::Get), status, Duration::ZERO);
                }
            });
        }
    });
    assert_eq!(read(arena).values().copied().collect::<Vec<_>>(), [4000; 8]);
}

/// What a reader sees is whole and never less than before, while series come and are counted.
#[test]
fn readers_beside_writers_see_whole_series_that_only_grow() {
    let arena = empty(arena::WORDS);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let metrics = Metrics::new(arena, &[]);
            for number in 0..2000 {
                let route = metrics.route(&format!("/{number}/{}", "x".repeat(number % 90)), "one");
                for _ in 0..5 {
                    route.observe(Some(Method::Get), 200, Duration::from_nanos(1));
                }
            }
            over.store(true, Ordering::Release);
        });
        let mut before: HashMap<(u16, Vec<String>), u64> = HashMap::new();
        loop {
            let last = over.load(Ordering::Acquire);
            let now = read(arena);
            for (series, sum) in &before {
                assert!(now.get(series) >= Some(sum), "{series:?}");
            }
            for ((family, labels), sum) in &now {
                assert_eq!((*family, labels.len()), (REQUEST_DURATION.number, 3));
                let (number, rest) = labels[1][1..].split_once('/').unwrap();
                assert_eq!(rest.len(), number.parse::<usize>().unwrap() % 90);
                assert!(*sum <= 10);
            }
            before = now;
            if last {
                break;
            }
        }
        assert_eq!((before.len(), before.values().sum::<u64>()), (2000, 20_000));
    });
}

#[test]
fn arenas_are_added_up_and_shown_in_order() {
    let arenas: Vec<Arena> = (0..3).map(|_| empty(4096)).collect();
    for (index, arena) in arenas.iter().enumerate() {
        let metrics = Metrics::new(*arena, &[]);
        metrics.counter(&STALLS, &["b"]).add(1);
        metrics
            .counter(&STALLS, &["a\\\"\n"])
            .add(index as u64 * 10);
    }
    let samples = vec![Sample::new(&super::family::WORKERS, &["serving"], 3)];
    let text = shown(arenas, samples);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            r#"peppercorn_loop_stalls_total{endpoint="a\\\"\n"} 30"#,
            r#"peppercorn_loop_stalls_total{endpoint="b"} 3"#,
            r#"peppercorn_workers{state="serving"} 3"#,
        ]
    );
    assert_eq!(
        text.matches("# TYPE peppercorn_loop_stalls_total counter\n")
            .count(),
        1
    );
}

#[test]
fn what_an_unknown_version_has_counted_is_passed_over() {
    let arena = empty(4096);
    let other = Family {
        number: 999,
        ..copy(&STALLS)
    };
    let wider = Family {
        kind: REQUEST_DURATION.kind,
        ..copy(&STALLS)
    };
    let writer = Writer::new(arena);
    writer.cells(&other, &["a"])[0].store(1, Ordering::Relaxed);
    writer.cells(&wider, &["a"])[0].store(2, Ordering::Relaxed);
    let writer = Writer::new(arena);
    writer.cells(&STALLS, &["a"])[0].store(4, Ordering::Relaxed);
    assert_eq!(arena.series().count(), 3);
    let text = shown(vec![arena], Vec::new());
    assert_eq!(
        text.lines().last(),
        Some(r#"peppercorn_loop_stalls_total{endpoint="a"} 4"#)
    );
    assert_eq!(text.lines().count(), 3);
}

fn copy(family: &Family) -> Family {
    Family {
        number: family.number,
        name: family.name,
        help: family.help,
        labels: family.labels,
        kind: family.kind,
    }
}

proptest! {
    #![proptest_config(mutate::config(300))]

    /// Memory that holds anything is read without a panic, and whoever goes on there is understood.
    #[test]
    fn any_memory_can_be_gone_on_with(
        words in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..40, (0_u64..99).prop_map(|size| size << 32 | 1 << 16 | 13)], 0..200),
        used in prop_oneof![any::<u64>(), 0_u64..200],
    ) {
        let mut memory = words;
        memory.resize(memory.len() + 2048, 0);
        let arena = arena_of(memory, used);
        let _any = shown(vec![arena], Vec::new());
        let cells = Writer::new(arena).cells(&ERRORS, &["one", "two"]);
        let before = cells[0].load(Ordering::Relaxed);
        cells[0].fetch_add(1, Ordering::Relaxed);
        prop_assert_eq!(errors(arena, ["one", "two"]), Some(before.wrapping_add(1)));
    }

    /// Nothing that is counted is lost or doubled, whoever counts and however often they are replaced.
    #[test]
    fn sums_are_those_of_a_map(
        work in prop::collection::vec((0_usize..3, 0_usize..2, "[a-c]{0,3}", "[a-c]{0,3}", 1_u64..9, prop::bool::weighted(0.1)), 0..200)
    ) {
        let arenas = [0; 3].map(|_| empty(2048));
        let mut writers = arenas.map(Writer::new);
        let mut sums: BTreeMap<(&str, [String; 2]), u64> = BTreeMap::new();
        for (row, family, one, other, count, dies) in work {
            if dies {
                writers[row] = Writer::new(arenas[row]);
            }
            let (family, labels) = match family {
                0 => (&ERRORS, vec![&*one, &*other]),
                _ => (&STALLS, vec![&*one]),
            };
            writers[row].cells(family, &labels)[0].fetch_add(count, Ordering::Relaxed);
            let second = labels.get(1).copied().unwrap_or("").to_owned();
            *sums.entry((family.name, [one.clone(), second])).or_default() += count;
        }
        let expected: Vec<String> = sums
            .iter()
            .map(|((name, [one, other]), sum)| match *name == ERRORS.name {
                true => format!("{name}{{endpoint=\"{one}\",code=\"{other}\"}} {sum}"),
                false => format!("{name}{{endpoint=\"{one}\"}} {sum}"),
            })
            .collect();
        let text = shown(arenas.to_vec(), Vec::new());
        let mut shown: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        expected.sort_unstable();
        shown.sort_unstable();
        prop_assert_eq!(shown, expected);
    }
}
