//! The main job: a student books, gets servers, works, and gives them back; the cloud, the pages and the mail agree.

use super::steps::{RESOURCES, adds_a_key, chooses_the_first_start, watches_until};
use crate::support::browser::Student;
use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};

#[tokio::test]
async fn the_main_job_on_sqlite() {
    let demo = Setup::of(Course::example()).with_mail_server().start().await;
    on_the_simulated_cloud(&demo).await;
}

#[tokio::test]
async fn the_main_job_on_postgresql() {
    let demo = Setup::of(Course::example()).with_mail_server().on_postgres().start().await;
    on_the_simulated_cloud(&demo).await;
}

async fn on_the_simulated_cloud(demo: &Demo) {
    the_main_job(demo, async |_| assert_eq!(demo.simulated_objects().len(), RESOURCES.len())).await;
    assert_eq!(demo.simulated_objects(), [""; 0], "nothing is left on the cloud");
}

/// The whole story. `while_active` is told the booking's id while everything is up.
pub(super) async fn the_main_job(demo: &Demo, while_active: impl AsyncFnOnce(&str)) {
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;

    let booking = books_two_hours(&student).await;
    is_told_by_mail(demo, &booking).await;
    watches_it_being_prepared(&student).await;
    let ssh = gets_the_address(&student).await;
    let mail = demo.mail().received("ff524", "Ready until ").await;
    assert!(mail.subject.ends_with(&ssh) && mail.text.contains(&ssh), "{mail:#?}");
    while_active(&booking).await;

    extends_by_an_hour(&student).await;
    gives_it_back(&student).await;
    let mail = demo.mail().received("ff524", "Ended, everything deleted: ").await;
    assert!(mail.text.starts_with("You gave it back, and nothing of it is left on the cloud."), "{mail:#?}");
    assert_eq!(student.console_errors().await, [""; 0]);
}

pub(super) async fn books_two_hours(student: &Student) -> String {
    student.open("/").await;
    student.follow("Choose a time").await;
    student.sees("Your net ID ends in 4, so this week you may start on").await;
    student.sees("at most 8 h at once").await;
    chooses_the_first_start(student).await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    student.address().await.trim_start_matches("/bookings/").to_owned()
}

async fn is_told_by_mail(demo: &Demo, booking: &str) {
    let mail = demo.mail().received("ff524", "Booked: ").await;
    assert!(mail.subject.contains(" - Deploy a machine learning"), "{}", mail.subject);
    assert!(mail.text.contains(&format!("/bookings/{booking}\n")), "{}", mail.text);
    let invite = mail.calendar.expect("an invitation comes with it");
    assert_eq!(invite.method, "REQUEST");
    assert!(invite.text.contains("METHOD:REQUEST"), "{}", invite.text);
    let unfolded = invite.text.replace("\r\n ", "").replace("\n ", "");
    assert!(unfolded.contains("mailto:ff524@example.edu"), "{}", invite.text);
}

async fn watches_it_being_prepared(student: &Student) {
    let seen = watches_until(student, "Your servers are ready until").await;
    assert_eq!(seen.keys().len(), RESOURCES.len(), "{seen:#?}");
    for resource in RESOURCES {
        assert!(seen.contains_key(resource), "{resource} was not shown: {seen:#?}");
    }
    for server in ["server node1", "server node2", "server node3"] {
        assert!(seen[server].contains("waiting") && seen[server].contains("working"), "{server}: {seen:#?}");
    }
    assert!(seen["private network"].contains("ready"), "{seen:#?}");
}

/// Reads the command on the page; the address in it is the first server's public one.
async fn gets_the_address(student: &Student) -> String {
    let ssh = student.text("#ssh").await;
    let servers = student.texts(".servers tbody tr").await;
    let address = ssh.strip_prefix("ssh cc@").unwrap_or_else(|| panic!("{ssh}"));
    assert!(address.parse::<std::net::Ipv4Addr>().is_ok(), "{ssh}");
    assert_eq!(servers.len(), 3);
    assert!(servers[0].contains("node1") && servers[0].contains(address), "{servers:?}");
    ssh
}

async fn extends_by_an_hour(student: &Student) {
    let before = ends(student).await;
    student.choose("1 h more").await;
    student.press("Extend").await;
    let after = student
        .until("a later end", async || Ok(Some(ends(student).await).filter(|ends| *ends != before)))
        .await;
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_at(text.len() - 5).1.split_once(':').unwrap();
        hours.parse::<i32>().unwrap() * 60 + minutes.parse::<i32>().unwrap()
    };
    assert_eq!(minutes(&after) - minutes(&before), 60, "{before} became {after}");
}

/// "ends today 14:30"
async fn ends(student: &Student) -> String {
    student.texts(".board-left span").await.concat()
}

pub(super) async fn gives_it_back(student: &Student) {
    student.unfold("Release now").await;
    student.sees("All servers, their network and everything on them are deleted at once.").await;
    student.press("Release now").await;
    student.sees("It is given back.").await;
    let seen = watches_until(student, "Nothing is left on the cloud.").await;
    assert!(seen["server node1"].contains("deleting"), "{seen:#?}");
    student.reload().await;
    student.sees("You released it.").await;
    student.sees("Nothing is left on the cloud.").await;
}
