//! What the clients of [`witness`](super::witness) have seen, and what must be true of it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::witness::Question;
use super::{Database, PATIENCE};

/// What a client has seen.
#[derive(Clone, Debug)]
pub struct Seen {
    pub number: u64,
    /// The index of the question.
    pub question: usize,
    pub begun: Instant,
    pub took: Duration,
    pub what: What,
}

/// How a request has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Good,
    /// A 503 or a 504 as they should be: its status, its explanation, and its SQLSTATE.
    Refused(u16, Box<str>, Option<Box<str>>),
    /// Anything else.
    Wrong(Box<str>),
}

/// What all clients have seen.
pub struct Testimony {
    pub questions: &'static [Question],
    pub seen: Vec<Seen>,
}

impl Testimony {
    pub fn good(&self) -> usize {
        self.seen
            .iter()
            .filter(|seen| seen.what == What::Good)
            .count()
    }

    /// What was neither the right answer nor a 503 or a 504.
    pub fn wrong(&self) -> Vec<&Seen> {
        let wrong = |seen: &&Seen| matches!(seen.what, What::Wrong(_));
        self.seen.iter().filter(wrong).collect()
    }

    /// No answer is wrong, none has hung, some are right, and no write is lost or half done.
    #[track_caller]
    pub fn true_in(&self, database: &Database) {
        let wrong = self.wrong();
        assert!(
            wrong.is_empty(),
            "{} are wrong: {:?}",
            wrong.len(),
            wrong[0]
        );
        assert!(self.good() > 0, "no answer was good");
        let hung = self.seen.iter().find(|seen| seen.took > PATIENCE);
        assert!(hung.is_none(), "{hung:?}");
        let lost = self.lost(database);
        assert!(lost.missing == 0 && lost.odd == 0, "{lost:?}");
    }

    /// What was refused.
    pub fn refused(&self) -> impl Iterator<Item = &Seen> {
        let refused = |seen: &&Seen| matches!(seen.what, What::Refused(..));
        self.seen.iter().filter(refused)
    }

    /// Acknowledged writes that the database does not have, those it has more than once, and those it has in part.
    pub fn lost(&self, database: &Database) -> Lost {
        let mut lost = Lost::default();
        for (name, table, rows) in [
            ("keep", "kept", 1),
            ("keep-both", "pair", 2),
            ("keep-all", "listed", 3),
        ] {
            let acknowledged = self.seen.iter().filter(|seen| {
                seen.what == What::Good && self.questions[seen.question].name == name
            });
            let ids = |sql: &str| -> HashSet<u64> {
                let all = database.ask(sql).unwrap_or_default();
                all.split(' ').filter_map(|id| id.parse().ok()).collect()
            };
            let there = ids(&format!(
                "select string_agg(distinct id::text, ' ') from {table}"
            ));
            let odd = format!(
                "select string_agg(id::text, ' ') from
                (select id from {table} where id > 0 group by id having count(*) <> {rows}) as odd"
            );
            lost.odd += ids(&odd).len();
            for seen in acknowledged {
                lost.acknowledged += 1;
                lost.missing += usize::from(!there.contains(&seen.number));
            }
        }
        lost
    }
}

/// What became of writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    pub acknowledged: usize,
    pub missing: usize,
    /// There twice, or in part.
    pub odd: usize,
}
