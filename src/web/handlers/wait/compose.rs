//! The page about waiting.

use chrono::NaiveDate;

use super::Answer;
use super::asked::{Wish, value};
use super::words;
use crate::domain::calendar;
use crate::domain::interval::Interval;
use crate::services::waitlist::{Choices, MyWait, Outlook, Part, WaitError};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::lab::length_options;
use crate::web::pages::layout::{Link, NearestStart, Problem, Section};
use crate::web::pages::waiting::{Chances, DayLine, Fact, Join, Offer, PartBox, WaitForm, WaitPage, Waiting};
use crate::web::present;

/// What the page is made of.
pub(super) struct Shown {
    choices: Choices,
    mine: Option<MyWait>,
    wish: Wish,
    outlook: Option<Outlook>,
    against: Vec<Problem>,
}

impl Shown {
    /// Takes what the waitlist made of the wish.
    pub(super) fn of(
        choices: Choices,
        mine: Option<MyWait>,
        mut wish: Wish,
        answer: Option<Answer>,
    ) -> Result<Self, WebError> {
        let (outlook, against) = match answer {
            None => (None, Vec::new()),
            Some(Ok(outlook)) => (Some(outlook), Vec::new()),
            Some(Err(WaitError::Never { violations, zone })) => {
                let against = violations.iter().map(|it| Problem::rule(it.code(), it.sentence(zone)));
                (None, against.collect())
            }
            Some(Err(WaitError::BadWish(_))) => {
                wish.problems.push(no_room());
                (None, Vec::new())
            }
            Some(Err(error)) => return Err(WebError::of_wait(error, None)),
        };
        Ok(Self { choices, mine, wish, outlook, against })
    }

    fn start(&self, slot: &Interval) -> NearestStart {
        let (setting, now) = (&self.choices.setting, self.choices.now);
        let path = format!("/labs/{}", setting.lab.id);
        NearestStart {
            href: present::start_href(&path, setting.zone, slot.start(), &present::with_hours(slot)),
            start: present::when(setting.zone, now, slot.start()),
            note: format!("until {}", present::end(setting.zone, slot.start(), slot.end()).text),
        }
    }

    fn free_now(&self, outlook: Option<&Outlook>) -> Vec<NearestStart> {
        outlook.map(|it| it.free_now.iter().map(|slot| self.start(slot)).collect()).unwrap_or_default()
    }
}

fn no_room() -> Problem {
    let text = "None of the times that you ticked is long enough. Tick parts that follow each other, or choose less.";
    Problem::with_field("when", text)
}

/// The page.
pub(super) fn compose(who: &SignedIn, shown: &Shown) -> WaitPage {
    let lab = &shown.choices.setting.lab;
    let offer = shown.mine.as_ref().and_then(|mine| words::offer(who, mine, shown.choices.now));
    let (answer, lead) = answer(shown, offer.as_ref());
    WaitPage {
        layout: who.context.layout(&format!("Wait for a place: {}", lab.title), Section::Labs),
        lab: Link::new(format!("/labs/{}", lab.id), lab.title.clone()),
        answer,
        lead,
        problems: shown.wish.problems.clone(),
        offer,
        mine: shown.mine.as_ref().map(|mine| waiting(shown, mine)),
        chances: chances(who, shown),
        form: shown.mine.is_none().then(|| form(shown)),
    }
}

fn answer(shown: &Shown, offer: Option<&Offer>) -> (String, Option<String>) {
    let place = |outlook: &Outlook| words::place(outlook);
    if let Some(offer) = offer {
        return (format!("A place is offered to you until {}.", offer.until.text), None);
    }
    if let Some(mine) = &shown.mine {
        let lead = "When a place comes free for you, you get a mail, and it stands here and on My labs.";
        let answer = match &mine.outlook {
            Some(outlook) => format!("You are {} in line.", place(outlook)),
            None => "You are in line.".to_owned(),
        };
        return (answer, Some(lead.to_owned()));
    }
    if !shown.against.is_empty() {
        return ("Waiting for this would be in vain.".to_owned(), None);
    }
    match &shown.outlook {
        Some(outlook) if !outlook.free_now.is_empty() => ("You need not wait: it is free now.".to_owned(), None),
        Some(outlook) => (format!("You would be {} in line.", place(outlook)), None),
        None => (
            "Wait for a place".to_owned(),
            Some(
                "When a place comes free, it is offered to whoever comes first in line: to one at a time, and held \
                 for them while they decide. Say what would suit you, and see your chances before you join."
                    .to_owned(),
            ),
        ),
    }
}

fn waiting(shown: &Shown, mine: &MyWait) -> Waiting {
    let (setting, now) = (&shown.choices.setting, shown.choices.now);
    let mut facts = vec![
        Fact::new("You wait for", words::asked_for(setting, &mine.wait.asked)),
        Fact::new("Since", present::when(setting.zone, now, mine.wait.joined_at).text),
    ];
    facts.extend(mine.outlook.iter().flat_map(|outlook| words::expected(setting, now, outlook)));
    let then = if mine.wait.asked.auto_accept {
        "it is booked for you at once".to_owned()
    } else {
        format!("it is offered to you, and held for {}", calendar::in_words(shown.choices.offer))
    };
    facts.push(Fact::new("When it comes", then));
    Waiting { id: mine.wait.id.to_string(), facts, free_now: shown.free_now(mine.outlook.as_ref()) }
}

fn chances(who: &SignedIn, shown: &Shown) -> Option<Chances> {
    let (setting, now) = (&shown.choices.setting, shown.choices.now);
    if shown.outlook.is_none() && shown.against.is_empty() {
        return None;
    }
    let asked = shown.wish.asked()?;
    let mut facts = vec![Fact::new("You ask for", words::asked_for(setting, &asked))];
    facts.extend(shown.outlook.iter().flat_map(|outlook| words::expected(setting, now, outlook)));
    let needs_key = who.caller.person.ssh_public_key.is_none();
    Some(Chances {
        facts,
        basis: shown.outlook.as_ref().map(words::basis),
        against: shown.against.clone(),
        free_now: shown.free_now(shown.outlook.as_ref()),
        join: shown.outlook.is_some().then(|| Join {
            fields: shown.wish.fields(),
            blocked: needs_key.then(|| Link::new("/me#key", "Add my SSH key")),
        }),
    })
}

fn form(shown: &Shown) -> WaitForm {
    let (choices, wish) = (&shown.choices, &shown.wish);
    let (lab, zone) = (&choices.setting.lab, choices.setting.zone);
    let due = lab.due.map(|due| format!(" before it is due, {}", calendar::date_and_time(zone, due)));
    WaitForm {
        action: format!("/labs/{}/wait", lab.id),
        lengths: length_options(&choices.setting, wish.length),
        any_text: format!("Tick none for any time{}.", due.unwrap_or_default()),
        days: choices.days.iter().map(|(date, parts)| day(*date, parts, wish)).collect(),
        auto_accept: wish.auto_accept,
        offer_stands: calendar::in_words(choices.offer),
        again: shown.outlook.is_some() || !shown.against.is_empty(),
    }
}

fn day(date: NaiveDate, possible: &[Part], wish: &Wish) -> DayLine {
    let part = |part: Part| PartBox {
        value: value(date, part),
        name: part.word(),
        hours: part.hours(),
        chosen: wish.parts.contains(&(date, part)),
        possible: possible.contains(&part),
    };
    DayLine {
        iso: date.to_string(),
        title: calendar::date(date),
        parts: Part::ALL.into_iter().map(part).collect(),
    }
}
