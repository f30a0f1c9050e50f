//! The rules that the origin's course really had, with its dates, as its two course files give them. Numbers are those of
//! the cases in the project's notes on that course.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use fairlease::config::course_file::CourseFile;
use fairlease::domain::calendar::DailyWindow;
use fairlease::domain::course::Course;
use fairlease::domain::ids::{LabId, NetId};
use fairlease::domain::interval::Interval;
use fairlease::policy::admission::Violation;
use fairlease::services::booking::Refusal;
use fairlease::services::explain::{self, Judgement};
use serde_json::Value;

use crate::world::{EXAMPLE, local, slot};

const SECOND_POLICY: &str = include_str!("../docs/examples/course-2025-02-04.toml");

fn course(text: &str, replace: &[(&str, &str)]) -> Course {
    let text = replace.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the file has no \"{from}\"");
        text.replace(from, to)
    });
    CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap()
}

/// The refusal of a slot for someone with nothing booked, as of a time.
fn refused(course: &Course, net_id: &NetId, lab: &LabId, slot: &Interval, now: DateTime<Utc>) -> Refusal {
    match explain::by_the_rules(course, net_id, lab, slot, now) {
        Some(Judgement::Refused(refusal)) => refusal,
        other => panic!("it is not refused: {other:?}"),
    }
}

/// Codes of the rules that a slot breaks for someone with nothing booked, as of a time.
fn broken(course: &Course, net_id: &str, now: &str, start: &str, end: &str) -> Vec<&'static str> {
    let (net_id, lab) = (net_id.parse().unwrap(), "k8s".parse().unwrap());
    match explain::by_the_rules(course, &net_id, &lab, &slot(start, end), local(now)).unwrap() {
        Judgement::Accepted { .. } => Vec::new(),
        Judgement::Refused(refusal) => refusal.violations.iter().map(Violation::code).collect(),
    }
}

/// Days of February 2025 on which this net ID may start at ten for an hour.
fn days(course: &Course, net_id: &str, of: std::ops::RangeInclusive<u32>) -> Vec<u32> {
    let legal = |day: &u32| {
        let at = |hour| format!("2025-02-{day:02}T{hour}:00");
        broken(course, net_id, "2025-01-31T12:00", &at(10), &at(11)).is_empty()
    };
    of.filter(legal).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn case_1_the_week_before_the_due_date() {
    let first = course(EXAMPLE, &[]);
    assert_eq!(days(&first, "ff524", 7..=13), [8, 10, 12]);
    assert_eq!(days(&first, "ff523", 7..=13), [7, 9, 11, 13]);
}

#[test]
fn case_2_the_swap_is_on_or_off_for_each_lab() {
    let later = ("due = 2025-02-13T23:59", "due = 2025-02-20T23:59");
    let promised = course(EXAMPLE, &[later]);
    let published = course(SECOND_POLICY, &[later]);
    assert_eq!(days(&promised, "ff524", 14..=20), [14, 16, 18, 20]);
    assert_eq!(days(&published, "ff524", 14..=20), [15, 17, 19]);
}

#[test]
fn case_3_days_may_overlap_and_an_id_may_have_no_digit() {
    let fridays = course(
        SECOND_POLICY,
        &[
            ("even = [\"Sat\", \"Mon\", \"Wed\"]", "even = [\"Mon\", \"Wed\", \"Fri\", \"Sat\"]"),
            ("odd = [\"Fri\", \"Sun\", \"Tue\", \"Thu\"]", "odd = [\"Tue\", \"Thu\", \"Fri\", \"Sun\"]"),
        ],
    );
    assert_eq!(days(&fridays, "ff524", 7..=9), [7, 8]);
    assert_eq!(days(&fridays, "ff523", 7..=9), [7, 9]);
    let letters = broken(&fridays, "abcd", "2025-02-06T12:00", "2025-02-07T10:00", "2025-02-07T11:00");
    assert_eq!(letters, ["no_parity"]);
}

#[test]
fn case_4_only_daytime_counts_under_the_second_policy() {
    let (first, second) = (course(EXAMPLE, &[]), course(SECOND_POLICY, &[]));
    let night = |course| broken(course, "ff524", "2025-02-06T12:00", "2025-02-08T22:00", "2025-02-09T09:00");
    assert_eq!(night(&first), ["over_cap"], "eleven hours");
    assert_eq!(night(&second), NONE, "three hours of them by day");
    let day = |course, end| broken(course, "ff524", "2025-02-06T12:00", "2025-02-08T10:00", end);
    assert_eq!(day(&first, "2025-02-08T18:00"), NONE, "exactly eight hours");
    assert_eq!(day(&second, "2025-02-08T18:00"), NONE);
    assert_eq!(day(&second, "2025-02-08T18:30"), ["over_cap"]);
    assert_eq!(day(&second, "2025-02-09T10:00"), ["over_cap"], "the night between does not help");
    let free = broken(&second, "ff524", "2025-02-06T12:00", "2025-02-09T00:00", "2025-02-09T08:00");
    assert_eq!(free, NONE, "before eight anybody may, on an odd day too");
    let into_the_day = broken(&second, "ff524", "2025-02-06T12:00", "2025-02-09T06:00", "2025-02-09T08:30");
    assert_eq!(into_the_day, ["wrong_day"]);
}

#[test]
fn a_weekday_rule_may_judge_the_whole_slot() {
    let whole = course(SECOND_POLICY, &[("odd = [", "judges = \"slot\"\nodd = [")]);
    let night = |end| broken(&whole, "ff524", "2025-02-06T12:00", "2025-02-08T22:00", end);
    assert_eq!(night("2025-02-09T08:00"), NONE, "only Saturday's hours count");
    assert_eq!(night("2025-02-09T09:00"), ["wrong_day"], "an hour of Sunday counts");
}

#[test]
fn case_5_the_free_night_of_a_clock_change_has_seven_hours() {
    let night = DailyWindow { from: 0, to: 8 * 60 };
    let hours = |date: &str| night.on(New_York, date.parse().unwrap()).unwrap().length();
    assert_eq!(hours("2025-03-08"), TimeDelta::hours(8));
    assert_eq!(hours("2025-03-09"), TimeDelta::hours(7));
    assert_eq!(hours("2025-11-02"), TimeDelta::hours(9));
}

#[test]
fn case_6_a_lab_whose_due_date_is_to_be_announced_goes_on_until_it_is() {
    let deferred = course(EXAMPLE, &[("due = 2025-02-13T23:59", "# due =")]);
    let on = |day| {
        broken(&deferred, "ff524", "2025-01-31T12:00", &format!("{day}T10:00"), &format!("{day}T12:00"))
    };
    assert_eq!(on("2025-02-18"), NONE, "the weekday rule goes on");
    assert_eq!(on("2025-02-19"), ["wrong_day"]);
    let announced = course(EXAMPLE, &[]);
    let codes = broken(&announced, "ff524", "2025-01-31T12:00", "2025-02-18T10:00", "2025-02-18T12:00");
    assert_eq!(codes, ["past_due"]);
}

#[test]
fn case_7_a_planned_outage_two_days_before_the_due_date() {
    let closed = "lead_minutes = 30\n[[pool.closure]]\nfrom = 2025-01-28T08:00\nto = 2025-01-28T20:00\nreason = \"planned outage\"\n";
    let mut outage = course(
        EXAMPLE,
        &[
            ("lead_minutes = 30 ", closed),
            ("open = 2025-01-31T00:00", "open = 2025-01-24T00:00"),
            ("due = 2025-02-13T23:59", "due = 2025-01-30T23:59"),
        ],
    );
    outage.labs[0].policy.parity = None;
    let on = |start: &str, end: &str| broken(&outage, "ff524", "2025-01-25T12:00", start, end);
    assert_eq!(on("2025-01-28T10:00", "2025-01-28T12:00"), ["closed"]);
    assert_eq!(on("2025-01-28T20:30", "2025-01-28T23:00"), NONE);
    assert_eq!(on("2025-01-30T22:00", "2025-01-31T00:00"), NONE);
    assert_eq!(on("2025-01-30T22:00", "2025-01-31T00:30"), ["past_due"]);
    let (net_id, lab) = ("ff524".parse().unwrap(), "k8s".parse().unwrap());
    let wish = slot("2025-01-28T12:00", "2025-01-28T14:00");
    let refusal = refused(&outage, &net_id, &lab, &wish, local("2025-01-25T12:00"));
    assert_eq!(
        refusal.violations[0].sentence(New_York),
        "Closed from Tue Jan 28, 08:00 to 20:00: planned outage."
    );
    assert_eq!(refusal.nearest[0].end(), local("2025-01-28T08:00"), "it ends as the outage begins");
}

#[test]
fn case_12_a_week_is_the_longest_lease() {
    let week =
        course(EXAMPLE, &[("cap_hours = 8 ", "cap_hours = 168 "), ("due = 2025-02-13T23:59", "# due =")]);
    let from_saturday = |end| broken(&week, "ff524", "2025-02-06T12:00", "2025-02-08T10:00", end);
    assert_eq!(from_saturday("2025-02-15T09:30"), NONE);
    assert_eq!(from_saturday("2025-02-15T10:00"), NONE);
    assert_eq!(from_saturday("2025-02-15T10:30"), ["over_cap"]);
}

#[test]
fn far_wishes_are_led_to_where_slots_are() {
    let first = course(EXAMPLE, &[]);
    for (start, end, nearest) in [
        ("2025-04-01T10:00", "2025-04-01T12:00", "2025-02-12T23:30"),
        ("2024-01-01T10:00", "2024-01-01T12:00", "2025-01-31T12:30"),
    ] {
        let (net_id, lab) = ("ff524".parse().unwrap(), "k8s".parse().unwrap());
        let wish = slot(start, end);
        let refusal = refused(&first, &net_id, &lab, &wish, local("2025-01-31T12:10"));
        assert_eq!(refusal.nearest[0].start(), local(nearest), "{start}");
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name)
}

/// The exit code and what was printed as JSON.
fn fairlease(words: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_fairlease")).args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code().unwrap(),
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

#[test]
fn explain_says_the_same_without_a_database() {
    let file = example("course.toml").display().to_string();
    let explain = |start: &str, hours: &str| {
        let words = [
            "explain",
            "--course",
            &file,
            "--as",
            "ff524",
            "--lab",
            "k8s",
            "--now",
            "2025-02-06T12:00",
            "--json",
        ];
        fairlease(&[&words[..], &["--start", start, "--hours", hours]].concat())
    };
    let (code, body) = explain("2025-02-08T10:00", "4");
    assert_eq!((code, &body["accepted"]), (0, &Value::Bool(true)), "{body}");
    assert_eq!(body["violations"], Value::Array(Vec::new()));
    let (code, body) = explain("2025-02-09T10:00:00-05:00", "9");
    assert_eq!((code, &body["accepted"]), (1, &Value::Bool(false)), "{body}");
    let by_code: BTreeMap<&str, &Value> =
        body["violations"].as_array().unwrap().iter().map(|it| (it["code"].as_str().unwrap(), it)).collect();
    assert_eq!(by_code["over_cap"]["asked_minutes"], 540);
    assert_eq!(by_code["over_cap"]["cap_minutes"], 480);
    assert_eq!(by_code["wrong_day"]["days"], serde_json::json!(["Mon", "Wed", "Sat"]));
    assert_eq!(body["nearest"].as_array().unwrap().len(), 3);
    assert_eq!(body["nearest"][0]["start"], "2025-02-08T23:30:00-05:00");
}

#[test]
fn explain_warns_of_a_gap_and_accepts() {
    let text = std::fs::read_to_string(example("course.toml")).unwrap();
    let gaps = "bookings_ahead = 2 \ngaps = { shorter_than_hours = 2, then = \"warn\" } ";
    let closure = "[[pool.closure]]\nfrom = 2025-02-08T15:00\nto = 2025-02-08T18:00\nreason = \"maintenance\"\n\n[[lab]]";
    let text = text
        .replace("capacity = 30 ", "capacity = 1 ")
        .replace("bookings_ahead = 2 ", gaps)
        .replace("[[lab]]", closure);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().display().to_string();
    let words = [
        "explain",
        "--course",
        &path,
        "--as",
        "ff524",
        "--lab",
        "k8s",
        "--now",
        "2025-02-06T12:00",
        "--json",
    ];
    let asked = ["--start", "2025-02-08T10:00", "--hours", "4"];
    let (code, body) = fairlease(&[&words[..], &asked].concat());
    assert_eq!((code, &body["accepted"]), (0, &Value::Bool(true)), "{body}");
    assert_eq!(body["warnings"][0]["code"], "gap", "{body}");
    assert_eq!(body["warnings"][0]["start"], "2025-02-08T14:00:00-05:00");
}

#[test]
fn the_check_of_a_course_says_whether_its_weekdays_are_fair() {
    let balance = |name: &str| {
        let file = example(name).display().to_string();
        let (code, body) = fairlease(&["course", "check", &file, "--json"]);
        assert_eq!(code, 0, "{body}");
        body["labs"][0]["balance"].clone()
    };
    assert_eq!(balance("course.toml")["fair"], true, "the swap makes up for it");
    let second = balance("course-2025-02-04.toml");
    assert_eq!((&second["even"]["days"], &second["odd"]["days"]), (&6.into(), &8.into()));
    assert_eq!(second["fair"], false);
}

#[test]
fn the_check_of_a_course_warns_of_weights_that_bound_nobodys_wait() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("course.toml");
    let check = |weights: &str, more: &[&str]| {
        std::fs::write(&file, format!("{EXAMPLE}\n[waitlist]\nweights = {{ {weights} }}\n")).unwrap();
        let words = ["course", "check", file.to_str().unwrap()];
        let output = Command::new(env!("CARGO_BIN_EXE_fairlease")).args(words).args(more).output().unwrap();
        assert!(output.status.success(), "a warning is no error");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!check("age = 1200", &[]).contains("waitlist"));
    assert!(check("age = 1200", &["--json"]).contains("\"wait_is_bounded\": true"));
    let told = check("age = 1199", &[]);
    assert!(told.contains("waitlist.weights: warning: nobody's wait is bounded"), "{told}");
    assert!(told.contains("age = 1200 or more would do"), "{told}");
    assert!(check("age = 1199", &["--json"]).contains("\"wait_is_bounded\": false"));
}
