//! Rows as the bytes of an answer, while they arrive.

use std::sync::Arc;
use std::task::Poll;

use anyhow::bail;
use tokio_postgres::Row;

use super::format::Format;
use super::special::{Special, is_special};
use super::{Asked, Shape};
use crate::error::Problem;
use crate::pg::values::csv;
use crate::pg::{Collect, Outlet, Prepared};
use crate::sql::bulkhead::Turn;
use crate::sql::file::Operator;

/// The largest result that is held in memory for one answer, in bytes; a larger one is a 500, unless it is streamed.
const RESULT_BYTES: usize = 64 * 1024 * 1024;
/// The largest list, in bytes, that is held until it is whole.
const LIST_BYTES: usize = 256 * 1024;
/// Room that every result has from the start, in bytes: one that fits does not move while it grows.
const FIRST_BYTES: usize = 512;
/// What is sent at a time of a larger one, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// A result, so far.
pub(in crate::sql) struct Rows {
    shape: Arc<Shape>,
    format: Format,
    out: Vec<u8>,
    count: u64,
    /// The value is null, where it is answered with as it is.
    nothing: bool,
    pub(super) special: Special,
    /// The number of rows that makes a full page.
    full: Option<u64>,
    /// What its last row says of the next page.
    next: Option<Vec<String>>,
    /// Where to put what is more than `hold` bytes.
    outlet: Option<Outlet<Rows>>,
    hold: usize,
    /// The request's place among those of its endpoint: a query that nobody waits for any more has it to its end.
    _turn: Turn,
}

impl Collect for Rows {
    fn row(&mut self, prepared: &Prepared, row: Row) -> anyhow::Result<()> {
        self.count += 1;
        match self.shape.operator {
            Operator::Affected | Operator::Bulk => {}
            Operator::Rows => self.element(prepared, &row)?,
            // Counted, to be refused; the answer is the first.
            _ if self.count > 1 => {}
            Operator::Value => self.value(prepared, &row)?,
            Operator::Row | Operator::Returning => self.object(prepared, &row)?,
        }
        if self.out.len() > RESULT_BYTES {
            bail!("the result is larger than {RESULT_BYTES} bytes");
        }
        Ok(())
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

    fn end(&mut self, affected: u64) -> Result<(), Problem> {
        self.shape.judge(self.count, affected, self.nothing)
    }
}

impl Rows {
    pub(super) fn new(
        shape: Arc<Shape>,
        asked: &Asked<'_>,
        turn: Turn,
        outlet: Option<Outlet<Rows>>,
    ) -> Rows {
        Rows {
            shape,
            format: asked.format,
            out: Vec::with_capacity(FIRST_BYTES),
            count: 0,
            nothing: false,
            special: Special::default(),
            full: asked.full,
            next: None,
            outlet,
            hold: LIST_BYTES,
            _turn: turn,
        }
    }

    /// What is there so far, out of it.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The rest of a list, with its end.
    pub(super) fn closed(&mut self) -> Vec<u8> {
        match self.format {
            Format::Json if self.count == 0 => self.out.extend_from_slice(b"[]"),
            Format::Json => self.out.push(b']'),
            Format::Csv if self.count == 0 => {
                let shape = self.shape.clone();
                self.csv_header(shape.columns.iter().map(String::as_str));
            }
            Format::Csv | Format::Ndjson | Format::Raw => {}
        }
        self.take()
    }

    /// Where the next page is, if this one is full.
    pub(super) fn next_page(&self, asked: &Asked<'_>) -> Option<String> {
        let (page, next) = (self.shape.page.as_ref()?, self.next.as_ref()?);
        let query = asked.request.query().unwrap_or_default();
        Some(page.link(asked.request.path(), query, next))
    }

    /// What is there so far; more will come.
    fn split(&mut self) -> Rows {
        self.hold = PIECE_BYTES;
        Rows {
            shape: self.shape.clone(),
            format: self.format,
            out: self.take(),
            count: self.count,
            nothing: false,
            special: std::mem::take(&mut self.special),
            full: None,
            next: None,
            outlet: None,
            hold: 0,
            _turn: None,
        }
    }

    /// One more of a list.
    fn element(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        if self.full == Some(self.count)
            && let Some(page) = &self.shape.page
        {
            self.next = page.values(prepared, row)?;
        }
        match self.format {
            Format::Csv => self.csv(prepared, row),
            Format::Ndjson => {
                self.object(prepared, row)?;
                self.out.push(b'\n');
                Ok(())
            }
            Format::Json | Format::Raw => {
                self.out.push(if self.count == 1 { b'[' } else { b',' });
                self.object(prepared, row)
            }
        }
    }

    fn object(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        let mut open = b'{';
        for (index, column) in prepared.columns().iter().enumerate() {
            if is_special(column.name()) {
                self.special.take(column.name(), row, index)?;
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

    /// The one column that is not special.
    fn value(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        let mut written = false;
        for (index, column) in prepared.columns().iter().enumerate() {
            if is_special(column.name()) {
                self.special.take(column.name(), row, index)?;
                continue;
            }
            // Checked at start; the schema may have changed since.
            if std::mem::replace(&mut written, true) {
                bail!("several columns where the endpoint answers with one value");
            }
            match self.format {
                Format::Raw => self.nothing = !column.write_raw(row, index, &mut self.out)?,
                _ => column.write_value(row, index, &mut self.out)?,
            }
        }
        Ok(())
    }

    fn csv(&mut self, prepared: &Prepared, row: &Row) -> anyhow::Result<()> {
        if self.count == 1 {
            let columns = prepared.columns().iter().map(|column| column.name());
            self.csv_header(columns.filter(|name| !is_special(name)));
        }
        let mut separator: &[u8] = b"";
        for (index, column) in prepared.columns().iter().enumerate() {
            if is_special(column.name()) {
                self.special.take(column.name(), row, index)?;
                continue;
            }
            self.out.extend_from_slice(separator);
            separator = b",";
            column.write_csv(row, index, &mut self.out)?;
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn csv_header<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let mut separator: &[u8] = b"";
        for name in names {
            self.out.extend_from_slice(separator);
            separator = b",";
            csv::field(name, &mut self.out);
        }
        self.out.extend_from_slice(b"\r\n");
    }
}
