//! The files that pages load, built into the binary.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

use super::error::WebError;
use crate::entropy::hex;

struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    etag: String,
}

macro_rules! files {
    ($($path:literal => $kind:literal),* $(,)?) => {
        [$(File {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!("../../static/", $path)),
            etag: format!("\"{}\"", hex(&Sha256::digest(include_bytes!(concat!("../../static/", $path))))),
        }),*]
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

/// One of the files. A browser asks again each time and is told that nothing has changed.
pub async fn file(path: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let file = FILES.iter().find(|file| file.path == *path).ok_or(WebError::NotFound)?;
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response =
        if known == Some(file.etag.as_str()) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, "public, no-cache"))
        .content_type(file.kind);
    Ok(if known == Some(file.etag.as_str()) { response.finish() } else { response.body(file.bytes) })
}
