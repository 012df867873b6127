//! A result as an answer: rows become JSON while they arrive.

use anyhow::{anyhow, bail};
use http_types::{Method, StatusCode};
use tokio_postgres::Row;

use super::file::{Definition, Operator};
use crate::error::Problem;
use crate::http::Response;
use crate::pg::{Collect, Done, Prepared};

/// The largest result that is held in memory for one answer, in bytes; a larger one is a 500.
const RESULT_BYTES: usize = 64 * 1024 * 1024;

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
    creates: bool,
    /// On a route with a path parameter nothing affected means that there is no such thing.
    names_a_thing: bool,
}

impl Shape {
    pub(super) fn new(definition: &Definition) -> Shape {
        Shape {
            operator: definition.operator,
            creates: definition.method == Method::Post
                && definition.operator == Operator::Returning,
            names_a_thing: definition.template.parameters().next().is_some(),
        }
    }

    /// What takes the rows of one result.
    pub(super) fn collector(self) -> Rows {
        Rows {
            shape: self,
            out: Vec::new(),
            count: 0,
            status: None,
            location: None,
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
}

impl Rows {
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
        if self.shape.operator == Operator::Rows {
            self.out
                .extend_from_slice(if self.count == 0 { b"[]" } else { b"]" });
        }
        let usual = if self.shape.creates {
            StatusCode::Created
        } else {
            StatusCode::Ok
        };
        let mut response = Response::new(self.status.unwrap_or(usual)).with_json(self.out);
        if let Some(location) = self.location {
            response = response
                .try_header("Location", location)
                .map_err(Problem::internal)?;
        }
        Ok(response)
    }
}
