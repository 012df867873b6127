//! What goes wrong, described once for all operations.

use crate::json::tree::Node;

/// A kind of problem, by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub(super) enum Kind {
    BadRequest = 400,
    Unauthorized = 401,
    Forbidden = 403,
    NotFound = 404,
    Conflict = 409,
    PreconditionFailed = 412,
    ContentTooLarge = 413,
    UnsupportedMediaType = 415,
    UnprocessableContent = 422,
    InternalServerError = 500,
    ServiceUnavailable = 503,
    GatewayTimeout = 504,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::BadRequest => "BadRequest",
            Kind::Unauthorized => "Unauthorized",
            Kind::Forbidden => "Forbidden",
            Kind::NotFound => "NotFound",
            Kind::Conflict => "Conflict",
            Kind::PreconditionFailed => "PreconditionFailed",
            Kind::ContentTooLarge => "ContentTooLarge",
            Kind::UnsupportedMediaType => "UnsupportedMediaType",
            Kind::UnprocessableContent => "UnprocessableContent",
            Kind::InternalServerError => "InternalServerError",
            Kind::ServiceUnavailable => "ServiceUnavailable",
            Kind::GatewayTimeout => "GatewayTimeout",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Kind::BadRequest => {
                "A parameter is missing, unknown or not valid, or the body is not what it should be."
            }
            Kind::Unauthorized => "There is no token, or it is not valid.",
            Kind::Forbidden => "The token does not allow it, or the database does not.",
            Kind::NotFound => "There is no such thing.",
            Kind::Conflict => "It conflicts with what is there, or ran into another request.",
            Kind::PreconditionFailed => "What is there is not the version that was asked for.",
            Kind::ContentTooLarge => "The body is too large.",
            Kind::UnsupportedMediaType => "The body is of another media type.",
            Kind::UnprocessableContent => "A value is against a rule of the database.",
            Kind::InternalServerError => "The server failed.",
            Kind::ServiceUnavailable => "The server is busy, or has no database; try again.",
            Kind::GatewayTimeout => "It took too long.",
        }
    }

    /// Fields that its answer has.
    fn headers(self) -> Option<Node> {
        let header = |name: &str, text: &str, kind: &str| {
            Node::object().with(
                name,
                Node::object()
                    .with("description", text)
                    .with("schema", Node::object().with("type", kind)),
            )
        };
        match self {
            Kind::Unauthorized | Kind::Forbidden => Some(header(
                "WWW-Authenticate",
                "What a token must be (RFC 6750).",
                "string",
            )),
            Kind::Conflict | Kind::ServiceUnavailable => Some(header(
                "Retry-After",
                "Seconds after which to try again, where that may help.",
                "integer",
            )),
            _ => None,
        }
    }
}

/// Where an operation refers to.
pub(super) fn reference(kind: Kind) -> Node {
    Node::object().with("$ref", format!("#/components/responses/{}", kind.name()))
}

/// These kinds, for the document's components.
pub(super) fn responses(kinds: impl IntoIterator<Item = Kind>) -> Node {
    let schema = Node::object().with("$ref", "#/components/schemas/Problem");
    let content = Node::object().with(
        "application/problem+json",
        Node::object().with("schema", schema),
    );
    let responses = kinds.into_iter().map(|kind| {
        let response = Node::object()
            .with("description", kind.description())
            .with_some("headers", kind.headers())
            .with("content", content.clone());
        (kind.name().to_owned(), response)
    });
    Node::Object(responses.collect())
}

/// RFC 9457, with what this server adds.
pub(super) fn schema() -> Node {
    let text = |description: &str| {
        Node::object()
            .with("type", "string")
            .with("description", description)
    };
    let error = Node::object()
        .with("type", "object")
        .with(
            "properties",
            Node::object()
                .with("in", text("path, query, header, body or claim"))
                .with("name", text("The parameter's name."))
                .with("message", text("What is wrong with it.")),
        )
        .with("required", Node::texts(["in", "name", "message"]));
    Node::object()
        .with("type", "object")
        .with("description", "What went wrong (RFC 9457).")
        .with(
            "properties",
            Node::object()
                .with(
                    "type",
                    Node::object()
                        .with("type", "string")
                        .with("format", "uri-reference")
                        .with("default", "about:blank"),
                )
                .with("title", text("The status in words."))
                .with("status", Node::object().with("type", "integer"))
                .with("detail", text("What went wrong."))
                .with("code", text("PostgreSQL's SQLSTATE."))
                .with("constraint", text("The constraint that was violated."))
                .with("request_id", text("What the log calls the request."))
                .with("event_id", text("What Sentry calls the failure."))
                .with(
                    "errors",
                    Node::object()
                        .with("type", "array")
                        .with("description", "Each parameter that is not as it should be.")
                        .with("items", error),
                ),
        )
        .with(
            "required",
            Node::texts(["type", "title", "status", "detail", "request_id"]),
        )
}
