//! One operation: a method of a path.

use http_types::{Method, StatusCode};
use serde_json::Value;

use super::endpoint;
use super::problems::{self, Kind};
use crate::json::tree::Node;
use crate::router::Template;
use crate::sql::SqlRoute;

/// What an endpoint does, for the reader of the document.
///
/// ```
/// use peppercorn::{Operation, StatusCode};
/// use serde_json::json;
///
/// let hello = Operation::new("hello")
///     .summary("Greet somebody.")
///     .path_parameter("name", json!({"type": "string", "maxLength": 80}))
///     .answer(StatusCode::Ok, "A greeting.", "text/plain", json!({"type": "string"}));
/// ```
#[derive(Clone, Debug)]
pub struct Operation {
    id: String,
    summary: String,
    description: String,
    tags: Vec<String>,
    deprecated: bool,
    parameters: Vec<Node>,
    body: Option<Node>,
    answers: Vec<(u16, Node)>,
    problems: Vec<Kind>,
    security: Option<Node>,
}

impl Operation {
    /// One of this name, its `operationId`.
    ///
    /// ```
    /// use peppercorn::{App, Handler, Method, Operation, Response};
    ///
    /// let events = Handler::new(Method::Get, "/events", |_| async { Ok(Response::json("[]")) });
    /// let app = App::new().handler(events.described(Operation::new("list-events")));
    /// # assert!(app.api(None).is_ok());
    /// ```
    pub fn new(id: impl Into<String>) -> Operation {
        Operation {
            id: id.into(),
            summary: String::new(),
            description: String::new(),
            tags: Vec::new(),
            deprecated: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: Vec::new(),
            security: None,
        }
    }

    /// One that an SQL file defines. `secured`: whether a key says who may ask.
    #[doc(hidden)]
    pub fn of_sql(route: &SqlRoute, secured: bool) -> Operation {
        endpoint::operation(route, secured)
    }

    /// What it does, in one line.
    ///
    /// ```
    /// use peppercorn::Operation;
    ///
    /// let operation = Operation::new("cancel-order").summary("Takes an order back.");
    /// # assert!(format!("{operation:?}").contains("Takes an order back."));
    /// ```
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Operation {
        self.summary = text.into();
        self
    }

    /// What else there is to say; CommonMark.
    ///
    /// ```
    /// use peppercorn::Operation;
    ///
    /// let operation = Operation::new("cancel-order")
    ///     .summary("Takes an order back.")
    ///     .description("What is *matched* already stays as it is.");
    /// # assert!(format!("{operation:?}").contains("*matched*"));
    /// ```
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Operation {
        self.description = text.into();
        self
    }

    /// What it belongs to.
    ///
    /// ```
    /// use peppercorn::Operation;
    ///
    /// let operation = Operation::new("cancel-order").tag("orders").tag("customers");
    /// # assert!(format!("{operation:?}").contains(r#"["orders", "customers"]"#));
    /// ```
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Operation {
        self.tags.push(tag.into());
        self
    }

    /// It should not be used any more.
    ///
    /// ```
    /// use peppercorn::Operation;
    ///
    /// let operation = Operation::new("prices").description("See `odds`.").deprecated();
    /// # assert!(format!("{operation:?}").contains("deprecated: true"));
    /// ```
    #[must_use]
    pub fn deprecated(mut self) -> Operation {
        self.deprecated = true;
        self
    }

    /// A parameter of its path, with its JSON Schema. Those that are not told of are strings.
    ///
    /// ```
    /// use peppercorn::Operation;
    /// use serde_json::json;
    ///
    /// let isbn = json!({"type": "string", "pattern": "^[0-9]{13}$"});
    /// let operation = Operation::new("book").path_parameter("isbn", isbn);
    /// # assert!(format!("{operation:?}").contains("isbn"));
    /// ```
    #[must_use]
    pub fn path_parameter(self, name: &str, schema: Value) -> Operation {
        self.with_parameter(required(name, "path", Node::from(&schema)))
    }

    /// A parameter of the query that it cannot do without, with its JSON Schema.
    ///
    /// ```
    /// use peppercorn::Operation;
    /// use serde_json::json;
    ///
    /// let currency = json!({"type": "string", "enum": ["EUR", "GBP"]});
    /// let operation = Operation::new("price").query_parameter("currency", currency);
    /// # assert!(format!("{operation:?}").contains("currency"));
    /// ```
    #[must_use]
    pub fn query_parameter(self, name: &str, schema: Value) -> Operation {
        self.with_parameter(required(name, "query", Node::from(&schema)))
    }

    /// A header that it cannot do without, with its JSON Schema.
    ///
    /// ```
    /// use peppercorn::Operation;
    /// use serde_json::json;
    ///
    /// let key = json!({"type": "string", "format": "uuid"});
    /// let operation = Operation::new("add-order").header_parameter("Idempotency-Key", key);
    /// # assert!(format!("{operation:?}").contains("Idempotency-Key"));
    /// ```
    #[must_use]
    pub fn header_parameter(self, name: &str, schema: Value) -> Operation {
        self.with_parameter(required(name, "header", Node::from(&schema)))
    }

    /// What its body is: a media type and its JSON Schema.
    ///
    /// ```
    /// use peppercorn::Operation;
    /// use serde_json::json;
    ///
    /// let order = json!({
    ///     "type": "object",
    ///     "properties": {"book": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1}},
    ///     "required": ["book"]
    /// });
    /// let operation = Operation::new("add-order").body("application/json", order);
    /// # assert!(format!("{operation:?}").contains("quantity"));
    /// ```
    #[must_use]
    pub fn body(self, media_type: &str, schema: Value) -> Operation {
        let content = Node::object().with(media_type, Node::object().with("schema", &schema));
        let body = Node::object()
            .with("content", content)
            .with("required", true);
        self.with_body(Some(body))
    }

    /// An answer: a media type and its JSON Schema.
    ///
    /// ```
    /// use peppercorn::{Operation, StatusCode};
    /// use serde_json::json;
    ///
    /// let operation = Operation::new("label")
    ///     .answer(StatusCode::Ok, "To be printed.", "application/pdf", json!({"type": "string", "format": "binary"}))
    ///     .answer(StatusCode::Accepted, "Come back later.", "text/plain", json!({"type": "string"}));
    /// # assert!(format!("{operation:?}").contains("202"));
    /// ```
    #[must_use]
    pub fn answer(
        self,
        status: StatusCode,
        description: &str,
        media_type: &str,
        schema: Value,
    ) -> Operation {
        let content = Node::object().with(media_type, Node::object().with("schema", &schema));
        let answer = Node::object()
            .with("description", description)
            .with("content", content);
        self.with_answer(status as u16, answer)
    }

    pub(super) fn with_parameter(mut self, parameter: Node) -> Operation {
        self.parameters.push(parameter);
        self
    }

    pub(super) fn with_body(mut self, body: Option<Node>) -> Operation {
        self.body = body;
        self
    }

    pub(super) fn with_answer(mut self, status: u16, answer: Node) -> Operation {
        self.answers.push((status, answer));
        self
    }

    pub(super) fn with_problems(mut self, problems: Vec<Kind>) -> Operation {
        self.problems = problems;
        self
    }

    pub(super) fn with_security(mut self, security: Option<Node>) -> Operation {
        self.security = security;
        self
    }

    /// Asks for a token with these scopes.
    pub(crate) fn secured(mut self, scopes: &[String]) -> Operation {
        self.problems.push(Kind::Unauthorized);
        if !scopes.is_empty() {
            self.problems.push(Kind::Forbidden);
        }
        self.with_security(Some(endpoint::requirement(scopes)))
    }

    /// What can go wrong, in the order of the statuses.
    pub(super) fn problems(&self) -> &[Kind] {
        &self.problems
    }

    /// Whether it says who may ask.
    pub(super) fn is_secured(&self) -> bool {
        self.security.is_some()
    }

    /// As it stands in the document, under its path.
    pub(super) fn node(&self, method: Method, template: &Template) -> Node {
        let parameters = self.parameters.iter().cloned();
        let told = |name: &str| {
            let named = |parameter: &Node| {
                matches!(parameter, Node::Object(members)
                if members.iter().any(|(key, value)| key == "name" && *value == Node::from(name)))
            };
            self.parameters.iter().any(named)
        };
        let untold = template
            .parameters()
            .filter(|name| !told(name))
            .map(|name| required(name, "path", Node::object().with("type", "string")));
        let parameters: Vec<Node> = parameters.chain(untold).collect();
        let tags = match self.tags.is_empty() {
            true => template
                .first_literal()
                .map(str::to_owned)
                .into_iter()
                .collect(),
            false => self.tags.clone(),
        };
        let mut answers: Vec<(u16, Node)> = self.answers.clone();
        answers.extend(
            self.problems
                .iter()
                .map(|kind| (*kind as u16, problems::reference(*kind))),
        );
        answers.sort_by_key(|(status, _)| *status);
        let answers = answers
            .into_iter()
            .map(|(status, answer)| (shown(status), answer));
        let id = match self.id.is_empty() {
            true => format!("{method} {}", template.as_str()),
            false => self.id.clone(),
        };
        Node::object()
            .with("operationId", id)
            .with_text("summary", &self.summary)
            .with_text("description", &self.description)
            .with_some("tags", (!tags.is_empty()).then(|| Node::texts(tags)))
            .with_some("deprecated", self.deprecated.then_some(true))
            .with_some("security", self.security.clone())
            .with_some("parameters", (!parameters.is_empty()).then_some(parameters))
            .with_some("requestBody", self.body.clone())
            .with("responses", Node::Object(answers.collect()))
    }
}

/// A parameter that has to be there.
fn required(name: &str, place: &str, schema: Node) -> Node {
    Node::object()
        .with("name", name)
        .with("in", place)
        .with("required", true)
        .with("schema", schema)
}

/// `200`, or `2XX` for any of success.
fn shown(status: u16) -> String {
    match status {
        ANY_SUCCESS => "2XX".to_owned(),
        status => status.to_string(),
    }
}

/// In place of a status: whichever of success.
pub(super) const ANY_SUCCESS: u16 = 2;
