//! `check`: what is wrong with the SQL files, and what a reviewer would ask about.

use anyhow::Context;

use super::exit::{Exit, Failure, OrExit, classify, unreadable};
use super::{open, say};
use crate::app::App;
use crate::config::Check;
use crate::observe;
use crate::pg::Cluster;
use crate::runtime::Clock;
use crate::sql::shown::Format;
use crate::sql::{self, Finding, check_own, lockfile};

pub(super) fn check(app: &App, config: &Check) -> Result<(), Failure> {
    let files = config.files.read().map_err(unreadable)?;
    let verifier = config.auth.verifier().exit(Exit::Config)?;
    let clock = Clock::start().exit(Exit::System)?;
    // What is wrong with the files by themselves is said without a database, too.
    let by_themselves = |failure| match sql::define(files.clone()) {
        Err(findings) => unreadable(findings),
        Ok(_) => failure,
    };
    let opened = open(app, &config.database, &config.files, &clock);
    let (settings, cluster) = opened.map_err(by_themselves)?;
    let reviewed = async_io::block_on(async {
        check_own(app.queries(), &settings, &clock).await?;
        sql::review(files.clone(), &settings, verifier.is_some(), &clock).await
    });
    let reviewed = reviewed.map_err(classify);
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    let mut review = reviewed.map_err(by_themselves)?;
    stopped?;
    if let (Some(directory), true) = (config.files.directory(), config.lock)
        && review.broken.is_empty()
    {
        let path = directory.join(lockfile::NAME);
        let written = std::fs::write(&path, review.lock());
        let context = || format!("cannot write {}", path.display());
        written.with_context(context).exit(Exit::System)?;
        // What differed from the one that was there does so no more.
        review.findings.retain(|finding| finding.path() != path);
    }
    let (wrong, count) = (review.has_errors(), review.folder.definitions.len());
    if wrong && config.format == Format::Text {
        // First things first.
        review.findings.retain(Finding::is_error);
    }
    let shown = sql::shown(&review.findings, config.format);
    match config.format {
        Format::Text => observe::last_words(shown.trim_end()),
        Format::Json | Format::Github => say(&shown)?,
    }
    if wrong {
        return Err(Failure(Exit::BadFile as u8, None));
    }
    // All that `serve` would do before it listens: routes of handlers and of the server's own are taken here too.
    let doubts = review.findings.len();
    let api = app.api(verifier).map_err(classify)?;
    api.endpoints(review.folder.definitions, review.described)
        .map_err(classify)?;
    if config.format != Format::Text {
        return Ok(());
    }
    let endpoints = counted(count, "endpoint");
    match doubts {
        0 => say(&format!("{endpoints}, nothing wrong\n")),
        _ => say(&format!("{endpoints}, {}\n", counted(doubts, "warning"))),
    }
}

/// `1 endpoint`, `2 endpoints`
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
