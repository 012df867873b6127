//! A problem's body as RFC 9457 has it.

use super::{Invalid, Problem};
use crate::json;

impl Problem {
    /// The body as RFC 9457 has it, with the extensions `code`, `constraint`, `errors`, `request_id` and, if Sentry was told
    /// of it, `event_id`.
    #[doc(hidden)]
    pub fn body(&self, request_id: &str, event_id: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"type\":\"about:blank\",\"title\":");
        json::string(self.status().canonical_reason(), &mut out);
        out.extend_from_slice(b",\"status\":");
        out.extend_from_slice(itoa::Buffer::new().format(self.status() as u16).as_bytes());
        let mut member = |name: &str, value: &str| {
            out.push(b',');
            json::string(name, &mut out);
            out.push(b':');
            json::string(value, &mut out);
        };
        member("detail", self.detail());
        if let Some(code) = self.code() {
            member("code", code);
        }
        if let Some(constraint) = self.constraint() {
            member("constraint", constraint);
        }
        member("request_id", request_id);
        if let Some(event_id) = event_id {
            member("event_id", event_id);
        }
        if !self.errors().is_empty() {
            out.extend_from_slice(b",\"errors\":");
            invalid_list(self.errors(), &mut out);
        }
        out.push(b'}');
        out
    }
}

fn invalid_list(invalid: &[Invalid], out: &mut Vec<u8>) {
    for (index, one) in invalid.iter().enumerate() {
        out.extend_from_slice(if index == 0 {
            b"[{\"in\":"
        } else {
            b",{\"in\":"
        });
        json::string(one.place, out);
        out.extend_from_slice(b",\"name\":");
        json::string(&one.name, out);
        out.extend_from_slice(b",\"message\":");
        json::string(&one.message, out);
        out.push(b'}');
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_problem_json() {
        let invalid = Invalid {
            place: "query",
            name: "limit".into(),
            message: "is \"big\"".into(),
        };
        let body = Problem::invalid(vec![invalid])
            .with_code("22P02")
            .body("abc", Some("def"));
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\
             \"detail\":\"query parameter limit: is \\\"big\\\"\",\"code\":\"22P02\",\"request_id\":\"abc\",\
             \"event_id\":\"def\",\"errors\":[{\"in\":\"query\",\"name\":\"limit\",\"message\":\"is \\\"big\\\"\"}]}"
        );
    }
}
