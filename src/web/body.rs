//! How large what someone sends may be, how long it may take to come, and that nobody listens to it for ever.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::{Sleep, sleep};

use super::error::WebError;
use super::table::Row;
use crate::auth::permissions::Permission;
use crate::roster::MOST_BYTES;

/// A form is a few hundred bytes, an SSH key at most a few thousand.
pub const MOST: usize = 32 * 1024;

/// A roster comes as a file or pasted into its form, whose other fields are small.
pub const MOST_OF_UPLOAD: usize = 2 * MOST_BYTES + 64 * 1024;

/// How long a form may take: a telephone at the edge of a network has it sent long before.
const TIME: Duration = Duration::from_secs(20);

/// How long an upload may take: that is 35 kB a second.
const TIME_OF_UPLOAD: Duration = Duration::from_mins(2);

/// Where rosters are brought: on a page, and by the API.
const UPLOADS: &str = "/roster/imports";

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    most: usize,
    time: Duration,
}

impl Bound {
    /// Only a roster comes as a file.
    fn of(row: &Row) -> Self {
        if row.permission == Permission::KeepRoster && row.path.ends_with(UPLOADS) {
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

/// Has the connection end with the answer if the body is not read to its end by then. The framework by itself goes on reading
/// a body in chunks of which nobody holds anything any more, however long it takes; so the answer holds it.
pub async fn held(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let body = match request.take_payload() {
        Payload::None => return Ok(next.call(request).await?.map_into_boxed_body()),
        body => Rc::new(RefCell::new(body)),
    };
    request.set_payload(Payload::Stream { payload: Box::pin(Lent(body.clone())) });
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, answer| BoxBody::new(Answer { answer, _body: body })))
}

/// A body that the answer holds, too.
struct Lent(Rc<RefCell<Payload>>);

impl Stream for Lent {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// An answer with the body of what it answers.
struct Answer {
    answer: BoxBody,
    _body: Rc<RefCell<Payload>>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.answer.as_pin_mut().poll_next(context)
    }
}
