//! An event of ours as Sentry is told of it. It can be written down for another process to tell: as little as it is, for
//! reading any event of Sentry's back would be a fifth of a megabyte of code.

use std::time::{Duration, SystemTime};

use sentry_core::protocol::{Event, Level};
use serde_json::{Value, json};

use super::background::exception;
use crate::observe::{self, Field};

/// One issue per kind of event and how it happened, its fields as tags.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    at: SystemTime,
    level: Level,
    name: String,
    sentence: String,
    /// What sets its issue apart from others of the same name.
    how: Vec<String>,
    tags: Vec<(String, String)>,
}

impl Report {
    /// Of an event that happens now.
    pub fn of(event: &observe::Event) -> Report {
        let mut report = Report {
            at: SystemTime::now(),
            level: match event.level() {
                log::Level::Error => Level::Error,
                log::Level::Warn => Level::Warning,
                _ => Level::Info,
            },
            name: event.name().to_owned(),
            sentence: event.to_string(),
            how: Vec::new(),
            tags: Vec::new(),
        };
        for (name, field) in event.fields().iter() {
            let text = text(field);
            // A worker killed for want of memory is another matter than one that aborts itself.
            if ["how", "late", "out_of_memory"].contains(&name) {
                report.how.push(text.clone());
            }
            report.tags.push((name.to_owned(), text));
        }
        report
    }

    /// As an event of Sentry's.
    pub fn into_event(self) -> Event<'static> {
        let exception = exception(&self.name, self.sentence, "background", None);
        let mut event = Event {
            timestamp: self.at,
            level: self.level,
            logger: Some(observe::TARGET.into()),
            exception: vec![exception].into(),
            ..Event::default()
        };
        let fingerprint = std::iter::once(self.name.clone()).chain(self.how);
        event.fingerprint = fingerprint.map(Into::into).collect::<Vec<_>>().into();
        event.tags.insert("event".into(), self.name);
        event.tags.extend(self.tags);
        event
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let since = self.at.duration_since(SystemTime::UNIX_EPOCH);
        json!({
            "at_seconds": since.unwrap_or_default().as_secs_f64(),
            "level": self.level.to_string(),
            "name": self.name,
            "sentence": self.sentence,
            "how": self.how,
            "tags": self.tags.iter().map(|(name, text)| json!([name, text])).collect::<Vec<_>>(),
        })
    }

    /// The same, back again; `None` if this is none.
    pub fn read(json: &Value) -> Option<Report> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let since = Duration::try_from_secs_f64(json["at_seconds"].as_f64()?).ok()?;
        let how = json["how"].as_array()?.iter().map(text);
        let tags = json["tags"].as_array()?.iter();
        let tags = tags.map(|tag| Some((text(&tag[0])?, text(&tag[1])?)));
        Some(Report {
            at: SystemTime::UNIX_EPOCH.checked_add(since)?,
            level: json["level"].as_str()?.parse().ok()?,
            name: text(&json["name"])?,
            sentence: text(&json["sentence"])?,
            how: how.collect::<Option<_>>()?,
            tags: tags.collect::<Option<_>>()?,
        })
    }
}

/// Sentry's tags are one line of 200 characters.
fn text(field: &Field<'_>) -> String {
    let text = match field {
        Field::Text(text) => text.replace(['\n', '\r'], " "),
        Field::Count(count) => count.to_string(),
        Field::Seconds(seconds) => seconds.to_string(),
        Field::Flag(flag) => flag.to_string(),
    };
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let event = observe::Event::Reloading;
        let report = Report {
            // What a number of JSON holds of a time is a fraction of a microsecond short.
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            how: vec!["SIGKILL".to_owned()],
            tags: vec![("slot".to_owned(), "3".to_owned())],
            ..Report::of(&event)
        };
        let text = report.to_json().to_string();
        let read = Report::read(&serde_json::from_str(&text).unwrap());
        assert_eq!(read.unwrap(), report);
        assert_eq!(Report::read(&json!({ "name": "reloading" })), None);
    }
}
