//! What answers in place of an endpoint that cannot be served, while its file is being written: the reason.

use http_types::StatusCode;

use super::answers::problem_response;
use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::{Request, Response};
use crate::markup::element;
use crate::sql::Finding;

/// What is wrong with the endpoint.
pub(super) struct Unserved(pub(super) Vec<Finding>);

impl Endpoint for Unserved {
    fn call(&self, context: Context) -> Answer<'_> {
        // Not raised: it is no failure of the service, and has been reported to whom it concerns.
        let response = match is_for_people(&context.request) {
            true => self.page(&context),
            false => self.problem(&context),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}

impl Unserved {
    fn problem(&self, context: &Context) -> Response {
        let findings: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        let problem = Problem::new(StatusCode::InternalServerError, findings.join("\n"));
        problem_response(&problem, &context.request_id, None)
    }

    fn page(&self, context: &Context) -> Response {
        let title = format!("{} cannot be served", context.route);
        let findings = self.0.iter().flat_map(|finding| {
            let said = element("p").text(finding.to_string());
            [said, element("pre").text(finding.excerpt())]
        });
        let head = element("head")
            .with(element("meta").set("charset", "utf-8"))
            .with(element("title").text(title.as_str()))
            .with(element("style").verbatim("p { white-space: pre-wrap }"));
        let body = element("body")
            .with(element("h1").text(title.as_str()))
            .with_all(findings);
        let page = element("html").with(head).with(body);
        Response::new(StatusCode::InternalServerError)
            .with_header("Content-Type", "text/html; charset=utf-8")
            .with_body(format!("<!doctype html>\n{page}"))
    }
}

/// Browsers ask for HTML by its name, programs for anything.
fn is_for_people(request: &Request) -> bool {
    let head = request.head();
    let mut lines = head.header_lines("accept");
    lines.any(|line| String::from_utf8_lossy(line).contains("text/html"))
}
