//! Path templates to values: `/markets/{market_id}/prices`.
//!
//! A tree with a node per path segment. At each segment a static name is tried before a parameter, and a dead end
//! goes back to the next choice, so the most specific route wins whatever the order of registration:
//! `/markets/top` before `/markets/{id}`, and `/markets/top/prices` still reaches `/markets/{id}/prices`.
//!
//! Matching allocates nothing. Segments are compared percent-decoded (`/%70ing` is `/ping`, RFC 3986 §6.2.2.2), but
//! split before that: `%2F` is part of a segment, never a border.

mod pairs;
mod percent;
mod template;

use memchr::memchr;

use percent::decoded;
use template::{Segment, parameter_names};

pub use pairs::{Pair, encode, pairs};
pub use percent::percent_decode;
pub use template::{MAX_PARAMETERS, Template, TemplateError};

/// Values found by path template.
#[derive(Debug)]
pub struct Router<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    /// Children by their literal segment, sorted.
    literals: Vec<(String, Node<T>)>,
    /// The child for any other segment. Parameters at one place share it, whatever their names.
    parameter: Option<Box<Node<T>>>,
    /// What a path ending here leads to, and the template it was added as.
    leaf: Option<(Template, T)>,
}

/// A path that led somewhere.
#[derive(Debug)]
pub struct Match<'r, 'p, T> {
    /// What was added under the template.
    pub value: &'r T,
    /// The template, as written.
    pub template: &'r str,
    segments: &'r [Segment],
    /// The raw segments that parameters took, in order.
    values: Values<'p>,
}

type Values<'p> = [&'p str; MAX_PARAMETERS];

impl<T> Default for Router<T> {
    fn default() -> Router<T> {
        Router {
            root: Node::default(),
        }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Node<T> {
        Node {
            literals: Vec::new(),
            parameter: None,
            leaf: None,
        }
    }
}

impl<T> Router<T> {
    /// A router that leads nowhere yet.
    pub fn new() -> Router<T> {
        Router::default()
    }

    /// The value under `template`, made with `new` if there is none. Templates that differ only in the names of their
    /// parameters match the same paths and are the same place: the one added first gives the names.
    pub fn entry(&mut self, template: &Template, new: impl FnOnce() -> T) -> (&Template, &mut T) {
        let mut node = &mut self.root;
        for segment in &template.segments {
            node = match segment {
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
                Segment::Literal(name) => {
                    let found = node
                        .literals
                        .binary_search_by(|(have, _)| have.as_str().cmp(name));
                    let index = found.unwrap_or_else(|index| {
                        node.literals.insert(index, (name.clone(), Node::default()));
                        index
                    });
                    &mut node.literals[index].1
                }
            };
        }
        let (template, value) = node.leaf.get_or_insert_with(|| (template.clone(), new()));
        (template, value)
    }

    /// Where `path` leads: a path as it stands in a request target, beginning with `/`, without the query.
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p, T>> {
        let mut values = [""; MAX_PARAMETERS];
        let rest = path.strip_prefix('/')?;
        let leaf = self
            .root
            .find((!rest.is_empty()).then_some(rest), &mut values, 0)?;
        let (template, value) = leaf;
        Some(Match {
            value,
            template: template.as_str(),
            segments: &template.segments,
            values,
        })
    }

    /// Every template and its value, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&Template, &T)> {
        let mut open = vec![&self.root];
        std::iter::from_fn(move || {
            while let Some(node) = open.pop() {
                open.extend(node.literals.iter().map(|(_, child)| child));
                open.extend(node.parameter.as_deref());
                if let Some((template, value)) = &node.leaf {
                    return Some((template, value));
                }
            }
            None
        })
    }
}

impl<T> Node<T> {
    /// `rest` is what follows the `/` after this node's segment; `None` at the path's end.
    fn find<'r, 'p>(
        &'r self,
        rest: Option<&'p str>,
        values: &mut Values<'p>,
        taken: usize,
    ) -> Option<&'r (Template, T)> {
        let Some(rest) = rest else {
            return self.leaf.as_ref();
        };
        let (segment, rest) = match memchr(b'/', rest.as_bytes()) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let literal = self
            .literal(segment)
            .and_then(|child| child.find(rest, values, taken));
        if literal.is_some() {
            return literal;
        }
        // An empty segment is no value.
        let child = self.parameter.as_deref().filter(|_| !segment.is_empty())?;
        *values.get_mut(taken)? = segment;
        child.find(rest, values, taken + 1)
    }

    fn literal(&self, segment: &str) -> Option<&Node<T>> {
        let names = &self.literals;
        let mut found = names.binary_search_by(|(name, _)| name.as_str().cmp(segment));
        // No name has a `%` in it, so a segment with one is not found as it stands.
        if found.is_err() && !names.is_empty() && memchr(b'%', segment.as_bytes()).is_some() {
            found = names.binary_search_by(|(name, _)| name.bytes().cmp(decoded(segment)));
        }
        Some(&names[found.ok()?].1)
    }
}

impl<'p, T> Match<'_, 'p, T> {
    /// The parameters by name, as they stand in the path: percent-encoded.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &'p str)> {
        parameter_names(self.segments).zip(self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn router(templates: &[&str]) -> Router<String> {
        let mut router = Router::new();
        for template in templates {
            router.entry(&Template::parse(template).unwrap(), || template.to_string());
        }
        router
    }

    fn found(router: &Router<String>, path: &str) -> Option<String> {
        router.find(path).map(|found| {
            let parameters: Vec<_> = found
                .parameters()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{} {}", found.value, parameters.join(","))
                .trim_end()
                .to_owned()
        })
    }

    #[test]
    fn the_most_specific_route_wins_with_a_way_back() {
        let router = router(&[
            "/",
            "/a/{x}",
            "/a/top",
            "/a/{x}/b",
            "/{y}/top/c",
            "/a/top/{z}/d",
        ]);
        let expected = [
            ("/", Some("/")),
            ("/a/top", Some("/a/top")),
            ("/a/7", Some("/a/{x} x=7")),
            ("/a/top/b", Some("/a/{x}/b x=top")),
            ("/a/top/c", Some("/{y}/top/c y=a")),
            ("/a/top/5/d", Some("/a/top/{z}/d z=5")),
            ("/a", None),
            ("/a/", None),
            ("/a//b", None),
            ("/a/7/", None),
            ("/a/7/b/c", None),
            ("", None),
        ];
        for (path, want) in expected {
            assert_eq!(found(&router, path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn a_literal_may_end_with_a_slash_and_is_another_path_then() {
        let mut router = router(&["/a/{x}", "/b"]);
        for path in ["/", "/a/", "/b"] {
            router.entry(&Template::literal(path), || "literal".into());
        }
        let expected = [
            ("/", Some("literal")),
            ("/a/", Some("literal")),
            ("/a", None),
            ("/a/7", Some("/a/{x} x=7")),
            ("/b", Some("/b")),
            ("/b/", None),
        ];
        for (path, want) in expected {
            assert_eq!(found(&router, path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn segments_are_compared_decoded_and_split_encoded() {
        let router = router(&["/ping", "/a/{x}"]);
        assert_eq!(found(&router, "/%70ing").as_deref(), Some("/ping"));
        assert_eq!(
            found(&router, "/a/b%2Fc").as_deref(),
            Some("/a/{x} x=b%2Fc")
        );
        assert_eq!(found(&router, "/a%2Fb"), None);
        assert_eq!(percent_decode("b%2Fc%zz").as_deref(), Some("b/c%zz"));
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn the_same_place_is_found_whatever_its_parameters_are_called() {
        let mut router = router(&["/a/{x}"]);
        let (first, value) = router.entry(&Template::parse("/a/{y}").unwrap(), || "new".into());
        assert_eq!((first.as_str(), value.as_str()), ("/a/{x}", "/a/{x}"));
    }

    #[test]
    fn bad_templates_say_why() {
        let errors = [
            "a", "/a/", "//", "/{", "/{}", "/x{y}", "/{1a}", "/{a}/{a}", "/a b", "/%20", "/é",
        ];
        for template in errors {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        let many: String = (0..=MAX_PARAMETERS).map(|n| format!("/{{p{n}}}")).collect();
        assert_eq!(Template::parse(&many), Err(TemplateError::TooMany));
    }

    /// Few names, so that templates and paths meet often.
    fn path(parameters: bool) -> impl Strategy<Value = String> {
        let segment = match parameters {
            true => prop_oneof![Just("a"), Just("b"), Just("{p}"), Just("{q}")].boxed(),
            false => prop_oneof![Just("a"), Just("b"), Just("c")].boxed(),
        };
        prop::collection::vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
    }

    proptest! {
        /// matchit has the same rules of precedence; it refuses some sets that we take, and those are left out.
        #[test]
        fn agrees_with_matchit(templates in prop::collection::vec(path(true), 1..8), paths in prop::collection::vec(path(false), 1..20)) {
            let mut oracle = matchit::Router::new();
            let mut ours = Router::new();
            for template in &templates {
                let Ok(parsed) = Template::parse(template) else { continue };
                if oracle.insert(template, template.clone()).is_ok() {
                    ours.entry(&parsed, || template.clone());
                }
            }
            for path in &paths {
                let theirs = oracle.at(path).ok().map(|found| found.value.clone());
                prop_assert_eq!(ours.find(path).map(|found| found.value.clone()), theirs, "{}", path);
            }
        }
    }
}
