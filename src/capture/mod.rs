//! The error-capture wrapper: an [`Endpoint`] around an [`Endpoint`].
//!
//! What the endpoint inside raises, as an error or as a panic, is reported and then goes on to the client's answer:
//! nothing is swallowed. So does an answer that is none. What the client did wrong (4xx) and a server that is only busy
//! (503) are no news, unless a streamed body raises it: its head has gone by then.
//!
//! | module | what it does |
//! |---|---|
//! | `background` | what goes wrong behind the requests' backs |
//! | `case` | a request as far as reports of it go: its hub, its trace, what is said of it |
//! | `event` | what Sentry is told of a failed request |
//! | `trace` | the request as a transaction, continued from the client's |

mod background;
mod case;
mod event;
mod report;
mod trace;

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use anyhow::anyhow;
use futures_lite::{Stream, StreamExt};
use sentry_core::types::Uuid;

use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::{BodyStream, Response};

pub use background::{background, stalled};
use case::Case;
pub use report::Report;

/// Reports failures of the endpoint inside.
pub struct Capture<E> {
    inner: E,
    traced: bool,
}

impl<E: Endpoint> Capture<E> {
    /// Wraps `inner`.
    pub fn new(inner: E) -> Capture<E> {
        Capture {
            inner,
            traced: true,
        }
    }
}

/// Reports failures of an endpoint of the program's own. Its requests are no transactions of Sentry's tracing: there would
/// be one every few seconds, of no interest.
pub fn untraced(endpoint: impl Endpoint) -> Box<dyn Endpoint> {
    Box::new(Capture {
        inner: endpoint,
        traced: false,
    })
}

impl<E: Endpoint> Endpoint for Capture<E> {
    fn call(&self, mut context: Context) -> Answer<'_> {
        Box::pin(async move {
            let mut case = Case::open(&mut context, self.traced);
            let called = {
                let mut call = pin!(async { self.inner.call(context).await });
                std::future::poll_fn(|task| case.poll(|| call.as_mut().poll(task))).await
            };
            match called.map(final_only) {
                Ok(Ok(response)) if response.body().is_stream() => {
                    Ok(response.map_stream(|inner| {
                        BodyStream::new(CapturedStream {
                            case,
                            inner: Some(inner),
                        })
                    }))
                }
                Ok(Ok(response)) => {
                    case.close(response.status());
                    Ok(response)
                }
                Ok(Err(error)) => Err(case.fail(error)),
                Err(panic) => Err(case.panicked(panic)),
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

/// A body whose failures are reported, whatever they are: the client cannot be told any more.
struct CapturedStream {
    case: Case,
    /// None after its end: what has failed is not asked again.
    inner: Option<BodyStream>,
}

impl Stream for CapturedStream {
    type Item = anyhow::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let CapturedStream { case, inner } = &mut *self;
        let Some(stream) = inner else {
            return Poll::Ready(None);
        };
        let error = match case.poll(|| stream.poll_next(task)) {
            Poll::Ready(Ok(Some(Err(error)))) => case.report(error),
            Poll::Ready(Ok(Some(piece))) => return Poll::Ready(Some(piece)),
            Poll::Ready(Ok(None)) => {
                case.close(http_types::StatusCode::Ok);
                return Poll::Ready(None);
            }
            Poll::Ready(Err(panic)) => case.panicked(panic),
            Poll::Pending => return Poll::Pending,
        };
        *inner = None;
        Poll::Ready(Some(Err(error)))
    }
}

/// An error that Sentry has been told of, on its way to the client's answer.
#[derive(Debug)]
pub struct Captured {
    /// What Sentry calls it.
    pub event_id: Uuid,
    /// The error.
    pub error: Arc<anyhow::Error>,
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Captured {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What the client may know of an error, if anything.
pub fn problem(error: &anyhow::Error) -> Option<&Problem> {
    match error.downcast_ref::<Captured>() {
        Some(captured) => captured.error.downcast_ref(),
        None => error.downcast_ref(),
    }
}

/// What Sentry calls an error, if it has been told of it.
pub fn event_id(error: &anyhow::Error) -> Option<Uuid> {
    let captured = error.downcast_ref::<Captured>()?;
    Some(captured.event_id)
}
