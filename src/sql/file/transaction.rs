//! `-- tx: serializable retry 3`: how an endpoint's transaction is.

use super::directives::Mistake;

/// `serializable retry 3`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The server's default if nobody says.
    pub isolation: Option<Isolation>,
    /// Whether it may write; by the method if nobody says.
    pub read_only: Option<bool>,
    /// How often it is begun again after a serialization failure or a deadlock.
    pub retries: u32,
}

/// What a transaction sees of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// `read committed`
    ReadCommitted,
    /// `repeatable read`
    RepeatableRead,
    /// `serializable`
    Serializable,
}

/// Retries at most: whoever needs more has another problem.
const MOST_RETRIES: u32 = 100;

impl Transaction {
    /// What begins it.
    pub fn begin(&self) -> String {
        let mut begin = String::from("begin");
        begin.push_str(match self.isolation {
            None => "",
            Some(Isolation::ReadCommitted) => " isolation level read committed",
            Some(Isolation::RepeatableRead) => " isolation level repeatable read",
            Some(Isolation::Serializable) => " isolation level serializable",
        });
        begin.push_str(match self.read_only {
            None => "",
            Some(true) => " read only",
            Some(false) => " read write",
        });
        begin
    }
}

/// What the directive says.
pub(super) fn transaction(text: &str) -> Result<Transaction, Mistake> {
    const HINT: &str = "write read only, read write, read committed, repeatable read or serializable, and retry 3 if it may be begun again";
    let mut transaction = Transaction::default();
    let mut words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    let mut said_anything = false;
    while let Some(first) = words.next() {
        said_anything = true;
        if first == "serializable" {
            set_once(&mut transaction.isolation, Isolation::Serializable)?;
            continue;
        }
        let second = words.next().unwrap_or("");
        match (first, second) {
            ("read", "only") => set_once(&mut transaction.read_only, true)?,
            ("read", "write") => set_once(&mut transaction.read_only, false)?,
            ("read", "committed") => {
                set_once(&mut transaction.isolation, Isolation::ReadCommitted)?
            }
            ("repeatable", "read") => {
                set_once(&mut transaction.isolation, Isolation::RepeatableRead)?;
            }
            ("retry", times) => {
                let times = times
                    .parse()
                    .ok()
                    .filter(|times| (1..=MOST_RETRIES).contains(times));
                let wrong = || {
                    (
                        format!("retry needs a number from 1 to {MOST_RETRIES}"),
                        HINT,
                    )
                };
                transaction.retries = times.ok_or_else(wrong)?;
            }
            _ => {
                return Err((
                    format!(
                        "{} is not a kind of transaction",
                        format!("{first} {second}").trim()
                    ),
                    HINT,
                ));
            }
        }
    }
    match said_anything {
        true => Ok(transaction),
        false => Err(("nothing is said of the transaction".into(), HINT)),
    }
}

fn set_once<T>(place: &mut Option<T>, value: T) -> Result<(), Mistake> {
    match place.replace(value) {
        Some(_) => Err(("two kinds of transaction at once".into(), "write one")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read() {
        let begin = |text| transaction(text).unwrap().begin();
        assert_eq!(
            begin("serializable retry 3"),
            "begin isolation level serializable"
        );
        assert_eq!(transaction("serializable retry 3").unwrap().retries, 3);
        assert_eq!(begin("retry 1"), "begin");
        assert_eq!(
            begin("repeatable read, read only"),
            "begin isolation level repeatable read read only"
        );
        assert_eq!(begin("read write"), "begin read write");
    }

    #[test]
    fn mistakes_are_named() {
        for text in [
            "",
            "serialisable",
            "read",
            "retry",
            "retry 0",
            "retry 1000",
            "serializable repeatable read",
            "read only read write",
        ] {
            assert!(transaction(text).is_err(), "{text}");
        }
    }
}
