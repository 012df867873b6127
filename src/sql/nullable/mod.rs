//! Which columns of a result may be null, as far as a statement's text can tell; where it leaves doubt, they may.
//!
//! Never by a plan: plans change with the statistics. A column of a table that is `not null` there can still be null
//! behind an outer join, so those are looked for; and the expressions of a plain select list are looked at one by one.

mod list;

use std::ops::Range;

use super::lexer::{Lexer, Token};

/// What a statement's text says.
pub(super) struct Reading<'a> {
    /// What is not blank.
    tokens: Vec<(Token, &'a str)>,
    /// The select list, one range of tokens for each column; `None` if it cannot be told apart.
    items: Option<Vec<Range<usize>>>,
}

/// Functions that give something whatever they are given, even nothing.
const NEVER_NULL: [&str; 21] = [
    "count",
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "jsonb_build_object",
    "json_build_object",
    "jsonb_build_array",
    "json_build_array",
    "gen_random_uuid",
    "random",
    "pi",
    "exists",
    "txid_current",
    "pg_current_xact_id",
    "version",
];

/// Words that are values without parentheses.
const VALUES: [&str; 6] = [
    "true",
    "false",
    "current_date",
    "current_timestamp",
    "localtimestamp",
    "current_time",
];

impl<'a> Reading<'a> {
    /// Reads a statement with `columns` columns.
    pub(super) fn new(sql: &'a str, columns: usize) -> Reading<'a> {
        let tokens = Lexer::new(sql).flatten();
        let tokens = tokens.filter(|(token, _)| !token.is_blank());
        let tokens: Vec<_> = tokens.map(|(token, place)| (token, &sql[place])).collect();
        let mut reading = Reading {
            tokens,
            items: None,
        };
        reading.items = reading.list().filter(|items| items.len() == columns);
        reading
    }

    /// Whether a column of a table is null only where the table says so.
    pub(super) fn keeps_not_null(&self) -> bool {
        let words = (0..self.tokens.len()).map(|index| (index, self.word(index)));
        !words.into_iter().any(|(index, word)| match word.as_str() {
            "left" | "right" | "full" => {
                matches!(self.word(index + 1).as_str(), "join" | "outer")
            }
            "rollup" | "cube" | "grouping" | "union" | "intersect" | "except" | "merge" => true,
            // `returning old.price`: there is no old row of an insert.
            "old" | "new" => self.text(index + 1) == ".",
            _ => false,
        })
    }

    /// Whether a column is an expression that is never null.
    pub(super) fn is_never_null(&self, column: usize) -> bool {
        let item = self.items.as_ref().and_then(|items| items.get(column));
        item.is_some_and(|item| self.expression_is_never_null(self.without_name(item.clone())))
    }

    /// The numbers that a column may be, where it is one or a `case` of them.
    pub(super) fn literals(&self, column: usize) -> Option<Vec<u16>> {
        let item = self.without_name(self.items.as_ref()?.get(column)?.clone());
        let number = |index: usize| match self.tokens.get(index) {
            Some((Token::Number, text)) if index < item.end => text.parse().ok(),
            _ => None,
        };
        if item.len() == 1 {
            return number(item.start).map(|number| vec![number]);
        }
        let is_case = self.word(item.start) == "case" && self.word(item.end - 1) == "end";
        // One inside of another ends before this one does.
        let (mut numbers, mut has_else) = (Vec::new(), false);
        for index in item.start + 1..item.end.saturating_sub(1) {
            let word = self.word(index);
            if word == "case" {
                return None;
            }
            if matches!(word.as_str(), "then" | "else") {
                let ends = ["when", "else", "end"].contains(&self.word(index + 2).as_str());
                numbers.push(number(index + 1).filter(|_| ends)?);
                has_else |= word == "else";
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        // Without an else it may be null, which is the usual status.
        (is_case && has_else).then_some(numbers)
    }

    fn expression_is_never_null(&self, item: Range<usize>) -> bool {
        let item = self.without_cast(item);
        match item.len() {
            0 => false,
            1 => match &self.tokens[item.start].0 {
                Token::Number | Token::String => true,
                Token::Word => VALUES.contains(&self.word(item.start).as_str()),
                _ => false,
            },
            _ => self.call_is_never_null(item),
        }
    }

    /// `count(*)`, `count(*) filter (where …)`, `row_number() over (…)`, `coalesce(x, 0)`.
    fn call_is_never_null(&self, item: Range<usize>) -> bool {
        let name = self.word(item.start);
        if self.text(item.start + 1) != "(" {
            return false;
        }
        let Some(end) = self.closing(item.start + 1, item.end) else {
            return false;
        };
        let inside = item.start + 2..end;
        // A list of arguments that may itself be null.
        if self.word(inside.start) == "variadic" {
            return false;
        }
        if name == "coalesce" && end + 1 == item.end {
            return self
                .arguments(inside)
                .into_iter()
                .any(|argument| self.expression_is_never_null(argument));
        }
        NEVER_NULL.contains(&name.as_str()) && self.only_windows(end + 1..item.end)
    }

    /// Whether nothing but `filter (…)` and `over …` is there.
    fn only_windows(&self, mut rest: Range<usize>) -> bool {
        while !rest.is_empty() {
            let word = self.word(rest.start);
            if !matches!(word.as_str(), "filter" | "over") {
                return false;
            }
            let next = rest.start + 1;
            rest.start = match self.text(next) {
                "(" => match self.closing(next, rest.end) {
                    Some(end) => end + 1,
                    None => return false,
                },
                _ if word == "over" && next < rest.end => next + 1,
                _ => return false,
            };
        }
        true
    }

    /// What stands before `::type`: a cast makes no null of something, but of a `json` null, or by a function of somebody.
    fn without_cast(&self, item: Range<usize>) -> Range<usize> {
        const PLAIN: [&str; 12] = [
            "int",
            "int2",
            "int4",
            "int8",
            "integer",
            "bigint",
            "smallint",
            "text",
            "numeric",
            "float8",
            "date",
            "timestamptz",
        ];
        let is_cast = item.len() >= 3
            && self.text(item.end - 2) == "::"
            && PLAIN.contains(&self.word(item.end - 1).as_str());
        match is_cast {
            true => self.without_cast(item.start..item.end - 2),
            false => item,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_joins_and_their_like_leave_doubt() {
        for sql in [
            "select a.id from a left join b on true",
            "select a.id from a RIGHT /* x */ OUTER\njoin b on true",
            "select a.id from a natural full join b",
            "select id from a where exists (select from b left join c on true)",
            "select id from a group by rollup (id)",
            "select id from a group by grouping sets ((id), ())",
            "select id from a union all select id from b",
            "update a set id = 1 returning old.id",
            "merge into a using b on true when matched then delete returning b.id",
        ] {
            assert!(!Reading::new(sql, 1).keeps_not_null(), "{sql}");
        }
        for sql in [
            "select left(name, 1), right(name, 1) from a join b on true",
            "select 'left join', \"union\" from a -- left join",
            "select id from a cross join b",
            "insert into a values (1) returning id, new",
        ] {
            assert!(Reading::new(sql, 1).keeps_not_null(), "{sql}");
        }
    }

    #[test]
    fn expressions_that_are_never_null_are_known() {
        let sql = "select count(*), COUNT(x) filter (where x > (1)) as n, count(*) over () m, row_number() over w,
                   coalesce(sum(x), 0), coalesce(max(x), (y)), coalesce(a, coalesce(b, 'x')::text) as \"c d\", 1, 'a' as b,
                   now(), now() - x, true, null, x, (select 1), sum(x), count(*) + x, exists (select 1),
                   jsonb_build_object('a', null), 1::int, 'null'::jsonb, current_date, case when a then 1 end
                   from t";
        let expected = [
            true, true, true, true, true, false, true, true, true, true, false, true, false, false,
            false, false, false, true, true, true, false, true, false,
        ];
        let reading = Reading::new(sql, expected.len());
        for (index, never_null) in expected.into_iter().enumerate() {
            assert_eq!(reading.is_never_null(index), never_null, "column {index}");
        }
        let with = Reading::new("with x as (select null, null) select count(*), y from x", 2);
        assert!(with.is_never_null(0) && !with.is_never_null(1));
        let variadic = Reading::new("select jsonb_build_object(variadic x) from t", 1);
        assert!(!variadic.is_never_null(0));
        let returning = Reading::new("insert into t (a) values (1) returning id, now()", 2);
        assert!(!returning.is_never_null(0) && returning.is_never_null(1));
    }

    #[test]
    fn numbers_that_are_written_are_known() {
        for (item, expected) in [
            ("201", Some(vec![201])),
            (
                "case when xmax = 0 then 201 else 200 end",
                Some(vec![200, 201]),
            ),
            (
                "case a when 1 then 202 when 2 then 201 else 202 end",
                Some(vec![201, 202]),
            ),
            ("case when a then 201 end", None),
            ("case when a then 200 + 1 else 200 end", None),
            ("case when a then b else 200 end", None),
            (
                "case when a then case when b then 1 else 2 end else 3 end",
                None,
            ),
            ("status", None),
            ("70000", None),
        ] {
            let sql = format!("insert into t values (1) returning id, {item} as _status");
            assert_eq!(Reading::new(&sql, 2).literals(1), expected, "{item}");
        }
    }

    #[test]
    fn lists_that_cannot_be_told_apart_say_nothing() {
        for sql in [
            "select *, count(*) from t",
            "select t.*, count(*) from t",
            "select distinct on (a) count(*), 1 from t",
            "select count(*), 1 from t union select null, null",
            "values (1, 2)",
            "table t",
            "",
        ] {
            let reading = Reading::new(sql, 2);
            assert!(
                !reading.is_never_null(0) && !reading.is_never_null(1),
                "{sql}"
            );
        }
        // A statement whose columns are not the items that were seen.
        assert!(!Reading::new("select count(*) from t", 2).is_never_null(0));
    }
}
