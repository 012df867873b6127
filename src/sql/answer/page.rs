//! Where the next page begins: `Link: </books?limit=20&before=8>; rel="next"` (RFC 8288), from the last row of a full one.

use tokio_postgres::Row;

use crate::pg::Prepared;
use crate::router::{encode, pairs};
use crate::sql::file::Keyset;

/// The columns of the last row, and the parameters that they become.
#[derive(Debug)]
pub(super) struct Page(Vec<(String, String)>);

impl Page {
    pub(super) fn new(keyset: &Keyset) -> Page {
        Page(keyset.0.clone())
    }

    /// What the row says of the next page: a value for each parameter, or nothing if one is null.
    pub(super) fn values(
        &self,
        prepared: &Prepared,
        row: &Row,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let mut values = Vec::with_capacity(self.0.len());
        for (name, _) in &self.0 {
            let columns = prepared.columns();
            // Checked at start; the schema may have changed since.
            let Some(index) = columns.iter().position(|column| column.name() == name) else {
                anyhow::bail!("there is no column {name} any more, which tells the next page");
            };
            match columns[index].text(row, index)? {
                Some(value) => values.push(value),
                None => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    /// The same request for the page that begins after a row with these values.
    pub(super) fn link(&self, path: &str, query: &str, values: &[String]) -> String {
        let own = |name: &str| self.0.iter().any(|(_, parameter)| parameter == name);
        let mut target = format!("<{path}");
        let mut sign = '?';
        let mut add = |name: &str, value: &str| {
            target.push(sign);
            sign = '&';
            encode(name, &mut target);
            target.push('=');
            encode(value, &mut target);
        };
        for (name, value) in pairs(query) {
            if let (Some(name), Some(value)) = (name, value)
                && !own(&name)
            {
                add(&name, &value);
            }
        }
        for ((_, name), value) in self.0.iter().zip(values) {
            add(name, value);
        }
        target.push_str(">; rel=\"next\"");
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_like_this_one() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let page = Page::new(&Keyset(vec![pair("at", "after"), pair("id", "after_id")]));
        let values = ["2018-07-24T00:19:00+00:00".to_owned(), "a&b".to_owned()];
        let link = page.link("/x/%41", "tag=a&after=old&tag=b+c&limit=2", &values);
        assert_eq!(
            link,
            "</x/%41?tag=a&tag=b%20c&limit=2&after=2018-07-24T00%3A19%3A00%2B00%3A00&after_id=a%26b>; rel=\"next\""
        );
        assert_eq!(
            page.link("/x", "", &values[..1]),
            "</x?after=2018-07-24T00%3A19%3A00%2B00%3A00>; rel=\"next\""
        );
    }
}
