//! Variables of the environment, as whoever wants one asks for it: settings that are read this way can be tested without
//! the process's own environment.

/// Looks up a variable.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable's value; one that is set to nothing is not set.
pub fn value(variables: Variables<'_>, name: &str) -> Option<String> {
    variables(name).filter(|value| !value.is_empty())
}

/// Whether what is said means yes; nothing means no.
///
/// # Errors
/// It is neither; for whoever knows its name to say so.
pub fn flag(said: Option<&str>) -> Result<bool, String> {
    match said {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(other) => Err(format!("{other:?} is neither true nor false")),
    }
}

/// An environment of these variables, for tests.
#[cfg(test)]
pub(crate) fn only<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let found = set.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}
