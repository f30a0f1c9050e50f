//! Mails to those who run the course.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Message, Surroundings, titled};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::hint::Hint;
use crate::domain::ids::PoolId;
use crate::domain::person::Person;
use crate::domain::renewal::Trouble;

/// A booking that could not be provided.
#[derive(Debug, Clone)]
pub struct FailedBooking {
    /// The booking.
    pub booking: Booking,
    /// Whose it was.
    pub person: Person,
    /// The lab's title.
    pub lab: String,
    /// How often the site was asked for the part that could not be had.
    pub tries: i32,
    /// When it was given up.
    pub failed_at: DateTime<Utc>,
}

impl FailedBooking {
    fn why(&self) -> &str {
        self.booking.trouble.as_deref().unwrap_or("The site did not say why.")
    }

    fn slot(&self, it: &Surroundings<'_>) -> String {
        calendar::span(it.zone, &self.booking.slot)
    }

    fn given_up(&self, it: &Surroundings<'_>) -> String {
        it.with_utc(self.failed_at)
    }

    fn tried(&self) -> String {
        if self.tries == 1 { "once".to_owned() } else { format!("{} times", self.tries) }
    }
}

#[derive(Template)]
#[template(path = "mail/failures.txt", escape = "none")]
struct Failures<'a> {
    it: Surroundings<'a>,
    site: &'a str,
    what: String,
    listed: &'a [FailedBooking],
    others: usize,
}

/// What failed at a site, told by what people call it, since the last such mail: `listed`, and `others` that are not.
pub fn failures(
    it: Surroundings<'_>,
    site: &str,
    listed: &[FailedBooking],
    others: usize,
) -> Result<Message, askama::Error> {
    let many = format!("{} bookings", listed.len() + others);
    let (what, subject) = if let ([one], 0) = (listed, others) {
        (
            "A booking".to_owned(),
            titled(&format!("Failed at {site}: "), &one.lab, &format!(" of {}", one.person.net_id)),
        )
    } else {
        (many.clone(), format!("{many} failed at {site}"))
    };
    let body = Failures { it, site, what, listed, others }.render()?;
    Ok(Message { subject, body, calendar: None })
}

/// A standing lease with which something is wrong.
#[derive(Debug, Clone, Copy)]
pub struct LeaseTrouble<'a> {
    /// What people call its site.
    pub site: &'a str,
    /// The lease's name.
    pub name: &'a str,
    /// The pool that draws on it.
    pub pool: &'a PoolId,
    /// Its end, if it was ever there.
    pub ends: Option<DateTime<Utc>>,
    /// Up to when the pool is booked, if it is.
    pub booked_until: Option<DateTime<Utc>>,
    /// What is wrong.
    pub trouble: &'a Trouble,
}

impl LeaseTrouble<'_> {
    fn sentence(&self, it: &Surroundings<'_>) -> String {
        self.trouble.sentence(it.zone)
    }

    fn end(&self, it: &Surroundings<'_>) -> Option<String> {
        self.ends.map(|ends| it.time(ends))
    }

    fn end_utc(&self) -> Option<String> {
        self.ends.map(|ends| calendar::date_and_time(Tz::UTC, ends))
    }

    fn booked(&self, it: &Surroundings<'_>) -> Option<String> {
        self.booked_until.map(|until| it.time(until))
    }

    fn in_short(&self) -> &'static str {
        match self.trouble {
            Trouble::NotThere => "not there",
            Trouble::Over => "over",
            Trouble::Broken => "in error",
            Trouble::Short(_) => "ends before its bookings",
            Trouble::Refused(_) => "could not be renewed",
            Trouble::Untold(_) => "the site does not say how it is",
        }
    }
}

#[derive(Template)]
#[template(path = "mail/lease.txt", escape = "none")]
struct Lease<'a> {
    it: Surroundings<'a>,
    lease: LeaseTrouble<'a>,
}

/// "Lease": something is wrong with a lease that staff hold.
pub fn lease_trouble(it: Surroundings<'_>, lease: LeaseTrouble<'_>) -> Result<Message, askama::Error> {
    Ok(Message {
        subject: format!("Lease {} at {}: {}", lease.name, lease.site, lease.in_short()),
        body: Lease { it, lease }.render()?,
        calendar: None,
    })
}

/// What a site announced.
#[derive(Debug, Clone, Copy)]
pub struct SiteSays<'a> {
    /// What people call the site.
    pub site: &'a str,
    /// What is new in its feed.
    pub hints: &'a [Hint],
}

#[derive(Template)]
#[template(path = "mail/site_says.txt", escape = "none")]
struct SiteAnnounced<'a> {
    it: Surroundings<'a>,
    says: &'a SiteSays<'a>,
    what: String,
}

impl SiteAnnounced<'_> {
    fn at(&self, hint: &Hint) -> String {
        self.it.with_utc(hint.published_at)
    }
}

/// "Site announced": what a site's own feed says is new.
pub fn site_says(it: Surroundings<'_>, says: &SiteSays<'_>) -> Result<Message, askama::Error> {
    let (what, headline) = match says.hints {
        [] => ("nothing".to_owned(), "nothing".to_owned()),
        [one] => ("this".to_owned(), one.title.clone()),
        [first, others @ ..] => {
            (format!("{} things", says.hints.len()), format!("{} and {} more", first.title, others.len()))
        }
    };
    Ok(Message {
        subject: format!("{} announced: {headline}", says.site),
        body: SiteAnnounced { it, says, what }.render()?,
        calendar: None,
    })
}
