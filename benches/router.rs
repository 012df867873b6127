//! What finding a route costs, among ten, a hundred and a thousand.
//!
//! `cargo bench --bench router [FILTER]`. `matchit`, which is axum's router, is asked for the same paths among the same
//! routes. Ours does what that does not: it compares percent-decoded, so that `/%70ing` is `/ping`.

use std::ops::RangeInclusive;

use divan::{Bencher, black_box};
use peppercorn::router::{Router, Template};

fn main() {
    divan::main();
}

const ROUTES: [usize; 3] = [10, 100, 1000];

const RESOURCES: &str = "accounts bets competitions contracts currencies customers deposits events invoices markets \
    messages orders payments prices products sessions sports trades users withdrawals";

const PARTS: &str = "addresses comments documents entries items labels limits members positions rules statements versions";

/// The templates of a REST API: collections, their members, and parts of those.
fn templates(count: usize) -> Vec<String> {
    let (resources, parts) = match count {
        10 => (5, 0),
        100 => (10, 2),
        1000 => (20, 12),
        _ => panic!("no API of {count} routes here"),
    };
    let mut templates = Vec::new();
    for resource in RESOURCES.split(' ').take(resources) {
        templates.push(format!("/{resource}"));
        templates.push(format!("/{resource}/{{id}}"));
        for part in PARTS.split(' ').take(parts) {
            templates.push(format!("/{resource}/{{id}}/{part}"));
            templates.push(format!("/{resource}/{{id}}/{part}/{{part_id}}"));
            templates.push(format!("/{resource}/{{id}}/{part}/{{part_id}}/history"));
            templates.push(format!(
                "/{resource}/{{id}}/{part}/{{part_id}}/history/{{version}}"
            ));
        }
    }
    assert_eq!(templates.len(), count);
    templates
}

/// Paths that lead to the templates with so many parameters, shuffled: neighbours in the tree do not follow each other.
fn hits(count: usize, parameters: RangeInclusive<usize>) -> Vec<String> {
    let mut templates = templates(count);
    templates.retain(|template| parameters.contains(&template.matches('{').count()));
    fastrand::Rng::with_seed(7).shuffle(&mut templates);
    let path = |template: &String| {
        template
            .replace("{id}", "48151623")
            .replace("{part_id}", "b1946ac9-2492-4d23-87c6-235b4d261118")
            .replace("{version}", "42")
    };
    templates.iter().map(path).collect()
}

/// Paths that lead nowhere, which shows at their first segment, at one in the middle, or behind their last.
fn misses(count: usize) -> Vec<String> {
    let mut paths: Vec<String> = RESOURCES
        .split(' ')
        .map(|resource| format!("/{resource}.php"))
        .collect();
    for path in hits(count, 1..=1).iter().take(20) {
        paths.push(format!("{path}/nothing/7"));
        paths.push(format!("{path}/"));
    }
    fastrand::Rng::with_seed(7).shuffle(&mut paths);
    paths
}

/// Finds each path in turn with our router, parameters and all.
fn ours(bencher: Bencher<'_, '_>, count: usize, paths: &[String]) {
    let mut router = Router::new();
    for template in templates(count) {
        router.entry(
            &Template::parse(&template).expect("a valid template"),
            || (),
        );
    }
    each(bencher, paths, |path| {
        let found = router.find(path);
        found.map(|found| found.parameters().map(black_box).count())
    });
}

/// The same with matchit.
fn theirs(bencher: Bencher<'_, '_>, count: usize, paths: &[String]) {
    let mut router = matchit::Router::new();
    for template in templates(count) {
        router.insert(template, ()).expect("no conflict");
    }
    each(bencher, paths, |path| {
        let found = router.at(path).ok();
        found.map(|found| found.params.iter().map(black_box).count())
    });
}

fn each(bencher: Bencher<'_, '_>, paths: &[String], find: impl Fn(&str) -> Option<usize>) {
    let mut paths = paths.iter().cycle();
    bencher
        .with_inputs(|| paths.next().map_or("", String::as_str))
        .bench_local_values(|path| find(black_box(path)));
}

/// Paths without parameters.
#[divan::bench_group(sample_size = 1000)]
mod literal {
    use super::*;

    #[divan::bench(args = ROUTES)]
    fn peppercorn(bencher: Bencher<'_, '_>, routes: usize) {
        ours(bencher, routes, &hits(routes, 0..=0));
    }

    #[divan::bench(args = ROUTES)]
    fn matchit(bencher: Bencher<'_, '_>, routes: usize) {
        theirs(bencher, routes, &hits(routes, 0..=0));
    }
}

/// Paths with one to three parameters.
#[divan::bench_group(sample_size = 1000)]
mod parameters {
    use super::*;

    #[divan::bench(args = ROUTES)]
    fn peppercorn(bencher: Bencher<'_, '_>, routes: usize) {
        ours(bencher, routes, &hits(routes, 1..=3));
    }

    #[divan::bench(args = ROUTES)]
    fn matchit(bencher: Bencher<'_, '_>, routes: usize) {
        theirs(bencher, routes, &hits(routes, 1..=3));
    }
}

#[divan::bench_group(sample_size = 1000)]
mod miss {
    use super::*;

    #[divan::bench(args = ROUTES)]
    fn peppercorn(bencher: Bencher<'_, '_>, routes: usize) {
        ours(bencher, routes, &misses(routes));
    }

    #[divan::bench(args = ROUTES)]
    fn matchit(bencher: Bencher<'_, '_>, routes: usize) {
        theirs(bencher, routes, &misses(routes));
    }
}
