//! A result as an answer: rows become JSON while they arrive.
//!
//! A list that was read is held until it is whole and its connection free again, however slowly its client reads; one
//! that gets larger than [`LIST_BYTES`] is sent while it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anyhow::{anyhow, bail};
use futures_lite::Stream;
use http_types::{Method, StatusCode};
use tokio_postgres::Row;

use super::file::{Definition, Operator};
use crate::error::Problem;
use crate::http::{Body, BodyStream, Response};
use crate::pg::{Collect, Done, Next, Outcome, Outlet, Pieces, Prepared};

/// The largest result that is held in memory for one answer, in bytes; a larger one is a 500, unless it is streamed.
const RESULT_BYTES: usize = 64 * 1024 * 1024;
/// The largest list, in bytes, that is held until it is whole.
const LIST_BYTES: usize = 256 * 1024;
/// Room that every result has from the start, in bytes: one that fits does not move while it grows.
const FIRST_BYTES: usize = 512;
/// What is sent at a time of a larger one, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Columns that leave the body: what they say about the answer goes elsewhere.
const SPECIAL: [&str; 2] = ["_status", "_location"];

/// Whether a column of this name leaves the body.
pub(super) fn is_special(column: &str) -> bool {
    SPECIAL.contains(&column)
}

/// What an endpoint's answer looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    operator: Operator,
    reads: bool,
    creates: bool,
    /// On a route with a path parameter nothing affected means that there is no such thing.
    names_a_thing: bool,
}

impl Shape {
    pub(super) fn new(definition: &Definition) -> Shape {
        Shape {
            operator: definition.operator,
            reads: definition.reads(),
            creates: definition.method == Method::Post
                && definition.operator == Operator::Returning,
            names_a_thing: definition.template.parameters().next().is_some(),
        }
    }

    /// Whether the result may be sent before it is whole. Not what is written: that is told only once it is committed.
    pub(super) fn may_stream(self) -> bool {
        self.reads && self.operator == Operator::Rows
    }

    /// What takes the rows of one result, and puts them out if there are too many.
    pub(super) fn collector(self, outlet: Option<Outlet<Rows>>) -> Rows {
        Rows {
            shape: self,
            out: Vec::with_capacity(FIRST_BYTES),
            count: 0,
            status: None,
            location: None,
            outlet,
            hold: LIST_BYTES,
        }
    }

    /// The answer, once PostgreSQL has completed the statement.
    pub(super) fn answer(self, done: Done<Rows>) -> Result<Response, Problem> {
        let Done {
            collected: rows,
            affected,
        } = done;
        match self.operator {
            Operator::Affected if affected == 0 && self.names_a_thing => return Err(not_found()),
            Operator::Affected => return Ok(Response::new(StatusCode::NoContent)),
            Operator::Rows => {}
            _ if rows.count == 0 => return Err(not_found()),
            _ if rows.count > 1 => {
                return Err(Problem::internal(anyhow!(
                    "{} rows where the endpoint answers with one",
                    rows.count
                )));
            }
            _ => {}
        }
        rows.response()
    }

    /// The answer to a list, which may be only beginning.
    pub(super) fn answer_list(self, outcome: Outcome<Rows, Rows>) -> Result<Response, Problem> {
        match outcome {
            Outcome::Done(done) => self.answer(done),
            Outcome::Large(mut first, pieces) => {
                let first_bytes = std::mem::take(&mut first.out);
                first.head(BodyStream::new(List {
                    first: Some(first_bytes),
                    pieces: Some(pieces),
                }))
            }
        }
    }
}

/// A list on its way.
struct List {
    first: Option<Vec<u8>>,
    /// None after the end.
    pieces: Option<Pieces<Rows, Rows>>,
}

impl Stream for List {
    type Item = anyhow::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(pieces) = &mut self.pieces else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(match ready!(pieces.poll_next(context)) {
            Ok(Next::Piece(rows)) => Ok(rows.out),
            Ok(Next::End(mut done)) => {
                self.pieces = None;
                Ok(done.collected.closed())
            }
            Err(problem) => {
                self.pieces = None;
                Err(problem.into())
            }
        }))
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NotFound, "there is no such thing here")
}

/// Rows as JSON, so far.
pub(super) struct Rows {
    shape: Shape,
    out: Vec<u8>,
    count: u64,
    status: Option<StatusCode>,
    location: Option<String>,
    /// Where to put what is more than `hold` bytes.
    outlet: Option<Outlet<Rows>>,
    hold: usize,
}

impl Collect for Rows {
    fn row(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        self.count += 1;
        if self.out.len() > RESULT_BYTES {
            bail!("the result is larger than {RESULT_BYTES} bytes");
        }
        match self.shape.operator {
            Operator::Affected => Ok(()),
            Operator::Rows => {
                self.out.push(if self.count == 1 { b'[' } else { b',' });
                self.object(prepared, row)
            }
            // Counted, to be refused; the answer is the first.
            _ if self.count > 1 => Ok(()),
            Operator::Value => match prepared.columns() {
                [column] => column.write_value(row, 0, &mut self.out),
                // Checked at start; the schema may have changed since.
                _ => bail!("several columns where the endpoint answers with one value"),
            },
            Operator::Row | Operator::Returning => self.object(prepared, row),
        }
    }

    fn poll_ready(&mut self) -> Poll<anyhow::Result<()>> {
        if self.out.len() < self.hold {
            return Poll::Ready(Ok(()));
        }
        let Some(mut outlet) = self.outlet.take() else {
            return Poll::Ready(Ok(()));
        };
        let put = outlet.poll_put(|| self.split());
        self.outlet = Some(outlet);
        put
    }
}

impl Rows {
    /// What is there so far; more will come.
    fn split(&mut self) -> Rows {
        self.hold = PIECE_BYTES;
        Rows {
            out: std::mem::take(&mut self.out),
            status: self.status.take(),
            location: self.location.take(),
            outlet: None,
            ..*self
        }
    }

    fn object(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        let mut open = b'{';
        for (index, column) in prepared.columns().iter().enumerate() {
            if is_special(column.name()) {
                self.special(column.name(), row, index)?;
                continue;
            }
            self.out.push(open);
            open = b',';
            column.write_member(row, index, &mut self.out)?;
        }
        if open == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    fn special(&mut self, name: &str, row: &Row, index: usize) -> anyhow::Result<()> {
        match name {
            "_status" => {
                let code: Option<i32> = row
                    .try_get(index)
                    .map_err(|_| anyhow!("_status must be an int"))?;
                let status = code.map(|code| {
                    u16::try_from(code)
                        .ok()
                        .and_then(|code| StatusCode::try_from(code).ok())
                });
                self.status = match status {
                    Some(None) => bail!("_status is not a status of HTTP"),
                    Some(Some(status)) if status.is_informational() => {
                        bail!("_status cannot be 1xx")
                    }
                    known => known.flatten(),
                };
            }
            _ => {
                self.location = row
                    .try_get(index)
                    .map_err(|_| anyhow!("_location must be text"))?
            }
        }
        Ok(())
    }

    fn response(mut self) -> Result<Response, Problem> {
        let body = match self.shape.operator {
            Operator::Rows => self.closed(),
            _ => std::mem::take(&mut self.out),
        };
        self.head(body)
    }

    /// The rest of a list, with its end.
    fn closed(&mut self) -> Vec<u8> {
        let end: &[u8] = if self.count == 0 { b"[]" } else { b"]" };
        self.out.extend_from_slice(end);
        std::mem::take(&mut self.out)
    }

    /// The answer with that body.
    fn head(self, body: impl Into<Body>) -> Result<Response, Problem> {
        let usual = if self.shape.creates {
            StatusCode::Created
        } else {
            StatusCode::Ok
        };
        let response = Response::new(self.status.unwrap_or(usual)).with_json(body);
        match self.location {
            None => Ok(response),
            Some(location) => response
                .try_header("Location", location)
                .map_err(Problem::internal),
        }
    }
}
