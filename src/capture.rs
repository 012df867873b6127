//! The error-capture wrapper: an [`Endpoint`] around an [`Endpoint`].
//!
//! What the endpoint inside raises, as an error or as a panic, is reported and then goes on to the client's answer:
//! nothing is swallowed. So does an answer that is none. What the client did wrong (4xx) and a server that is only busy
//! (503) are no news, unless a streamed body raises it: its head has gone by then.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use anyhow::anyhow;
use futures_lite::{FutureExt, Stream, StreamExt};

use crate::endpoint::{Answer, Context, Endpoint, RequestId};
use crate::error::Problem;
use crate::http::{BodyStream, Response};
use crate::observe::{self, Event};

/// Reports failures of the endpoint inside.
pub struct Capture<E> {
    inner: E,
}

impl<E: Endpoint> Capture<E> {
    /// Wraps `inner`.
    pub fn new(inner: E) -> Capture<E> {
        Capture { inner }
    }
}

impl<E: Endpoint> Endpoint for Capture<E> {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(async move {
            let (name, request_id) = (context.route.endpoint.clone(), context.request_id.clone());
            // A panic leaves the endpoint's own locks poisoned at worst; nothing of ours is held across the call.
            let called = AssertUnwindSafe(async { self.inner.call(context).await }).catch_unwind();
            match called.await.map(final_only) {
                Ok(Ok(response)) => Ok(response.map_stream(|inner| {
                    BodyStream::new(CapturedStream {
                        name,
                        request_id,
                        inner: Some(inner),
                    })
                })),
                Ok(Err(error)) if is_no_news(&error) => Err(error),
                Ok(Err(error)) => Err(report(&name, &request_id, error)),
                Err(panic) => Err(report_panic(&name, &request_id, &*panic)),
            }
        })
    }
}

/// An interim status is a failure of its endpoint. RFC 9110 section 15.2: the client goes on waiting for the final answer,
/// and takes the next one on the connection for it, which is the answer to another request.
fn final_only(answered: anyhow::Result<Response>) -> anyhow::Result<Response> {
    let status = match &answered {
        Ok(response) => response.status(),
        Err(error) => match error.downcast_ref::<Problem>() {
            Some(problem) => problem.status(),
            None => return answered,
        },
    };
    match status.is_informational() {
        true => Err(anyhow!("{} is no final status", u16::from(status))),
        false => answered,
    }
}

/// What the client is told, and nobody need look into.
fn is_no_news(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<Problem>();
    problem.is_some_and(|problem| !problem.is_failure())
}

/// A body whose failures are reported, whatever they are: the client cannot be told any more.
struct CapturedStream {
    name: Arc<str>,
    request_id: RequestId,
    /// None after its end: what has failed is not asked again.
    inner: Option<BodyStream>,
}

impl Stream for CapturedStream {
    type Item = anyhow::Result<Vec<u8>>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let error = match catch_unwind(AssertUnwindSafe(|| inner.poll_next(context))) {
            Ok(Poll::Ready(Some(Err(error)))) => report(&self.name, &self.request_id, error),
            Ok(polled) => return polled,
            Err(panic) => report_panic(&self.name, &self.request_id, &*panic),
        };
        self.inner = None;
        Poll::Ready(Some(Err(error)))
    }
}

/// Reports an error and gives it back.
fn report(endpoint: &str, request_id: &RequestId, error: anyhow::Error) -> anyhow::Error {
    observe::emit(&Event::RequestFailed {
        endpoint: endpoint.into(),
        request_id: request_id.as_str().into(),
        error: format!("{error:#}"),
    });
    error
}

/// Reports a panic; the error in its place.
fn report_panic(endpoint: &str, request_id: &RequestId, panic: &(dyn Any + Send)) -> anyhow::Error {
    let message = panic_message(panic);
    observe::emit(&Event::Panicked {
        endpoint: endpoint.into(),
        request_id: request_id.as_str().into(),
        message: message.clone(),
    });
    Problem::internal(anyhow!("panicked: {message}")).into()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "without a message".to_owned(),
    }
}
