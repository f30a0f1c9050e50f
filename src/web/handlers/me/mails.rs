//! Which mails the person wants, and how.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};

use super::back;
use crate::domain::notice::{Bounce, Topic, Way};
use crate::domain::person::{Choices, Person};
use crate::policy::reminders::ENDING_SOON_MINUTES;
use crate::services::people;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::Problem;
use crate::web::pages::me::{MailChoices, Reminder, Returned, TopicChoice, WayOption};
use crate::web::present;

/// The choices as the page shows them, and whether mail to the person comes back.
pub(super) fn choices(who: &SignedIn, bounce: Option<&Bounce>) -> MailChoices {
    let choices = &who.caller.person.choices;
    let at = |minutes: i32| Reminder {
        value: minutes.to_string(),
        text: format!("{minutes} minutes before"),
        chosen: choices.ending_soon_minutes.contains(&minutes),
    };
    MailChoices {
        reminders: ENDING_SOON_MINUTES.into_iter().map(at).collect(),
        topics: open_to(&who.caller.person).map(|(topic, label)| shown(choices, topic, label)).collect(),
        bounce: bounce.map(|bounce| returned(who, bounce)),
    }
}

fn returned(who: &SignedIn, bounce: &Bounce) -> Returned {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    Returned {
        address: bounce.address.clone(),
        since: present::when(zone, now, bounce.since),
        words: bounce.words.clone(),
    }
}

/// The topics of which the person may choose how to hear, each with what the page calls it.
fn open_to(person: &Person) -> impl Iterator<Item = (Topic, &'static str)> {
    let of_staff = person.is_staff();
    Topic::ALL.into_iter().filter(|topic| !topic.is_required()).filter_map(move |topic| match topic {
        Topic::Ready => Some((topic, "My servers are ready, and how to get in")),
        Topic::Ended => Some((topic, "A booking is over and everything is deleted")),
        Topic::Announcement => Some((topic, "Announcements of the course")),
        Topic::Failures if of_staff => Some((topic, "For staff: bookings that sites could not provide")),
        Topic::ReaperReport if of_staff => Some((topic, "For staff: what the reaper leaves to you")),
        _ => None,
    })
}

fn shown(choices: &Choices, topic: Topic, label: &'static str) -> TopicChoice {
    let chosen = choices.way(topic);
    let way = |way: &Way| WayOption {
        value: way.word(),
        text: match way {
            Way::AtOnce => "at once",
            Way::Digest => "in one mail a day, at 08:00",
            Way::Never => "not at all",
        },
        chosen: *way == chosen,
    };
    TopicChoice { name: topic.word(), label, ways: topic.ways().iter().map(way).collect() }
}

/// Names and values, each box that is ticked by its own: several have one name.
type Form = Vec<(String, String)>;

/// Saves which mails the person wants, and how. A topic that the form does not name stays as it was.
pub async fn save_choices(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let of = |name: &'static str| {
        let values = form.iter().filter(move |(its, _)| its == name);
        values.map(|(_, value)| value.as_str())
    };
    let person = &who.caller.person;
    let mut choices =
        Choices { ending_soon_minutes: minutes(of("ending_soon"))?, ways: person.choices.ways.clone() };
    for (topic, _) in open_to(person) {
        if let Some(word) = of(topic.word()).next() {
            choices = choices.with(topic, way(topic, word)?);
        }
    }
    let id = person.id.clone();
    who.context.app().db.write("save choices", move |conn| people::set_choices(conn, &id, &choices)).await?;
    Ok(back(&who, Done::ChoicesSaved))
}

fn way(topic: Topic, word: &str) -> Result<Way, WebError> {
    Way::from_word(word).filter(|way| topic.ways().contains(way)).ok_or_else(|| {
        let text = "Choose among the ways that the page offers.";
        WebError::BadInput(vec![Problem::with_field(topic.word(), text)])
    })
}

/// Each of the minutes once, in order.
fn minutes<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<i32>, WebError> {
    let known = |text: &str| ENDING_SOON_MINUTES.into_iter().find(|minutes| minutes.to_string() == text);
    let chosen: Option<BTreeSet<i32>> = values.map(known).collect();
    let problem = || {
        let text = "Choose among the times before the end that the page offers.";
        WebError::BadInput(vec![Problem::with_field("ending_soon", text)])
    };
    Ok(chosen.ok_or_else(problem)?.into_iter().collect())
}
