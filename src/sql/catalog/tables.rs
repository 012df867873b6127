//! What the catalog says of the tables' columns that results are made of.

use std::collections::HashMap;

use tokio_postgres::{Client, Column};

/// Columns of tables, by the table's OID and the column's number there.
pub(super) struct Tables(HashMap<(u32, i16), Origin>);

/// What a column of a table is.
pub(super) struct Origin {
    /// Whether no row of the table has a null there.
    pub(super) not_null: bool,
    /// `comment on column`.
    pub(super) comment: Option<String>,
}

impl Tables {
    /// Asks for all tables that `columns` are of, at once.
    pub(super) async fn of<'a>(
        client: &Client,
        columns: impl Iterator<Item = &'a Column>,
    ) -> anyhow::Result<Tables> {
        let mut tables: Vec<u32> = columns.filter_map(Column::table_oid).collect();
        tables.sort_unstable();
        tables.dedup();
        if tables.is_empty() {
            return Ok(Tables(HashMap::new()));
        }
        // From PostgreSQL 18 on a column may be said to be not null before its rows have been looked at.
        const ASK: &str = "
            select a.attrelid, a.attnum, col_description(a.attrelid, a.attnum),
                   a.attnotnull and not exists (
                     select from pg_catalog.pg_constraint c
                     where c.conrelid = a.attrelid and c.contype = 'n' and not c.convalidated
                       and c.conkey = array[a.attnum])
            from pg_catalog.pg_attribute a
            where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped";
        let mut known = HashMap::new();
        for row in client.query(ASK, &[&tables]).await? {
            let origin = Origin {
                comment: row.try_get(2)?,
                not_null: row.try_get(3)?,
            };
            known.insert((row.try_get(0)?, row.try_get(1)?), origin);
        }
        Ok(Tables(known))
    }

    /// What a result's column is made of, if it is one of a table's.
    pub(super) fn get(&self, column: &Column) -> Option<&Origin> {
        self.0.get(&(column.table_oid()?, column.column_id()?))
    }
}
