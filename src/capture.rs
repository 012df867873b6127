//! The error-capture wrapper: an [`Endpoint`] around an [`Endpoint`].
//!
//! What the endpoint inside raises, as an error or as a panic, is reported and then goes on to the client's answer:
//! nothing is swallowed. What the client did wrong (4xx) and a server that is only busy (503) are no news.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_lite::FutureExt;

use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::observe::{self, Event};

/// Reports failures of the endpoint inside.
pub struct Capture<E> {
    name: String,
    inner: E,
}

impl<E: Endpoint> Capture<E> {
    /// Wraps `inner`, which reports speak of as `name`.
    pub fn new(name: impl Into<String>, inner: E) -> Capture<E> {
        Capture {
            name: name.into(),
            inner,
        }
    }
}

impl<E: Endpoint> Endpoint for Capture<E> {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(async move {
            let request_id = context.request_id.clone();
            // A panic leaves the endpoint's own locks poisoned at worst; nothing of ours is held across the call.
            let called = AssertUnwindSafe(async { self.inner.call(context).await }).catch_unwind();
            let error = match called.await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(panic) => {
                    let message = panic_message(&*panic);
                    observe::emit(&Event::Panicked {
                        endpoint: self.name.clone(),
                        request_id: request_id.as_str().into(),
                        message: message.clone(),
                    });
                    return Err(Problem::internal(anyhow::anyhow!("panicked: {message}")).into());
                }
            };
            if error
                .downcast_ref::<Problem>()
                .is_none_or(Problem::is_failure)
            {
                observe::emit(&Event::RequestFailed {
                    endpoint: self.name.clone(),
                    request_id: request_id.as_str().into(),
                    error: format!("{error:#}"),
                });
            }
            Err(error)
        })
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "without a message".to_owned(),
    }
}
