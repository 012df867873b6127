//! Bytes that are the same for everybody, as an endpoint: who has them already is not sent them again.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::{
    Body, EntityTag, EntityTags, HeaderValue, Request, Response, StatusCode, accepts_coding,
};

/// May be kept, and is asked about before each use: another program, or other SQL, may be here by then.
pub(super) const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers every GET with the same bytes.
pub struct File {
    content: Cow<'static, [u8]>,
    tag: EntityTag<'static>,
    gzipped: bool,
    /// Those of an answer that has the content.
    headers: Vec<(&'static str, HeaderValue)>,
}

impl File {
    /// This content, which is of this type, with a tag that is made of it: the same in every worker.
    pub fn new(media_type: &'static str, content: impl Into<Cow<'static, [u8]>>) -> File {
        let content = content.into();
        let mut digest = DefaultHasher::new();
        digest.write(&content);
        let tag = digest.finish();
        File::with_tag(media_type, content, tag)
    }

    /// The same of content that has been digested before.
    pub fn with_tag(
        media_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
        tag: u64,
    ) -> File {
        let file = File {
            content: content.into(),
            tag: EntityTag::from(tag),
            gzipped: false,
            headers: Vec::new(),
        };
        file.with_header("Content-Type", media_type)
            .with_header("X-Content-Type-Options", "nosniff")
    }

    /// The content is gzip's, and is sent as it is: there is nothing here that could unpack it.
    #[must_use]
    pub fn gzipped(self) -> File {
        File {
            gzipped: true,
            ..self.with_header("Content-Encoding", "gzip")
        }
    }

    /// Adds a field to answers that have the content.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> File {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    fn answer(&self, request: &Request) -> Result<Response, Problem> {
        let head = request.head();
        let lines = |name| head.header_lines(name);
        if self.gzipped && !accepts_coding(lines("accept-encoding"), "gzip") {
            let detail = "this is there in gzip only: ask with Accept-Encoding: gzip, as curl --compressed does";
            let problem = Problem::new(StatusCode::NotAcceptable, detail);
            return Err(problem.with_header("Vary", "Accept-Encoding"));
        }
        // RFC 9110 section 13.2.2. What is malformed says nothing: nothing is changed here.
        let tags = |name| EntityTags::parse(lines(name)).ok().flatten();
        if tags("if-match").is_some_and(|tags| !tags.matches_strongly(&self.tag)) {
            let detail = "this is not what it was: no tag of If-Match is its own";
            return Err(Problem::new(StatusCode::PreconditionFailed, detail));
        }
        let seen = tags("if-none-match").is_some_and(|tags| tags.matches_weakly(&self.tag));
        Ok(match seen {
            true => self.validated(StatusCode::NotModified),
            false => {
                let headers = self.headers.iter();
                let response = headers
                    .fold(self.validated(StatusCode::Ok), |response, (name, value)| {
                        response.with_header(name, value.clone())
                    });
                response.with_body(self.body())
            }
        })
    }

    /// What a 304 says too (RFC 9110 section 15.4.5).
    fn validated(&self, status: StatusCode) -> Response {
        let response = Response::new(status)
            .with_header("ETag", self.tag.as_str())
            .with_header("Cache-Control", CACHE_CONTROL);
        match self.gzipped {
            true => response.with_header("Vary", "Accept-Encoding"),
            false => response,
        }
    }

    fn body(&self) -> Body {
        match &self.content {
            Cow::Borrowed(bytes) => Body::Static(bytes),
            Cow::Owned(bytes) => Body::Bytes(bytes.clone()),
        }
    }
}

impl Endpoint for File {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(async move { Ok(self.answer(&context.request)?) })
    }
}
