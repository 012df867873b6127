//! Origins, as they are typed and as browsers write them.

use std::str::FromStr;

use http_types::Url;

use crate::http::HeaderValue;

/// An origin whose pages may read answers, as browsers write it in `Origin`; or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl Origin {
    /// All there are.
    pub const ANY: Origin = Origin(HeaderValue::from_static("*"));

    /// As it stands in `Origin`, and in `Access-Control-Allow-Origin`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Origin, String> {
        if text == "*" {
            return Ok(Origin::ANY);
        }
        let why = if text.eq_ignore_ascii_case("null") {
            "every sandboxed frame and local file has it, so it would be as good as *"
        } else if text.contains('*') {
            "there are no wildcards in it; name each origin, or * for all"
        } else if !text.is_ascii() {
            "write its name as browsers do, which begins with xn--"
        } else if let Some(origin) = serialized(text) {
            return Ok(Origin(origin.into()));
        } else {
            "write scheme://host[:port] and nothing behind it, such as https://app.example"
        };
        Err(format!("{text:?} is not an origin: {why}"))
    }
}

/// An origin as a browser would write it: in lower case, without the scheme's own port, an address in its
/// shortest form. `Url` keeps the same standard.
fn serialized(text: &str) -> Option<String> {
    let (_, authority) = text.split_once("://")?;
    // What `Url` would take for something else than a host and a port, or would overlook.
    let strange =
        |char: char| "/?#@\\,".contains(char) || char.is_whitespace() || char.is_control();
    if authority.contains(strange) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let origin = url.origin();
    if origin.is_tuple() {
        return Some(origin.ascii_serialization());
    }
    // Of apps and extensions, such as capacitor://localhost. Files are of no origin.
    let port = url.port().map(|port| format!(":{port}"));
    let origin = format!("{}://{host}{}", url.scheme(), port.unwrap_or_default());
    (url.scheme() != "file").then(|| origin.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_as_browsers_write_it() {
        for (typed, origin) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
            ),
            ("Capacitor://LocalHost", "capacitor://localhost"),
            ("ionic://localhost:8100", "ionic://localhost:8100"),
            ("*", "*"),
        ] {
            let parsed = typed.parse::<Origin>().unwrap();
            assert_eq!(parsed.0.as_str(), origin, "{typed}");
        }
    }

    #[test]
    fn what_is_no_origin_says_why() {
        for (typed, why) in [
            ("null", "local file"),
            ("https://bücher.example", "xn--"),
            ("NULL", "local file"),
            ("https://*.app.example", "no wildcards"),
            ("https://app.example/", "nothing behind it"),
            ("https://app.example/a", "nothing behind it"),
            ("https://app.example?a", "nothing behind it"),
            ("https://app.example#a", "nothing behind it"),
            ("https://app.example\\", "nothing behind it"),
            ("https://user@app.example", "scheme://host[:port]"),
            ("https://app.example:https", "scheme://host[:port]"),
            ("https://app.example:65536", "scheme://host[:port]"),
            ("https://app.example https://b.example", "scheme://host"),
            ("https://app.example,b.example", "scheme://host"),
            ("https://a b", "scheme://host"),
            ("https:///app.example", "scheme://host"),
            ("https://", "scheme://host"),
            ("https:app.example", "scheme://host"),
            ("//app.example", "scheme://host"),
            ("app.example", "scheme://host"),
            ("file://localhost", "scheme://host"),
            (" https://app.example\n", "scheme://host"),
            ("", "scheme://host"),
        ] {
            let error = typed.parse::<Origin>().unwrap_err();
            let begin = format!("{typed:?} is not an origin: ");
            assert!(error.starts_with(&begin) && error.contains(why), "{error}");
        }
    }
}
