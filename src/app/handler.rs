//! A Rust handler and its route.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use http_types::Method;

use crate::auth::is_scope;
use crate::endpoint::{Endpoint, Route};
use crate::openapi::Operation;
use crate::router::Template;

/// A handler, its route, and what else there is to say of it.
///
/// ```
/// use std::time::Duration;
///
/// use peppercorn::{App, Context, Handler, Method, Operation, Response, StatusCode};
/// use serde_json::json;
///
/// async fn hello(context: Context) -> anyhow::Result<Response> {
///     let name = context.path.get("name").unwrap_or_default();
///     Ok(Response::text(format!("hello, {name}\n")))
/// }
///
/// let greeting = Operation::new("hello").summary("Greet somebody.").answer(
///     StatusCode::Ok,
///     "A greeting.",
///     "text/plain",
///     json!({"type": "string"}),
/// );
/// let hello = Handler::new(Method::Get, "/hello/{name}", hello)
///     .within(Duration::from_secs(2))
///     .described(greeting);
/// let app = App::new().handler(hello);
/// ```
#[derive(Clone)]
pub struct Handler {
    pub(super) method: Method,
    pub(super) template: Template,
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) timeout: Option<Duration>,
    /// The scopes of the token that it asks for, if it does.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) operation: Option<Operation>,
    /// Where it stands in the source.
    pub(super) place: String,
}

impl Handler {
    /// Has `endpoint` answer `method` at a path such as `/hello/{name}`.
    ///
    /// # Panics
    /// When the path is none: this is for paths in the source.
    ///
    /// ```
    /// use peppercorn::{App, Handler, Method, Response};
    ///
    /// let settle = |_| async { Ok(Response::text("settled\n")) };
    /// let app = App::new().handler(Handler::new(Method::Post, "/markets/{market_id}/settle", settle));
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn new(method: Method, path: &str, endpoint: impl Endpoint) -> Handler {
        let place = Location::caller().to_string();
        let template = match Template::parse(path) {
            Ok(template) => template,
            Err(error) => panic!("{method} {path}: {error}"),
        };
        Handler {
            method,
            template,
            endpoint: Arc::new(endpoint),
            timeout: None,
            scopes: None,
            operation: None,
            place,
        }
    }

    /// For it to answer, in place of `--timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peppercorn::{Handler, Method, Response};
    ///
    /// let report = Handler::new(Method::Get, "/report", |_| async { Ok(Response::text("…")) })
    ///     .within(Duration::from_secs(60));
    /// ```
    pub fn within(mut self, limit: Duration) -> Handler {
        self.timeout = Some(limit);
        self
    }

    /// Asks for a token that the keys of `--jwt-key` have signed, with all of these scopes; its claims are in
    /// [`Context::claims`](crate::Context::claims). Without a key the program does not start. For a verifier of your own
    /// there is [`Guard`](crate::auth::Guard).
    ///
    /// # Panics
    /// When one is no scope: this is for scopes in the source.
    ///
    /// ```
    /// use peppercorn::{App, Context, Handler, Method, Response};
    ///
    /// async fn orders(context: Context) -> anyhow::Result<Response> {
    ///     let claims = context.claims.as_ref();
    ///     let customer = claims.and_then(|claims| claims.text("sub")).unwrap_or_default();
    ///     Ok(Response::text(format!("the orders of {customer}\n")))
    /// }
    ///
    /// let orders = Handler::new(Method::Get, "/orders", orders).scopes(["orders:read"]);
    /// let app = App::new().handler(orders);
    /// # // There is no key.
    /// # assert!(app.api(None).is_err());
    /// ```
    #[track_caller]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Handler {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        for scope in &scopes {
            assert!(is_scope(scope), "invalid scope {scope:?}");
        }
        self.scopes = Some(scopes);
        self
    }

    /// Says in the API's document what it does.
    ///
    /// ```
    /// use peppercorn::{Handler, Method, Operation, Response};
    ///
    /// let odds = Handler::new(Method::Get, "/odds", |_| async { Ok(Response::json("{}")) })
    ///     .described(Operation::new("odds").summary("The odds of all markets.").tag("markets"));
    /// ```
    pub fn described(mut self, operation: Operation) -> Handler {
        self.operation = Some(operation);
        self
    }

    pub(super) fn route(&self) -> Route {
        let template = self.template.as_str();
        let name = format!("{} {template}", self.method);
        Route::new(self.method, template, name).within(self.timeout)
    }
}

/// A handler asks for a token, and there is no key to verify one with.
#[derive(Debug)]
pub struct Unasked(pub(super) String);

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: a token is asked for, and there is no key to verify it with\n    hint: name the file of the key that \
             tokens are signed with in --jwt-key",
            self.0
        )
    }
}

impl std::error::Error for Unasked {}
