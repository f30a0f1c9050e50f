//! `/`: my labs.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{announcements, page_once, wait};
use crate::db::DbError;
use crate::domain::booking::{Booking, State};
use crate::domain::calendar;
use crate::domain::ids::NetId;
use crate::domain::marked::Stage;
use crate::domain::person::Person;
use crate::services::labs::{self, LabCard as Card};
use crate::services::sweeps::{self, Follows};
use crate::services::waitlist;
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::labs::{LabCard, LabsPage, TeamLine};
use crate::web::pages::layout::{LabState, Link, Section};
use crate::web::present;

/// Shows the person's labs.
pub async fn show(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let app = who.context.app().clone();
    let (db, person) = (app.db.clone(), who.caller.person.clone());
    let needs_key = person.ssh_public_key.is_none();
    let (overview, marked, waits, of_team) = db
        .read::<_, DbError, _>("labs", move |conn| {
            let marked = sweeps::marked(conn, Some(&person.net_id))?;
            let waits = waitlist::mine(&app, conn, &person)?;
            let of_team = labs::of_team(conn, &person)?;
            Ok((labs::overview(&app, conn, &person)?, marked, waits, of_team))
        })
        .await?;
    let now = who.context.app().now();
    let cards = overview.map(|(_, cards)| cards).unwrap_or_default();
    let offers: Vec<_> = waits.iter().filter_map(|it| wait::offer(&who, it, now)).collect();
    let (answer, detail) = match offers.first() {
        Some(offer) => (format!("A place is offered to you until {}.", offer.until.text), None),
        None => answer(&cards, now),
    };
    let card = |card: &Card| {
        let mine = waits.iter().find(|it| it.wait.lab == card.setting.lab.id);
        LabCard {
            wait: mine.and_then(|mine| wait::wait_line(mine, now)),
            ..lab_card(card, now, &who.caller.person)
        }
    };
    let shown = LabsPage {
        layout: who.context.layout("My labs", Section::Labs),
        answer,
        detail,
        announced: announcements::latest(&who, None).await?,
        labs: cards.iter().map(card).collect(),
        offers,
        needs_key,
        by_hand: by_hand(who.context.zone(), now, &marked),
        team: of_team.iter().map(|(booking, whose)| team_line(&cards, now, booking, whose)).collect(),
    };
    Ok(page_once(&request, shown.render()?))
}

/// A team mate's booking.
fn team_line(cards: &[Card], now: DateTime<Utc>, booking: &Booking, whose: &NetId) -> TeamLine {
    let lab = cards.iter().find(|card| card.setting.lab.id == booking.lab).map(|card| &card.setting);
    TeamLine {
        whose: whose.to_string(),
        lab: lab.map(|setting| setting.lab.title.clone()).unwrap_or_default(),
        booking: present::booking_line(lab.map_or(chrono_tz::UTC, |setting| setting.zone), now, booking),
    }
}

/// What of the person's the reaper has marked: how much, and what comes first.
fn by_hand(zone: Tz, now: DateTime<Utc>, marked: &[Follows]) -> Option<String> {
    let open = marked.iter().filter(|it| !matches!(it.marked.stage, Stage::Restored { .. }));
    let open: Vec<_> = open.collect();
    let first = open.first()?;
    let (what, the_first) = match open.len() {
        1 => (format!("The reaper has marked 1 {} of yours", first.marked.target.kind.word()), "it"),
        many => (format!("The reaper has marked {many} things of yours"), "the first"),
    };
    Some(match first.next {
        Some((next, at)) => {
            format!("{what}: {the_first} is {} {}.", next.done(), present::when(zone, now, at).text)
        }
        None => format!("{what}, made by hand."),
    })
}

/// The sentence that the reader came for, and what to know beside it.
fn answer(cards: &[Card], now: DateTime<Utc>) -> (String, Option<String>) {
    let bookings = || cards.iter().flat_map(|card| card.bookings.iter().map(move |booking| (card, booking)));
    if let Some((card, booking)) =
        bookings().find(|(_, booking)| matches!(booking.state, State::Active { .. }))
    {
        let until = present::when(card.setting.zone, now, booking.slot.end()).text;
        return (format!("Your servers are ready until {until}."), Some(card.setting.lab.title.clone()));
    }
    let booked = |(_, booking): &(_, &Booking)| !matches!(booking.state, State::Offered { .. });
    if let Some((card, booking)) = bookings().filter(booked).min_by_key(|(_, booking)| booking.slot.start()) {
        let start = present::when(card.setting.zone, now, booking.slot.start()).text;
        let length = calendar::in_words(booking.slot.length());
        return (
            format!("Your next booking is {start}, for {length}."),
            Some(card.setting.lab.title.clone()),
        );
    }
    match cards.iter().find(|card| present::lab_state(&card.setting.lab, now).0 != LabState::Closed) {
        Some(card) => {
            // With one lab, its rule stands right below.
            let rule = (cards.len() > 1).then(|| card.rule.clone());
            ("You have nothing booked.".to_owned(), rule)
        }
        None if cards.is_empty() => (
            "This course has no labs yet.".to_owned(),
            Some("They appear here as soon as staff put them up. There is nothing for you to do.".to_owned()),
        ),
        None => ("Every lab is over.".to_owned(), None),
    }
}

/// `4 h of 10 h used or booked, 6 h left`.
fn usage(card: &Card) -> Option<String> {
    let used = (card.used > TimeDelta::zero()).then(|| calendar::in_words(card.used));
    match (used, card.setting.lab.policy.budget_minutes) {
        (None, None) => None,
        (Some(used), None) => Some(format!("{used} used or booked")),
        (used, Some(budget)) => {
            let budget = TimeDelta::minutes(budget.into());
            let left = budget - card.used;
            let left = if left > TimeDelta::zero() { calendar::in_words(left) } else { "nothing".to_owned() };
            let (used, budget) = (used.unwrap_or_else(|| "0 h".to_owned()), calendar::in_words(budget));
            Some(format!("{used} of {budget} used or booked, {left} left"))
        }
    }
}

fn lab_card(card: &Card, now: DateTime<Utc>, person: &Person) -> LabCard {
    let lab = &card.setting.lab;
    let needs_key = person.ssh_public_key.is_none();
    let (state, state_text) = present::lab_state(lab, now);
    let bookable = matches!(state, LabState::Open | LabState::DueSoon | LabState::Deferred);
    let room = i32::try_from(card.bookings.len()).is_ok_and(|have| have < lab.policy.bookings_ahead);
    let action = match card.bookings.first() {
        Some(booking) if !room => Some(Link::new(format!("/bookings/{}", booking.id), "Go to my booking")),
        _ if bookable => Some(Link::new(format!("/labs/{}", lab.id), "Choose a time")),
        _ => None,
    };
    LabCard {
        staff: present::staff_link(person, &lab.id),
        id: lab.id.to_string(),
        href: format!("/labs/{}", lab.id),
        title: lab.title.clone(),
        state,
        state_text,
        due: lab.due.map(|due| present::when(card.setting.zone, now, due)),
        rule: card.rule.clone(),
        rule_more: card.next_week.clone(),
        bookings: card
            .bookings
            .iter()
            .map(|booking| present::booking_line(card.setting.zone, now, booking))
            .collect(),
        wait: None,
        usage: usage(card),
        action_stands_out: action.is_some() && !needs_key,
        action,
    }
}
