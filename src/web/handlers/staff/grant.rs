//! The form that grants an exception: what staff type, and what it means.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::super::lab::read_hours;
use crate::domain::calendar;
use crate::domain::exception::Grant;
use crate::domain::ids::{LabId, NetId};
use crate::domain::person::Parity;
use crate::domain::su::Su;
use crate::services::exceptions::{self, ExceptionError, NewException};
use crate::web::pages::layout::{Field, Problem};
use crate::web::pages::staff_lab::{GrantForm, RuleOption};

/// The rules: the key, what staff call it, and what its value is.
const RULES: [(&str, &str, &str); 11] = [
    ("parity", "Even or odd", "even or odd"),
    ("any_day", "Any day", "no value"),
    ("open", "Another opening", "date and time"),
    ("due", "Another due date", "date and time"),
    ("cap_minutes", "Longest booking", "hours, such as 10 or 1.5"),
    ("budget_minutes", "Hours in all", "hours, such as 12 or 0"),
    ("budget_bookings", "Bookings in all", "a whole number"),
    ("budget_su", "Service units in a lab", "a number, such as 2.5"),
    ("bookings_ahead", "Bookings at a time", "a whole number"),
    ("horizon_days", "Days ahead", "a whole number"),
    ("any_part", "Several parts of a series at a time", "no value"),
];

/// An exception to grant, as it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    net_id: String,
    rule: String,
    value: String,
    scope: String,
    until: String,
    reason: String,
    accommodation: String,
}

impl Form {
    /// The same for this person, whoever was typed.
    pub(in crate::web::handlers) fn of_person(self, net_id: &NetId) -> Self {
        Self { net_id: net_id.to_string(), ..self }
    }

    /// The lab that was chosen, of all of them.
    pub(in crate::web::handlers) fn chosen_lab(&self) -> Option<LabId> {
        self.scope.parse().ok().filter(|_| self.scope != "all")
    }

    /// What is asked for in this lab, or in all, or everything that is wrong with it.
    pub(in crate::web::handlers) fn read(
        &self,
        lab: Option<&LabId>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<NewException, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        let net_id = NetId::typed(&self.net_id)
            .map_err(|error| keep(Problem::with_field("net_id", format!("{error}."))))
            .ok();
        let grant = read_grant(zone, &self.rule, self.value.trim()).map_err(&mut keep).ok();
        let until = self.read_until(zone, now).map_err(&mut keep).ok();
        let reason = exceptions::check_reason(&self.reason).map_err(|error| keep(problem(zone, &error))).ok();
        let scope = lab.filter(|_| self.scope != "all").cloned();
        match (net_id, grant, until, reason) {
            (Some(net_id), Some(grant), Some(until), Some(())) => Ok(NewException {
                net_id,
                lab: scope,
                grant,
                until,
                reason: self.reason.clone(),
                accommodation: !self.accommodation.is_empty(),
            }),
            _ => Err(problems),
        }
    }

    fn read_until(&self, zone: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
        let text = self.until.trim();
        let until = if text.is_empty() { None } else { Some(read_time(zone, "until", text)?) };
        exceptions::check_until(until, now).map_err(|error| problem(zone, &error))?;
        Ok(until)
    }

    /// Whether it is to be an accommodation.
    pub(in crate::web::handlers) fn is_accommodation(&self) -> bool {
        !self.accommodation.is_empty()
    }

    /// Where it is to hold, as it was chosen.
    pub(in crate::web::handlers) fn scope(&self) -> &str {
        &self.scope
    }

    /// The form as it is drawn.
    pub(in crate::web::handlers) fn shown(&self, zone: &str, problems: Vec<Problem>) -> GrantForm {
        let field = |id, label, hint: String, value: &str| Field {
            id,
            kind: (id == "until").then_some("datetime-local"),
            label,
            hint,
            value: value.to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required: id == "net_id" || id == "reason",
        };
        GrantForm {
            net_id: field(
                "net_id",
                "Net ID",
                "Whose exception it is, such as ff524.".to_owned(),
                &self.net_id,
            ),
            rules: RULES.iter().map(|(key, name, value)| self.option(key, name, value)).collect(),
            value: field(
                "value",
                "Value",
                format!("As the rule asks for it: 10 or 1.5, even, 2026-12-04 23:59 in {zone}."),
                &self.value,
            ),
            all_labs: self.scope == "all",
            until: field(
                "until",
                "Until (optional)",
                format!("Up to when they may book by it, {zone}. What they booked by it stays."),
                &self.until,
            ),
            reason: field("reason", "Reason", "In a few words. Only staff see it.".to_owned(), &self.reason),
            problems,
        }
    }

    fn option(&self, key: &str, name: &str, value: &str) -> RuleOption {
        RuleOption { key: key.to_owned(), text: format!("{name}: {value}"), chosen: key == self.rule }
    }
}

/// A rule's value as staff type it.
fn read_grant(zone: Tz, rule: &str, value: &str) -> Result<Grant, Problem> {
    let grant = match rule {
        "parity" => Grant::Parity(read_parity(value)?),
        "any_day" => nothing(value, Grant::AnyDay)?,
        "open" => Grant::Open(read_time(zone, "value", value)?),
        "due" => Grant::Due(read_time(zone, "value", value)?),
        "cap_minutes" => Grant::CapMinutes(read_minutes(value)?),
        "budget_minutes" if value == "0" => Grant::BudgetMinutes(0),
        "budget_minutes" => Grant::BudgetMinutes(read_minutes(value)?),
        "budget_bookings" => Grant::BudgetBookings(read_whole(value)?),
        "budget_su" => Grant::BudgetSu(read_su(value)?),
        "bookings_ahead" => Grant::BookingsAhead(read_whole(value)?),
        "horizon_days" => Grant::HorizonDays(read_whole(value)?),
        "any_part" => nothing(value, Grant::AnyPart)?,
        _ => return Err(Problem::with_field("rule", "Choose a rule.")),
    };
    exceptions::check_range(&grant).map_err(|error| match error {
        ExceptionError::OutOfRange { least, most, .. } => out_of_range(&grant, least, most),
        error => problem(zone, &error),
    })?;
    Ok(grant)
}

fn bad(value: &str, expected: &str) -> Problem {
    let shown: String = value.chars().take(60).collect();
    Problem::with_field("value", format!("\"{shown}\" is not {expected}."))
}

fn nothing(value: &str, grant: Grant) -> Result<Grant, Problem> {
    let problem = || Problem::with_field("value", "This rule has no value: leave it empty.");
    value.is_empty().then_some(grant).ok_or_else(problem)
}

fn read_parity(value: &str) -> Result<Parity, Problem> {
    let value = value.to_lowercase();
    let known = [Parity::Even, Parity::Odd].into_iter().find(|parity| parity.word() == value);
    known.ok_or_else(|| bad(&value, "even or odd"))
}

fn read_minutes(value: &str) -> Result<i32, Problem> {
    let minutes = read_hours(value).ok().and_then(|length| i32::try_from(length.num_minutes()).ok());
    minutes.ok_or_else(|| bad(value, "a length in hours such as 10 or 1.5"))
}

fn read_whole(value: &str) -> Result<i32, Problem> {
    value.parse().map_err(|_| bad(value, "a whole number such as 3"))
}

fn read_su(value: &str) -> Result<Su, Problem> {
    let number = value.parse().ok().and_then(Su::from_number);
    number.ok_or_else(|| bad(value, "a number of service units such as 2.5"))
}

/// `2026-12-04T23:59`, as browsers send it, or with a space, as people type it.
pub(in crate::web::handlers) fn read_time(
    zone: Tz,
    field: &str,
    text: &str,
) -> Result<DateTime<Utc>, Problem> {
    let shapes = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = shapes.iter().find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok());
    let at = local.map(|local| calendar::instant(zone, local));
    at.filter(|at| calendar::is_plausible(*at)).ok_or_else(|| Problem {
        field: Some(field.to_owned()),
        ..bad(text, "a date and time such as 2026-12-04 23:59")
    })
}

fn out_of_range(grant: &Grant, least: i32, most: i32) -> Problem {
    let text = match grant {
        Grant::CapMinutes(_) | Grant::BudgetMinutes(_) => {
            format!("It has to be at most {} h.", most / 60)
        }
        _ => format!("It has to be from {least} to {most}."),
    };
    Problem::with_field("value", text)
}

/// What stands against an exception, at the field that it is about.
pub(in crate::web::handlers) fn problem(zone: Tz, error: &ExceptionError) -> Problem {
    let (field, text) = match error {
        ExceptionError::NoSuchPerson(net_id) => ("net_id", format!("Nobody here has the net ID {net_id}.")),
        ExceptionError::NoReason => {
            ("reason", "Say why: whoever looks at it later wants to know.".to_owned())
        }
        ExceptionError::Over(until) => {
            ("until", format!("It would end on {}, which is over.", calendar::date_and_time(zone, *until)))
        }
        ExceptionError::OutOfRange { .. } => ("value", format!("{error}.")),
        ExceptionError::NoSuchLab(_) | ExceptionError::Db(_) => ("rule", format!("{error}.")),
    };
    Problem::with_field(field, text)
}

/// "At most 10 h at once": what is different for someone.
pub(in crate::web::handlers) fn words(zone: Tz, grant: &Grant) -> String {
    let length = |minutes: i32| calendar::in_words(TimeDelta::minutes(minutes.into()));
    match grant {
        Grant::Parity(parity) => format!("Counts as {}", parity.word()),
        Grant::AnyDay => "May start on any day".to_owned(),
        Grant::Open(at) => format!("Opens {}", calendar::date_and_time(zone, *at)),
        Grant::Due(at) => format!("Due {}", calendar::date_and_time(zone, *at)),
        Grant::CapMinutes(minutes) => format!("At most {} at once", length(*minutes)),
        Grant::BudgetMinutes(0) => "0 h in all".to_owned(),
        Grant::BudgetMinutes(minutes) => format!("{} in all", length(*minutes)),
        Grant::BudgetBookings(many) => format!("Bookings in all: {many}"),
        Grant::BudgetSu(su) => format!("{su} in a lab"),
        Grant::BookingsAhead(many) => format!("Bookings at a time: {many}"),
        Grant::HorizonDays(days) => format!("Days ahead: {days}"),
        Grant::AnyPart => "Several parts of a series at a time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    #[test]
    fn each_rule_reads_its_value_and_says_what_it_granted() {
        for (rule, value, said) in [
            ("parity", "Odd", "Counts as odd"),
            ("any_day", "", "May start on any day"),
            ("open", "2026-11-28T09:00", "Opens Sat Nov 28, 09:00"),
            ("due", "2026-12-04 23:59", "Due Fri Dec 4, 23:59"),
            ("cap_minutes", "1.5", "At most 1 h 30 min at once"),
            ("budget_minutes", "0", "0 h in all"),
            ("budget_minutes", "12", "12 h in all"),
            ("budget_bookings", "0", "Bookings in all: 0"),
            ("budget_su", "2.5", "2.5 SU in a lab"),
            ("bookings_ahead", "3", "Bookings at a time: 3"),
            ("horizon_days", "14", "Days ahead: 14"),
            ("any_part", "", "Several parts of a series at a time"),
        ] {
            let grant = read_grant(New_York, rule, value).unwrap();
            assert_eq!((grant.rule(), words(New_York, &grant).as_str()), (rule, said));
            assert!(RULES.iter().any(|(key, ..)| *key == rule), "{rule}");
        }
    }

    #[test]
    fn what_is_no_value_is_told_with_what_would_be() {
        for (rule, value, told) in [
            ("", "1", "Choose a rule."),
            ("parity", "x", "\"x\" is not even or odd."),
            ("any_day", "x", "This rule has no value: leave it empty."),
            ("due", "tomorrow", "\"tomorrow\" is not a date and time such as 2026-12-04 23:59."),
            ("cap_minutes", "much", "\"much\" is not a length in hours such as 10 or 1.5."),
            ("cap_minutes", "169", "It has to be at most 168 h."),
            ("budget_su", "-1", "\"-1\" is not a number of service units such as 2.5."),
            ("bookings_ahead", "0", "It has to be from 1 to 100."),
            ("horizon_days", "1.5", "\"1.5\" is not a whole number such as 3."),
        ] {
            assert_eq!(read_grant(New_York, rule, value).unwrap_err().text, told);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let form = Form { net_id: "?".to_owned(), until: "2026-01-01T00:00".to_owned(), ..Form::default() };
        let now = DateTime::parse_from_rfc3339("2026-11-24T12:00:00Z").unwrap().to_utc();
        let problems = form.read(Some(&"k8s".parse().unwrap()), New_York, now).unwrap_err();
        let fields: Vec<_> = problems.iter().filter_map(|it| it.field.as_deref()).collect();
        assert_eq!(fields, ["net_id", "rule", "until", "reason"]);
    }
}
