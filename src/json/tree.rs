//! JSON as a tree whose members keep their order: a document is read by people, too.

use serde_json::Value;

use super::string;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, by its digits.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
    /// `null`.
    Null,
}

impl Node {
    /// An object without members.
    pub fn object() -> Node {
        Node::Object(Vec::new())
    }

    /// With one more member; of an object only.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Node>) -> Node {
        if let Node::Object(members) = &mut self {
            members.push((name.to_owned(), value.into()));
        }
        self
    }

    /// With one more member if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Node>>) -> Node {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a member of this text if there is any.
    #[must_use]
    pub fn with_text(self, name: &str, text: &str) -> Node {
        self.with_some(name, (!text.is_empty()).then_some(text))
    }

    /// A list of texts.
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Node {
        let texts = texts.into_iter();
        Node::List(texts.map(|text| Node::Text(text.into())).collect())
    }

    /// Whether it is an object without members.
    pub fn is_empty(&self) -> bool {
        matches!(self, Node::Object(members) if members.is_empty())
    }

    /// As text, two spaces for each level, with a line end.
    pub fn pretty(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(0, &mut out);
        out.push(b'\n');
        out
    }

    fn write(&self, depth: usize, out: &mut Vec<u8>) {
        match self {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Boolean(true) => out.extend_from_slice(b"true"),
            Node::Boolean(false) => out.extend_from_slice(b"false"),
            Node::Number(digits) => out.extend_from_slice(digits.as_bytes()),
            Node::Text(text) => string(text, out),
            Node::List(items) if items.is_empty() => out.extend_from_slice(b"[]"),
            Node::Object(members) if members.is_empty() => out.extend_from_slice(b"{}"),
            // A list of plain values is one line.
            Node::List(items) if items.iter().all(Node::is_plain) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    out.extend_from_slice(if index == 0 { b"" } else { b", " });
                    item.write(depth, out);
                }
                out.push(b']');
            }
            Node::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    line(index, depth + 1, out);
                    item.write(depth + 1, out);
                }
                line(0, depth, out);
                out.push(b']');
            }
            Node::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    line(index, depth + 1, out);
                    string(name, out);
                    out.extend_from_slice(b": ");
                    value.write(depth + 1, out);
                }
                line(0, depth, out);
                out.push(b'}');
            }
        }
    }

    fn is_plain(&self) -> bool {
        !matches!(self, Node::List(_) | Node::Object(_))
    }
}

/// A new line for the item of this index.
fn line(index: usize, depth: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', 2 * depth));
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Node {
        Node::Boolean(value)
    }
}

impl From<usize> for Node {
    fn from(number: usize) -> Node {
        Node::Number(number.to_string())
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Node {
        Node::Number(number.to_string())
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Node {
        Node::List(items)
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Node {
        match value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Boolean(*value),
            Value::Number(number) => Node::Number(number.to_string()),
            Value::String(text) => Node::Text(text.clone()),
            Value::Array(items) => Node::List(items.iter().map(Node::from).collect()),
            Value::Object(members) => {
                let members = members.iter();
                Node::Object(
                    members
                        .map(|(name, value)| (name.clone(), value.into()))
                        .collect(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_plain_lists_are_one_line() {
        let node = Node::object()
            .with("b", Node::texts(["x", "\"y\""]))
            .with("a", vec![Node::object().with("n", 1_u32), Node::object()])
            .with_text("left out", "")
            .with_some("none", None::<&str>)
            .with("c", Node::List(Vec::new()));
        let text = String::from_utf8(node.pretty()).unwrap();
        assert_eq!(
            text,
            "{\n  \"b\": [\"x\", \"\\\"y\\\"\"],\n  \"a\": [\n    {\n      \"n\": 1\n    },\n    {}\n  ],\n  \"c\": []\n}\n"
        );
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&Node::from(&value).pretty()).unwrap(),
            value
        );
    }
}
