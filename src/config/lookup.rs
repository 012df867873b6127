//! Options by name: flag, else environment, else default.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::cli::{Args, OPTIONS};
use crate::environment::{self, Variables};
use crate::units::duration;

/// Flags and environment, by option.
pub(super) struct Lookup<'a> {
    pub(super) args: &'a Args,
    pub(super) variables: Variables<'a>,
}

impl Lookup<'_> {
    /// An option's text, if anybody gives one: flag, else variable, else default.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let flag = self
            .args
            .options
            .iter()
            .rev()
            .find(|(given, _)| *given == name);
        let option = OPTIONS.iter().find(|option| option.name == name);
        flag.map(|(_, value)| value.clone())
            .or_else(|| option.and_then(|option| self.variable(&option.variable())))
            .or_else(|| {
                option
                    .map(|option| option.default.to_owned())
                    .filter(|default| !default.is_empty())
            })
    }

    /// A variable that is set to nothing is not set.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        environment::value(self.variables, name)
    }

    /// What to call an option in an error: as it was given.
    pub(super) fn origin(&self, name: &str) -> String {
        let given = self.args.options.iter().any(|(given, _)| *given == name);
        match OPTIONS.iter().find(|option| option.name == name) {
            Some(option) if !given => option.variable(),
            _ => format!("--{name}"),
        }
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        self.parsed_or(name, "", parse)
    }

    /// As [`Lookup::parsed`], of `otherwise` if nobody says and there is no default.
    pub(super) fn parsed_or<T>(
        &self,
        name: &str,
        otherwise: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        let text = self.text(name);
        parse(text.as_deref().unwrap_or(otherwise))
            .map_err(|error| anyhow::anyhow!("{}: {error}", self.origin(name)))
    }

    pub(super) fn number(&self, name: &str, range: RangeInclusive<usize>) -> anyhow::Result<usize> {
        self.parsed(name, |text| number(text, &range))
    }

    /// One of these words, if anybody says one.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let known = known.join(" nor ");
                anyhow::bail!("{}: {text:?} is neither {known}", self.origin(name))
            }
        }
    }

    /// Whether something is wanted that has no value: it is typed, or its variable says so.
    pub(super) fn flag(&self, name: &str) -> anyhow::Result<bool> {
        environment::flag(self.text(name).as_deref())
            .map_err(|error| anyhow::anyhow!("{}: {error}", self.origin(name)))
    }

    pub(super) fn duration(&self, name: &str) -> anyhow::Result<Duration> {
        self.parsed(name, duration)
    }

    /// All values of an option that may be given several times; its variable has them in one list. None if nobody says.
    pub(super) fn list<T: FromStr<Err: Display>>(&self, name: &str) -> anyhow::Result<Vec<T>> {
        let flags = self.args.options.iter();
        let mut texts: Vec<String> = flags
            .filter(|(given, _)| *given == name)
            .map(|(_, value)| value.clone())
            .collect();
        if texts.is_empty() {
            let list = self.text(name).unwrap_or_default();
            let items = list.split(',').map(|item| item.trim().to_owned());
            texts = items.filter(|item| !item.is_empty()).collect();
        }
        let wrong = |error| anyhow::anyhow!("{}: {error}", self.origin(name));
        let parse = |text: &String| text.parse().map_err(wrong);
        texts.iter().map(parse).collect()
    }
}

/// A number of this range, ends included.
pub(super) fn number(text: &str, range: &RangeInclusive<usize>) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ if *range.end() == usize::MAX => Err(format!(
            "{text:?} is not a number from {} on",
            range.start()
        )),
        _ => Err(format!(
            "{text:?} is not a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}
