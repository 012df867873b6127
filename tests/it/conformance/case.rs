//! One case of a corpus: bytes for a server, and what is to come of them.
//!
//! | member | meaning |
//! |---|---|
//! | `raw` | the bytes, a code point each; `{{x*N}}` repeats, `{{HOST}}`, `{{PATH}}`, `{{POST}}`, `{{PCTPATH}}` name |
//! | `expect` | `accept`, `either`, `wait`, `reject-501`, … |
//! | `status` | the statuses that will do, instead of those of `expect` |
//! | `responses` | how many answers: exactly for `accept`, at most for `either` |
//! | `seq` | what each of several answers is to be |
//! | `conn` | what becomes of the connection: `open`, `close` or `any` |
//! | `methods` | those of the requests, where an answer to HEAD is not the only one |
//! | `no1xx` | no interim answer |
//! | `body` | the last answer's body |
//! | `deliver` | `bytewise`, `lines`, `halfclose` or `head-wait-body`, beside the ways every case is sent |
//! | `id`, `group`, `rfc`, `note`, `level` | for the reader |

use serde_json::{Map, Value};

/// What some bytes are to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Answered as the request that it is.
    Accept,
    /// Answered or refused, and in step with the client in either case: more than the RFC says.
    Either,
    /// Not answered: there is more to come.
    Wait,
    /// Refused with this status.
    Refuse {
        status: u16,
        /// Where the next message would begin is in doubt.
        closes: bool,
    },
}

/// How bytes are sent, beside the ways every case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver {
    Lines,
    /// The body once the server has answered the head, with 100 or a final status.
    HeadThenBody,
}

/// What is to become of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Closed,
    Any,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    pub id: String,
    pub rfc: String,
    pub note: String,
    pub bytes: Vec<u8>,
    pub expect: Class,
    pub status: Vec<u16>,
    pub responses: usize,
    pub sequence: Vec<Class>,
    pub fate: Fate,
    pub methods: Vec<String>,
    pub no_interim: bool,
    pub body: Option<String>,
    pub deliver: Option<Deliver>,
    /// The client sends no more after the bytes.
    pub half_close: bool,
}

/// What the names in a case stand for.
pub struct Names {
    pub host: String,
    /// A path that answers GET.
    pub path: &'static str,
    /// One that answers POST with the request's body.
    pub post: &'static str,
}

/// The cases of a corpus.
#[track_caller]
pub fn read(corpus: &str, names: &Names) -> Vec<Case> {
    let cases: Vec<Map<String, Value>> = serde_json::from_str(corpus).unwrap();
    cases
        .into_iter()
        .map(|case| Case::read(case, names))
        .collect()
}

impl Case {
    /// Every member is taken out of `members`: one that is left over is a condition nobody would look at.
    fn read(members: Map<String, Value>, names: &Names) -> Case {
        let mut members = Members(members);
        let bytes = expand(&members.text("raw"), names);
        let first = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first.trim_ascii_start()).into_owned();
        let expect = class(&members.text("expect"));
        let deliver = members.word("deliver");
        let case = Case {
            rfc: members.text("rfc"),
            note: members.text("note"),
            status: members.list("status", |value| value.as_u64().unwrap() as u16),
            responses: members
                .take("responses")
                .map_or(1, |value| value.as_u64().unwrap() as usize),
            sequence: members.list("seq", |value| class(value.as_str().unwrap())),
            fate: match members.word("conn").as_deref() {
                None if matches!(expect, Class::Refuse { closes: true, .. }) => Fate::Closed,
                None | Some("any") => Fate::Any,
                Some("open") => Fate::Open,
                Some("close") => Fate::Closed,
                Some(other) => panic!("conn {other}"),
            },
            methods: match members.list("methods", |value| value.as_str().unwrap().to_owned()) {
                none if none.is_empty() => vec![first],
                methods => methods,
            },
            no_interim: members.take("no1xx").is_some(),
            body: members.word("body"),
            half_close: deliver.as_deref() == Some("halfclose"),
            deliver: match deliver.as_deref() {
                None | Some("bytewise" | "halfclose") => None,
                Some("lines") => Some(Deliver::Lines),
                Some("head-wait-body") => Some(Deliver::HeadThenBody),
                Some(other) => panic!("deliver {other}"),
            },
            id: members.text("id"),
            bytes,
            expect,
        };
        for for_the_reader in ["group", "level"] {
            members.text(for_the_reader);
        }
        let Members(rest) = members;
        assert!(rest.is_empty(), "{}: unknown {rest:?}", case.id);
        case
    }

    /// How many answers there are to be, at least.
    pub fn least_answers(&self) -> usize {
        match self.expect {
            Class::Wait => 0,
            _ if !self.sequence.is_empty() => self.sequence.len(),
            Class::Accept => self.responses,
            Class::Either | Class::Refuse { .. } => 1,
        }
    }
}

/// A case's members, taken out one by one.
struct Members(Map<String, Value>);

impl Members {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    #[track_caller]
    fn word(&mut self, name: &str) -> Option<String> {
        self.take(name).map(|value| match value {
            Value::String(text) => text,
            other => panic!("{name}: {other}"),
        })
    }

    #[track_caller]
    fn text(&mut self, name: &str) -> String {
        let word = self.word(name);
        word.unwrap_or_else(|| panic!("no {name} beside {:?}", self.0))
    }

    #[track_caller]
    fn list<T>(&mut self, name: &str, item: impl Fn(&Value) -> T) -> Vec<T> {
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(item).collect(),
            Some(other) => panic!("{name}: {other}"),
        }
    }
}

fn class(name: &str) -> Class {
    let refuse = |status, closes| Class::Refuse { status, closes };
    match name {
        "accept" => Class::Accept,
        "either" => Class::Either,
        "wait" => Class::Wait,
        "reject-400-and-close" => refuse(400, true),
        "reject-413" => refuse(413, true),
        "reject-414" => refuse(414, true),
        "reject-431" => refuse(431, true),
        "reject-505" => refuse(505, true),
        // The message is understood, its method or coding is not.
        "reject-501" => refuse(501, false),
        other => panic!("expect {other}"),
    }
}

/// A case's bytes: its macros done, then a byte for each code point.
fn expand(raw: &str, names: &Names) -> Vec<u8> {
    let mut text = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((inside, after)) = after.split_once("}}") else {
            // Half a macro is a case's way to stop in the middle of something.
            text.push_str("{{");
            rest = after;
            continue;
        };
        match inside.rsplit_once('*').map(|(part, n)| (part, n.parse())) {
            Some((part, Ok(count))) => text.push_str(&part.repeat(count)),
            _ => text.push_str(&names.get(inside)),
        }
        rest = after;
    }
    text.push_str(rest);
    text.chars()
        .map(|c| u8::try_from(c).expect("a code point above 255"))
        .collect()
}

impl Names {
    fn get(&self, name: &str) -> String {
        match name {
            "HOST" => self.host.clone(),
            "PATH" => self.path.to_owned(),
            "POST" => self.post.to_owned(),
            // The same path with its first letter encoded.
            "PCTPATH" => format!("/%{:02x}{}", self.path.as_bytes()[1], &self.path[2..]),
            other => panic!("{{{{{other}}}}} stands for nothing"),
        }
    }
}
