//! Which proxy is between us and Sentry, as curl has it.
//!
//! `HTTPS_PROXY` for https, `HTTP_PROXY` for http, in small letters too; `NO_PROXY` names hosts that are reached without
//! it. Either way the proxy is asked for a tunnel (CONNECT): what goes through it is between Sentry and us.

use std::fmt;

use anyhow::{Context, bail};
use http_types::Url;

use super::settings::Variables;

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// `user:password` in base64.
    pub(super) credentials: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Proxy {
    /// The one for a host, if there is one.
    ///
    /// # Errors
    /// Which variable is not the URL of a proxy; never with the password in it.
    pub(super) fn of(
        scheme: &str,
        host: &str,
        port: u16,
        variables: Variables<'_>,
    ) -> anyhow::Result<Option<Proxy>> {
        let names: &[&str] = match scheme {
            "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let set = |name: &&str| variables(name).filter(|value| !value.is_empty());
        let Some((name, value)) = names.iter().find_map(|name| Some((*name, set(name)?))) else {
            return Ok(None);
        };
        let none = ["no_proxy", "NO_PROXY"].iter().find_map(set);
        if none.is_some_and(|list| is_excepted(&list, host, port)) {
            return Ok(None);
        }
        parse(&value).map(Some).context(name.to_owned())
    }
}

fn parse(value: &str) -> anyhow::Result<Proxy> {
    const EXPECTED: &str = "expected the URL of a proxy, such as http://proxy:3128";
    let with_scheme = match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    };
    // The parser's error would not show the value, but there is nothing to learn from it either.
    let Ok(url) = with_scheme.parse::<Url>() else {
        bail!(EXPECTED);
    };
    let Some(host) = url.host_str().filter(|_| url.scheme() == "http") else {
        bail!(EXPECTED);
    };
    let credentials = (!url.username().is_empty()).then(|| {
        let decode = |text: &str| {
            let decoded = crate::router::percent_decode(text);
            decoded.map_or_else(|| text.to_owned(), |decoded| decoded.into_owned())
        };
        let password = decode(url.password().unwrap_or_default());
        base64(format!("{}:{password}", decode(url.username())).as_bytes())
    });
    Ok(Proxy {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        credentials,
    })
}

/// Whether a list of hosts and domains, some with ports, has this one.
fn is_excepted(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    list.split([',', ' '])
        .filter(|item| !item.is_empty())
        .any(|item| {
            if item == "*" {
                return true;
            }
            let item = item.to_ascii_lowercase();
            let (name, only) = match item.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
                    (name, digits.parse::<u16>().ok())
                }
                _ => (item.as_str(), None),
            };
            let name = name.trim_matches(['[', ']']).trim_start_matches('.');
            let inside = host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'));
            inside && only.is_none_or(|only| only == port)
        })
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let used = digit <= group.len();
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if used {
                DIGITS[value as usize].into()
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(scheme: &str, host: &str, set: &[(&str, &str)]) -> anyhow::Result<Option<Proxy>> {
        let find = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Proxy::of(scheme, host, 443, &find)
    }

    #[test]
    fn the_scheme_decides() {
        let set = [("HTTPS_PROXY", "http://a:3128"), ("http_proxy", "b")];
        let of = |scheme| format!("{:?}", proxy(scheme, "sentry.io", &set).unwrap().unwrap());
        assert_eq!((of("https"), of("http")), ("a:3128".into(), "b:80".into()));
        assert_eq!(
            proxy("https", "sentry.io", &[("HTTPS_PROXY", "")]).unwrap(),
            None
        );
    }

    #[test]
    fn hosts_are_excepted() {
        for (list, host, excepted) in [
            ("*", "sentry.io", true),
            ("sentry.io", "sentry.io", true),
            (".sentry.io,b", "o1.Sentry.io", true),
            ("sentry.io", "notsentry.io", false),
            ("sentry.io:443", "sentry.io", true),
            ("sentry.io:80", "sentry.io", false),
            ("::1", "[::1]", true),
            ("[::1]:443", "::1", true),
            ("", "sentry.io", false),
        ] {
            assert_eq!(is_excepted(list, host, 443), excepted, "{list} {host}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_named_without_its_password() {
        for value in ["https://u:secret@p:1", "http://", "socks5://u:secret@p"] {
            let error = proxy("https", "sentry.io", &[("HTTPS_PROXY", value)]);
            let error = format!("{:#}", error.unwrap_err());
            assert!(error.starts_with("HTTPS_PROXY: expected"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let known = proxy(
            "http",
            "a",
            &[("http_proxy", "http://Aladdin:open%20sesame@p:1")],
        );
        let known = known.unwrap().unwrap();
        assert_eq!(
            known.credentials.as_deref(),
            Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(format!("{known:?}"), "p:1");
    }

    #[test]
    fn base64_is_padded() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (text, expected) in pairs {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
