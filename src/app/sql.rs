//! Endpoints of SQL files: all of a folder, or what can be served of one that somebody is writing.

use std::fmt;
use std::sync::Arc;

use anyhow::bail;

use super::api::{guarded, own_route};
use super::draft::Unserved;
use super::routes::{Audience, Entry};
use super::{Api, Conflict};
use crate::capture::untraced;
use crate::endpoint::Route;
use crate::observe::{self, Event};
use crate::openapi::Operation;
use crate::pg::Config;
use crate::runtime::Clock;
use crate::sql::file::Auth;
use crate::sql::{self, Definition, Described, Files, Folder, SqlRoute};

impl Api {
    /// Adds endpoints read from SQL files, after the database of `config` has agreed to them.
    ///
    /// # Errors
    /// See [`Folder::described`] and [`sql::compose`](fn@sql::compose); a route that is taken.
    pub async fn sql(self, folder: Folder, config: &Config, clock: &Clock) -> anyhow::Result<Api> {
        let described = folder.described(config, clock).await?;
        self.endpoints(folder.definitions, described)
    }

    /// Adds endpoints that a database has [described](sql::describe).
    ///
    /// # Errors
    /// See [`sql::compose`](fn@sql::compose); a route that is taken.
    pub fn endpoints(
        mut self,
        definitions: Vec<Definition>,
        described: Vec<Described>,
    ) -> anyhow::Result<Api> {
        for route in self.compose(definitions, described)? {
            self.sql_route(route)?;
        }
        Ok(self)
    }

    /// Adds what can be served of `files`, which somebody is writing. The log says what is wrong
    /// with the others; so does what their routes answer, for they are there, with 500.
    ///
    /// # Errors
    /// A database that cannot be reached.
    pub async fn draft(
        mut self,
        files: Files,
        config: &Config,
        clock: &Clock,
    ) -> anyhow::Result<Api> {
        let has_key = self.verifier.is_some();
        let review = sql::review(files, config, has_key, clock).await?;
        let wrong = review.findings.iter().filter(|finding| finding.is_error());
        wrong.for_each(|finding| not_served(finding));
        for route in self.compose(review.folder.definitions, review.described)? {
            self.sql_route(route)
                .unwrap_or_else(|conflict| not_served(&conflict));
        }
        for broken in review.broken {
            let route = own_route(broken.method, &broken.template);
            let entry = Entry {
                place: route.to_string(),
                route,
                audience: Audience::Clients,
                endpoint: untraced(Unserved(broken.findings)),
            };
            // One that is taken is answered by whoever has it; what is wrong has been said.
            let _taken = self.routes.insert(&broken.template, entry);
        }
        Ok(self)
    }

    /// Endpoints for [`Api::sql_route`]; what they ask the database is known from here on.
    fn compose(
        &mut self,
        definitions: Vec<Definition>,
        described: Vec<Described>,
    ) -> anyhow::Result<Vec<SqlRoute>> {
        if !(self.read.is_empty() && self.write.is_empty()) {
            bail!("a second folder of SQL files: an application has one");
        }
        let checked = sql::compose(definitions, described, self.verifier.is_some())?;
        (self.read, self.write) = (checked.read, checked.write);
        Ok(checked.routes)
    }

    fn sql_route(&mut self, route: SqlRoute) -> Result<(), Conflict> {
        let operation = Operation::of_sql(&route, self.verifier.is_some());
        let definition = &route.definition;
        let entry = Entry {
            route: Arc::new(route_of(definition)),
            place: definition.source.place(definition.route_at),
            audience: Audience::Clients,
            endpoint: match &self.verifier {
                Some(verifier) if !definition.is_public() => {
                    self.captured(guarded(route.endpoint, verifier, scopes(definition)))
                }
                _ => self.captured(route.endpoint),
            },
        };
        self.add(&definition.template, entry, Some(operation))
    }
}

fn not_served(finding: &dyn fmt::Display) {
    observe::emit(&Event::NotServed {
        finding: finding.to_string(),
    });
}

fn scopes(definition: &Definition) -> &[String] {
    match definition.directives.auth.as_ref().map(|said| &said.what) {
        Some(Auth::Scopes(scopes)) => scopes,
        _ => &[],
    }
}

fn route_of(definition: &Definition) -> Route {
    let timeout = definition.directives.timeout.as_ref();
    let template = definition.template.as_str();
    Route::new(definition.method, template, definition.name.as_str())
        .within(timeout.map(|said| said.what))
}
