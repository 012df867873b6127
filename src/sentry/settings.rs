//! What the environment says of Sentry, in the words of its SDKs.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context, anyhow};
use sentry_core::ClientOptions;
use sentry_core::types::Dsn;

use super::proxy::{self, Proxy};
use crate::environment::{self, Variables};

/// Where events go, and what is said with them.
#[derive(Clone)]
pub struct Settings {
    /// The project: `https://key@host/id`.
    pub dsn: Dsn,
    /// `production` unless something else is said.
    pub environment: String,
    /// `peppercorn@` and its version unless something else is said.
    pub release: String,
    /// The host's name unless something else is said.
    pub server_name: String,
    /// The share of errors that are sent, 0 to 1.
    pub sample_rate: f32,
    /// The share of requests that are sent as transactions, 0 to 1.
    pub traces_sample_rate: f32,
    /// Whether personal data goes along: what clients send, and who they are.
    pub send_default_pii: bool,
    pub(super) proxy: Option<Proxy>,
}

/// Not the key.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sentry at {}", self.dsn.host())
    }
}

impl Settings {
    /// Reads `SENTRY_DSN`, or `dsn` where that is not set; none if there is neither. The rest from the variables of these
    /// names in capitals, with `SENTRY_` before.
    ///
    /// # Errors
    /// Which variable has a value that it cannot have; never with the DSN's key in the text.
    pub fn read(dsn: Option<String>, variables: Variables<'_>) -> anyhow::Result<Option<Settings>> {
        let variable = |name: &str| environment::value(variables, name);
        let Some(dsn) = variable("SENTRY_DSN").or(dsn) else {
            return Ok(None);
        };
        let dsn: Dsn = dsn.trim().parse().map_err(|_| {
            anyhow!(
                "SENTRY_DSN is not a DSN: expected https://key@host/project, as Sentry shows it"
            )
        })?;
        let rate = |name: &str, default: f32| match variable(name) {
            None => Ok(default),
            Some(text) => {
                let rate = text.parse::<f32>().ok();
                rate.filter(|rate| (0.0..=1.0).contains(rate))
                    .ok_or_else(|| anyhow!("{name}: {text:?} is not a number from 0 to 1"))
            }
        };
        let flag = |name: &str| {
            environment::flag(variable(name).as_deref()).map_err(|error| anyhow!("{name}: {error}"))
        };
        let proxy = proxy::before(dsn.scheme(), dsn.host(), dsn.port(), variables);
        Ok(Some(Settings {
            proxy: proxy.context("the way to Sentry")?,
            dsn,
            environment: variable("SENTRY_ENVIRONMENT").unwrap_or_else(|| "production".into()),
            release: variable("SENTRY_RELEASE")
                .unwrap_or_else(|| concat!("peppercorn@", env!("CARGO_PKG_VERSION")).into()),
            server_name: variable("SENTRY_SERVER_NAME").unwrap_or_else(host_name),
            sample_rate: rate("SENTRY_SAMPLE_RATE", 1.0)?,
            traces_sample_rate: rate("SENTRY_TRACES_SAMPLE_RATE", 0.0)?,
            send_default_pii: flag("SENTRY_SEND_DEFAULT_PII")?,
        }))
    }

    pub(super) fn client_options(&self) -> ClientOptions {
        let mut options = ClientOptions::new()
            .release(Cow::from(self.release.clone()))
            .environment(Cow::from(self.environment.clone()))
            .server_name(Cow::from(self.server_name.clone()))
            // Not the share of errors: that is chosen before an event is made.
            .send_default_pii(self.send_default_pii)
            // Its own would install a panic hook that waits for the network.
            .default_integrations(false);
        if self.traces_sample_rate > 0.0 {
            options = options.traces_sample_rate(self.traces_sample_rate);
        }
        options.dsn = Some(self.dsn.clone());
        options
    }
}

fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::only;

    fn read(set: &[(&str, &str)]) -> anyhow::Result<Option<Settings>> {
        Settings::read(None, &only(set))
    }

    const DSN: (&str, &str) = ("SENTRY_DSN", "https://abc@o1.sentry.io/7");

    #[test]
    fn defaults_are_those_of_the_sdks() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("SENTRY_DSN", "")]).unwrap().is_none());
        let settings = read(&[DSN]).unwrap().unwrap();
        assert_eq!(settings.environment, "production");
        assert!(settings.release.starts_with("peppercorn@"));
        assert!(!settings.server_name.is_empty());
        assert_eq!(
            (settings.sample_rate, settings.traces_sample_rate),
            (1.0, 0.0)
        );
        assert!(!settings.send_default_pii);
        let settings = Settings::read(Some("http://k@h:9/p/1".into()), &|_| None);
        let url = settings.unwrap().unwrap().dsn.envelope_api_url();
        assert_eq!(url.as_str(), "http://h:9/p/api/1/envelope/");
    }

    #[test]
    fn wrong_values_are_named_and_keys_are_not() {
        for (name, value) in [
            ("SENTRY_DSN", "https://verysecret@/7"),
            ("SENTRY_DSN", "verysecret"),
            ("SENTRY_TRACES_SAMPLE_RATE", "2"),
            ("SENTRY_SAMPLE_RATE", "NaN"),
            ("SENTRY_SEND_DEFAULT_PII", "perhaps"),
            ("HTTPS_PROXY", "ftp://verysecret:verysecret@p"),
        ] {
            let error = format!("{:#}", read(&[(name, value), DSN]).unwrap_err());
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("verysecret"), "{error}");
        }
        let settings = read(&[("SENTRY_DSN", "https://verysecret@h/7")]).unwrap();
        assert!(!format!("{settings:?}").contains("verysecret"));
    }
}
