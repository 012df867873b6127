//! What Sentry is told of a failed request.
//!
//! Only what says which code failed and how: the route's template and not the path, the SQLSTATE and the constraint and
//! not the row. What the client sent, and what PostgreSQL quotes of it, goes along where `SENTRY_SEND_DEFAULT_PII` asks
//! for it.

use std::error::Error as StdError;
use std::sync::Arc;

use sentry_core::parse_type_from_debug;
use sentry_core::protocol::{Event, Exception, Level, Mechanism, Request, User};
use sentry_core::types::Uuid;
use tokio_postgres::error::DbError;

use crate::endpoint::{Context, RequestId, Route};
use crate::error::Problem;
use crate::panics::Panic;
use crate::sentry::frames::stacktrace;

/// Of a request's body, in bytes, where bodies are sent at all.
const MOST_BODY_BYTES: usize = 10 * 1024;

/// What went wrong.
pub(super) enum Failure {
    /// The endpoint's error.
    Error(Arc<anyhow::Error>),
    /// The endpoint's panic.
    Panic(Panic),
}

/// The request that it went wrong with.
pub(super) struct Facts {
    pub(super) route: Arc<Route>,
    pub(super) request_id: RequestId,
    /// What the client sent and who it is, if that may be told.
    pub(super) client: Option<Box<Client>>,
}

/// What is personal of a request.
pub(super) struct Client {
    pub(super) request: Request,
    pub(super) user: User,
}

/// Fields that let whoever has them in.
const CREDENTIALS: [&str; 5] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-forwarded-client-cert",
];

impl Client {
    /// Who sends this request, and what, but for credentials.
    pub(super) fn of(context: &Context) -> Box<Client> {
        let request = &context.request;
        let url = request
            .header("host")
            .map(|host| format!("http://{host}{}", request.path()));
        let headers = request.headers();
        let headers = headers.filter(|(name, _)| {
            let mut credentials = CREDENTIALS.iter();
            !credentials.any(|credential| name.eq_ignore_ascii_case(credential))
        });
        Box::new(Client {
            request: Request {
                url: url.and_then(|url| url.parse().ok()),
                method: Some(request.method().to_string()),
                query_string: request.query().map(str::to_owned),
                data: text_of(request.body()),
                headers: headers
                    .map(|(name, value)| (name.into(), String::from_utf8_lossy(value).into_owned()))
                    .collect(),
                ..Request::default()
            },
            user: User {
                ip_address: context.peer.map(Into::into),
                ..User::default()
            },
        })
    }
}

/// The beginning of a body, if it is text.
fn text_of(body: &[u8]) -> Option<String> {
    let start = &body[..body.len().min(MOST_BODY_BYTES)];
    match std::str::from_utf8(start) {
        Ok("") => None,
        Ok(text) => Some(text.to_owned()),
        // Cut in the midst of a character.
        Err(error) if error.error_len().is_none() => {
            Some(String::from_utf8_lossy(&start[..error.valid_up_to()]).into_owned())
        }
        Err(_) => None,
    }
}

/// The event of this failure. Names functions of stacks, which may take a while: not for an executor thread.
pub(super) fn event(id: Uuid, facts: Facts, failure: &Failure) -> Event<'static> {
    let personal = facts.client.is_some();
    let (level, exceptions) = match failure {
        Failure::Error(error) => (Level::Error, chain(error, personal)),
        Failure::Panic(panic) => (Level::Fatal, vec![of_panic(panic)]),
    };
    let mut event = Event {
        event_id: id,
        level,
        transaction: Some(facts.route.to_string()),
        exception: exceptions.into(),
        ..Event::default()
    };
    let mut tag = |name: &str, value: &str| event.tags.insert(name.into(), value.into());
    tag("route", &facts.route.template);
    tag("method", facts.route.method.as_ref());
    tag("endpoint", &facts.route.endpoint);
    tag("request_id", facts.request_id.as_str());
    let problem = match failure {
        Failure::Error(error) => error.downcast_ref::<Problem>(),
        Failure::Panic(_) => None,
    };
    let endpoint = facts.route.endpoint.to_string();
    event.fingerprint = match problem.and_then(|problem| Some((problem, problem.code()?))) {
        Some((problem, sqlstate)) => {
            let constraint = problem.constraint().unwrap_or_default();
            tag("sqlstate", sqlstate);
            if !constraint.is_empty() {
                tag("constraint", constraint);
            }
            vec![
                endpoint.into(),
                sqlstate.to_owned().into(),
                constraint.to_owned().into(),
            ]
        }
        // Sentry's own grouping tells errors of one endpoint apart.
        None => vec!["{{ default }}".into(), endpoint.into()],
    }
    .into();
    if let Some(client) = facts.client {
        event.request = Some(client.request);
        event.user = Some(client.user);
    } else {
        event.request = Some(Request {
            method: Some(facts.route.method.to_string()),
            ..Request::default()
        });
    }
    event
}

/// The error and its causes, the first cause first. Where the error knows its stack, it is that of the error itself.
fn chain(error: &anyhow::Error, personal: bool) -> Vec<Exception> {
    let mut exceptions: Vec<Exception> = error
        .chain()
        .map(|link| exception(link, personal))
        .collect();
    if let Some(outermost) = exceptions.first_mut() {
        outermost.stacktrace = stacktrace(&error.backtrace().to_string());
        outermost.mechanism = Some(mechanism("endpoint"));
    }
    exceptions.reverse();
    exceptions
}

fn exception(error: &(dyn StdError + 'static), personal: bool) -> Exception {
    let debug = format!("{error:?}");
    let value = match error.downcast_ref::<tokio_postgres::Error>() {
        // Its cause comes next, and says it with what may be said.
        Some(error) if error.as_db_error().is_some() => "PostgreSQL reports an error".into(),
        _ => match error.downcast_ref::<DbError>() {
            Some(db) if personal => db.to_string(),
            // DETAIL and CONTEXT quote values.
            Some(db) => format!("{}: {} ({})", db.severity(), db.message(), db.code().code()),
            None => error.to_string(),
        },
    };
    // A plain message's Debug is the message in quotes: it has no type.
    let ty = match debug == format!("{value:?}") || debug == value {
        true => "Error".into(),
        false => parse_type_from_debug(&debug).to_owned(),
    };
    Exception {
        ty,
        value: Some(value),
        ..Exception::default()
    }
}

fn of_panic(panic: &Panic) -> Exception {
    let mut mechanism = mechanism("panic");
    if let Some(place) = &panic.place {
        mechanism.data.insert("place".into(), place.as_str().into());
    }
    Exception {
        ty: "panic".into(),
        value: Some(panic.message.clone()),
        stacktrace: (panic.stack.as_ref()).and_then(|stack| stacktrace(&stack.to_string())),
        mechanism: Some(mechanism),
        ..Exception::default()
    }
}

/// How it came to be captured. Not handled: the client was answered 500.
fn mechanism(ty: &str) -> Mechanism {
    Mechanism {
        ty: ty.into(),
        handled: Some(false),
        ..Mechanism::default()
    }
}
