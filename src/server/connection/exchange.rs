//! A request and its answer, as logs and metrics tell of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_types::{Method, StatusCode};

use super::Sender;
use crate::app::{PING, Preflight};
use crate::endpoint::{RequestId, Route};
use crate::http::Request;
use crate::metrics::{Held, RouteMetrics};
use crate::observe::{self, Access};
use crate::server::Server;

/// What is told of a client that did not wait for its answer. nginx's word for it; no client ever sees it.
pub(super) const GONE: u16 = 499;

/// One request from the moment that all of it has arrived to that when its answer is out; told of when it is dropped,
/// however it ended.
pub(super) struct Exchange {
    server: Arc<Server>,
    began: Instant,
    pub(super) sender: Sender,
    /// What a browser asks in advance, if that is what the request is for.
    pub(super) preflight: Option<Preflight>,
    /// None: it is not known, and perhaps none.
    method: Option<Method>,
    /// None where the target could not be read, and where nobody asks.
    path: Option<Box<str>>,
    /// None where none fits.
    pub(super) route: Option<Arc<Route>>,
    pub(super) id: RequestId,
    status: u16,
    /// Of the answer's body.
    bytes: u64,
    _active: Held,
}

impl Exchange {
    /// One that begins now, with a request or with what is none.
    pub(super) fn begin(
        server: &Arc<Server>,
        sender: Sender,
        request: Option<&Request>,
    ) -> Exchange {
        let logged = request.filter(|_| server.settings.access_log);
        let id = request.and_then(|request| request.header(RequestId::HEADER));
        Exchange {
            server: server.clone(),
            began: Instant::now(),
            sender,
            preflight: (sender.caller).and_then(|caller| caller.preflight(&request?.head())),
            method: request.map(Request::method),
            path: logged.map(|request| request.path().into()),
            route: None,
            id: RequestId::new(id),
            status: GONE,
            bytes: 0,
            _active: server.metrics.active_requests().hold(),
        }
    }

    /// How long its endpoint has to answer; of an answer that is streamed, for each of its pieces.
    pub(super) fn limit(&self) -> Duration {
        let own = self.route.as_ref().and_then(|route| route.timeout);
        own.unwrap_or(self.server.settings.request)
    }

    /// How long it has taken so far.
    pub(super) fn duration(&self) -> Duration {
        self.began.elapsed()
    }

    /// It is answered with this status.
    pub(super) fn answer(&mut self, status: StatusCode) {
        self.status = status as u16;
    }

    /// So many bytes of the answer's body are on their way.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.duration();
        let metrics = match &self.route {
            Some(route) => route.metrics(),
            None => self.server.metrics.nowhere(),
        };
        metrics.observe(self.method, self.status, duration);
        let route = self.route.as_ref().map(|route| route.template.as_str());
        if self.server.settings.access_log && route != Some(PING) {
            observe::access(&Access {
                peer: self.sender.client,
                method: self.method.as_ref().map(AsRef::as_ref),
                path: self.path.as_deref(),
                route,
                status: self.status,
                bytes: self.bytes,
                duration,
                request_id: self.id.as_str(),
            });
        }
    }
}

/// Health probes whose answers go out together.
#[derive(Default)]
pub(super) struct Pings {
    count: u64,
    /// When the first of them was read.
    began: Option<Instant>,
}

impl Pings {
    /// One more.
    pub(super) fn add(&mut self) {
        self.count += 1;
        // Two looks at the clock for each would cost as much as all else that is counted.
        self.began.get_or_insert_with(Instant::now);
    }

    /// Their answers are on their way.
    pub(super) fn count_in(&mut self, metrics: &RouteMetrics) {
        if let Some(began) = self.began.take() {
            let count = std::mem::take(&mut self.count);
            let ok = StatusCode::Ok as u16;
            metrics.observe_many(Some(Method::Get), ok, count, began.elapsed());
        }
    }
}
