//! The access log: who asked for what, and what became of it.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::time::Duration;

use log::kv::{Error, Key, Source, Value, VisitSource};
use log::{Level, Record};

use super::wanted;

/// The `log` target of the access log.
pub const ACCESS: &str = "peppercorn::access";

/// A request and its answer. Of what the client has sent there is nothing that may be a secret: no query, header or body.
///
/// As text: client, request, status, bytes, seconds, route and request id, with `-` for what is not there:
///
/// ```text
/// 127.0.0.1 "GET /markets/7/prices" 200 1234 0.001234 "/markets/{market_id}/prices" 6e0f6d3a9f7c4d55
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The client's address, where it is known.
    pub peer: Option<IpAddr>,
    /// The method; none of a request that could not be read.
    pub method: Option<&'a str>,
    /// The target's path, as it was sent.
    pub path: Option<&'a str>,
    /// The template of the route that it took.
    pub route: Option<&'a str>,
    /// What it was answered; 499 where the client did not wait for that.
    pub status: u16,
    /// Of the answer's body.
    pub bytes: u64,
    /// From when all of the request was there to when all of the answer was on its way.
    pub duration: Duration,
    /// The request's id.
    pub request_id: &'a str,
}

/// Writes a line of the access log, if somebody has it.
pub fn access(access: &Access<'_>) {
    if let Some(metadata) = wanted(Level::Info, ACCESS) {
        log::logger().log(
            &Record::builder()
                .metadata(metadata)
                .args(format_args!("{access}"))
                .key_values(&Values(access))
                .build(),
        );
    }
}

impl Display for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(address) => Display::fmt(&address, f)?,
            None => f.write_str("-")?,
        }
        f.write_str(" \"")?;
        quoted(self.method.unwrap_or("-"), f)?;
        f.write_str(" ")?;
        quoted(self.path.unwrap_or("-"), f)?;
        let (seconds, micros) = (self.duration.as_secs(), self.duration.subsec_micros());
        let (status, bytes) = (self.status, self.bytes);
        write!(f, "\" {status} {bytes} {seconds}.{micros:06} \"")?;
        quoted(self.route.unwrap_or("-"), f)?;
        f.write_str("\" ")?;
        f.write_str(self.request_id)
    }
}

/// Writes what stands in quotes, and cannot end them.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = text;
    let special = |char: char| char.is_control() || ['"', '\\'].contains(&char);
    while let Some(at) = rest.find(special) {
        let (plain, special) = rest.split_at(at);
        let mut chars = special.chars();
        f.write_str(plain)?;
        chars
            .next()
            .map_or(Ok(()), |char| write!(f, "{}", char.escape_default()))?;
        rest = chars.as_str();
    }
    f.write_str(rest)
}

/// What `log` is given of it.
struct Values<'a>(&'a Access<'a>);

impl Source for Values<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        let text = |text: Option<&'kvs str>| text.map_or(Value::null(), Value::from);
        let access = self.0;
        let peer = access.peer.as_ref();
        let seconds = access.duration.as_micros() as f64 / 1e6;
        for (name, value) in [
            ("event", Value::from("request")),
            (
                "peer",
                peer.map_or(Value::null(), |peer| Value::from_dyn_display(peer)),
            ),
            ("method", text(access.method)),
            ("path", text(access.path)),
            ("route", text(access.route)),
            ("status", Value::from(access.status)),
            ("bytes", Value::from(access.bytes)),
            ("duration_seconds", Value::from(seconds)),
            ("request_id", Value::from(access.request_id)),
        ] {
            visitor.visit_pair(Key::from_str(name), value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::observe::line;

    const FULL: Access<'_> = Access {
        peer: None,
        method: Some("GET"),
        path: Some("/markets/7/prices"),
        route: Some("/markets/{market_id}/prices"),
        status: 200,
        bytes: 1234,
        duration: Duration::from_nanos(1_234_999),
        request_id: "r-1",
    };

    /// What `write` makes of a request as it comes through the facade.
    fn written(
        access: &Access<'_>,
        write: impl FnOnce(SystemTime, &Record<'_>) -> Vec<u8>,
    ) -> String {
        let time = UNIX_EPOCH + Duration::from_micros(1_795_608_000_123_456);
        let line = write(
            time,
            &Record::builder()
                .target(ACCESS)
                .args(format_args!("{access}"))
                .key_values(&Values(access))
                .build(),
        );
        String::from_utf8(line).unwrap()
    }

    fn peer(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn text_is_one_line_in_the_order_of_a_combined_log() {
        for (peer, shown) in [
            (None, "-"),
            (peer("192.0.2.7"), "192.0.2.7"),
            (peer("2001:db8::7"), "2001:db8::7"),
        ] {
            let line = written(&Access { peer, ..FULL }, line::access);
            let expected = format!(
                "2026-11-25T12:00:00.123456Z {shown} \"GET /markets/7/prices\" 200 1234 0.001234 \
                 \"/markets/{{market_id}}/prices\" r-1\n"
            );
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn what_is_not_there_is_a_dash() {
        let refused = Access {
            method: None,
            path: None,
            route: None,
            status: 400,
            ..FULL
        };
        let line = written(&refused, line::access);
        let expected = "2026-11-25T12:00:00.123456Z - \"- -\" 400 1234 0.001234 \"-\" r-1\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_path_cannot_end_its_quotes_or_its_line() {
        let path = Some("/a\" 200 0\\\n\u{1b}");
        let line = written(&Access { path, ..FULL }, line::access);
        assert!(
            line.contains("\"GET /a\\\" 200 0\\\\\\n\\u{1b}\" 200"),
            "{line}"
        );
        let line = written(&Access { path, ..FULL }, |now, record| {
            line::json("", now, None, record)
        });
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn json_has_the_same_by_name() {
        let access = Access {
            peer: peer("192.0.2.7"),
            ..FULL
        };
        let line = written(&access, |now, record| line::json("", now, Some(1), record));
        let expected = "{\"time\":\"2026-11-25T12:00:00.123456Z\",\"level\":\"info\",\"worker\":1,\"event\":\"request\",\
            \"peer\":\"192.0.2.7\",\"method\":\"GET\",\"path\":\"/markets/7/prices\",\
            \"route\":\"/markets/{market_id}/prices\",\"status\":200,\"bytes\":1234,\"duration_seconds\":0.001234,\
            \"request_id\":\"r-1\"}\n";
        assert_eq!(line, expected);
        let line = written(
            &Access {
                route: None,
                ..FULL
            },
            |now, record| line::json("", now, None, record),
        );
        assert!(
            line.contains("\"peer\":null,") && line.contains("\"route\":null,"),
            "{line}"
        );
    }
}
