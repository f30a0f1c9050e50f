//! Announcements, digests, and what staff hear of outages.

use chrono::{DateTime, TimeDelta};

use super::{CONTACT, COURSE, LAB, Sample, Wrong, around, at, booking, sample, span};
use crate::domain::announcement::{Announcement, Audience};
use crate::domain::booking::{EndReason, State};
use crate::domain::hint::Hint;
use crate::domain::ids::{AnnouncementId, BookingId, HintId, OutageId};
use crate::domain::notice::Topic;
use crate::domain::outage::{Away, Fate, Outage, Remedy};
use crate::mail::messages::announcement::{Personal, announced};
use crate::mail::messages::digest::{self, Item};
use crate::mail::messages::outage::{self as words, Facts, PutOff, Told};
use crate::mail::messages::staff::{self, SiteSays};

fn outage() -> Result<Outage, Wrong> {
    Ok(Outage {
        id: OutageId::from_bits(0x0003_8a41_7c9e_02d6),
        away: Away::Service("JupyterHub".to_owned()),
        from: at("08T09:00")?,
        until: Some(at("08T18:00")?),
        reason: "the Chameleon JupyterHub service fails".to_owned(),
        remedy: Remedy::Move,
        declared_by: "ta77".to_owned(),
        declared_at: at("08T09:20")?,
        to_all: true,
        announcement: None,
        settled_at: None,
        ended: None,
    })
}

/// What is announced of the outage, as it is drafted.
fn announcement() -> Result<Announcement, Wrong> {
    let it = outage()?;
    let put_off = [PutOff {
        title: LAB.to_owned(),
        before: Some(at("13T23:59")?),
        after: None,
        zone: chrono_tz::America::New_York,
    }];
    let drafted = words::begins(Facts {
        what: "JupyterHub",
        from: it.from,
        until: None,
        reason: &it.reason,
        remedy: it.remedy,
        put_off: &put_off,
        zone: chrono_tz::America::New_York,
        now: it.declared_at,
    })?;
    Ok(Announcement {
        id: AnnouncementId::from_bits(0x0003_8a41_7c9e_02d7),
        title: drafted.title,
        text: drafted.text,
        audience: Audience::Lab("k8s".parse()?),
        author: None,
        created_at: it.declared_at,
        publish_at: Some(it.declared_at),
        withdrawn_at: None,
        revision: 1,
        edited_at: None,
        mailed: true,
    })
}

/// What a student reads of a booking that had not begun.
fn own(fate: &Fate) -> Result<Option<Personal>, Wrong> {
    let now: DateTime<_> = at("08T09:21")?;
    let booking = booking(State::Booked.release(EndReason::Displaced, now)?)?;
    let zone = chrono_tz::America::New_York;
    let told = Told { booking: &booking, lab: LAB, fate, zone, public_url: super::PUBLIC_URL };
    Ok(Some(Personal { headline: told.headline(), paragraphs: told.paragraphs(), calendar: None }))
}

pub(super) fn all() -> Result<Vec<Sample>, Wrong> {
    let (now, it, outage) = (around("08T09:21")?, announcement()?, outage()?);
    let url = format!("{}/announcements/{}", super::PUBLIC_URL, it.id);
    let of = |name, personal: Option<Personal>| {
        let topic = if personal.is_none() { Topic::Announcement } else { Topic::Booking };
        sample(name, topic, announced(now, CONTACT, LAB, &it, &url, personal.as_ref()))
    };
    let moved = Fate::Moved { to: BookingId::from_bits(9), slot: span("10T10:00", "10T14:00")? };
    let offered = Fate::Offered { slots: vec![span("10T10:00", "10T14:00")?, span("12T10:00", "12T14:00")?] };
    let hint = Hint {
        id: HintId::from_bits(3),
        site: "kvm-tacc".parse()?,
        title: "Planned maintenance of KVM@TACC".to_owned(),
        link: Some("https://status.example.org/outages/17".to_owned()),
        summary: "The site is away on Tuesday from 8 to 20 h for an upgrade.".to_owned(),
        published_at: at("07T12:00")?,
        seen_at: at("07T12:10")?,
    };
    let says = SiteSays { site: "KVM@TACC", hints: &[hint] };
    let gathered = announced(now, CONTACT, COURSE, &it, &url, None)?;
    let item = Item { subject: &gathered.subject, at: now.now - TimeDelta::hours(1), body: &gathered.body };
    let late = around("08T18:01")?;
    let until = at("08T18:00")?;
    Ok(vec![
        of("announced", None)?,
        of("announced_moved", own(&moved)?)?,
        of("announced_offered", own(&offered)?)?,
        of("announced_running", own(&Fate::Running)?)?,
        sample("digest", Topic::Digest, digest::digest(now, &[item]))?,
        sample("site_says", Topic::Outage, staff::site_says(now, &says))?,
        sample("outage_late", Topic::Outage, words::late(late, "JupyterHub", &outage, until))?,
    ])
}
