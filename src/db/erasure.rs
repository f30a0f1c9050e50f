//! Taking a person out of what is kept: their bookings and sums stay, and nothing says any more whose they were.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::audit::forget_audit_details;
use super::connection::{Conn, on};
use super::schema::{
    announcement_people, announcement_revisions, announcements, api_tokens, bookings, bounces,
    calendar_addresses, deferrals, events, exceptions, exemptions, identities, marks, notices, outages,
    pauses, people, receipts, resources, roster_imports, sessions, sweep_acts, sweeps, usage_lines,
};
use super::types::Ts;
use super::usage::BY_HAND;
use crate::domain::ids::NetId;
use crate::domain::person::{Choices, Person};

/// What stands where something was said of the person.
const ERASED: &str = "erased";

/// Takes out who the person was, everywhere. `stand_in` takes the place of their net ID where one has to stand. Reads whole
/// tables where no index leads to them: it is done once for a person.
pub fn erase(
    conn: &mut Conn<'_>,
    person: &Person,
    stand_in: &NetId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    erase_from_people(conn, person, stand_in, now)?;
    end_access(conn, person)?;
    erase_from_bookings(conn, person, stand_in)?;
    erase_from_usage(conn, person, now)?;
    erase_from_exceptions(conn, person, stand_in)?;
    erase_from_mail(conn, person)?;
    erase_from_sweeps(conn, person, stand_in)?;
    erase_from_guards(conn, person, stand_in)?;
    erase_from_outages(conn, person, stand_in)?;
    erase_from_imports(conn, person)?;
    erase_from_announcements(conn, person)?;
    forget_audit_details(conn, &person.id)?;
    Ok(())
}

fn erase_from_people(
    conn: &mut Conn<'_>,
    person: &Person,
    stand_in: &NetId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let choices = serde_json::to_string(&Choices::default()).map_err(DbError::corrupt)?;
    on!(conn, |c| diesel::update(people::table.find(person.id.as_str()))
        .set((
            people::net_id.eq(stand_in.as_str()),
            people::name.eq(ERASED),
            people::mail.eq(""),
            people::admin.eq(0),
            people::ssh_public_key.eq(None::<String>),
            people::choices.eq(&choices),
            people::cloud_users.eq(None::<String>),
            people::erased_at.eq(Some(Ts(now))),
        ))
        .execute(c))?;
    Ok(())
}

fn end_access(conn: &mut Conn<'_>, person: &Person) -> Result<(), DbError> {
    let id = person.id.as_str();
    on!(conn, |c| diesel::delete(sessions::table.filter(sessions::person_id.eq(id))).execute(c))?;
    on!(conn, |c| diesel::update(sessions::table.filter(sessions::acting_as.eq(id)))
        .set(sessions::acting_as.eq(None::<String>))
        .execute(c))?;
    on!(conn, |c| diesel::delete(identities::table.filter(identities::person_id.eq(id))).execute(c))?;
    on!(conn, |c| diesel::delete(api_tokens::table.filter(api_tokens::person_id.eq(id))).execute(c))?;
    on!(conn, |c| diesel::delete(calendar_addresses::table.filter(calendar_addresses::person_id.eq(id)))
        .execute(c))?;
    Ok(())
}

/// How many ids one statement asks for.
const AT_ONCE: usize = 500;

fn bookings_of(conn: &mut Conn<'_>, person: &Person) -> Result<Vec<String>, DbError> {
    Ok(on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.id.as_str()))
        .select(bookings::id)
        .load(c))?)
}

/// The sites have none of their objects any more, so what these were goes, too.
fn erase_from_bookings(conn: &mut Conn<'_>, person: &Person, stand_in: &NetId) -> Result<(), DbError> {
    for some in bookings_of(conn, person)?.chunks(AT_ONCE) {
        let held = resources::table.filter(resources::booking_id.eq_any(some));
        on!(conn, |c| diesel::delete(held).execute(c))?;
    }
    let theirs = bookings::table.filter(bookings::person_id.eq(person.id.as_str()));
    on!(conn, |c| diesel::update(theirs)
        .set((
            bookings::label.eq(bookings::lab_id),
            bookings::trouble.eq(None::<String>),
            bookings::idempotency_key.eq(None::<String>),
        ))
        .execute(c))?;
    on!(conn, |c| diesel::update(events::table.filter(events::actor.eq(person.net_id.as_str())))
        .set(events::actor.eq(stand_in.as_str()))
        .execute(c))?;
    on!(conn, |c| diesel::delete(receipts::table.filter(receipts::person_id.eq(person.id.as_str())))
        .execute(c))?;
    Ok(())
}

/// What was made by hand has its line under the site's own id of it, which may be a name that its owner gave it. Nobody can say
/// any more whose such a thing is, so a line that runs ends.
fn erase_from_usage(conn: &mut Conn<'_>, person: &Person, now: DateTime<Utc>) -> Result<(), DbError> {
    let theirs = usage_lines::table
        .filter(usage_lines::person_id.eq(person.id.as_str()))
        .filter(usage_lines::booking_id.is_null());
    on!(conn, |c| diesel::update(theirs.filter(usage_lines::until_at.is_null()))
        .set(usage_lines::until_at.eq(Some(Ts(now))))
        .execute(c))?;
    let sources: Vec<String> =
        on!(conn, |c| theirs.select(usage_lines::source).distinct().order(usage_lines::source).load(c))?;
    for (number, source) in (1..).zip(&sources) {
        let without = format!("{BY_HAND}{ERASED} {} {number}", person.id);
        on!(conn, |c| diesel::update(theirs.filter(usage_lines::source.eq(source)))
            .set(usage_lines::source.eq(&without))
            .execute(c))?;
    }
    Ok(())
}

fn erase_from_exceptions(conn: &mut Conn<'_>, person: &Person, stand_in: &NetId) -> Result<(), DbError> {
    let theirs = exceptions::table.filter(exceptions::person_id.eq(person.id.as_str()));
    on!(conn, |c| diesel::delete(theirs).execute(c))?;
    let by = person.net_id.as_str();
    on!(conn, |c| diesel::update(exceptions::table.filter(exceptions::granted_by.eq(by)))
        .set(exceptions::granted_by.eq(stand_in.as_str()))
        .execute(c))?;
    on!(conn, |c| diesel::update(exceptions::table.filter(exceptions::revoked_by.eq(by)))
        .set(exceptions::revoked_by.eq(Some(stand_in.as_str())))
        .execute(c))?;
    Ok(())
}

/// Their mail, and what was sent to others and names them: those have it in their own mailboxes.
fn erase_from_mail(conn: &mut Conn<'_>, person: &Person) -> Result<(), DbError> {
    let theirs = notices::table.filter(notices::person_id.eq(person.id.as_str()));
    on!(conn, |c| diesel::delete(theirs).execute(c))?;
    on!(conn, |c| diesel::delete(bounces::table.find(person.id.as_str())).execute(c))?;
    for said in [person.net_id.as_str(), person.mail.as_str(), person.name.as_str()] {
        let said = like(said);
        let named = notices::subject
            .like(&said)
            .escape('\\')
            .or(notices::body.like(&said).escape('\\'))
            .or(notices::recipient.like(&said).escape('\\'));
        on!(conn, |c| diesel::delete(
            notices::table.filter(named).filter(notices::next_attempt_at.is_null())
        )
        .execute(c))?;
    }
    Ok(())
}

/// A pattern for texts that hold this one. One of nothing would be in all: it is in none.
fn like(text: &str) -> String {
    if text.is_empty() {
        return "\\".repeat(2);
    }
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn erase_from_sweeps(conn: &mut Conn<'_>, person: &Person, stand_in: &NetId) -> Result<(), DbError> {
    let net_id = person.net_id.as_str();
    on!(conn, |c| diesel::delete(marks::table.filter(marks::net_id.eq(net_id))).execute(c))?;
    let said_nothing = || {
        (
            sweep_acts::net_id.eq(Some(stand_in.as_str())),
            sweep_acts::name.eq(None::<String>),
            sweep_acts::reason.eq(ERASED),
            sweep_acts::outcome.eq(ERASED),
        )
    };
    let acts = sweep_acts::table.filter(sweep_acts::net_id.eq(net_id));
    on!(conn, |c| diesel::update(acts).set(said_nothing()).execute(c))?;
    for some in bookings_of(conn, person)?.chunks(AT_ONCE) {
        let acts = sweep_acts::table.filter(sweep_acts::booking_id.eq_any(some));
        on!(conn, |c| diesel::update(acts).set(said_nothing()).execute(c))?;
    }
    let said = like(net_id);
    on!(conn, |c| diesel::update(sweeps::table.filter(sweeps::plan.like(&said).escape('\\')))
        .set(sweeps::plan.eq(None::<String>))
        .execute(c))?;
    Ok(())
}

fn erase_from_outages(conn: &mut Conn<'_>, person: &Person, stand_in: &NetId) -> Result<(), DbError> {
    let (by, new) = (person.net_id.as_str(), stand_in.as_str());
    on!(conn, |c| diesel::update(outages::table.filter(outages::declared_by.eq(by)))
        .set(outages::declared_by.eq(new))
        .execute(c))?;
    on!(conn, |c| diesel::update(outages::table.filter(outages::ended_by.eq(by)))
        .set(outages::ended_by.eq(Some(new)))
        .execute(c))?;
    on!(conn, |c| diesel::update(deferrals::table.filter(deferrals::by.eq(by)))
        .set(deferrals::by.eq(new))
        .execute(c))?;
    Ok(())
}

fn erase_from_guards(conn: &mut Conn<'_>, person: &Person, stand_in: &NetId) -> Result<(), DbError> {
    let (by, new) = (person.net_id.as_str(), stand_in.as_str());
    let said = like(&format!("\"{by}\""));
    on!(conn, |c| diesel::delete(exemptions::table.filter(exemptions::what.like(&said).escape('\\')))
        .execute(c))?;
    on!(conn, |c| diesel::update(exemptions::table.filter(exemptions::by.eq(by)))
        .set(exemptions::by.eq(new))
        .execute(c))?;
    on!(conn, |c| diesel::update(exemptions::table.filter(exemptions::ended_by.eq(by)))
        .set(exemptions::ended_by.eq(Some(new)))
        .execute(c))?;
    on!(conn, |c| diesel::update(pauses::table.filter(pauses::by.eq(by)))
        .set(pauses::by.eq(new))
        .execute(c))?;
    on!(conn, |c| diesel::update(pauses::table.filter(pauses::ended_by.eq(by)))
        .set(pauses::ended_by.eq(Some(new)))
        .execute(c))?;
    Ok(())
}

/// What a roster was to change names everyone of it: of one that names them, only that it was brought stays.
fn erase_from_imports(conn: &mut Conn<'_>, person: &Person) -> Result<(), DbError> {
    let said = like(&format!("\"{}\"", person.net_id));
    let naming = roster_imports::table.filter(roster_imports::plan.like(&said).escape('\\'));
    on!(conn, |c| diesel::delete(naming).execute(c))?;
    Ok(())
}

/// What an announcement says goes if it has their net ID, their address or their whole name in it: it stays that something was
/// announced. A name of one word may be any word, so it is not looked for.
fn erase_from_announcements(conn: &mut Conn<'_>, person: &Person) -> Result<(), DbError> {
    let theirs = announcement_people::table.filter(announcement_people::person_id.eq(person.id.as_str()));
    on!(conn, |c| diesel::delete(theirs).execute(c))?;
    let whole_name = Some(person.name.as_str()).filter(|name| name.contains(' ') && *name != ERASED);
    for said in [Some(person.net_id.as_str()), Some(person.mail.as_str()), whole_name].into_iter().flatten() {
        let said = like(said);
        let named =
            announcements::title.like(&said).escape('\\').or(announcements::text.like(&said).escape('\\'));
        on!(conn, |c| diesel::update(announcements::table.filter(named))
            .set((announcements::title.eq(ERASED), announcements::text.eq(ERASED)))
            .execute(c))?;
        let named = announcement_revisions::title
            .like(&said)
            .escape('\\')
            .or(announcement_revisions::text.like(&said).escape('\\'));
        on!(conn, |c| diesel::update(announcement_revisions::table.filter(named))
            .set((announcement_revisions::title.eq(ERASED), announcement_revisions::text.eq(ERASED)))
            .execute(c))?;
    }
    Ok(())
}
