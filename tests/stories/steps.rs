//! What several stories have in common.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::{Clock as _, SystemClock};

use crate::support::browser::Student;

/// A public key as a student has one.
pub(super) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9K7FSQJXN7nZPSnQvkz7qXfIqLwtnkmyW0wG7ZWbqE ff524@laptop";

/// The lab of the example.
pub(super) const LAB: &str = "Deploy a machine learning service on Kubernetes";

/// The labels of a booking's resources, one for each object that the example's lab gets.
pub(super) const RESOURCES: [&str; 10] = [
    "reserved place (lease)",
    "SSH key",
    "private network",
    "its addresses (subnet)",
    "router",
    "firewall (security group)",
    "server node1",
    "server node2",
    "server node3",
    "public address",
];

/// Follows the invitation to add a key, and adds one.
pub(super) async fn adds_a_key(student: &Student) {
    student.sees("First, add your SSH key").await;
    student.follow("Add my SSH key").await;
    student.fill("Public key", KEY).await;
    student.press("Save key").await;
    student.sees("Your SSH key is saved").await;
    student.sees("ff524@laptop").await;
}

/// Chooses the first start of the week that is not about to pass.
pub(super) async fn chooses_the_first_start(student: &Student) {
    let starts = free_starts(student).await;
    let first = starts.into_iter().find(|(at, _)| *at > SystemClock.now() + TimeDelta::minutes(5));
    let (_, href) = first.expect("something is free this week");
    student.follow_address(&href).await;
    student.sees("How long?").await;
}

/// The free starts of the week that is shown, with the addresses of their links, the earliest first.
pub(super) async fn free_starts(student: &Student) -> BTreeMap<DateTime<Utc>, String> {
    let hrefs = student.addresses(".grid a[aria-label$=' free']").await;
    hrefs.into_iter().map(|href| (start_of(&href), href)).collect()
}

/// The start in an address such as `/labs/k8s?start=2026-11-24T14:00-05:00#book`.
fn start_of(href: &str) -> DateTime<Utc> {
    let start = href.split_once("start=").and_then(|(_, rest)| rest.split('#').next()).unwrap();
    let start = start.replace("%2B", "+");
    DateTime::parse_from_str(&start, "%Y-%m-%dT%H:%M%:z").unwrap_or_else(|_| panic!("{href}")).to_utc()
}

/// Watches a booking's page, without loading it again, until it says `answer`. Returns in which states each resource was
/// seen on the way.
pub(super) async fn watches_until(student: &Student, answer: &str) -> BTreeMap<String, BTreeSet<String>> {
    student.note_the_page().await;
    let seen = std::cell::RefCell::new(BTreeMap::<String, BTreeSet<String>>::new());
    student
        .until(&format!("watching until \"{answer}\""), async || {
            let things = student.texts(".resources .thing").await;
            let states = student.texts(".resources .tag").await;
            if things.len() == states.len() {
                for (thing, state) in things.into_iter().zip(states) {
                    seen.borrow_mut().entry(thing).or_default().insert(state);
                }
            }
            let says = student.texts("#timeline .status").await;
            Ok(says.iter().any(|says| says.contains(answer)).then_some(()))
        })
        .await;
    assert!(student.is_on_the_noted_page().await, "the page was told, it did not ask");
    seen.into_inner()
}
