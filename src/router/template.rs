//! Path templates: static segments and `{parameters}`.

use std::fmt;

/// Parameters in one route, at most; a route with more is refused when it is added.
pub const MAX_PARAMETERS: usize = 16;

/// A parsed path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(String),
    Parameter(String),
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not begin with `/`.
    NoSlash,
    /// `//`, or `/` at the end.
    EmptySegment,
    /// `{` and `}` do not enclose a whole segment, or there is no name in them.
    Braces(String),
    /// A name stands twice.
    Twice(String),
    /// More than [`MAX_PARAMETERS`].
    TooMany,
    /// A character that cannot stand in a path as it is.
    Character(char),
}

impl Template {
    /// Parses `/static/{parameter}`.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let rest = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for segment in rest.split('/') {
                segments.push(parse_segment(segment)?);
            }
        }
        let template = Template {
            text: text.into(),
            segments,
        };
        let names: Vec<&str> = template.parameters().collect();
        if names.len() > MAX_PARAMETERS {
            return Err(TemplateError::TooMany);
        }
        match names
            .iter()
            .enumerate()
            .find(|(index, name)| names[..*index].contains(name))
        {
            Some((_, name)) => Err(TemplateError::Twice((*name).into())),
            None => Ok(template),
        }
    }

    /// A path without parameters, as it stands: unlike the templates of others it may end with `/`, which is a path of
    /// its own.
    pub fn literal(path: &str) -> Template {
        let rest = path.strip_prefix('/').unwrap_or(path);
        let segments = rest.split('/').filter(|_| !rest.is_empty());
        Template {
            text: path.into(),
            segments: segments
                .map(|segment| Segment::Literal(segment.into()))
                .collect(),
        }
    }

    /// The names of the parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        parameter_names(&self.segments)
    }

    /// Whether `other`, which is found first, takes paths that would lead here: by which of the parameters here, and the
    /// value that it never has. Only where they differ in one segment.
    pub fn shadowed_by<'a>(&'a self, other: &'a Template) -> Option<(&'a str, &'a str)> {
        if self.segments.len() != other.segments.len() {
            return None;
        }
        let mut found = None;
        for (own, others) in self.segments.iter().zip(&other.segments) {
            match (own, others) {
                (Segment::Parameter(name), Segment::Literal(value)) if found.is_none() => {
                    found = Some((name.as_str(), value.as_str()));
                }
                (Segment::Parameter(_), Segment::Parameter(_)) => {}
                (Segment::Literal(own), Segment::Literal(others)) if own == others => {}
                _ => return None,
            }
        }
        found
    }

    /// The first segment that is no parameter.
    pub fn first_literal(&self) -> Option<&str> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Literal(name) => Some(name.as_str()),
            Segment::Parameter(_) => None,
        })
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

pub(super) fn parameter_names(segments: &[Segment]) -> impl Iterator<Item = &str> {
    segments.iter().filter_map(|segment| match segment {
        Segment::Parameter(name) => Some(name.as_str()),
        Segment::Literal(_) => None,
    })
}

fn parse_segment(segment: &str) -> Result<Segment, TemplateError> {
    if segment.is_empty() {
        return Err(TemplateError::EmptySegment);
    }
    if let Some(name) = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let mut characters = name.chars();
        let valid = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|other| other.is_ascii_alphanumeric() || other == '_');
        return match valid {
            true => Ok(Segment::Parameter(name.into())),
            false => Err(TemplateError::Braces(segment.into())),
        };
    }
    if segment.contains(['{', '}']) {
        return Err(TemplateError::Braces(segment.into()));
    }
    // pchar of RFC 3986 without percent-encoding: a template is written decoded.
    let plain = |character: char| {
        character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(character)
    };
    match segment.chars().find(|character| !plain(*character)) {
        Some(character) => Err(TemplateError::Character(character)),
        None => Ok(Segment::Literal(segment.into())),
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::NoSlash => f.write_str("a path begins with /"),
            TemplateError::EmptySegment => {
                f.write_str("a path has no empty segment: no // and no / at its end")
            }
            TemplateError::Braces(segment) => {
                write!(
                    f,
                    "{segment} is not a parameter: write {{name}} as a whole segment, letters, digits and _"
                )
            }
            TemplateError::Twice(name) => write!(f, "the parameter {name} stands twice"),
            TemplateError::TooMany => write!(f, "a path has at most {MAX_PARAMETERS} parameters"),
            TemplateError::Character(character) => {
                write!(
                    f,
                    "the character {character:?} cannot stand in a path; templates are written decoded"
                )
            }
        }
    }
}

impl std::error::Error for TemplateError {}
