//! A result as an answer: rows become JSON while they arrive.
//!
//! A list that was read is held until it is whole and its connection free again, however slowly its client reads; one
//! that gets larger than 256 KiB is sent while it arrives.

mod conditions;
mod format;
mod page;
mod rows;
mod special;
mod stream;

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::anyhow;
use http_types::{Method, StatusCode};

use super::bulkhead::Turn;
use super::described::Described;
use super::file::{Definition, Operator};
use crate::error::Problem;
use crate::http::{Body, BodyStream, HeaderValue, Request, Response};
use crate::pg::{Done, Outcome, Outlet};

use format::Format;
use page::Page;
use rows::Rows;
use stream::List;

pub(super) use conditions::{Conditions, unknown};
pub(super) use format::OF_A_LIST;
pub(super) use special::{ETAG, TOTAL, is_of_a_row, is_special};

/// What an endpoint's answer looks like.
#[derive(Debug)]
pub(super) struct Shape {
    operator: Operator,
    /// GET, of a client that may have the answer already.
    reads: bool,
    /// Of a good answer, if no row says another.
    status: StatusCode,
    /// On a route with a path parameter nothing affected means that there is no such thing.
    names_a_thing: bool,
    /// What a list is made as, if the file says; else the client may choose.
    format: Option<Format>,
    /// In place of the format's own media type.
    media_type: Option<Cow<'static, str>>,
    cache: Option<Arc<str>>,
    page: Option<Page>,
    /// The columns' names when the files were checked, for the header of an empty list.
    columns: Vec<String>,
}

/// A request, and what of it the answer's rows depend on.
pub(super) struct Asked<'a> {
    request: &'a Request,
    format: Format,
    /// The number of rows that makes a full page.
    full: Option<u64>,
}

impl Shape {
    pub(super) fn new(definition: &Definition, described: &Described) -> Shape {
        let directives = &definition.directives;
        let returns = directives.returns.as_ref().map(|said| &said.what);
        let creates =
            definition.method == Method::Post && definition.operator == Operator::Returning;
        let usual = match definition.operator {
            Operator::Affected => StatusCode::NoContent,
            _ if creates => StatusCode::Created,
            _ => StatusCode::Ok,
        };
        let media_type = returns.and_then(|returns| returns.media_type.as_deref());
        let format = media_type.map(|media_type| match Format::of(media_type) {
            // The SQL has made it.
            Format::Csv | Format::Ndjson if definition.operator == Operator::Value => Format::Raw,
            format => format,
        });
        let columns = described.last().columns.iter();
        Shape {
            operator: definition.operator,
            reads: definition.method == Method::Get,
            status: returns.and_then(|returns| returns.status).unwrap_or(usual),
            names_a_thing: definition.template.parameters().next().is_some(),
            format,
            media_type: media_type.filter(|_| is_own(format)).map(with_charset),
            cache: directives
                .cache
                .as_ref()
                .map(|said| said.what.as_str().into()),
            page: directives.page.as_ref().map(|said| Page::new(&said.what)),
            columns: columns
                .map(|column| column.name.clone())
                .filter(|name| !is_special(name))
                .collect(),
        }
    }

    /// Whether the result may be sent before it is whole. Not what is written: that is told only once it is committed.
    /// Nor a page: what its last row says of the next one is in the head.
    pub(super) fn may_stream(&self) -> bool {
        self.reads && self.operator == Operator::Rows && self.page.is_none()
    }

    /// What of a request the answer depends on.
    pub(super) fn asked<'a>(&self, request: &'a Request, limit: Option<&str>) -> Asked<'a> {
        let page = self.page.as_ref();
        Asked {
            request,
            format: match (self.operator, self.format) {
                (_, Some(format)) => format,
                (Operator::Rows, None) => Format::wanted(request),
                _ => Format::Json,
            },
            full: page.and_then(|_| limit?.trim().parse().ok()),
        }
    }

    /// What takes the rows of one result, and puts them out if there are too many.
    pub(super) fn collector(
        self: &Arc<Shape>,
        asked: &Asked<'_>,
        turn: &Turn,
        outlet: Option<Outlet<Rows>>,
    ) -> Rows {
        Rows::new(self.clone(), asked, turn.clone(), outlet)
    }

    /// Whether so many rows, the first of which is a null if it is `nothing`, can be answered with.
    ///
    /// # Errors
    /// 404 where there is nothing; 500 for several rows in place of one.
    fn judge(&self, rows: u64, affected: u64, nothing: bool) -> Result<(), Problem> {
        match self.operator {
            Operator::Affected if affected == 0 && self.names_a_thing => Err(not_found()),
            Operator::Affected | Operator::Bulk | Operator::Rows => Ok(()),
            _ if rows > 1 => Err(Problem::internal(anyhow!(
                "{rows} rows where the endpoint answers with one"
            ))),
            // No row, or a picture that is not there.
            _ if rows == 0 || nothing => Err(not_found()),
            _ => Ok(()),
        }
    }

    /// The answer, once PostgreSQL has completed the statement.
    pub(super) fn answer(&self, done: Done<Rows>, asked: &Asked<'_>) -> Result<Response, Problem> {
        match self.operator {
            Operator::Affected => Ok(Response::new(self.status)),
            Operator::Bulk => Ok(self.affected(done.affected)),
            _ => self.response(done.collected, asked),
        }
    }

    /// The answer to an empty list of objects, for which nothing has been done.
    pub(super) fn nothing_done(&self) -> Response {
        self.affected(0)
    }

    fn affected(&self, count: u64) -> Response {
        Response::new(self.status).with_json(format!("{{\"affected\":{count}}}"))
    }

    /// The answer to a list, which may be only beginning.
    pub(super) fn answer_list(
        &self,
        outcome: Outcome<Rows, Rows>,
        asked: &Asked<'_>,
    ) -> Result<Response, Problem> {
        match outcome {
            Outcome::Done(done) => self.answer(done, asked),
            Outcome::Large(mut first, pieces) => {
                let list = List::new(first.take(), pieces);
                self.head(first, asked, BodyStream::new(list))
            }
        }
    }

    fn response(&self, mut rows: Rows, asked: &Asked<'_>) -> Result<Response, Problem> {
        // What is no success is not subject to conditions (RFC 9110 §13.2.1).
        let status = rows.special.status.unwrap_or(self.status);
        if let Some(etag) = &rows.special.etag
            && self.reads
            && status.is_success()
            && Conditions::of_reading(asked.request).has_seen(etag)?
        {
            let response = Response::new(StatusCode::NotModified);
            let response = response.with_header("ETag", etag.as_str().to_owned());
            return Ok(self.with_cache(response));
        }
        let body = match self.operator {
            Operator::Rows => rows.closed(),
            _ => rows.take(),
        };
        self.head(rows, asked, body)
    }

    /// The answer with that body.
    fn head(
        &self,
        rows: Rows,
        asked: &Asked<'_>,
        body: impl Into<Body>,
    ) -> Result<Response, Problem> {
        let next = rows.next_page(asked);
        let special = rows.special;
        let content_type = match &self.media_type {
            Some(media_type) => HeaderValue::from(media_type.to_string()),
            None => HeaderValue::from_static(asked.format.media_type()),
        };
        let mut response = Response::new(special.status.unwrap_or(self.status))
            .with_header("Content-Type", content_type)
            .with_body(body);
        if let Some(location) = special.location {
            response = response.with_header("Location", location);
        }
        if let Some(etag) = special.etag {
            response = response.with_header("ETag", etag.as_str().to_owned());
        }
        if let Some(total) = special.total {
            response = response.with_header("X-Total-Count", total.to_string());
        }
        if let Some(next) = next {
            response = response.with_header("Link", next);
        }
        if self.operator == Operator::Rows && self.format.is_none() {
            response = response.with_header("Vary", HeaderValue::from_static("Accept"));
        }
        Ok(self.with_cache(response))
    }

    fn with_cache(&self, response: Response) -> Response {
        match &self.cache {
            Some(cache) => response.with_header("Cache-Control", cache.to_string()),
            None => response,
        }
    }
}

/// Whether the answer's media type is the file's and not the format's.
fn is_own(format: Option<Format>) -> bool {
    matches!(format, Some(Format::Raw | Format::Json))
}

/// Text is UTF-8, which has to be said.
fn with_charset(media_type: &str) -> Cow<'static, str> {
    match media_type.starts_with("text/") {
        true => format!("{media_type}; charset=utf-8").into(),
        false => media_type.to_owned().into(),
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NotFound, "there is no such thing here")
}
