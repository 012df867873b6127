//! HTML and SVG as a tree. Text and attributes are escaped where it is written out, and only there: what a server or a path
//! is called cannot be taken for markup.

use std::fmt::{self, Display, Formatter, Write};

/// They have no end tag where they have no content.
const VOID: [&str; 8] = [
    "circle", "line", "meta", "path", "polygon", "polyline", "rect", "svg",
];
/// White space around them would be seen; after all others a line ends.
const INLINE: [&str; 6] = ["a", "code", "span", "strong", "svg", "title"];

/// An element with all that is in it.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Content>,
}

#[derive(Clone, Debug)]
enum Content {
    Element(Element),
    Text(String),
    /// Written as it is: a style sheet of ours.
    Verbatim(&'static str),
}

/// An element of this name, with nothing in it yet.
pub(crate) fn element(name: &'static str) -> Element {
    Element {
        name,
        attributes: Vec::new(),
        content: Vec::new(),
    }
}

impl Element {
    /// With an attribute more.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Element {
        self.attributes.push((name, value.into()));
        self
    }

    /// With these classes, separated by spaces.
    pub(crate) fn class(self, classes: impl Into<String>) -> Element {
        self.set("class", classes)
    }

    /// With this text behind what is in it.
    pub(crate) fn text(mut self, text: impl Into<String>) -> Element {
        self.content.push(Content::Text(text.into()));
        self
    }

    /// With this element behind what is in it.
    pub(crate) fn with(mut self, child: Element) -> Element {
        self.content.push(Content::Element(child));
        self
    }

    /// With these elements behind what is in it.
    pub(crate) fn with_all(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.content
            .extend(children.into_iter().map(Content::Element));
        self
    }

    /// With a style sheet behind what is in it.
    pub(crate) fn verbatim(mut self, text: &'static str) -> Element {
        self.content.push(Content::Verbatim(text));
        self
    }
}

impl Display for Element {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"{}\"", Escaped(value))?;
        }
        if self.content.is_empty() && VOID.contains(&self.name) {
            f.write_str("/>")?;
        } else {
            f.write_char('>')?;
            for content in &self.content {
                match content {
                    Content::Element(element) => element.fmt(f)?,
                    Content::Text(text) => Escaped(text).fmt(f)?,
                    Content::Verbatim(text) => f.write_str(text)?,
                }
            }
            write!(f, "</{}>", self.name)?;
        }
        match INLINE.contains(&self.name) {
            true => Ok(()),
            false => f.write_char('\n'),
        }
    }
}

/// Text as it stands in markup, between tags and between quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML has no way to write them.
                c if c.is_control() && !c.is_whitespace() => {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_never_markup() {
        let element = element("p")
            .set("title", "\"a\" & 'b'")
            .text("<b>\u{1}\n")
            .with(element("code").text("x"));
        let expected =
            "<p title=\"&quot;a&quot; &amp; &#39;b&#39;\">&lt;b&gt;\u{fffd}\n<code>x</code></p>\n";
        assert_eq!(element.to_string(), expected);
    }

    #[test]
    fn only_what_may_has_no_end_tag() {
        let empty = |name| element(name).to_string();
        assert_eq!(
            [empty("td"), empty("line")],
            ["<td></td>\n", "<line/>\n"].map(str::to_owned)
        );
    }
}
