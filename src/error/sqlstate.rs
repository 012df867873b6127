//! What PostgreSQL's codes are to a client.

use http_types::StatusCode;

/// The status an SQLSTATE becomes when no rule of the file says otherwise, most specific first.
///
/// Codes: PostgreSQL, appendix A. What the client sent wrong is 4xx; what is wrong with our SQL, our
/// credentials or the server is 5xx. An unknown code must not blame the client.
pub fn status_of(sqlstate: &str) -> StatusCode {
    use StatusCode as S;
    let class = sqlstate.get(..2).unwrap_or("");
    match sqlstate {
        "23505" | "23503" | "23P01" | "23001" => S::Conflict, // unique, foreign key, exclusion, restrict
        "23502" | "23514" => S::UnprocessableEntity,          // not null, check
        "40001" | "40P01" => S::Conflict,                     // serialization, deadlock: try again
        "55P03" => S::Conflict,                               // lock not available
        "42501" => S::Forbidden,
        "57014" => S::GatewayTimeout, // statement timeout
        "57P01" | "57P02" | "57P03" => S::ServiceUnavailable, // shutdown, crash, starting up
        "57P05" | "25P03" | "25P04" => S::ServiceUnavailable, // ended by a session timeout
        "3D000" => S::ServiceUnavailable, // our database is not there
        "P0001" => S::BadRequest,     // raise exception
        "P0002" => S::NotFound,       // no_data_found
        _ if class == "PT" => raised_status(sqlstate),
        _ => match class {
            "08" | "53" => S::ServiceUnavailable, // connection, resources
            "22" => S::BadRequest,
            "28" => S::ServiceUnavailable, // our credentials
            _ => S::InternalServerError,
        },
    }
}

/// `raise sqlstate 'PT404'` answers 404: PostgREST's convention. Only 4xx and 5xx are errors.
fn raised_status(sqlstate: &str) -> StatusCode {
    sqlstate
        .get(2..)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse::<u16>().ok())
        .filter(|status| (400..600).contains(status))
        .and_then(|status| StatusCode::try_from(status).ok())
        .unwrap_or(StatusCode::InternalServerError)
}

/// Whether a code says that trying the same request again soon may succeed.
pub fn is_transient(sqlstate: &str) -> bool {
    matches!(sqlstate, "40001" | "40P01") || status_of(sqlstate) == StatusCode::ServiceUnavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_become_the_statuses_of_the_design() {
        let expected = [
            ("22P02", 400),
            ("22012", 400),
            ("23505", 409),
            ("23503", 409),
            ("23P01", 409),
            ("55P03", 409),
            ("40001", 409),
            ("40P01", 409),
            ("23502", 422),
            ("23514", 422),
            ("42501", 403),
            ("P0001", 400),
            ("P0002", 404),
            ("PT402", 402),
            ("PT503", 503),
            ("PT200", 500),
            ("PTabc", 500),
            ("08006", 503),
            ("53300", 503),
            ("57P01", 503),
            ("57014", 504),
            ("42P01", 500),
            ("25006", 500),
            ("XX000", 500),
            ("28P01", 503),
            ("99999", 500),
            ("", 500),
            ("é", 500),
        ];
        for (code, status) in expected {
            assert_eq!(status_of(code) as u16, status, "{code}");
        }
    }
}
