//! A request as far as reports of it go.

use std::sync::Arc;
use std::task::Poll;

use anyhow::anyhow;
use http_types::StatusCode;
use sentry_core::Hub;
use sentry_core::types::random_uuid;

use super::Captured;
use super::event::{self, Client, Facts, Failure};
use super::trace::Trace;
use crate::endpoint::{Context, RequestId, Route};
use crate::error::Problem;
use crate::observe::{self, Event};
use crate::panics::{self, Panic};
use crate::runtime::stalls;
use crate::sentry::{Category, Sentry};

/// A request from the moment that its endpoint is called until its answer is complete.
pub(super) struct Case {
    route: Arc<Route>,
    request_id: RequestId,
    sentry: Option<Reporting>,
}

/// A request's part of Sentry.
struct Reporting {
    sentry: Sentry,
    /// The request's own: what its code says to Sentry stays with it.
    hub: Arc<Hub>,
    trace: Option<Trace>,
    client: Option<Box<Client>>,
}

impl Case {
    pub(super) fn open(context: &mut Context, traced: bool) -> Case {
        let sentry = context.service.sentry.clone().map(|sentry| {
            let hub = sentry.hub();
            let trace =
                traced.then(|| Trace::begin(&sentry, &hub, &context.route, &context.request));
            let trace = trace.flatten();
            context.trace = trace.as_ref().and_then(Trace::steps);
            Reporting {
                client: sentry.sends_personal_data().then(|| Client::of(context)),
                sentry,
                hub,
                trace,
            }
        });
        Case {
            route: context.route.clone(),
            request_id: context.request_id.clone(),
            sentry,
        }
    }

    /// Polls what the request runs: on its hub, timed, and with its panic caught.
    pub(super) fn poll<T>(&self, poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, Panic>> {
        let stack = (self.sentry.as_ref())
            .is_some_and(|reporting| reporting.sentry.is_taking(Category::Error));
        stalls::section(self.route.label(), || {
            panics::catch_poll(stack, || match &self.sentry {
                Some(reporting) => Hub::run(reporting.hub.clone(), poll),
                None => poll(),
            })
        })
    }

    /// It is answered.
    pub(super) fn close(&mut self, status: StatusCode) {
        if let Some(Reporting { sentry, trace, .. }) = &mut self.sentry
            && let Some(trace) = trace.take()
        {
            trace.end(sentry, status);
        }
    }

    /// The endpoint has raised an error: it is reported, unless it is no news. What goes on to the client.
    pub(super) fn fail(&mut self, error: anyhow::Error) -> anyhow::Error {
        let status = status(&error);
        let problem = error.downcast_ref::<Problem>();
        let no_news = problem.is_some_and(|problem| !problem.is_failure());
        let error = match no_news {
            true => {
                self.count(&error);
                error
            }
            false => self.report(error),
        };
        self.close(status);
        error
    }

    /// Reports an error, whatever it is.
    pub(super) fn report(&mut self, error: anyhow::Error) -> anyhow::Error {
        self.count(&error);
        observe::emit(&Event::RequestFailed {
            endpoint: self.route.endpoint.to_string(),
            request_id: self.request_id.as_str().into(),
            error: format!("{error:#}"),
        });
        let error = Arc::new(error);
        match self.capture(Failure::Error(error.clone())) {
            Some(event_id) => Captured { event_id, error }.into(),
            None => Arc::into_inner(error).unwrap_or_else(|| anyhow!("unexpected")),
        }
    }

    /// Counts an error: by PostgreSQL's code if it has one, else by the status that it means.
    fn count(&self, error: &anyhow::Error) {
        let metrics = self.route.metrics();
        let problem = error.downcast_ref::<Problem>();
        match problem.and_then(Problem::code) {
            Some(code) => metrics.count_error(code),
            None => metrics.count_error(&u16::from(status(error)).to_string()),
        }
    }

    /// Reports a panic. What goes on to the client.
    pub(super) fn panicked(&mut self, panic: Panic) -> anyhow::Error {
        self.route.metrics().count_error("panic");
        observe::emit(&Event::Panicked {
            endpoint: self.route.endpoint.to_string(),
            request_id: self.request_id.as_str().into(),
            message: panic.message.clone(),
            place: panic.place.clone(),
        });
        let error: anyhow::Error = Problem::internal(anyhow!("panicked: {}", panic.message)).into();
        let captured = self.capture(Failure::Panic(panic));
        self.close(StatusCode::InternalServerError);
        match captured {
            Some(event_id) => {
                let error = Arc::new(error);
                Captured { event_id, error }.into()
            }
            None => error,
        }
    }

    /// Hands a failure over to Sentry's thread; its id there, if it was taken.
    fn capture(&mut self, failure: Failure) -> Option<sentry_core::types::Uuid> {
        let reporting = self.sentry.as_mut()?;
        let id = random_uuid();
        let facts = Facts {
            route: self.route.clone(),
            request_id: self.request_id.clone(),
            client: reporting.client.take(),
        };
        let hub = reporting.hub.clone();
        let taken = reporting.sentry.submit(Category::Error, move || {
            hub.capture_event(event::event(id, facts, &failure));
        });
        taken.then_some(id)
    }
}

impl Drop for Case {
    /// Given up by its client, or by the server.
    fn drop(&mut self) {
        self.close(StatusCode::GatewayTimeout);
    }
}

/// What the client is answered.
fn status(error: &anyhow::Error) -> StatusCode {
    let problem = error.downcast_ref::<Problem>();
    problem.map_or(StatusCode::InternalServerError, Problem::status)
}
