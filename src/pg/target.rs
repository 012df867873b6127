//! Which of several servers is meant: `target_session_attrs`, as libpq has it.

use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::{Driver, ask};

/// What a server must be to be connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Target {
    /// Whatever it is.
    #[default]
    Any,
    /// One whose sessions may write.
    ReadWrite,
    /// One whose sessions may not.
    ReadOnly,
    /// One that is no standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby if one answers, else whatever does.
    PreferStandby,
}

/// How a server suits a [`Target`].
pub(super) enum Fit {
    /// It is what is meant.
    Good,
    /// It is not, and will do if nothing else is there.
    Fallback,
    /// It will not do; why.
    Not(&'static str),
}

impl Target {
    const WORDS: [(&str, Target); 6] = [
        ("any", Target::Any),
        ("read-write", Target::ReadWrite),
        ("read-only", Target::ReadOnly),
        ("primary", Target::Primary),
        ("standby", Target::Standby),
        ("prefer-standby", Target::PreferStandby),
    ];

    /// Reads libpq's word for it.
    pub(super) fn read(word: &str) -> Result<Target, String> {
        let known = Target::WORDS.iter().find(|(known, _)| *known == word);
        known.map(|(_, target)| *target).ok_or_else(|| {
            let words: Vec<&str> = Target::WORDS.iter().map(|(word, _)| *word).collect();
            format!("{word:?} is not one of {}", words.join(", "))
        })
    }

    /// Asks a server what it is.
    ///
    /// `read_only`: the session was made so by ourselves, and says so whatever the server is. Then only a standby counts.
    pub(super) async fn judge(
        self,
        read_only: bool,
        client: &Client,
        driver: &mut Driver,
    ) -> anyhow::Result<Fit> {
        let target = match (self, read_only) {
            (Target::ReadWrite, true) => Target::Primary,
            (Target::ReadOnly, true) => Target::Standby,
            (target, _) => target,
        };
        let question = match target {
            Target::Any => return Ok(Fit::Good),
            Target::ReadWrite | Target::ReadOnly => "show transaction_read_only",
            Target::Primary | Target::Standby | Target::PreferStandby => {
                "select case when pg_catalog.pg_is_in_recovery() then 'on' end"
            }
        };
        let rows = ask(client, driver, question).await?;
        let is_on = rows.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on")),
        );
        Ok(match (target, is_on) {
            (Target::ReadWrite, true) => Fit::Not("the server is read-only"),
            (Target::ReadOnly, false) => Fit::Not("the server is not read-only"),
            (Target::Primary, true) => Fit::Not("the server is a standby"),
            (Target::Standby, false) => Fit::Not("the server is not a standby"),
            (Target::PreferStandby, false) => Fit::Fallback,
            _ => Fit::Good,
        })
    }
}

impl From<TargetSessionAttrs> for Target {
    fn from(wanted: TargetSessionAttrs) -> Target {
        match wanted {
            TargetSessionAttrs::ReadWrite => Target::ReadWrite,
            TargetSessionAttrs::ReadOnly => Target::ReadOnly,
            _ => Target::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_libpqs() {
        assert_eq!(Target::read("prefer-standby"), Ok(Target::PreferStandby));
        assert_eq!(Target::read("primary"), Ok(Target::Primary));
        let error = Target::read("master").unwrap_err();
        assert!(
            error.contains("\"master\" is not one of any, read-write"),
            "{error}"
        );
    }
}
