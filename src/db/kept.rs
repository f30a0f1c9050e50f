//! All that is kept of one person, as JSON: for whoever asks what we know of them.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{
    announcement_people, announcements, audit_details, audit_records, bookings, bounces, calendar_addresses,
    events, exceptions, identities, marks, memberships, notices, outage_hits, people, receipts, sweep_acts,
    usage_lines, waits,
};
use super::types::Ts;
use crate::domain::person::Person;

/// More rows of one kind than anyone has. What is more is left out, and `left_out` says so.
const MOST: i64 = 20_000;

fn at(ts: Ts) -> Value {
    json!(ts.0)
}

fn maybe(ts: Option<Ts>) -> Value {
    ts.map_or(Value::Null, at)
}

/// Text that is JSON, or as it is.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn list<R>(rows: Vec<R>, read: impl Fn(R) -> Value) -> Value {
    let left_out = rows.len() >= usize::try_from(MOST).unwrap_or(usize::MAX);
    let rows: Vec<Value> = rows.into_iter().map(read).collect();
    if left_out { json!({ "rows": rows, "left_out": true }) } else { json!(rows) }
}

/// Every table that has something of the person, by what it is called here. Secrets are hashes, and not among it.
pub fn kept_of(conn: &mut Conn<'_>, person: &Person) -> Result<Vec<(&'static str, Value)>, DbError> {
    Ok(vec![
        ("person", about_person(conn, person)?),
        ("memberships", memberships_of(conn, person)?),
        ("identities", identities_of(conn, person)?),
        ("calendar_addresses", calendar_addresses_of(conn, person)?),
        ("exceptions", exceptions_granted_to(conn, person)?),
        ("bookings", bookings_kept(conn, person)?),
        ("booking_events", events_of(conn, person)?),
        ("outages", outages_of(conn, person)?),
        ("waits", waits_kept(conn, person)?),
        ("usage", usage_kept(conn, person)?),
        ("decisions", decisions_about(conn, person)?),
        ("marks", marks_kept(conn, person)?),
        ("reaped", reaped(conn, person)?),
        ("mails", mails_to(conn, person)?),
        ("announcements", announcements_of(conn, person)?),
        ("mail_comes_back", bounce_kept(conn, person)?),
        ("audit", audit_about(conn, person)?),
    ])
}

fn about_person(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let (cloud_users, created_at): (Option<String>, Ts) = on!(conn, |c| people::table
        .find(person.id.as_str())
        .select((people::cloud_users, people::created_at))
        .first(c))?;
    Ok(json!({
        "id": person.id, "net_id": person.net_id, "name": person.name, "mail": person.mail,
        "admin": person.admin, "ssh_public_key": person.ssh_public_key, "choices": person.choices,
        "cloud_users": cloud_users.as_deref().map(parsed), "created_at": at(created_at),
    }))
}

fn memberships_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (String, String, Option<String>, Option<String>, i32, Ts, Option<Ts>);
    let rows: Vec<Row> = on!(conn, |c| memberships::table
        .filter(memberships::person_id.eq(person.id.as_str()))
        .order(memberships::course_id)
        .limit(MOST)
        .select((
            memberships::course_id,
            memberships::role,
            memberships::section,
            memberships::team,
            memberships::shares,
            memberships::joined_at,
            memberships::dropped_at,
        ))
        .load(c))?;
    Ok(list(rows, |(course, role, section, team, shares, joined, dropped)| {
        json!({"course": course, "role": role, "section": section, "team": team, "shares": shares,
            "joined_at": at(joined), "dropped_at": maybe(dropped)})
    }))
}

fn identities_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(String, String, Ts)> = on!(conn, |c| identities::table
        .filter(identities::person_id.eq(person.id.as_str()))
        .order(identities::issuer)
        .limit(MOST)
        .select((identities::issuer, identities::subject, identities::linked_at))
        .load(c))?;
    Ok(list(
        rows,
        |(issuer, subject, linked)| json!({"issuer": issuer, "subject": subject, "linked_at": at(linked)}),
    ))
}

fn calendar_addresses_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(String, Ts)> = on!(conn, |c| calendar_addresses::table
        .filter(calendar_addresses::person_id.eq(person.id.as_str()))
        .order(calendar_addresses::feed)
        .limit(MOST)
        .select((calendar_addresses::feed, calendar_addresses::made_at))
        .load(c))?;
    Ok(list(rows, |(feed, made)| json!({ "feed": feed, "made_at": at(made) })))
}

fn outages_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(String, String, String, Ts)> = on!(conn, |c| outage_hits::table
        .filter(outage_hits::person_id.eq(person.id.as_str()))
        .order(outage_hits::booking_id)
        .limit(MOST)
        .select((outage_hits::outage_id, outage_hits::booking_id, outage_hits::fate, outage_hits::at))
        .load(c))?;
    Ok(list(
        rows,
        |(outage, booking, fate, when)| json!({"outage": outage, "booking": booking, "fate": parsed(&fate), "at": at(when)}),
    ))
}

fn exceptions_granted_to(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (Option<String>, String, Option<Ts>, String, i32, Ts, Option<Ts>);
    let rows: Vec<Row> = on!(conn, |c| exceptions::table
        .filter(exceptions::person_id.eq(person.id.as_str()))
        .order(exceptions::granted_at)
        .limit(MOST)
        .select((
            exceptions::lab_id,
            exceptions::definition,
            exceptions::until,
            exceptions::reason,
            exceptions::accommodation,
            exceptions::granted_at,
            exceptions::revoked_at,
        ))
        .load(c))?;
    Ok(list(rows, |(lab, rule, until, reason, accommodation, granted, revoked)| {
        json!({"lab": lab, "rule": parsed(&rule), "until": maybe(until), "reason": reason,
            "accommodation": accommodation != 0, "granted_at": at(granted), "revoked_at": maybe(revoked)})
    }))
}

fn bookings_kept(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (String, String, i32, i32, Ts, Ts, String, Option<String>, Ts, Option<Ts>);
    let rows: Vec<Row> = on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.id.as_str()))
        .order(bookings::start_at)
        .limit(MOST)
        .select((
            bookings::id,
            bookings::lab_id,
            bookings::units,
            bookings::servers,
            bookings::start_at,
            bookings::end_at,
            bookings::state,
            bookings::reason,
            bookings::created_at,
            bookings::ended_at,
        ))
        .load(c))?;
    Ok(list(rows, |(id, lab, units, servers, start, end, state, reason, created, ended)| {
        json!({"id": id, "lab": lab, "units": units, "servers": servers, "start": at(start), "end": at(end),
            "state": state, "reason": reason, "created_at": at(created), "ended_at": maybe(ended)})
    }))
}

fn events_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(String, Ts, String, String)> = on!(conn, |c| events::table
        .inner_join(bookings::table.on(bookings::id.eq(events::booking_id)))
        .filter(bookings::person_id.eq(person.id.as_str()))
        .order((events::booking_id, events::number))
        .limit(MOST)
        .select((events::booking_id, events::at, events::actor, events::what))
        .load(c))?;
    Ok(list(
        rows,
        |(booking, when, actor, what)| json!({"booking": booking, "at": at(when), "actor": actor, "what": what}),
    ))
}

fn waits_kept(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (String, String, Ts, Option<Ts>, Option<String>);
    let rows: Vec<Row> = on!(conn, |c| waits::table
        .filter(waits::person_id.eq(person.id.as_str()))
        .order(waits::joined_at)
        .limit(MOST)
        .select((waits::lab_id, waits::asked, waits::joined_at, waits::ended_at, waits::outcome))
        .load(c))?;
    Ok(list(rows, |(lab, asked, joined, ended, outcome)| {
        json!({"lab": lab, "asked": parsed(&asked), "joined_at": at(joined), "ended_at": maybe(ended),
            "outcome": outcome})
    }))
}

fn usage_kept(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (String, Ts, i32, Ts, Option<Ts>, i32, i32);
    let rows: Vec<Row> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::person_id.eq(person.id.as_str()))
        .order(usage_lines::at)
        .limit(MOST)
        .select((
            usage_lines::why,
            usage_lines::at,
            usage_lines::sign,
            usage_lines::from_at,
            usage_lines::until_at,
            usage_lines::units,
            usage_lines::servers,
        ))
        .load(c))?;
    Ok(list(rows, |(why, when, sign, from, until, units, servers)| {
        json!({"why": why, "at": at(when), "sign": sign, "from": at(from), "until": maybe(until),
            "units": units, "servers": servers})
    }))
}

fn decisions_about(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(Ts, String, String, String)> = on!(conn, |c| receipts::table
        .filter(receipts::person_id.eq(person.id.as_str()))
        .order(receipts::at)
        .limit(MOST)
        .select((receipts::at, receipts::kind, receipts::lab_id, receipts::outcome))
        .load(c))?;
    Ok(list(
        rows,
        |(when, kind, lab, outcome)| json!({"at": at(when), "kind": kind, "lab": lab, "outcome": parsed(&outcome)}),
    ))
}

fn marks_kept(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let rows: Vec<(String, String, String, String, String)> = on!(conn, |c| marks::table
        .filter(marks::net_id.eq(person.net_id.as_str()))
        .order((marks::site_id, marks::kind, marks::site_ref))
        .limit(MOST)
        .select((marks::site_id, marks::kind, marks::site_ref, marks::name, marks::reason))
        .load(c))?;
    Ok(list(
        rows,
        |(site, kind, id, name, reason)| json!({"site": site, "kind": kind, "id": id, "name": name, "reason": reason}),
    ))
}

fn reaped(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (Ts, String, Option<String>, Option<String>, String, String);
    let rows: Vec<Row> = on!(conn, |c| sweep_acts::table
        .filter(sweep_acts::net_id.eq(person.net_id.as_str()))
        .order((sweep_acts::at, sweep_acts::number))
        .limit(MOST)
        .select((
            sweep_acts::at,
            sweep_acts::what,
            sweep_acts::kind,
            sweep_acts::name,
            sweep_acts::reason,
            sweep_acts::outcome,
        ))
        .load(c))?;
    Ok(list(
        rows,
        |(when, what, kind, name, reason, outcome)| json!({"at": at(when), "what": what, "kind": kind, "name": name, "reason": reason, "outcome": outcome}),
    ))
}

fn mails_to(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (Ts, Option<Ts>, String, String, String, String, Option<String>);
    let rows: Vec<Row> = on!(conn, |c| notices::table
        .filter(notices::person_id.eq(person.id.as_str()))
        .order(notices::created_at)
        .limit(MOST)
        .select((
            notices::created_at,
            notices::sent_at,
            notices::state,
            notices::recipient,
            notices::subject,
            notices::body,
            notices::last_error,
        ))
        .load(c))?;
    Ok(list(
        rows,
        |(created, sent, state, to, subject, body, error)| json!({"at": at(created), "sent_at": maybe(sent), "state": state, "to": to, "subject": subject, "body": body, "last_answer": error}),
    ))
}

fn bounce_kept(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let noted: Option<(String, Ts, String)> = on!(conn, |c| bounces::table
        .find(person.id.as_str())
        .select((bounces::address, bounces::since, bounces::words))
        .first(c)
        .optional())?;
    Ok(noted.map_or(
        Value::Null,
        |(address, since, words)| json!({"address": address, "since": at(since), "words": words}),
    ))
}

/// Those that they wrote, and those that are for them because they had something booked. What is for the course or for a section is
/// not kept of anyone.
fn announcements_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let to_them = announcement_people::table
        .filter(announcement_people::person_id.eq(person.id.as_str()))
        .select(announcement_people::announcement_id);
    let rows: Vec<(String, Ts, String, Option<String>)> = on!(conn, |c| announcements::table
        .filter(
            announcements::author_id.eq(person.id.as_str()).or(announcements::id.eq_any(to_them).nullable())
        )
        .order(announcements::created_at)
        .limit(MOST)
        .select((
            announcements::id,
            announcements::created_at,
            announcements::title,
            announcements::author_id,
        ))
        .load(c))?;
    Ok(list(
        rows,
        |(id, created, title, author)| json!({"id": id, "at": at(created), "title": title, "written": author.as_deref() == Some(person.id.as_str())}),
    ))
}

fn audit_about(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    type Row = (Ts, String, Option<String>, Option<String>, Option<String>);
    let of =
        audit_records::about_id.eq(person.id.as_str()).or(audit_records::actor_id.eq(person.id.as_str()));
    let rows: Vec<Row> = on!(conn, |c| audit_records::table
        .left_join(audit_details::table)
        .filter(of)
        .order(audit_records::number)
        .limit(MOST)
        .select((
            audit_records::at,
            audit_records::action,
            audit_records::object,
            audit_records::about_id,
            audit_details::content.nullable(),
        ))
        .load(c))?;
    Ok(list(rows, |(when, action, object, about, details)| {
        // What they did to somebody else is told, but not what it says of that one.
        let own = about.as_deref() == Some(person.id.as_str());
        let details = details.filter(|_| own).map(|text| parsed(&text));
        json!({"at": at(when), "action": action, "object": object, "details": details})
    }))
}
