//! What a server says of itself at `/metrics`.

use super::Server;

/// Metrics in Prometheus' text format.
pub struct Scraped(pub String);

#[track_caller]
pub fn scrape(server: &Server) -> Scraped {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    Scraped(answer.body)
}

impl Scraped {
    /// The sum of all series of this name whose labels hold these words.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let values = self.0.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (of, rest) = series.split_once('{').unwrap_or((series, ""));
            let is_meant = of == name && labels.iter().all(|label| rest.contains(label));
            is_meant.then(|| value.parse::<f64>().unwrap())
        });
        values.sum()
    }

    /// Requests that were answered.
    pub fn requests(&self, labels: &[&str]) -> f64 {
        self.sum("http_server_request_duration_seconds_count", labels)
    }
}
