//! The endpoint's part: it is given time, and taken away from when its client leaves.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::future;
use http_types::Method;

use super::Connection;
use super::exchange::Exchange;
use crate::app;
use crate::http::{Request, Response};
use crate::runtime::TICK;
use crate::server::Generation;

/// How long after half-closing its side a client that only reads is taken to be still interested (RFC 9112 section 9.6
/// says that it may be).
const HALF_CLOSED: Duration = Duration::from_secs(1);

/// How a wait for the application ends without what was waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The deadline.
    Late,
    /// The client has gone away.
    Gone,
    /// The server does not wait for it any longer.
    Cut,
}

impl Connection {
    /// Has the application of this generation answer a request. `None`: the client has gone away.
    pub(super) async fn answer(
        &mut self,
        generation: &Generation,
        request: Request,
        exchange: &mut Exchange,
    ) -> io::Result<Option<Response>> {
        // What a read is for is gone with its reader; a write is finished.
        let safe = matches!(request.method(), Method::Get | Method::Head);
        let routed = generation.api.route_of(self.entrance, &request);
        exchange.route = routed.route().cloned();
        let limit = exchange.limit();
        // On the heap: idle connections do not carry room for it.
        let mut call = Box::pin(generation.api.respond(
            routed,
            request,
            exchange.id.clone(),
            exchange.sender.client,
            &generation.service,
        ));
        self.deadline.arm(TICK.min(limit));
        if let Some(response) = self.deadline.race(call.as_mut()).await {
            return Ok(Some(response));
        }
        // One that takes longer than a tick is watched. That tick may have come late: what is left counts from the beginning.
        self.deadline.arm(match safe && self.half_closed {
            true => HALF_CLOSED,
            false => limit.saturating_sub(exchange.duration()),
        });
        let called = future::poll_fn(|context| {
            if let Poll::Ready(response) = call.as_mut().poll(context) {
                return Poll::Ready(Ok(response));
            }
            let open = !self.half_closed;
            if let Poll::Ready(lost) = self.poll_lost(context) {
                return Poll::Ready(Err(lost));
            }
            if safe && open && self.half_closed {
                self.deadline.arm(HALF_CLOSED);
            }
            Poll::Pending
        });
        match called.await {
            Ok(response) => Ok(Some(response)),
            Err(Lost::Late) if safe && self.half_closed => Ok(None),
            Err(Lost::Late) => Ok(Some(app::timed_out(&exchange.id, limit))),
            Err(Lost::Gone) => Ok(None),
            Err(Lost::Cut) => {
                self.server.count_cut();
                Ok(None)
            }
        }
    }

    /// Beside a wait for the application: what is written goes out, pipelined bytes are taken in as long as there is
    /// room, and the client's end is noticed.
    pub(super) fn poll_lost(&mut self, context: &mut Context<'_>) -> Poll<Lost> {
        if self.deadline.poll_expired(context).is_ready() {
            return Poll::Ready(Lost::Late);
        }
        // Looked at after the deadline has taken the waker: being cut wakes by the clock.
        if self.server.drain.is_cut() {
            return Poll::Ready(Lost::Cut);
        }
        if let Poll::Ready(Err(_)) = self.poll_flush(context) {
            return Poll::Ready(Lost::Gone);
        }
        while !self.half_closed && !self.reader.space().is_empty() {
            match self.socket.poll_read(context, self.reader.space()) {
                Poll::Ready(Ok(0)) => self.half_closed = true,
                Poll::Ready(Ok(read)) => self.reader.advance(read),
                Poll::Ready(Err(_)) => return Poll::Ready(Lost::Gone),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }
}
