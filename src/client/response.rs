//! The answer of another server.

use anyhow::Context;
use http_types::StatusCode;

/// As many as async-h1 takes.
const MOST_HEADERS: usize = 128;

/// An answer, whole.
///
/// ```
/// use peppercorn::{StatusCode, client};
///
/// /// What a publisher's answer says of a book's price, if they have the book.
/// fn price(answer: &client::Response) -> anyhow::Result<Option<f64>> {
///     match answer.status {
///         StatusCode::NotFound => Ok(None),
///         status if status.is_success() => answer.json().map(Some),
///         status => anyhow::bail!("the publisher answers {status}"),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// Whatever it is: a 404 is an answer, and no error.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let book = client.get("https://publisher.example.com/books/9780141184340").send().await?;
    /// let is_missing = book.status == peppercorn::StatusCode::NotFound;
    /// # Ok(())
    /// # }
    /// ```
    pub status: StatusCode,
    /// The body, decoded from its chunks.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let cover = client.get("https://publisher.example.com/covers/7.png").send().await?;
    /// let is_png = cover.body.starts_with(b"\x89PNG");
    /// # Ok(())
    /// # }
    /// ```
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Response {
    /// `heard` begins with the head as it came.
    pub(super) fn new(status: StatusCode, heard: &[u8], body: Vec<u8>) -> anyhow::Result<Response> {
        Ok(Response {
            status,
            body,
            headers: headers(heard)?,
        })
    }

    /// The first header of this name, in whichever case.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let books = client.get("https://publisher.example.com/books").send().await?;
    /// let total: Option<u64> = books.header("X-Total-Count").map(str::parse).transpose()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// It is not UTF-8.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let list = client.get("https://publisher.example.com/books.csv").send().await?;
    /// let books = list.text()?.lines().skip(1).count();
    /// # Ok(())
    /// # }
    /// ```
    pub fn text(&self) -> anyhow::Result<&str> {
        str::from_utf8(&self.body).context("the answer is not UTF-8")
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// It is none, or not of this shape.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// // {"EUR": 1.0, "GBP": 0.89}
    /// let rates = client.get("https://rates.example.com/latest").send().await?;
    /// let rates: HashMap<String, f64> = rates.json()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).context("the answer is not the JSON that is wanted")
    }
}

/// The fields of an answer's head as they came: async-h1 adds some of its own.
fn headers(heard: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    head.parse(heard)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter();
    let owned = headers.map(|header| (header.name.to_owned(), text(header.value)));
    Ok(owned.collect())
}
