//! What an answer carries.

use super::BodyStream;

/// What an answer carries.
///
/// ```
/// use peppercorn::{Body, Response};
///
/// /// A fixed answer costs nothing, and a made one no more than what it is made of.
/// fn shelf(books: Vec<String>) -> Response {
///     let body = match books.is_empty() {
///         true => Body::from("an empty shelf\n"),
///         false => Body::from(books.join("\n")),
///     };
///     Response::text(body)
/// }
/// assert_eq!(shelf(vec![]).body().as_bytes(), b"an empty shelf\n");
/// assert_eq!(shelf(vec!["Ficciones".into()]).body().as_bytes(), b"Ficciones");
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes of the program itself: copied only to where they are sent from.
    Static(&'static [u8]),
    /// Bytes made for this answer.
    Bytes(Vec<u8>),
    /// Bytes that are made while they are sent, as fast as the client takes them.
    Stream(BodyStream),
}

impl Body {
    /// The bytes that are there already: none of a stream.
    ///
    /// ```
    /// use peppercorn::Body;
    ///
    /// assert_eq!(Body::from("odds").as_bytes(), b"odds");
    /// assert!(Body::Empty.as_bytes().is_empty());
    /// ```
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Body::Empty | Body::Stream(_) => &[],
            Body::Static(bytes) => bytes,
            Body::Bytes(bytes) => bytes,
        }
    }

    /// Whether the body is made while it is sent.
    ///
    /// ```
    /// use futures_lite::stream;
    /// use peppercorn::{Body, BodyStream};
    ///
    /// assert!(Body::from(BodyStream::new(stream::empty())).is_stream());
    /// assert!(!Body::from("odds").is_stream());
    /// ```
    #[inline]
    pub fn is_stream(&self) -> bool {
        matches!(self, Body::Stream(_))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Bytes(text.into_bytes())
    }
}

impl From<BodyStream> for Body {
    fn from(stream: BodyStream) -> Body {
        Body::Stream(stream)
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Body::Static(bytes)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::Static(text.as_bytes())
    }
}
