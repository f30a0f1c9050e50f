//! What every answer tells the browser to keep to, errors and files included.

use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::DefaultHeaders;

/// What a page may load and where it may lead: only from here, nothing inline.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same for a page that shows a mail in a frame.
pub fn with_frame() -> (HeaderName, String) {
    (header::CONTENT_SECURITY_POLICY, format!("{CSP}; frame-src 'self'"))
}

/// For a mail in that frame: its styles are written in it, as mail needs. It runs nothing, loads nothing and sends nothing,
/// whatever is in it, and is of no origin; what is clicked leads the whole page on.
pub fn of_framed_mail() -> [(HeaderName, &'static str); 2] {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                  frame-ancestors 'self'; sandbox allow-top-navigation-by-user-activation";
    [(header::CONTENT_SECURITY_POLICY, policy), (header::X_FRAME_OPTIONS, "SAMEORIGIN")]
}

/// What of the machine no page needs. Copying a command into the clipboard is left.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), bluetooth=(), camera=(), clipboard-read=(), display-capture=(), \
                           encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), \
                           local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
                           publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), web-share=(), \
                           xr-spatial-tracking=()";

/// For a year browsers come over an encrypted connection only, if they once did.
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// The headers of every answer; what it says itself stays. Nothing is to be kept that does not say that it may: a page shows
/// what is one person's, and a redirect sets cookies.
///
/// Signing out sends no `Clear-Site-Data`: there is nothing private in a cache, and clearing it takes browsers seconds.
pub fn of_every_answer(secure: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, CSP))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "same-origin"))
        .add((header::PERMISSIONS_POLICY, PERMISSIONS))
        .add((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .add((header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"));
    if secure { headers.add((header::STRICT_TRANSPORT_SECURITY, HSTS)) } else { headers }
}
