//! `serve`: each process of a service does its part.

use super::exit::{Exit, Failure, OrExit, classify, failure, unreadable};
use super::{needs_database, variable};
use crate::app::{Api, App};
use crate::auth::Verifier;
use crate::cli::Args;
use crate::config::{DatabaseSource, Serve};
use crate::observe;
use crate::pg::{self, Cluster};
use crate::process::{Keeper, Place, Reporter, Role, Worker};
use crate::runtime::Clock;
use crate::sql::{self, Findings, check_own};

pub(super) fn serve(app: &App, args: &Args, config: &Serve) -> Result<(), Failure> {
    match Role::of_this_process(config).map_err(failure)? {
        Role::Alone => {
            let folder = folder(config).map_err(unreadable)?;
            let place = Place::alone(config).map_err(failure)?;
            work(app, args, config, folder, place)
        }
        Role::Worker(place) => {
            observe::sign(place.slot());
            let mut folder = place.files().and_then(sql::define).map_err(classify)?;
            if place.takes_over() {
                folder.lock = None;
            }
            work(app, args, config, Some(folder), place)
        }
        Role::Keeper(keeper) => keep(config, keeper),
        Role::Reporter(reporter) => report(config, reporter),
        Role::Supervisor(supervisor) => supervisor.run().map_err(failure),
    }
}

/// What has to be served; nothing where files are edited, and what can be is.
fn folder(config: &Serve) -> anyhow::Result<Option<sql::Folder>> {
    let files = config.files.read()?;
    (!config.reload).then(|| sql::define(files)).transpose()
}

fn work(
    app: &App,
    args: &Args,
    config: &Serve,
    folder: Option<sql::Folder>,
    place: Place,
) -> Result<(), Failure> {
    let verifier = config.auth.verifier().exit(Exit::Config)?;
    let clock = Clock::start().exit(Exit::System)?;
    let opened = match &config.database {
        database if !needs_database(app, &config.files) => Ok((database.running(), None)),
        // The supervisor's keeper has started it.
        database @ DatabaseSource::Private(_) if place.is_supervised() => {
            Ok((database.running(), None))
        }
        database => database.open(&config.files, &clock),
    };
    let (settings, cluster) = opened.map_err(classify)?;
    let again = {
        let (app, args, clock) = (app.clone(), args.clone(), clock.clone());
        async move || read_again(&app, &args, &clock).await
    };
    let worker = Worker::new(config, place, &clock).map_err(failure)?;
    let worker = worker.reload_with(again);
    let api = async_io::block_on(build(app, config, folder, verifier, &settings, &clock));
    let api = api.map_err(classify);
    let served = api.and_then(|api| worker.run(api, &settings).map_err(failure));
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    served.and(stopped)
}

/// What a worker on its own serves after a HUP: the command line and the environment are what they were, the files that
/// they name need not be.
async fn read_again(app: &App, args: &Args, clock: &Clock) -> anyhow::Result<(Api, pg::Config)> {
    let config = Serve::resolve(args, &variable, app.files())?;
    let settings = config.database.running();
    // What serves is better than what the database has not been asked about.
    let unlocked = |folder| sql::Folder {
        lock: None,
        ..folder
    };
    let folder = folder(&config)?.map(unlocked);
    let verifier = config.auth.verifier()?;
    let api = build(app, &config, folder, verifier, &settings, clock).await?;
    Ok((api, settings))
}

/// Endpoints, what they and the program ask the database, and the document of them. Without a folder, of the SQL files
/// what can be served.
pub(super) async fn build(
    app: &App,
    config: &Serve,
    folder: Option<sql::Folder>,
    verifier: Option<Verifier>,
    settings: &pg::Config,
    clock: &Clock,
) -> anyhow::Result<Api> {
    let has_lock = folder.as_ref().is_some_and(|folder| folder.lock.is_some());
    let api = app.api(verifier)?;
    let api = match folder {
        Some(folder) if folder.definitions.is_empty() => api,
        Some(folder) => api.sql(folder, settings, clock).await?,
        None => api.draft(config.files.read()?, settings, clock).await?,
    };
    match check_own(app.queries(), settings, clock).await {
        // Known not to be there: what serves from the lock file does so without it.
        Err(error) if has_lock && !error.is::<Findings>() => {}
        checked => checked?,
    }
    let api = api.own(app.queries());
    let document = api.openapi(&app.title_for(&config.files));
    api.document(document, config.docs)
}

fn keep(config: &Serve, keeper: Keeper) -> Result<(), Failure> {
    let DatabaseSource::Private(directory) = &config.database else {
        return Err(anyhow::anyhow!("there is no private cluster to keep")).exit(Exit::Internal);
    };
    let clock = Clock::start().exit(Exit::System)?;
    let start = || Cluster::start(directory, config.files.schema()?, &clock);
    keeper.run(start).map_err(classify)
}

fn report(config: &Serve, reporter: Reporter) -> Result<(), Failure> {
    let Some(settings) = &config.sentry else {
        return Err(anyhow::anyhow!("there is no Sentry to report to")).exit(Exit::Internal);
    };
    reporter.run(settings).exit(Exit::System)
}
