//! Entity tags: by which a client says what it has seen of a resource (RFC 9110, sections 8.8.3 and 13.1).

use std::borrow::Cow;
use std::fmt;

use super::chars::{self, FIELD};

/// A validator of one representation, as it stands in a field: `"…"`, or `W/"…"`, which promises only that another
/// representation with this tag would do as well.
#[derive(Clone, Debug)]
pub struct EntityTag<'a>(Cow<'a, str>);

/// What a line of `If-Match` or `If-None-Match` says.
#[derive(Clone, Debug)]
pub enum EntityTags<'a> {
    /// `*`: whatever there is. Where there is nothing, not even this matches: that is for the caller to say.
    Any,
    /// Any of these.
    These(Vec<EntityTag<'a>>),
}

/// What is neither `*` nor a list of entity tags. A request that is safe may go on as if nothing had been said; one that
/// changes something would do it unguarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl EntityTag<'static> {
    /// A strong tag of this text, if it can be one: no space, no quote, no control character.
    pub fn strong(opaque: &str) -> Option<EntityTag<'static>> {
        is_opaque(opaque).then(|| EntityTag(Cow::Owned(format!("\"{opaque}\""))))
    }
}

/// A strong tag that is this number, for digests.
impl From<u64> for EntityTag<'static> {
    fn from(number: u64) -> EntityTag<'static> {
        EntityTag(Cow::Owned(format!("\"{number:x}\"")))
    }
}

impl<'a> EntityTag<'a> {
    /// The tag that `text` is, quotes and all.
    pub fn parse(text: &str) -> Option<EntityTag<'static>> {
        match EntityTag::split(text) {
            Some((tag, "")) => Some(tag.into_owned()),
            _ => None,
        }
    }

    /// The same, for who keeps it.
    pub fn into_owned(self) -> EntityTag<'static> {
        EntityTag(Cow::Owned(self.0.into_owned()))
    }

    /// As it stands in a field.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is weak.
    pub fn is_weak(&self) -> bool {
        self.0.starts_with("W/")
    }

    /// The strong comparison, for whoever changes something or goes on with a part: the same bytes.
    pub fn matches_strongly(&self, other: &EntityTag<'_>) -> bool {
        !self.is_weak() && self.0 == other.0
    }

    /// The weak comparison, for whoever has a copy: as good as the same.
    pub fn matches_weakly(&self, other: &EntityTag<'_>) -> bool {
        self.quoted() == other.quoted()
    }

    fn quoted(&self) -> &str {
        self.0.strip_prefix("W/").unwrap_or(&self.0)
    }

    /// The tag at the front of `text`, and what follows it.
    fn split(text: &'a str) -> Option<(EntityTag<'a>, &'a str)> {
        let opaque = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?;
        let (opaque, rest) = opaque.split_once('"')?;
        let tag = &text[..text.len() - rest.len()];
        is_opaque(opaque).then_some((EntityTag(Cow::Borrowed(tag)), rest))
    }
}

impl<'a> EntityTags<'a> {
    /// All lines of one field together; none if there are none.
    ///
    /// # Errors
    /// They are not what the grammar has.
    pub fn parse(
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<EntityTags<'a>>, Malformed> {
        let mut tags = None;
        for line in lines {
            let line = std::str::from_utf8(chars::trim(line)).map_err(|_| Malformed)?;
            if line == "*" && tags.is_none() {
                tags = Some(EntityTags::Any);
                continue;
            }
            match tags.get_or_insert(EntityTags::These(Vec::new())) {
                EntityTags::Any => return Err(Malformed),
                EntityTags::These(list) => add(line, list)?,
            }
        }
        Ok(tags)
    }

    /// The same, for who keeps them.
    pub fn into_owned(self) -> EntityTags<'static> {
        match self {
            EntityTags::Any => EntityTags::Any,
            EntityTags::These(list) => {
                EntityTags::These(list.into_iter().map(EntityTag::into_owned).collect())
            }
        }
    }

    /// Whether `If-None-Match` names what there is now: a client that reads has it already.
    pub fn matches_weakly(&self, current: &EntityTag<'_>) -> bool {
        match self {
            EntityTags::Any => true,
            EntityTags::These(list) => list.iter().any(|tag| tag.matches_weakly(current)),
        }
    }

    /// Whether `If-Match` names what there is now: a client that writes knows what it overwrites.
    pub fn matches_strongly(&self, current: &EntityTag<'_>) -> bool {
        match self {
            EntityTags::Any => true,
            EntityTags::These(list) => list.iter().any(|tag| tag.matches_strongly(current)),
        }
    }
}

/// Adds the tags of a line. Elements may be empty (RFC 9110 section 5.6.1.2), and a comma may be part of a tag.
fn add<'a>(line: &'a str, list: &mut Vec<EntityTag<'a>>) -> Result<(), Malformed> {
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(());
        }
        let (tag, after) = EntityTag::split(rest).ok_or(Malformed)?;
        list.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(Malformed);
        }
    }
}

/// `*etagc`
fn is_opaque(text: &str) -> bool {
    let etagc = |byte| chars::is(byte, FIELD) && !b" \t\"".contains(&byte);
    text.bytes().all(etagc)
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is neither * nor a list of entity tags, such as \"a\", W/\"b\"")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of some lines, with a space between: `*`, nothing for no field.
    fn read(lines: &[&str]) -> Result<String, Malformed> {
        let lines = lines.iter().map(|line| line.as_bytes());
        Ok(match EntityTags::parse(lines)? {
            None => String::new(),
            Some(EntityTags::Any) => "*".into(),
            Some(EntityTags::These(list)) => {
                let tags: Vec<&str> = list.iter().map(EntityTag::as_str).collect();
                format!("[{}]", tags.join(" "))
            }
        })
    }

    /// RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2
    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        let expected: &[(&[&str], Option<&str>)] = &[
            (&[], Some("")),
            (&[""], Some("[]")),
            (&["*"], Some("*")),
            (&[" *\t"], Some("*")),
            (&["\"\""], Some("[\"\"]")),
            (&["\"xyzzy\""], Some("[\"xyzzy\"]")),
            (&["W/\"xyzzy\""], Some("[W/\"xyzzy\"]")),
            (&["\"a\", W/\"b\"\t,\"c\""], Some("[\"a\" W/\"b\" \"c\"]")),
            (&["\"a\"", "\"b\""], Some("[\"a\" \"b\"]")),
            (&[",\"a\",, ,\"b\" , "], Some("[\"a\" \"b\"]")),
            // What a tag may hold: commas, backslashes that escape nothing, what is not ASCII, what looks like others.
            (
                &["\"a,b\",\"c\\\",\"é\",\"W/\",\"*\""],
                Some("[\"a,b\" \"c\\\" \"é\" \"W/\" \"*\"]"),
            ),
            (&["xyzzy"], None),
            (&["\"a"], None),
            (&["a\""], None),
            (&["\"a\"\"b\""], None),
            (&["\"a\" \"b\""], None),
            (&["\"a\";\"b\""], None),
            (&["w/\"a\""], None),
            (&["W/ \"a\""], None),
            (&["W/a"], None),
            (&["\"a b\""], None),
            (&["\"a\tb\""], None),
            (&["\"a\u{7f}\""], None),
            (&["*, \"a\""], None),
            (&["\"a\", *"], None),
            (&["*, *"], None),
            (&["*", "*"], None),
            (&["*", "\"a\""], None),
            (&["\"a\"", "*"], None),
            (&["*", ""], None),
            (&["\"a\"", "b"], None),
        ];
        for (lines, want) in expected {
            let want = want.map(str::to_owned).ok_or(Malformed);
            assert_eq!(read(lines), want, "{lines:?}");
        }
        let latin = EntityTags::parse([b"\"\xe9\"".as_slice()]);
        assert_eq!(latin.err(), Some(Malformed));
    }

    /// The table of RFC 9110 section 8.8.3.2, and the same through a list.
    #[test]
    fn comparisons_are_weak_and_strong() {
        for (one, other, strongly, weakly) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("\"1\"", "\"2\"", false, false),
            ("\"W/\"", "W/\"W/\"", false, true),
            ("\"a\"", "\"A\"", false, false),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let current = EntityTag::split(one).unwrap().0;
                let tag = EntityTag::split(other).unwrap().0;
                assert_eq!(tag.matches_strongly(&current), strongly, "{one} {other}");
                assert_eq!(tag.matches_weakly(&current), weakly, "{one} {other}");
                let list = format!("\"0\", {other}, W/\"3\"");
                let list = EntityTags::parse([list.as_bytes()]).unwrap().unwrap();
                assert_eq!(list.matches_strongly(&current), strongly, "{one} {other}");
                assert_eq!(list.matches_weakly(&current), weakly, "{one} {other}");
            }
        }
    }

    #[test]
    fn any_matches_what_there_is_and_an_empty_list_nothing() {
        let current = EntityTag::from(0x1f);
        let matches = |line: &'static [u8]| {
            let tags = EntityTags::parse([line]).unwrap().unwrap();
            (
                tags.matches_strongly(&current),
                tags.matches_weakly(&current),
            )
        };
        assert_eq!(matches(b"*"), (true, true));
        assert_eq!(matches(b""), (false, false));
        assert_eq!(matches(b"\"1f\""), (true, true));
    }

    #[test]
    fn only_what_can_be_sent_becomes_a_tag() {
        let tag = |text| EntityTag::strong(text).map(|tag| tag.as_str().to_owned());
        assert_eq!(tag("1532").as_deref(), Some("\"1532\""));
        assert_eq!(tag("").as_deref(), Some("\"\""));
        assert_eq!(tag("a,b/é").as_deref(), Some("\"a,b/é\""));
        for unfit in ["a\"b", "2018-08-27 15:00", "a\r\nb", "\u{7f}"] {
            assert_eq!(tag(unfit), None, "{unfit:?}");
        }
        assert!(!EntityTag::strong("W/").unwrap().is_weak());
    }
}
