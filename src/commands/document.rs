//! `openapi`: the document of the API, or how it differs from one.

use std::path::Path;

use anyhow::Context;

use super::exit::{Exit, Failure, OrExit, classify, unreadable};
use super::{open, say};
use crate::app::App;
use crate::config::OpenApi;
use crate::openapi::difference;
use crate::pg::Cluster;
use crate::runtime::Clock;
use crate::sql;

pub(super) fn openapi(app: &App, config: &OpenApi) -> Result<(), Failure> {
    // The files' own mistakes come to light before anything is started for them.
    let folder = config.files.read().and_then(sql::define);
    let folder = folder.map_err(unreadable)?;
    let api = app.api(config.auth.verifier().exit(Exit::Config)?);
    let api = api.map_err(classify)?;
    let clock = Clock::start().exit(Exit::System)?;
    let (settings, cluster) = open(app, &config.database, &config.files, &clock)?;
    let api = match folder.definitions.is_empty() {
        true => Ok(api),
        false => async_io::block_on(api.sql(folder, &settings, &clock)).map_err(classify),
    };
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    let document = api?.openapi(&app.title_for(&config.files));
    stopped?;
    match &config.against {
        None => say(&String::from_utf8_lossy(&document)),
        Some(path) => compare(path, &document),
    }
}

/// Says how `document` differs from the one in the file.
fn compare(path: &Path, document: &[u8]) -> Result<(), Failure> {
    let context = || format!("cannot read {}", path.display());
    let before = std::fs::read(path)
        .with_context(context)
        .exit(Exit::NoInput)?;
    let before = serde_json::from_slice(&before);
    let before = before.with_context(|| format!("{} is not JSON", path.display()));
    let after = serde_json::from_slice(document).exit(Exit::Internal)?;
    let differences = difference(&before.exit(Exit::BadFile)?, &after);
    if differences.is_empty() {
        return Ok(());
    }
    say(&(differences.join("\n") + "\n"))?;
    let message = format!("the API is not what {} says", path.display());
    Err(anyhow::anyhow!(message)).exit(Exit::Different)
}
