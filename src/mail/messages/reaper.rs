//! Mails about objects that people made by hand and that the reaper acts on: to one person about all that one sweep did.

use std::collections::BTreeSet;

use askama::Template;
use chrono::{DateTime, Utc};

use super::{Message, Surroundings, titled};
use crate::domain::ids::NetId;
use crate::domain::marked::{NextStep, Target};
use crate::domain::person::Person;

/// An object that the reaper acts on.
#[derive(Debug, Clone)]
pub struct MarkedObject {
    /// The object.
    pub target: Target,
    /// What people call the site.
    pub site: String,
    /// Whose it is, for staff; nothing if it is nobody's.
    pub owner: Option<NetId>,
    /// Why the reaper acts on it, with its numbers: a clause, without a full stop.
    pub reason: String,
    /// What comes next and when, if anything does.
    pub next: Option<(NextStep, DateTime<Utc>)>,
    /// The address of the link that takes it back, where it can be.
    pub restore_url: Option<String>,
}

/// What the reaper has done with the objects of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Nothing yet: this is the warning.
    Warned,
    /// It has stopped or shelved them.
    Stopped,
    /// It has deleted them.
    Deleted,
}

impl Told {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warned => "warned",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }
}

/// Most objects that one mail lists.
const LISTED: usize = 50;

impl MarkedObject {
    /// "server node1-cloud-ff524 at KVM@TACC".
    fn what(&self) -> String {
        let Target { kind, name, site_ref, .. } = &self.target;
        let called = if name.is_empty() { site_ref } else { name };
        format!("{} {called} at {}", kind.word(), self.site)
    }

    /// "it is stopped on Sat Feb 8, 14:00 (19:00 UTC)".
    fn comes_next(&self, it: &Surroundings<'_>) -> Option<String> {
        let (step, at) = self.next?;
        Some(format!("it is {} on {}", step.done(), it.with_utc(at)))
    }

    fn whose(&self) -> String {
        self.owner.as_ref().map_or_else(|| "nobody's".to_owned(), |owner| format!("of {owner}"))
    }
}

/// "server node1 at KVM@TACC", or how many objects and where: "3 objects at KVM@TACC", "7 objects at 2 sites".
fn what(objects: &[MarkedObject]) -> String {
    let sites: BTreeSet<&str> = objects.iter().map(|object| object.site.as_str()).collect();
    match (objects, sites.first()) {
        ([one], _) => one.what(),
        (_, Some(site)) if sites.len() == 1 => format!("{} objects at {site}", objects.len()),
        _ => format!("{} objects at {} sites", objects.len(), sites.len()),
    }
}

/// The first that comes next, of all: "Stopped on Sat Feb 8, 14:00 unless you act".
fn first_step(objects: &[MarkedObject]) -> Option<(NextStep, DateTime<Utc>)> {
    objects.iter().filter_map(|object| object.next).min_by_key(|(step, at)| (*at, *step))
}

/// What is done or to be done with the objects, and `of` whom they are.
fn subject(it: &Surroundings<'_>, told: Told, objects: &[MarkedObject], of: &str) -> String {
    let what = what(objects);
    let next = first_step(objects);
    let from = |step: NextStep, at| {
        let from = if objects.len() == 1 { "on" } else { "from" };
        format!("{} {from} {}", step.done(), it.time(at))
    };
    let done = match (told, next) {
        (Told::Warned, Some((step, at))) => format!("To be {}: ", from(step, at)),
        (Told::Warned, None) => "Noticed: ".to_owned(),
        (Told::Stopped, Some((step, at))) => format!("Stopped, to be {}: ", from(step, at)),
        (Told::Stopped, None) => "Stopped: ".to_owned(),
        (Told::Deleted, _) => "Deleted: ".to_owned(),
    };
    titled(&done, &what, of)
}

#[derive(Template)]
#[template(path = "mail/reaper_owner.txt", escape = "none")]
struct ToOwner<'a> {
    it: Surroundings<'a>,
    contact: &'a str,
    person: &'a Person,
    told: Told,
    what: String,
    /// Whether it is about one object.
    one: bool,
    listed: &'a [MarkedObject],
    others: usize,
    /// Whether any of them can be taken back by a link.
    restorable: bool,
}

/// To the owner of objects: what the reaper will do with them or has done, why, and how to keep them. `contact` is whom they
/// can ask.
pub fn to_owner(
    it: Surroundings<'_>,
    contact: &str,
    person: &Person,
    told: Told,
    objects: &[MarkedObject],
) -> Result<Message, askama::Error> {
    let listed = objects.get(..LISTED).unwrap_or(objects);
    let body = ToOwner {
        it,
        contact,
        person,
        told,
        what: what(objects),
        one: objects.len() == 1,
        listed,
        others: objects.len() - listed.len(),
        restorable: listed.iter().any(|object| object.restore_url.is_some()),
    };
    Ok(Message { subject: subject(&it, told, objects, ""), body: body.render()?, calendar: None })
}

#[derive(Template)]
#[template(path = "mail/reaper_staff.txt", escape = "none")]
struct ToStaff<'a> {
    it: Surroundings<'a>,
    told: Told,
    what: String,
    listed: &'a [MarkedObject],
    others: usize,
}

/// To staff: what the reaper will do with objects or has done, and whose they are. Of what is nobody's they are told in the
/// owner's place.
pub fn to_staff(
    it: Surroundings<'_>,
    told: Told,
    objects: &[MarkedObject],
) -> Result<Message, askama::Error> {
    let listed = objects.get(..LISTED).unwrap_or(objects);
    let others = objects.len() - listed.len();
    let subject = match objects {
        [one] => subject(&it, told, objects, &format!(", {}", one.whose())),
        _ => subject(&it, told, objects, ""),
    };
    let body = ToStaff { it, told, what: what(objects), listed, others };
    Ok(Message { subject, body: body.render()?, calendar: None })
}

/// What staff hear once a day.
#[derive(Debug, Clone, Copy)]
pub struct Digest<'a> {
    /// What the reaper only reports: the first of it.
    pub reported: &'a [MarkedObject],
    /// How much there is of it.
    pub of: usize,
    /// What it tried in vain.
    pub failed: &'a [MarkedObject],
}

#[derive(Template)]
#[template(path = "mail/reaper_digest.txt", escape = "none")]
struct DigestMail<'a> {
    it: Surroundings<'a>,
    first: String,
    reported: &'a [MarkedObject],
    more: usize,
    failed: &'a [MarkedObject],
}

/// What nobody's mail tells: what the reaper leaves to staff, and what it could not do.
pub fn digest(it: Surroundings<'_>, digest: &Digest<'_>) -> Result<Message, askama::Error> {
    let Digest { reported, of, failed } = *digest;
    let things = |count: usize| if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
    let subject = match (of, failed.len()) {
        (of, 0) => format!("Left to you: {}", things(of)),
        (0, failed) => format!("Could not be deleted: {}", things(failed)),
        (of, failed) => format!("Left to you: {}; could not be deleted: {failed}", things(of)),
    };
    let listed = reported.get(..LISTED).unwrap_or(reported);
    let body = DigestMail {
        it,
        first: format!("{subject}."),
        reported: listed,
        more: of.saturating_sub(listed.len()),
        failed: failed.get(..LISTED).unwrap_or(failed),
    };
    Ok(Message { subject, body: body.render()?, calendar: None })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::America::New_York;

    use super::*;
    use crate::domain::blueprint::Kind;
    use crate::domain::ids::PersonId;
    use crate::domain::person::Role;

    /// Saturday 8 February 2025, 19:30 in New York.
    fn now() -> DateTime<Utc> {
        "2025-02-09T00:30:00Z".parse().unwrap()
    }

    fn around() -> Surroundings<'static> {
        let public_url = "https://fairlease.example.edu";
        Surroundings { course: "Cloud Computing", zone: New_York, public_url, now: now() }
    }

    fn object(name: &str, site: &str, next: Option<NextStep>) -> MarkedObject {
        MarkedObject {
            target: Target {
                site: "kvm-tacc".parse().unwrap(),
                kind: Kind::Server,
                site_ref: "s-1".to_owned(),
                name: name.to_owned(),
            },
            site: site.to_owned(),
            owner: Some("ff524".parse().unwrap()),
            reason: "it has been there for 9 h, and every lab allows 8 h at most".to_owned(),
            next: next.map(|step| (step, now() + TimeDelta::hours(12))),
            restore_url: next.map(|_| "https://fairlease.example.edu/links/a.b".to_owned()),
        }
    }

    fn owner(told: Told, objects: &[MarkedObject]) -> Message {
        let net_id = "ff524".parse().unwrap();
        let mail = "ff524@example.edu".to_owned();
        let person = Person::new(PersonId::from_bits(1), net_id, "A student".to_owned(), mail, Role::Student);
        to_owner(around(), "staff@example.edu", &person, told, objects).unwrap()
    }

    fn says(message: &Message, all: &[&str]) {
        for words in all {
            assert!(message.body.contains(words), "{words}:\n{}", message.body);
        }
        assert!(!message.body.contains("\n\n\n") && !message.body.starts_with('\n'), "{}", message.body);
    }

    #[test]
    fn a_warning_says_why_what_is_next_and_how_to_keep_it() {
        let mail = owner(Told::Warned, &[object("node1", "KVM@TACC", Some(NextStep::Stop))]);
        assert_eq!(mail.subject, "To be stopped on Sun Feb 9, 07:30: server node1 at KVM@TACC");
        says(
            &mail,
            &[
                "Nothing is done yet.\n\nserver node1 at KVM@TACC\n  Why      it has been there for 9 h",
                "\n  Next     it is stopped on Sun Feb 9, 07:30 (12:30 UTC)\n",
                "\n  Keep it  https://fairlease.example.edu/links/a.b\n",
                "Times are New York time (EST).",
                "Write to staff@example.edu.",
            ],
        );
    }

    #[test]
    fn what_is_deleted_is_told_with_when_and_what_was_kept() {
        let mail = owner(Told::Deleted, &[object("", "KVM@TACC", None)]);
        assert_eq!(mail.subject, "Deleted: server s-1 at KVM@TACC");
        says(
            &mail,
            &[
                "\n  Deleted  Sat Feb 8, 19:30 (Sun Feb 9, 00:30 UTC)\n",
                "What was kept: whatever else of yours is at this site.",
            ],
        );
        assert!(!mail.body.contains("Keep it"), "{}", mail.body);
    }

    #[test]
    fn one_mail_tells_of_many_and_lists_fifty() {
        let next = Some(NextStep::Delete);
        let mut objects: Vec<_> = (0..53).map(|n| object(&format!("node{n}-"), "KVM@TACC", next)).collect();
        let mail = owner(Told::Stopped, &objects);
        assert_eq!(mail.subject, "Stopped, to be deleted from Sun Feb 9, 07:30: 53 objects at KVM@TACC");
        says(&mail, &["\nserver node49- at", "\n\nAnd 3 more.\n"]);
        assert!(!mail.body.contains("node50-"), "{}", mail.body);
        objects.truncate(2);
        objects[1].site = "CHI@UC".to_owned();
        assert_eq!(owner(Told::Deleted, &objects).subject, "Deleted: 2 objects at 2 sites");
    }

    #[test]
    fn staff_hear_whose_it_is() {
        let mut object = object("node1", "KVM@TACC", Some(NextStep::Stop));
        let mail = to_staff(around(), Told::Stopped, std::slice::from_ref(&object)).unwrap();
        assert!(mail.subject.ends_with("server node1 at KVM@TACC, of ff524"), "{}", mail.subject);
        object.owner = None;
        let mail = to_staff(around(), Told::Warned, &[object]).unwrap();
        assert!(mail.subject.ends_with(", nobody's"), "{}", mail.subject);
        says(&mail, &["server node1 at KVM@TACC, nobody's\n", "What is nobody's is told to you alone"]);
    }
}
