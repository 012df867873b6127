//! Swagger UI on a page, which shows the document and sends requests that are put together there.
//!
//! The page, at `/docs`, names everything relative to itself: `docs/…` and `openapi.json`. So it works behind a proxy that
//! strips a prefix from paths. It needs no network but the server that it came from, and is let have no other.

use http_types::StatusCode;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED as ZIP;

use super::file::{CACHE_CONTROL, File};
use super::{gzip, zip};
use crate::capture::untraced;
use crate::endpoint::{Context, Endpoint};
use crate::http::Response;

const SCRIPT: zip::Entry = zip::find(ZIP, "dist/swagger-ui-bundle.js");
const STYLE: zip::Entry = zip::find(ZIP, "dist/swagger-ui.css");
const ICON: zip::Entry = zip::find(ZIP, "dist/favicon-32x32.png");

// Of their own, so that the archive around them, 1.8 MB, is left out when the program is linked: whatever uses one of the
// entries above must do so in a constant.
static SCRIPT_GZIP: [u8; gzip::length(&SCRIPT)] = gzip::member(&SCRIPT);
static STYLE_GZIP: [u8; gzip::length(&STYLE)] = gzip::member(&STYLE);
static ICON_PNG: [u8; ICON.packed.len()] = {
    assert!(!ICON.deflated, "the icon is compressed");
    *ICON.packed.first_chunk().unwrap()
};

// Swagger UI's icons are data: in its style; an image that is answered to it is shown as a blob: of the page's own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// The page: paths, and what answers them. `sends`: requests can be sent from it.
pub fn page(sends: bool) -> Vec<(&'static str, Box<dyn Endpoint>)> {
    let page = File::new(HTML, include_str!("page.html").as_bytes())
        .with_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        .with_header("Referrer-Policy", "no-referrer");
    let script = File::with_tag(JAVASCRIPT, SCRIPT_GZIP.as_slice(), const { tag(&SCRIPT) });
    let style = File::with_tag(CSS, STYLE_GZIP.as_slice(), const { tag(&STYLE) });
    let icon = File::with_tag("image/png", ICON_PNG.as_slice(), const { tag(&ICON) });
    vec![
        (super::PAGE, untraced(page)),
        ("/docs/", untraced(redirect)),
        ("/docs/init.js", untraced(init(sends))),
        ("/docs/swagger-ui-bundle.js", untraced(script.gzipped())),
        ("/docs/swagger-ui.css", untraced(style.gzipped())),
        ("/docs/favicon.png", untraced(icon)),
    ]
}

/// Its CRC stands for what is in a file.
const fn tag(entry: &zip::Entry) -> u64 {
    entry.crc32 as u64
}

/// What starts Swagger UI on the page.
fn init(sends: bool) -> File {
    const SENDS: &str = concat!(
        "const methods = [\"get\", \"post\", \"put\", \"patch\", \"delete\"];\n",
        include_str!("init.js")
    );
    const READS: &str = concat!("const methods = [];\n", include_str!("init.js"));
    let script = match sends {
        true => SENDS,
        false => READS,
    };
    File::new(JAVASCRIPT, script.as_bytes())
}

/// Leads to the page, where what it names relative to itself is found.
async fn redirect(_: Context) -> anyhow::Result<Response> {
    Ok(Response::new(StatusCode::PermanentRedirect)
        .with_header("Location", "../docs")
        .with_header("Cache-Control", CACHE_CONTROL))
}
