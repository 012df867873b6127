//! The OpenAPI document as it is served, and the page that shows it.
//!
//! | module | what it is |
//! |---|---|
//! | `file` | bytes that are the same for everybody, as an endpoint |
//! | `swagger` | Swagger UI on a page, with the feature `docs` |
//! | `zip` | a file of Swagger UI's own archive, found while the program is compiled |
//! | `gzip` | what becomes of it |

mod file;
#[cfg(feature = "docs")]
mod gzip;
#[cfg(feature = "docs")]
mod swagger;
#[cfg(feature = "docs")]
mod zip;

pub use file::File;
#[cfg(feature = "docs")]
pub use swagger::page;

/// The path of the document.
pub const DOCUMENT: &str = "/openapi.json";
/// The path of the page that shows it.
pub const PAGE: &str = "/docs";

/// An OpenAPI document, as it is served.
pub fn document(json: Vec<u8>) -> File {
    File::new("application/json", json)
}

/// There is none: this program was built without the feature `docs`.
#[cfg(not(feature = "docs"))]
pub fn page(_: bool) -> Vec<(&'static str, Box<dyn crate::endpoint::Endpoint>)> {
    Vec::new()
}
