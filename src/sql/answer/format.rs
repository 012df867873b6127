//! What rows are made into: JSON, NDJSON, CSV, or a value as it is.

use crate::http::Request;

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A list, an object or a value.
    Json,
    /// An object a line.
    Ndjson,
    /// RFC 4180, with a header line.
    Csv,
    /// The bytes of one value.
    Raw,
}

/// What a list can be had as, the usual one first.
pub(in crate::sql) const OF_A_LIST: [&str; 3] =
    ["application/json", "application/x-ndjson", "text/csv"];

impl Format {
    /// What an endpoint's media type asks for.
    pub(super) fn of(media_type: &str) -> Format {
        match media_type {
            "application/x-ndjson" => Format::Ndjson,
            "text/csv" => Format::Csv,
            json if json == "application/json" || json.ends_with("+json") => Format::Json,
            _ => Format::Raw,
        }
    }

    /// The media type of a list.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json | Format::Raw => "application/json",
        }
    }

    /// What a client would rather have. One that takes none of them gets JSON, which RFC 9110 §12.5.1 allows and
    /// helps more than 406.
    pub(super) fn wanted(request: &Request) -> Format {
        let mut best = (0, Format::Json);
        let head = request.head();
        let lines = head.header_lines("accept");
        let ranges: Vec<(String, u16)> = lines
            .filter_map(|line| std::str::from_utf8(line).ok())
            .flat_map(|line| line.split(','))
            .filter_map(range)
            .collect();
        for media_type in OF_A_LIST {
            let quality = quality(&ranges, media_type);
            if quality > best.0 {
                best = (quality, Format::of(media_type));
            }
        }
        best.1
    }
}

/// `text/csv;q=0.8`: a media range, and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = match quality {
        None => 1000,
        Some(quality) => (quality.parse::<f32>().ok()?.clamp(0.0, 1.0) * 1000.0) as u16,
    };
    range.contains('/').then_some((range, quality))
}

/// The quality of the most specific range that a media type is in.
fn quality(ranges: &[(String, u16)], media_type: &str) -> u16 {
    let kind = media_type.split('/').next().unwrap_or("");
    let of = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted);
    let found = of(media_type)
        .or_else(|| of(&format!("{kind}/*")))
        .or_else(|| of("*/*"));
    found.map_or(0, |(_, quality)| *quality)
}

#[cfg(test)]
mod tests {
    use http_types::Method;

    use super::*;

    #[test]
    fn clients_get_what_they_would_rather_have() {
        for (accept, format) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/csv", Format::Csv),
            ("TEXT/CSV;header=present", Format::Csv),
            ("application/x-ndjson, */*;q=0.1", Format::Ndjson),
            ("text/html, application/xhtml+xml, */*;q=0.8", Format::Json),
            ("text/*, application/json;q=0.5", Format::Csv),
            ("application/json;q=0, */*", Format::Ndjson),
            ("text/csv;q=0.5, application/json;q=0.4", Format::Csv),
            ("text/csv;q=x", Format::Json),
            ("image/png", Format::Json),
            ("csv", Format::Json),
        ] {
            let mut request = Request::new(Method::Get, "/");
            if !accept.is_empty() {
                request = request.with_header("Accept", accept);
            }
            assert_eq!(Format::wanted(&request), format, "{accept}");
        }
    }
}
