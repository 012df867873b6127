//! What is measured: names, labels, and what they mean, each in one place.
//!
//! Names follow OpenTelemetry's semantic conventions for HTTP where those have one, else Prometheus' rules: base units,
//! `_total` for what only grows. Labels carry what an application has a fixed number of: a route's template, never a path.

use std::time::Duration;

/// One metric: its series differ by the values of their labels.
#[derive(Debug)]
pub struct Family {
    /// In shared memory it stands for the family, to programs of other versions too: never another's.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// What it says, for whoever reads the metrics.
    pub help: &'static str,
    /// Its labels' names.
    pub labels: &'static [&'static str],
    /// What its series are.
    pub kind: Kind,
}

/// What the series of a family are.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A time that only grows, kept in nanoseconds and shown in seconds.
    Time,
    /// What is now.
    Gauge,
    /// Durations, counted by the buckets that these upper bounds make, in nanoseconds and in order; kept in nanoseconds,
    /// shown in seconds.
    Histogram(&'static [u64]),
}

impl Family {
    /// Words of a series: one, or of a histogram the sum and a word for each bucket, the last one without an upper bound.
    pub fn cells(&self) -> usize {
        match self.kind {
            Kind::Histogram(bounds) => bounds.len() + 2,
            _ => 1,
        }
    }
}

const MS: u64 = Duration::from_millis(1).as_nanos() as u64;

/// 5 ms to 10 s. Source: OpenTelemetry's semantic conventions for HTTP metrics, `http.server.request.duration`.
const REQUEST_BOUNDS: &[u64] = &[
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    75 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    750 * MS,
    1000 * MS,
    2500 * MS,
    5000 * MS,
    7500 * MS,
    10_000 * MS,
];

/// 1 ms to 10 s. Source: OpenTelemetry's semantic conventions for databases, `db.client.operation.duration`.
const DATABASE_BOUNDS: &[u64] = &[
    MS,
    5 * MS,
    10 * MS,
    50 * MS,
    100 * MS,
    500 * MS,
    1000 * MS,
    5000 * MS,
    10_000 * MS,
];

/// 10 ms to 10 s, about the threshold above which a poll is a stall.
const STALL_BOUNDS: &[u64] = &[
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    1000 * MS,
    2500 * MS,
    5000 * MS,
    10_000 * MS,
];

macro_rules! families {
    ($($number:literal $name:ident $text:literal [$($label:literal),*] $kind:expr, $help:literal;)*) => {
        $(
            #[doc = concat!("`", $text, "`: ", $help)]
            pub static $name: Family = Family {
                number: $number,
                name: $text,
                help: $help,
                labels: &[$($label),*],
                kind: $kind,
            };
        )*

        /// Every family, in the order in which they are shown.
        pub static ALL: &[&Family] = &[$(&$name),*];
    };
}

families! {
    1 REQUEST_DURATION "http_server_request_duration_seconds"
        ["http_request_method", "http_route", "http_response_status_code"]
        Kind::Histogram(REQUEST_BOUNDS),
        "Time from a request's arrival until its answer is on its way, if streamed to its end; status 499: the client was gone.";
    2 ACTIVE_REQUESTS "http_server_active_requests" [] Kind::Gauge,
        "Requests that have arrived and are not answered yet.";
    3 POOL_CONNECTIONS "peppercorn_db_pool_connections" ["purpose"] Kind::Gauge,
        "Open connections to the database.";
    4 POOL_IDLE "peppercorn_db_pool_idle" ["purpose"] Kind::Gauge,
        "Open connections to the database that run no query.";
    5 POOL_WAITING "peppercorn_db_pool_waiting" ["purpose"] Kind::Gauge,
        "Queries that wait for a place on a connection.";
    6 POOL_WAIT "peppercorn_db_pool_wait_seconds" ["purpose"] Kind::Histogram(DATABASE_BOUNDS),
        "Time that a query waited for its place on a connection, however that ended.";
    7 POOL_TIMEOUTS "peppercorn_db_pool_timeouts_total" ["purpose"] Kind::Counter,
        "Queries refused because no place on a connection got free in time, or too many waited already.";
    8 QUERY_DURATION "peppercorn_db_query_duration_seconds" ["endpoint"] Kind::Histogram(DATABASE_BOUNDS),
        "Time from a query's place on a connection to its end, or to the first piece of a streamed result.";
    9 STALL "peppercorn_loop_stall_seconds" [] Kind::Histogram(STALL_BOUNDS),
        "Time for which an endpoint kept its executor from everything else, of those over the threshold.";
    10 STALLS "peppercorn_loop_stalls_total" ["endpoint"] Kind::Counter,
        "Times that an endpoint kept its executor from everything else for longer than the threshold.";
    11 WORKERS "peppercorn_workers" ["state"] Kind::Gauge,
        "Worker processes.";
    12 WORKER_RESTARTS "peppercorn_worker_restarts_total" ["reason"] Kind::Counter,
        "Workers started in place of another, by what became of that.";
    13 ERRORS "peppercorn_errors_total" ["endpoint", "code"] Kind::Counter,
        "Requests that failed at their endpoint, by SQLSTATE, else by status; code panic: it panicked.";
    14 SENTRY_EVENTS "peppercorn_sentry_events_total" ["outcome"] Kind::Counter,
        "Events for Sentry, by what became of them.";
    15 LOG_LINES_DROPPED "peppercorn_log_lines_dropped_total" ["log"] Kind::Counter,
        "Lines that a log could not take.";
    16 OVERFLOWED "peppercorn_metrics_overflowed_total" [] Kind::Counter,
        "Times that a new series found no room and is counted with others of its metric, under (other).";
    17 BUILD_INFO "peppercorn_build_info" ["version", "features"] Kind::Gauge,
        "1, with the version of the program and what it was built with.";
    18 CPU "process_cpu_seconds_total" [] Kind::Time,
        "CPU time of all processes of the service, those that have ended too.";
    19 MEMORY "process_resident_memory_bytes" [] Kind::Gauge,
        "Resident memory of all processes of the service; what several share is in each.";
    20 START "process_start_time_seconds" [] Kind::Gauge,
        "When the service was started, in seconds since 1970.";
}

/// The family of a number, if this version knows it.
pub fn of(number: u16) -> Option<&'static Family> {
    ALL.iter().copied().find(|family| family.number == number)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_families_are_one() {
        let numbers: HashSet<u16> = ALL.iter().map(|family| family.number).collect();
        let names: HashSet<&str> = ALL.iter().map(|family| family.name).collect();
        assert_eq!((numbers.len(), names.len()), (ALL.len(), ALL.len()));
        // What was counted under a number by an older version would be shown as another's.
        assert!(!numbers.contains(&0), "0 is what unused memory holds");
        assert!(
            ALL.is_sorted_by_key(|family| family.number),
            "they are shown in this order"
        );
    }

    #[test]
    fn names_say_their_kind_and_unit() {
        for family in ALL {
            let total = family.name.ends_with("_total");
            let seconds = family.name.contains("_seconds");
            match family.kind {
                Kind::Counter => assert!(total && !seconds, "{}", family.name),
                Kind::Time => assert!(family.name.ends_with("_seconds_total")),
                Kind::Gauge => assert!(!total, "{}", family.name),
                Kind::Histogram(bounds) => {
                    assert!(!total && seconds, "{}", family.name);
                    assert!(bounds.is_sorted() && bounds[0] > 0);
                }
            }
        }
    }
}
