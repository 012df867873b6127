//! What a thread is busy with, as a number that fits a word.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::lock::lock;

/// What a poll is for: an endpoint, or one of the server's own tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// The server's own, by number.
const OWN: [&str; 4] = ["(connection)", "(database)", "(worker)", "(task)"];

/// Names of endpoints; their numbers go on where [`OWN`] ends. The same name has the same number for the life of the
/// process, so reloads add nothing.
static NAMES: Mutex<Vec<Arc<str>>> = Mutex::new(Vec::new());

impl Label {
    /// A client's connection: the codec, sockets, whatever is no endpoint's.
    pub const CONNECTION: Label = Label(0);
    /// A connection to PostgreSQL.
    pub const DATABASE: Label = Label(1);
    /// Accepting connections, signals, the heartbeat.
    pub const WORKER: Label = Label(2);
    /// Anything else.
    pub const TASK: Label = Label(3);

    /// That of an endpoint of this name.
    pub fn new(name: &Arc<str>) -> Label {
        let mut names = names();
        let known = names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        });
        Label((OWN.len() + index) as u32)
    }

    /// The name.
    pub fn name(self) -> Arc<str> {
        let index = self.0 as usize;
        match OWN.get(index) {
            Some(own) => (*own).into(),
            None => names()
                .get(index - OWN.len())
                .cloned()
                .unwrap_or_else(|| "(unknown)".into()),
        }
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }

    pub(super) fn numbered(number: u32) -> Label {
        Label(number)
    }
}

fn names() -> MutexGuard<'static, Vec<Arc<str>>> {
    lock(&NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_label() {
        let (a, b) = (Label::new(&"label a".into()), Label::new(&"label b".into()));
        assert_ne!(a, b);
        assert_eq!(a, Label::new(&"label a".into()));
        assert_eq!(&*b.name(), "label b");
        assert_eq!(&*Label::WORKER.name(), "(worker)");
        assert_eq!(Label::numbered(a.number()), a);
    }
}
