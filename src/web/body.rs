//! How large what someone sends may be, and how long it may take to come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::{Sleep, sleep};

use super::error::WebError;
use super::table::{Row, Verb};

/// A form is a few hundred bytes, an SSH key at most a few thousand.
pub const MOST: usize = 32 * 1024;

/// A roster of 5,000 people is half of one million; a spreadsheet may have many more columns than are read. The file's
/// frame of some hundred bytes is in it.
pub const MOST_OF_UPLOAD: usize = 4 * 1024 * 1024;

/// How long a form may take: a telephone at the edge of a network has it sent long before.
const TIME: Duration = Duration::from_secs(20);

/// How long an upload may take: that is 35 kB a second.
const TIME_OF_UPLOAD: Duration = Duration::from_mins(2);

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    most: usize,
    time: Duration,
}

impl Bound {
    /// Only a roster comes as a file: in a form, or as the whole of what a program sends.
    fn of(row: &Row) -> Self {
        if row.verb == Verb::post && row.path.ends_with("/roster/imports") {
            return Self { most: MOST_OF_UPLOAD, time: TIME_OF_UPLOAD };
        }
        Self { most: MOST, time: TIME }
    }
}

/// Refuses a body that says that it is too large, and bounds what comes of any other.
pub fn bound(request: &mut ServiceRequest, row: &Row) -> Result<(), WebError> {
    let bound = Bound::of(row);
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|told| told.to_str().ok());
    if told
        .and_then(|told| told.parse::<u64>().ok())
        .is_some_and(|told| told > u64::try_from(bound.most).unwrap_or(told))
    {
        return Err(WebError::TooLarge);
    }
    let body = request.take_payload();
    if !matches!(body, Payload::None) {
        let bounded = Bounded { body, left: bound.most, time: Box::pin(sleep(bound.time)) };
        request.set_payload(Payload::Stream { payload: Box::pin(bounded) });
    }
    Ok(())
}

/// A body that ends with an error once it is too large or takes too long.
struct Bounded {
    body: Payload,
    left: usize,
    time: Pin<Box<Sleep>>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.time.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into()))));
        }
        let chunk = ready!(Pin::new(&mut self.body).poll_next(context));
        if let Some(Ok(bytes)) = &chunk {
            match self.left.checked_sub(bytes.len()) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(PayloadError::Overflow))),
            }
        }
        Poll::Ready(chunk)
    }
}
