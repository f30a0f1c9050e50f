//! The files that pages load, built into the binary. The name of each holds a hash of what is in it, so a browser keeps it
//! for good and never has an old one.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

use super::error::WebError;
use crate::entropy::hex;

struct File {
    name: &'static str,
    path: String,
    kind: &'static str,
    bytes: &'static [u8],
}

/// How many bytes of the hash are in a name.
const HASH: usize = 8;

impl File {
    fn new(name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let hash = hex(Sha256::digest(bytes).get(..HASH).unwrap_or_default());
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        Self { name, path: format!("/static/{stem}.{hash}.{extension}"), kind, bytes }
    }
}

macro_rules! files {
    ($($name:literal => $kind:literal),* $(,)?) => {
        [$(File::new($name, $kind, include_bytes!(concat!("../../static/", $name)))),*]
    };
}

static FILES: LazyLock<[File; 6]> = LazyLock::new(|| {
    files! {
        "app.css" => "text/css; charset=utf-8",
        "app.js" => "text/javascript; charset=utf-8",
        "icons.svg" => "image/svg+xml",
        "favicon.svg" => "image/svg+xml",
        "vendor/htmx.min.js" => "text/javascript; charset=utf-8",
        "vendor/htmx-ext-sse.min.js" => "text/javascript; charset=utf-8",
    }
});

/// Where pages find a file of `static/`: `/static/app.0a1b2c3d4e5f6071.css` for `app.css`.
pub fn path(name: &str) -> &'static str {
    FILES.iter().find(|file| file.name == name).map_or("/static/", |file| &file.path)
}

/// One of the files, under its present name only.
pub async fn file(request: HttpRequest) -> Result<HttpResponse, WebError> {
    let file = FILES.iter().find(|file| file.path == request.path()).ok_or(WebError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type(file.kind)
        .body(file.bytes))
}
