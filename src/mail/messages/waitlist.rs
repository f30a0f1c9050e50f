//! Mails to those who wait for a place.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Message, Occurrence, ics, titled, with_utc};
use crate::domain::calendar;
use crate::domain::waitlist::{MOST_LAPSES, Wait};

/// "14:20", or with its day if that is not the one of `now`.
fn short(zone: Tz, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let date = |at| calendar::local_date(zone, at);
    if date(at) == date(now) { calendar::time(zone, at) } else { calendar::date_and_time(zone, at) }
}

impl Occurrence<'_> {
    /// What is told, and then "Sat Feb 8, 10:00 to 14:00 - Kubernetes".
    fn told_of_slot(&self, what: &str) -> String {
        titled(&format!("{what}: {} - ", calendar::span(self.zone, &self.booking.slot)), self.lab, "")
    }

    /// Where free slots of the lab are found.
    fn find_url(&self) -> String {
        format!("{}?view=find", self.lab_url())
    }

    fn line_footer(&self) -> String {
        format!(
            "You get this because you asked to wait for a place in this lab in {}.\nQuestions: {}. Quote booking {}.",
            self.course, self.contact, self.booking.id
        )
    }
}

#[derive(Template)]
#[template(path = "mail/offered.txt", escape = "none")]
struct Offered<'a> {
    it: Occurrence<'a>,
    until: String,
    /// With its day, and in UTC.
    held: String,
    accept_url: &'a str,
    pass_url: &'a str,
    others_wait: usize,
    others: String,
    most: i32,
}

/// "A place for you": it is held up to `until`. The links take it and pass it on; so many others are in the same line.
pub fn offered(
    it: Occurrence<'_>,
    until: DateTime<Utc>,
    accept_url: &str,
    pass_url: &str,
    others_wait: usize,
) -> Result<Message, askama::Error> {
    let (held, until) = (it.with_utc(until), short(it.zone, until, it.now));
    let others =
        if others_wait == 1 { "1 other waits".to_owned() } else { format!("{others_wait} others wait") };
    let subject = it.told_of_slot(&format!("A place for you until {until}"));
    let body = Offered { it, until, held, accept_url, pass_url, others_wait, others, most: MOST_LAPSES };
    Ok(Message { subject, body: body.render()?, calendar: None })
}

#[derive(Template)]
#[template(path = "mail/booked_from_line.txt", escape = "none")]
struct BookedFromLine<'a> {
    it: Occurrence<'a>,
}

/// "Booked, you waited for it": the place is the student's, at once or because they took what was offered. With an invitation.
pub fn booked_from_line(it: Occurrence<'_>) -> Result<Message, askama::Error> {
    Ok(Message {
        subject: it.told_of_slot("Booked, you waited for it"),
        body: BookedFromLine { it }.render()?,
        calendar: Some(it.calendar(ics::invitation)),
    })
}

#[derive(Template)]
#[template(path = "mail/offer_lapsed.txt", escape = "none")]
struct OfferLapsed<'a> {
    it: Occurrence<'a>,
    goes_on: bool,
    ordinal: String,
    since: String,
    most: i32,
}

/// "Went on": an offer was not answered in time. The student stays in line, or that was one too many.
pub fn offer_lapsed(it: Occurrence<'_>, wait_goes_on: bool) -> Result<Message, askama::Error> {
    let now = if wait_goes_on { "you stay in line" } else { "you wait no more" };
    let ordinal = match MOST_LAPSES {
        3 => "third".to_owned(),
        most => format!("{most}th"),
    };
    let since = it.with_utc(it.booking.created_at);
    Ok(Message {
        subject: it.told_of_slot(&format!("The offer went on, {now}")),
        body: OfferLapsed { it, goes_on: wait_goes_on, ordinal, since, most: MOST_LAPSES }.render()?,
        calendar: None,
    })
}

/// What a mail needs about a wait for which there is no booking.
#[derive(Debug, Clone, Copy)]
pub struct InLine<'a> {
    /// The wait.
    pub wait: &'a Wait,
    /// The lab's title.
    pub lab: &'a str,
    /// Whether the lab can be booked after this.
    pub open: bool,
    /// The course's title.
    pub course: &'a str,
    /// The course's contact address.
    pub contact: &'a str,
    /// The course's zone.
    pub zone: Tz,
    /// Where the service's pages are, without a slash at the end.
    pub public_url: &'a str,
    /// When the mail is written.
    pub now: DateTime<Utc>,
}

impl InLine<'_> {
    fn lab_url(&self) -> String {
        format!("{}/labs/{}", self.public_url, self.wait.lab)
    }

    /// Where free slots are found; of the length that was asked for, if that is one of whole hours.
    fn find_url(&self) -> String {
        let minutes = self.wait.asked.length_minutes;
        let hours = if minutes % 60 == 0 { format!("&hours={}", minutes / 60) } else { String::new() };
        format!("{}?view=find{hours}", self.lab_url())
    }

    fn since(&self) -> String {
        with_utc(self.zone, self.wait.joined_at)
    }

    fn zone_name(&self) -> String {
        calendar::zone_name(self.zone, self.now)
    }
}

/// Most windows that a mail lists.
const LISTED: usize = 10;

#[derive(Template)]
#[template(path = "mail/wait_over.txt", escape = "none")]
struct WaitOver<'a> {
    it: InLine<'a>,
    wanted: String,
    windows: Vec<String>,
    more: usize,
    waited: String,
}

/// "Nothing came free": what was waited for can't come any more, and what else there is.
pub fn wait_over(it: InLine<'_>) -> Result<Message, askama::Error> {
    let asked = &it.wait.asked;
    let length = calendar::in_words(asked.length());
    let body = WaitOver {
        it,
        wanted: if asked.windows.is_empty() { format!("{length}, at any time") } else { length },
        windows: asked.windows.iter().take(LISTED).map(|window| calendar::span(it.zone, window)).collect(),
        more: asked.windows.len().saturating_sub(LISTED),
        waited: calendar::in_words(it.now - it.wait.joined_at),
    };
    let subject = titled("Nothing came free, you wait no more: ", it.lab, "");
    Ok(Message { subject, body: body.render()?, calendar: None })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::America::New_York;

    use super::*;
    use crate::domain::booking::{Booking, EndReason, State};
    use crate::domain::ids::{BookingId, PersonId, WaitId};
    use crate::domain::interval::Interval;
    use crate::domain::person::{Person, Role};
    use crate::domain::su::Su;
    use crate::domain::waitlist::{Asked, Outcome, WaitState};

    fn at(text: &str) -> DateTime<Utc> {
        calendar::instant(New_York, format!("2025-02-{text}:00").parse().unwrap())
    }

    fn person() -> Person {
        let net_id = "ff524".parse().unwrap();
        let mail = "ff524@example.edu".to_owned();
        Person::new(PersonId::from_bits(1), net_id, "A student".to_owned(), mail, Role::Student)
    }

    /// Three servers from 10:00 to 14:00, offered at 13:20 the day before.
    fn booking(state: State) -> Booking {
        Booking {
            id: BookingId::from_bits(2),
            person: PersonId::from_bits(1),
            lab: "k8s".parse().unwrap(),
            pool: "kvm".parse().unwrap(),
            label: "k8s-ff524".to_owned(),
            units: 1,
            servers: 3,
            nodes: Vec::new(),
            slot: Interval::new(at("08T10:00"), at("08T14:00")).unwrap(),
            held_from: at("08T09:50"),
            wanted_end: None,
            wanted_slot: None,
            su_per_hour: Su::from_micro(120_000),
            preparing_at: None,
            state,
            trouble: None,
            waived: false,
            version: 1,
            created_at: at("07T13:20"),
            next_step_at: None,
        }
    }

    fn about<R>(state: State, now: &str, make: impl FnOnce(Occurrence<'_>) -> R) -> R {
        let (booking, person) = (booking(state), person());
        make(Occurrence {
            booking: &booking,
            person: &person,
            lab: "Kubernetes",
            course: "Cloud Computing",
            contact: "staff@example.edu",
            zone: New_York,
            public_url: "https://fairlease.example.edu",
            now: at(now),
        })
    }

    fn offer(now: &str, until: &str, others: usize) -> Message {
        let until = at(until);
        let make = |it: Occurrence<'_>| offered(it, until, "https://f/links/a", "https://f/links/p", others);
        about(State::Offered { until }, now, make).unwrap()
    }

    fn lapse(goes_on: bool) -> Message {
        let state = State::Offered { until: at("07T14:20") };
        let state = state.release(EndReason::Lapsed, at("07T14:20")).unwrap();
        about(state, "07T14:20", |it| offer_lapsed(it, goes_on)).unwrap()
    }

    fn over(windows: Vec<Interval>, open: bool) -> Message {
        let now = at("09T14:00");
        let wait = Wait {
            id: WaitId::from_bits(3),
            person: PersonId::from_bits(1),
            lab: "k8s".parse().unwrap(),
            asked: Asked { length_minutes: 240, windows, auto_accept: false },
            joined_at: at("06T13:00"),
            age_from: at("06T13:00"),
            lapses: 0,
            passed: Vec::new(),
            state: WaitState::Ended { at: now, outcome: Outcome::Over },
        };
        wait_over(InLine {
            wait: &wait,
            lab: "Kubernetes",
            open,
            course: "Cloud Computing",
            contact: "staff@example.edu",
            zone: New_York,
            public_url: "https://fairlease.example.edu",
            now,
        })
        .unwrap()
    }

    fn says(message: &Message, all: &[&str]) {
        for words in all {
            assert!(message.body.contains(words), "{words}:\n{}", message.body);
        }
        assert!(!message.body.contains("\n\n\n") && !message.body.starts_with('\n'), "{}", message.body);
    }

    #[test]
    fn an_offer_says_it_all_in_its_subject() {
        let mail = offer("08T08:20", "08T09:20", 3);
        assert_eq!(mail.subject, "A place for you until 09:20: Sat Feb 8, 10:00 to 14:00 - Kubernetes");
        assert_eq!(
            mail.body,
            "\
A place is held for you until 09:20: Sat Feb 8, 10:00 to 14:00, New York time (EST).

Take it: https://f/links/a
Pass it on: https://f/links/p

A link shows what it will do, and asks you to press a button. It works without signing in, so forward this mail to nobody.

If you do nothing, the place goes to the next in line at 09:20: 3 others wait for this lab. You stay in line, but your \
waiting counts anew from then, and after 3 offers in a row without an answer it is over. If you pass it on, you stay in \
line for another time, too, and somebody else has this one the sooner.

What it costs: 12.5 server-hours, 0.5 SU. If you don't take it, nothing.

Kubernetes
  Start   Sat Feb 8, 10:00
  End     Sat Feb 8, 14:00
  In UTC  Sat Feb 8, 15:00 to 19:00 UTC
  Held    until Sat Feb 8, 09:20 (14:20 UTC)

The offer: https://fairlease.example.edu/bookings/000000000002
Your place in line: https://fairlease.example.edu/labs/k8s

--
You get this because you asked to wait for a place in this lab in Cloud Computing.
Questions: staff@example.edu. Quote booking 000000000002."
        );
        assert_eq!(mail.calendar, None, "it is not theirs yet");
    }

    #[test]
    fn an_offer_that_stands_longer_than_today_says_the_day() {
        let mail = offer("07T23:50", "08T08:30", 1);
        assert!(mail.subject.starts_with("A place for you until Sat Feb 8, 08:30: "), "{}", mail.subject);
        says(&mail, &["goes to the next in line at Sat Feb 8, 08:30: 1 other waits for this lab."]);
    }

    #[test]
    fn without_others_an_offer_that_is_not_taken_is_free_for_everybody() {
        let mail = offer("08T08:20", "08T09:20", 0);
        says(&mail, &["If you do nothing, the place is free for everybody from 09:20 on. You stay in line"]);
        assert!(!mail.body.contains("next in line"), "{}", mail.body);
    }

    #[test]
    fn what_is_booked_at_once_comes_with_an_invitation() {
        let mail = about(State::Booked, "07T13:20", booked_from_line).unwrap();
        assert_eq!(mail.subject, "Booked, you waited for it: Sat Feb 8, 10:00 to 14:00 - Kubernetes");
        says(
            &mail,
            &[
                "A place that you waited for is booked: Sat Feb 8, 10:00 to 14:00, New York time (EST).\n\nYour booking: https",
                "\n  Costs   12.5 server-hours, 0.5 SU\n",
            ],
        );
        let calendar = mail.calendar.unwrap();
        assert!(
            calendar.contains("METHOD:REQUEST") && calendar.contains("000000000002@fairlease"),
            "{calendar}"
        );
    }

    #[test]
    fn a_lapse_says_whether_the_wait_goes_on() {
        let mail = lapse(true);
        assert_eq!(
            mail.subject,
            "The offer went on, you stay in line: Sat Feb 8, 10:00 to 14:00 - Kubernetes"
        );
        says(
            &mail,
            &[
                "New York time (EST). You stay in line.\n\nYour place in line: https://fairlease.example.edu/labs/k8s\n",
                "Your waiting counts anew from now on.",
                "\n  Since    Fri Feb 7, 13:20 (18:20 UTC)\n",
            ],
        );
        let mail = lapse(false);
        assert_eq!(
            mail.subject,
            "The offer went on, you wait no more: Sat Feb 8, 10:00 to 14:00 - Kubernetes"
        );
        says(
            &mail,
            &[
                "It was the third in a row, so you wait no more.\n\nWait again: https://fairlease.example.edu/labs/k8s\n",
                "join the line again on its page",
            ],
        );
        assert!(!mail.body.contains("counts anew"), "{}", mail.body);
    }

    #[test]
    fn a_wait_that_is_over_leads_to_what_is_free() {
        let window = |day: u32| {
            let from = at(&format!("0{day}T08:00"));
            Interval::new(from, from + TimeDelta::hours(6)).unwrap()
        };
        let mail = over(vec![window(8), window(9)], true);
        assert_eq!(mail.subject, "Nothing came free, you wait no more: Kubernetes");
        assert_eq!(
            mail.body,
            "\
Nothing came free in time of what you waited for in Kubernetes, and your waiting is over.

What is free now: https://fairlease.example.edu/labs/k8s?view=find&hours=4
The lab, and waiting again: https://fairlease.example.edu/labs/k8s

Other times or a shorter slot may be free: the first link shows the nearest ones. On the lab's page you can also wait for \
other times.

Kubernetes
  Wanted  4 h
  Within  Sat Feb 8, 08:00 to 14:00
  Within  Sun Feb 9, 08:00 to 14:00
  Waited  3 d 1 h, since Thu Feb 6, 13:00 (18:00 UTC)

Times are New York time (EST). Nothing is counted for waiting.

--
You get this because you waited for a place in this lab in Cloud Computing.
Questions: staff@example.edu."
        );
    }

    #[test]
    fn after_the_last_slot_of_a_lab_it_names_whom_to_ask() {
        let mail = over(Vec::new(), false);
        says(&mail, &["\n  Wanted  4 h, at any time\n", "write to staff@example.edu: the figures below"]);
        assert!(!mail.body.contains("view=find"), "{}", mail.body);
        let many: Vec<_> = (0..12)
            .filter_map(|hour| {
                let from = at("08T00:00") + TimeDelta::hours(2 * hour);
                Interval::new(from, from + TimeDelta::hours(1))
            })
            .collect();
        says(&over(many, true), &["18:00 to 19:00\n  and 2 more\n  Waited  "]);
    }
}
