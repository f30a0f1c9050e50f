//! As whom we come to a site, and by which way.

use chrono::{DateTime, TimeDelta, Utc};

use super::Check;
use crate::domain::fitness::{Access, CredentialFacts, SiteNeeds, SiteService, Told, Transport};

/// A clock that differs by no more is right, as far as this can be seen.
const CLOCK_RIGHT: TimeDelta = TimeDelta::seconds(5);
/// Leases are counted in minutes.
const CLOCK_BEARABLE: TimeDelta = TimeDelta::seconds(60);
/// Tokens that last no longer are fetched again and again.
const TOKEN_SHORT: TimeDelta = TimeDelta::minutes(10);
/// How early the end of a credential is told where the course has no end.
const SOON: TimeDelta = TimeDelta::days(30);

/// A check of each part.
pub(super) fn checks(needs: &SiteNeeds, access: &Access, now: DateTime<Utc>) -> Vec<Check> {
    let mut checks = match &access.credential {
        CredentialFacts::NoneNeeded => {
            return vec![Check::pass("access", "simulated here, without credentials, TLS and quotas")];
        }
        CredentialFacts::Password => vec![password()],
        CredentialFacts::Application { restricted, ends } => {
            vec![application(needs, *restricted), lifetime(needs, ends, now)]
        }
    };
    checks.push(roles(access));
    checks.extend(access.token_ends.map(|ends| token(ends - now)));
    checks.push(clock(access.clock_ahead));
    checks.push(transport(&access.transport));
    checks
}

fn password() -> Check {
    let right = "an application credential, which is bound to the project and can be revoked by itself";
    Check::warn("credential", "an account's password", right)
}

fn application(needs: &SiteNeeds, restricted: Option<bool>) -> Check {
    let what = "credential";
    let leases = needs.services.contains_key(&SiteService::Reservation);
    match restricted {
        Some(false) => Check::pass(what, "application credential, unrestricted"),
        Some(true) if leases => {
            let found = "application credential, restricted: Blazar can't make the trust that a lease needs";
            Check::fail(
                what,
                found,
                "an unrestricted one: openstack application credential create --unrestricted NAME",
            )
        }
        Some(true) => Check::pass(what, "application credential, restricted; nothing here needs more"),
        None => {
            Check::cant_tell(what, "application credential; the site does not say whether it is restricted")
        }
    }
}

fn lifetime(needs: &SiteNeeds, ends: &Told<Option<DateTime<Utc>>>, now: DateTime<Utc>) -> Check {
    let what = "credential's end";
    let date = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    match (ends, needs.until) {
        (Err(why), _) => Check::cant_tell(what, why.as_str()),
        (Ok(None), _) => Check::pass(what, "none"),
        (Ok(Some(ends)), Some(until)) if *ends < until => {
            let right = format!("one that lasts until the last lab closes, {}", date(until));
            Check::fail(what, date(*ends), right)
        }
        (Ok(Some(ends)), None) if *ends < now + SOON => {
            Check::warn(what, date(*ends), "one that lasts as long as the course")
        }
        (Ok(Some(ends)), _) => Check::pass(what, date(*ends)),
    }
}

fn roles(access: &Access) -> Check {
    let (what, has) = ("roles", |role: &str| access.roles.contains(role));
    let found = access.roles.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if has("admin") {
        return Check::warn(what, found, "member and reader are enough, and can do less harm");
    }
    if !has("member") {
        let found = if found.is_empty() { "none".to_owned() } else { found };
        return Check::fail(what, found, "the role member in the project, and better reader too");
    }
    if !has("reader") {
        return Check::warn(what, found, "reader too: some sites want it to list images");
    }
    Check::pass(what, found)
}

fn token(lasts: TimeDelta) -> Check {
    let (what, found) = ("token", format!("lasts {} min", lasts.num_minutes()));
    if lasts < TOKEN_SHORT {
        return Check::warn(what, found, "an hour is usual; is our clock right?");
    }
    Check::pass(what, found)
}

fn clock(ahead: Option<TimeDelta>) -> Check {
    let what = "clock";
    let Some(ahead) = ahead else { return Check::cant_tell(what, "the site does not tell its time") };
    let apart = ahead.abs();
    let seconds = (apart.num_milliseconds() + 500) / 1000;
    let word = if ahead < TimeDelta::zero() { "behind" } else { "ahead of" };
    let found = format!("the site's is {seconds} s {word} ours");
    let right = "both by NTP: slots and leases begin by the clock";
    if apart > CLOCK_BEARABLE {
        Check::fail(what, found, right)
    } else if apart > CLOCK_RIGHT {
        Check::warn(what, found, right)
    } else {
        Check::pass(what, format!("in step, to {} s", CLOCK_RIGHT.num_seconds()))
    }
}

fn transport(transport: &Transport) -> Check {
    let what = "TLS";
    let plain: Vec<&str> = transport.plain.iter().map(String::as_str).collect();
    if !plain.is_empty() {
        let found = format!("called in the clear: {}", plain.join(", "));
        return Check::fail(
            what,
            found,
            "addresses with https: credentials and tokens are readable on the way",
        );
    }
    if !transport.verified {
        let right = "verify: true, and cacert: FILE for an authority of the site's own";
        return Check::warn(what, "certificates are not checked (verify: false)", right);
    }
    Check::pass(what, "on, and certificates are checked, wherever calls leave this machine")
}
