//! What a request is called in logs, in problems and in the answer.

use std::sync::Arc;

/// Names a request: the client's own `X-Request-Id` where it is fit to be logged, else 16 random hexadecimal digits.
///
/// ```
/// use peppercorn::{Context, Response};
///
/// /// Passes it on, so that the bookmaker's log has it too.
/// async fn odds(context: Context) -> anyhow::Result<Response> {
///     let asked = context.client().get("https://bookmaker.example.com/odds");
///     let asked = asked.header("X-Request-Id", context.request_id.as_str());
///     Ok(Response::json(asked.send().await?.body))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

/// The longest id that is taken over from a client.
const REQUEST_ID_BYTES: usize = 128;

impl RequestId {
    /// The header that carries it.
    ///
    /// ```
    /// assert_eq!(peppercorn::RequestId::HEADER, "X-Request-Id");
    /// ```
    pub const HEADER: &str = "X-Request-Id";

    /// The id of a request that came with this header, or without.
    #[doc(hidden)]
    pub fn new(header: Option<&str>) -> RequestId {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        match header {
            Some(id) if !id.is_empty() && id.len() <= REQUEST_ID_BYTES && id.bytes().all(fit) => {
                RequestId(id.into())
            }
            _ => RequestId::random(),
        }
    }

    fn random() -> RequestId {
        let number = fastrand::u64(..);
        let digits: [u8; 16] = std::array::from_fn(|index| {
            let nibble = number >> (60 - 4 * index) & 0xf;
            b"0123456789abcdef"[nibble as usize]
        });
        // Not through a formatter: it costs ten times as much, and a second allocation.
        RequestId(std::str::from_utf8(&digits).unwrap_or_default().into())
    }

    /// The id as text.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// let receipt = format!("order received; we call it {}\n", context.request_id.as_str());
    /// # }
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, for who keeps it.
    #[doc(hidden)]
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_taken_over_only_if_fit_for_a_log() {
        assert_eq!(RequestId::new(Some("a-1.b:c_D")).as_str(), "a-1.b:c_D");
        for unfit in ["", "a b", "a\"b", "é", &"x".repeat(129)] {
            let id = RequestId::new(Some(unfit));
            assert!(id.as_str().len() == 16 && id.as_str() != unfit);
        }
        assert_ne!(RequestId::new(None), RequestId::new(None));
    }
}
