//! The proxy between this program and Sentry, as `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
//!
//! No standard says how to read them; this is how curl does. What is encrypted goes through a tunnel that the proxy is asked
//! for, what is not the proxy reads and passes on.

use std::fmt;
use std::net::IpAddr;

use anyhow::{Context, bail};
use http_types::Url;
use http_types::auth::BasicAuth;
use sentry_core::types::Scheme;

use crate::environment::{self, Variables};
use crate::router::percent_decode;

/// A server that carries what goes to another.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Whether the way to the proxy itself is encrypted.
    pub(super) encrypted: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`: a secret.
    pub(super) authorization: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The proxy before this host, if there is one.
///
/// # Errors
/// Which variable is wrong, and in what; never with the proxy's password in the text.
pub(super) fn before(
    scheme: Scheme,
    host: &str,
    port: u16,
    variables: Variables<'_>,
) -> anyhow::Result<Option<Proxy>> {
    let named = |names: [&'static str; 2]| {
        names
            .into_iter()
            .find_map(|name| environment::value(variables, name).map(|value| (name, value)))
    };
    // The small letters first, as curl and Python: they are the older ones.
    let proxy = match scheme {
        Scheme::Https => named(["https_proxy", "HTTPS_PROXY"]),
        Scheme::Http => named(["http_proxy", "HTTP_PROXY"]),
    };
    let proxy = proxy.or_else(|| named(["all_proxy", "ALL_PROXY"]));
    let Some((name, proxy)) = proxy else {
        return Ok(None);
    };
    if let Some((_, list)) = named(["no_proxy", "NO_PROXY"])
        && list.split([',', ' ']).any(|item| covers(item, host, port))
    {
        return Ok(None);
    }
    parse(&proxy).map(Some).context(name)
}

fn parse(text: &str) -> anyhow::Result<Proxy> {
    let url = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    // The parser's errors show nothing of the text.
    let url: Url = url.parse().context("it is no URL of a proxy")?;
    let encrypted = match url.scheme() {
        "http" => false,
        "https" if cfg!(feature = "tls") => true,
        "https" => {
            bail!("this program was built without TLS, and can only speak to http:// proxies")
        }
        other => bail!("{other}:// is no proxy that is known here; write http://HOST:PORT"),
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        bail!("it names no host");
    };
    let word = |encoded: &str| percent_decode(encoded).map(|word| word.into_owned());
    let authorization = match (
        word(url.username()),
        url.password().map_or(Some(String::new()), word),
    ) {
        (Some(user), Some(password)) if !(user.is_empty() && password.is_empty()) => {
            Some(BasicAuth::new(user, password).value().to_string())
        }
        (Some(_), Some(_)) => None,
        _ => bail!("its user or password is not UTF-8"),
    };
    Ok(Proxy {
        encrypted,
        host: host.to_owned(),
        // `url` leaves out a scheme's own port, 80 or 443.
        port: url.port_or_known_default().unwrap_or(80),
        authorization,
    })
}

/// Whether one item of `NO_PROXY` means this host: `*`, a name and all below it, an address, a network, each but the last
/// perhaps with a port.
fn covers(item: &str, host: &str, port: u16) -> bool {
    if item == "*" {
        return true;
    }
    let bare = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>();
    let address = bare(host);
    if let (Some((network, bits)), Ok(address)) = (item.split_once('/'), &address) {
        return match (bare(network), bits.parse()) {
            (Ok(network), Ok(bits)) => is_within(*address, network, bits),
            _ => false,
        };
    }
    let (item, port_fits) = match item.rsplit_once(':') {
        // Not the colons of an address without brackets.
        Some((name, wanted)) if bare(item).is_err() => (name, wanted.parse() == Ok(port)),
        _ => (item, true),
    };
    if !port_fits {
        return false;
    }
    match (bare(item), address) {
        (Ok(item), Ok(address)) => item == address,
        (Err(_), Err(_)) => is_below(host, item.trim_start_matches('.')),
        _ => false,
    }
}

/// Whether a name is `domain` or ends in it, at a dot.
fn is_below(name: &str, domain: &str) -> bool {
    let Some(split) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let fits = name.is_char_boundary(split) && name[split..].eq_ignore_ascii_case(domain);
    fits && !domain.is_empty() && (split == 0 || name[..split].ends_with('.'))
}

/// Whether the first `bits` bits of two addresses of one kind are the same.
fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (difference, length) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(u32::from(address) ^ u32::from(network)), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (u128::from(address) ^ u128::from(network), 128)
        }
        _ => return false,
    };
    let rest = u32::checked_sub(length, bits);
    rest.is_some_and(|rest| difference.checked_shr(rest).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::only;

    fn proxy(scheme: Scheme, variables: &[(&str, &str)]) -> anyhow::Result<Option<Proxy>> {
        before(scheme, "sentry.example", 443, &only(variables))
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("HTTP_PROXY", "http://one:1"), ("HTTPS_PROXY", "two:2")];
        let place = |scheme| {
            let proxy = proxy(scheme, &both).unwrap().unwrap();
            format!("{proxy:?}")
        };
        assert_eq!(place(Scheme::Http), "one:1");
        assert_eq!(place(Scheme::Https), "two:2");
        let small = [
            ("http_proxy", "http://small"),
            ("HTTP_PROXY", "http://large"),
        ];
        let small = proxy(Scheme::Http, &small).unwrap().unwrap();
        assert_eq!((small.host.as_str(), small.port), ("small", 80));
        assert_eq!(proxy(Scheme::Https, &[("HTTP_PROXY", "x")]).unwrap(), None);
        assert_eq!(proxy(Scheme::Http, &[("HTTP_PROXY", "")]).unwrap(), None);
    }

    #[test]
    fn a_password_is_sent_and_not_shown() {
        let of = |url| {
            proxy(Scheme::Http, &[("HTTP_PROXY", url)])
                .unwrap()
                .unwrap()
        };
        let authorization = of("http://user:p%40ss@proxy:3128").authorization;
        // `user:p@ss`, in base64.
        assert_eq!(authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(of("http://proxy:3128").authorization, None);
        for wrong in [
            "socks5://u:canary@proxy",
            "http://u:canary@",
            "http://u:canary@[::",
        ] {
            let error = proxy(Scheme::Http, &[("HTTP_PROXY", wrong)]).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.starts_with("HTTP_PROXY: "), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn no_proxy_leaves_hosts_out() {
        for (item, host, covered) in [
            ("*", "a.example", true),
            ("example", "a.example", true),
            (".example", "a.example", true),
            ("A.Example", "a.example", true),
            ("a.example:443", "a.example", true),
            ("a.example:80", "a.example", false),
            ("ample", "a.example", false),
            ("b.a.example", "a.example", false),
            ("", "a.example", false),
            (".", "a.example", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:443", "10.0.0.1", true),
            ("0.0.1", "10.0.0.1", false),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("10.0.0.0/33", "10.0.0.1", false),
            ("10.0.0.0/x", "10.0.0.1", false),
            ("::1", "[::1]", true),
            ("[::1]:443", "[::1]", true),
            ("fd00::/8", "[fd12::1]", true),
            ("10.0.0.0/8", "[::1]", false),
        ] {
            assert_eq!(covers(item, host, 443), covered, "{item:?} {host:?}");
        }
        let left_out = [
            ("HTTPS_PROXY", "proxy"),
            ("NO_PROXY", "localhost, .sentry.example"),
        ];
        assert_eq!(proxy(Scheme::Https, &left_out).unwrap(), None);
    }
}
