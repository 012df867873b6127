//! HTTP as a client: what a handler asks other servers, without holding up its executor, and never without an end.
//!
//! ```
//! # async fn example(context: &peppercorn::Context) -> anyhow::Result<()> {
//! use std::time::Duration;
//!
//! let client = context.client();
//! let answer = client
//!     .post("https://hooks.example.com/orders")
//!     .header("Authorization", "Bearer …")
//!     .json(&serde_json::json!({"order": 7}))
//!     .within(Duration::from_secs(2))
//!     .send()
//!     .await?;
//! anyhow::ensure!(answer.status.is_success(), "the hook answers {}", answer.status);
//! # Ok(())
//! # }
//! ```
//!
//! It speaks HTTP/1.1, in the clear and over TLS with the system's roots, and keeps connections for the next request. It
//! follows no redirect, keeps no cookie and asks no proxy: these are the caller's affair.

mod kept;
mod line;
mod request;
mod response;

use std::sync::Arc;
use std::time::Duration;

use http_types::headers::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http_types::{Method, Url};

use crate::runtime::Clock;
use kept::Kept;

pub(crate) use line::{Line, dial};
pub use request::Request;
pub use response::Response;

/// For an answer, from the look-up of the name to the last byte, when nobody says.
///
/// ```
/// # fn example(client: &peppercorn::client::Client) {
/// let report = client.get("https://reports.example.com/2018").within(6 * peppercorn::client::LIMIT);
/// # }
/// ```
pub const LIMIT: Duration = Duration::from_secs(10);
/// The largest body of an answer, in bytes, when nobody says.
///
/// ```
/// # fn example(client: &peppercorn::client::Client) {
/// let most = 16 * peppercorn::client::MOST_BYTES;
/// let catalogue = client.get("https://publisher.example.com/books").most_bytes(most);
/// # }
/// ```
pub const MOST_BYTES: u64 = 1024 * 1024;

/// Asks other servers. Cheap to clone; clones share connections.
///
/// ```
/// use peppercorn::client::Client;
///
/// /// What handlers share that ask one bookmaker.
/// struct Bookmaker {
///     client: Client,
///     url: String,
/// }
///
/// impl Bookmaker {
///     async fn odds(&self, market: &str) -> anyhow::Result<f64> {
///         let url = format!("{}/markets/{market}/odds", self.url);
///         self.client.get(&url).send().await?.json()
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    clock: Clock,
    kept: Kept,
}

impl Client {
    /// One whose deadlines are of this clock.
    #[doc(hidden)]
    pub fn new(clock: &Clock) -> Client {
        Client(Arc::new(Shared {
            clock: clock.clone(),
            kept: Kept::default(),
        }))
    }

    /// One with a clock of its own, which is a thread.
    ///
    /// # Errors
    /// When the system refuses the thread.
    ///
    /// ```no_run
    /// use peppercorn::client::Client;
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let client = Client::start()?;
    /// let pong = smol::block_on(client.get("http://localhost:8080/ping").send())?;
    /// assert_eq!(pong.text()?, "pong");
    /// # Ok(())
    /// # }
    /// ```
    pub fn start() -> std::io::Result<Client> {
        Ok(Client::new(&Clock::start()?))
    }

    /// A request by GET.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let odds: Vec<f64> = client.get("https://bookmaker.example.com/odds").send().await?.json()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, url: &str) -> Request<'_> {
        self.request(Method::Get, url)
    }

    /// A request by POST.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let order = serde_json::json!({"market": 7, "price": 1.25});
    /// let answer = client.post("https://bookmaker.example.com/orders").json(&order).send().await?;
    /// anyhow::ensure!(answer.status.is_success(), "the bookmaker answers {}", answer.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn post(&self, url: &str) -> Request<'_> {
        self.request(Method::Post, url)
    }

    /// A request. A URL that is none is an error when it is sent.
    ///
    /// ```
    /// use peppercorn::Method;
    /// use peppercorn::client::Client;
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let client = Client::start()?;
    /// let cancelled = smol::block_on(client.request(Method::Delete, "/orders/7").send());
    /// assert!(format!("{:#}", cancelled.unwrap_err()).starts_with("DELETE: the URL: "));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, url: &str) -> Request<'_> {
        Request::new(self, method, Url::parse(url))
    }
}

/// What the head of an answer says of its end.
pub(crate) struct Ending {
    /// The bytes of the body, if it says.
    pub(crate) length: Option<u64>,
    /// It says how to find the end, which is else that of the connection.
    pub(crate) has_end: bool,
    /// The connection ends with it.
    pub(crate) closes: bool,
}

/// Source: RFC 9112 sections 6.3 and 9.3.
pub(crate) fn ending(response: &http_types::Response) -> Ending {
    let says = |name, word: &str| {
        let values = response.header(name);
        values.is_some_and(|values| {
            values
                .iter()
                .any(|value| value.as_str().trim().eq_ignore_ascii_case(word))
        })
    };
    let length = response.header(CONTENT_LENGTH);
    let length = length.and_then(|values| values.last().as_str().parse::<u64>().ok());
    let has_end = length.is_some() || says(TRANSFER_ENCODING, "chunked");
    Ending {
        length,
        has_end,
        closes: says(CONNECTION, "close"),
    }
}
