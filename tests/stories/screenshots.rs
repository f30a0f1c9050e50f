//! Every page as people see it: on a wide screen, in the dark, on a phone. Nothing runs over the phone's edge, no page
//! complains on the console, and axe-core finds nothing. With `FAIRLEASE_TEST_ARTIFACTS` the pictures are kept in
//! `screenshots/` there.

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::link::Link;
use fairlease::domain::marked::{Marked, Predicate, Stage, Target};
use fairlease::services::{booking, links};

use super::steps::{adds_a_key, chooses_the_first_start};
use crate::health::two_sites;
use crate::sites;
use crate::support::browser::{Screen, Student};
use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::world::{Backend, World, course, slot};

/// Takes the pictures of the page that is open. What is pushed to it meanwhile may come with any of them.
pub(super) async fn poses(student: &Student, name: &str) {
    student.screenshot(&format!("{name}-wide")).await;
    let mut found = student.axe_findings(&[]).await;
    student.prefer_dark(true).await;
    student.screenshot(&format!("{name}-dark")).await;
    found.extend(student.axe_findings(&[]).await);
    assert_eq!(found, [""; 0], "{name}");
    student.prefer_dark(false).await;
    student.look_with(Screen::Phone).await;
    student.screenshot(&format!("{name}-phone")).await;
    student.fits_the_width().await;
    student.look_with(Screen::Wide).await;
}

/// Volumes, a share and a bucket, as a blueprint has them.
const STORES: &str = r#"
[[lab.blueprint.volume]]
name = "data"
size_gib = 20
server = "node1"

[[lab.blueprint.volume]]
name = "results"
size_gib = 2
server = "node2"

[[lab.blueprint.share]]
name = "home"
size_gib = 10

[[lab.blueprint.server]]
name = "node2""#;

/// A booking with places for data, and one that is still being prepared while its site is down.
#[tokio::test(flavor = "multi_thread")]
async fn a_booking_tells_where_data_is_and_another_waits_for_its_site() {
    let course = course(&[
        ("login = \"cc\"", "login = \"cc\"\nbuckets = [\"datasets\"]"),
        ("\n[[lab.blueprint.server]]\nname = \"node2\"", STORES),
    ]);
    let slow = Profile { boot: TimeDelta::minutes(8), ..Profile::instant() };
    let world = World::with(Backend::Sqlite, course, slow).await;
    let (one, two) = (world.student("ff524").await, world.student("gg10").await);
    let made = world.book(&one, slot("2025-02-08T09:30", "2025-02-08T14:00")).await;
    world.work_until(&one, &made.id, "active").await;
    let waits = world.book(&two, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
    world.work_until(&two, &waits.id, "preparing").await;
    world.work().await;
    sites::goes_down(&world).await;
    let served = sites::serve(&world);
    let student = Student::with_browser(&served.url).await;
    student.open("/").await;
    student.sign_in_by_name("ff524").await;
    student.open(&format!("/bookings/{}", made.id)).await;
    student.sees("Where your data is").await;
    poses(&student, "booking-stores").await;
    student.press("Sign out").await;
    student.sign_in_by_name("gg10").await;
    student.open(&format!("/bookings/{}", waits.id)).await;
    student.sees("Preparing rests: ").await;
    poses(&student, "booking-preparing-site-down").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

/// The pages while a site is down, as a student and as staff see them.
#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_of_a_site_that_is_down() {
    let world = World::with(Backend::Sqlite, two_sites(), Profile::instant()).await;
    sites::staff(&world, "ta77").await;
    let person = world.student("ff524").await;
    let early = world.book(&person, slot("2025-02-08T09:30", "2025-02-08T14:00")).await;
    world.work_until(&person, &early.id, "active").await;
    let made = world.book(&person, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
    sites::goes_down(&world).await;
    let served = sites::serve(&world);
    let student = Student::with_browser(&served.url).await;
    student.open("/").await;
    student.sign_in_by_name("ff524").await;
    for (path, name) in [
        ("/sites".to_owned(), "sites-down"),
        ("/labs/k8s".to_owned(), "lab-site-down"),
        (format!("/bookings/{}", made.id), "booking-site-down"),
    ] {
        student.open(&path).await;
        student.sees("does not answer since").await;
        poses(&student, name).await;
    }
    student.press("Sign out").await;
    student.sign_in_by_name("ta77").await;
    student.open("/sites").await;
    student.unfold("By operation").await;
    poses(&student, "sites-staff").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

/// A course in which some have used more than others, and a place that two want.
async fn wanted(world: &World) -> (fairlease::domain::person::Person, fairlease::domain::booking::Booking) {
    for (net_id, start, end) in [
        ("st2", "2025-02-08T12:00", "2025-02-08T14:00"),
        ("st4", "2025-02-08T16:00", "2025-02-08T20:00"),
        ("st6", "2025-02-10T08:00", "2025-02-10T15:00"),
        ("st8", "2025-02-10T18:00", "2025-02-10T19:00"),
    ] {
        let person = world.student(net_id).await;
        world.book(&person, slot(start, end)).await;
    }
    let person = world.student("ff524").await;
    world.book(&person, slot("2025-02-10T20:00", "2025-02-10T22:00")).await;
    let holder = world.student("ho2").await;
    let held = world.book(&holder, slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
    (holder, held)
}

/// What staff find in the log of who did what.
#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_who_did_what() {
    let world = World::new(Backend::Sqlite).await;
    sites::staff(&world, "ta77").await;
    world.student("ff524").await;
    let served = sites::serve(&world);
    let ta = Student::with_browser(&served.url).await;
    ta.open("/").await;
    ta.sign_in_by_name("ta77").await;
    ta.open("/staff/labs/k8s#grant").await;
    ta.fill("Net ID", "ff524").await;
    ta.choose_of("#rule", 5).await;
    ta.fill("Value", "10").await;
    ta.fill("Reason", "was ill for a week").await;
    ta.press("Grant").await;
    ta.sees("The exception is granted.").await;
    ta.open("/staff/audit").await;
    ta.sees("ta77 granted ff524 an exception").await;
    poses(&ta, "audit").await;
    ta.unfold("Before and after").await;
    ta.unfold("Look for something").await;
    ta.fill("About", "ff524").await;
    poses(&ta, "audit-open").await;
    ta.press("Look").await;
    ta.sees("What was done about ff524").await;
    poses(&ta, "audit-about").await;
    ta.fill("About", "zz9").await;
    ta.press("Look").await;
    ta.sees("Nobody here has the net ID zz9.").await;
    poses(&ta, "audit-refused").await;
    assert_eq!(ta.console_errors().await, [""; 0]);
}

/// From a start that is full to a place that is offered, and what staff see of it.
#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_of_shares_and_of_the_line() {
    let course = course(&[("capacity = 30 ", "capacity = 1 ")]);
    let world = World::with(Backend::Sqlite, course, Profile::instant()).await;
    sites::staff(&world, "ta77").await;
    let (holder, held) = wanted(&world).await;
    let served = sites::serve(&world);
    let student = Student::with_browser(&served.url).await;
    student.open("/").await;
    student.sign_in_by_name("ff524").await;
    student.open("/standing").await;
    student.sees("other students when places are scarce").await;
    poses(&student, "standing").await;
    student.open("/labs/k8s?start=2025-02-12T11:00-05:00").await;
    student.sees("This start can't be booked").await;
    poses(&student, "lab-taken").await;
    student.open("/labs/k8s/wait").await;
    poses(&student, "wait").await;
    student.open("/labs/k8s/wait?hours=6&at=2025-02-12.morning").await;
    student.sees("You would be 1st in line.").await;
    poses(&student, "wait-chances").await;
    student.press("Join the line").await;
    student.sees("You are 1st in line.").await;
    poses(&student, "wait-waiting").await;
    student.open("/").await;
    student.sees("in line for 6 h").await;
    poses(&student, "labs-waiting").await;
    booking::release(&world.app, holder, held.id).await.unwrap();
    world.work().await;
    student.open("/").await;
    student.sees("A place is offered to you until").await;
    poses(&student, "labs-offered").await;
    student.press("Sign out").await;
    student.sign_in_by_name("ta77").await;
    for (path, name) in [("/staff/fair-share", "staff-fair-share"), ("/staff/waitlist", "staff-waitlist")] {
        student.open(path).await;
        poses(&student, name).await;
    }
    student.press("Sign out").await;
    student.sign_in_by_name("ff524").await;
    student.open("/").await;
    student.press("Accept").await;
    student.sees("It is yours").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

/// What links of mails lead to, without anybody being signed in.
#[tokio::test(flavor = "multi_thread")]
async fn links_of_mails_say_what_they_do() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let made = world.book(&person, slot("2025-02-08T09:30", "2025-02-08T14:00")).await;
    world.work_until(&person, &made.id, "active").await;
    let (from, now) = (made.slot.end(), world.app.now());
    let path = |link: &Link| {
        let url = links::url(&world.app, &person.id, link);
        url.strip_prefix(&world.app.public_url).unwrap().to_owned()
    };
    let stopped = marked_server(now);
    let (restore, mark) = (Link::restore(&stopped).unwrap(), stopped.clone());
    let why = "it has been there for 9 h, and every lab allows 8 h at most";
    let save = move |conn: &mut db::Conn<'_>| db::save_mark(conn, None, &mark, why);
    world.app.db.write::<_, DbError, _>("mark", save).await.unwrap();
    let served = sites::serve(&world);
    let student = Student::with_browser(&served.url).await;
    for (link, name, button) in [
        (restore, "link-restore", "Keep it"),
        (
            Link::Extend { booking: made.id.clone(), from, to: from + TimeDelta::hours(1) },
            "link-extend",
            "Extend to 15:00",
        ),
        (Link::Release { booking: made.id.clone(), end: from }, "link-release", "Give it back now"),
    ] {
        student.open(&path(&link)).await;
        student.sees("Nothing is done before you press the button.").await;
        poses(&student, name).await;
        student.press(button).await;
        student.sees("My labs").await;
        poses(&student, &format!("{name}-done")).await;
    }
    student.open("/links/mistyped").await;
    student.sees("This link leads nowhere.").await;
    poses(&student, "link-unknown").await;
}

/// A server that the reaper has stopped.
fn marked_server(now: DateTime<Utc>) -> Marked {
    Marked {
        restores: 0,
        target: Target {
            site: "kvm-tacc".parse().unwrap(),
            kind: Kind::Server,
            site_ref: "s-1".to_owned(),
            name: "node1-cloud-ff524".to_owned(),
        },
        predicate: Predicate::OverCap,
        net_id: Some("ff524".parse().unwrap()),
        stage: Stage::Stopped { warned_at: now - TimeDelta::hours(12), at: now },
    }
}

#[tokio::test]
async fn every_page_fits_and_is_quiet() {
    let demo = Setup::of(Course::example().with_capacity(4)).start().await;
    let student = demo.visitor().await;
    student.look_with(Screen::Wide).await;
    poses(&student, "sign-in").await;
    student.sign_in("ff524").await;
    poses(&student, "labs-new").await;
    student.open("/mailbox").await;
    poses(&student, "mailbox-empty").await;
    student.open("/me").await;
    poses(&student, "me-new").await;
    student.open("/").await;
    adds_a_key(&student).await;
    poses(&student, "me").await;

    student.open("/labs/k8s").await;
    poses(&student, "lab").await;
    student.follow("List").await;
    student.sees("is not a day for even net IDs").await;
    poses(&student, "lab-list").await;
    student.follow("Find a slot").await;
    student.sees("The first 8 times").await;
    poses(&student, "lab-find").await;
    student.open("/labs/k8s").await;
    student.focus(".grid td.n").await;
    poses(&student, "lab-why").await;
    chooses_the_first_start(&student).await;
    poses(&student, "lab-chosen").await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("parts are ready").await;
    poses(&student, "booking-preparing").await;
    student.sees("Your servers are ready until").await;
    poses(&student, "booking-active").await;
    student.unfold("End it earlier").await;
    poses(&student, "booking-earlier").await;
    let booking = student.address().await;

    let later = demo.course.at(2, "15:00:00").replace('+', "%2B");
    student.open(&format!("/labs/k8s?start={later}")).await;
    student.press("Book").await;
    student.sees("It is yours").await;
    poses(&student, "booking-booked").await;
    student.follow("Move it to another time").await;
    poses(&student, "booking-move").await;
    student.open("/").await;
    poses(&student, "labs").await;
    student.open("/labs/k8s").await;
    poses(&student, "lab-booked").await;

    student.open(&booking).await;
    student.unfold("Release now").await;
    poses(&student, "booking-release").await;
    student.press("Release now").await;
    student.sees("Nothing is left on the cloud.").await;
    poses(&student, "booking-ended").await;
    student.open("/me").await;
    student.press("Make an address").await;
    student.sees("It is shown only now.").await;
    poses(&student, "calendar-address").await;
    student.follow("Back to Me").await;
    student.unfold("Make another address").await;
    poses(&student, "me-used").await;
    student.follow("My past bookings").await;
    student.sees("given back").await;
    poses(&student, "me-bookings").await;

    student.open("/mailbox").await;
    student.sees("Ended, everything deleted").await;
    poses(&student, "mailbox").await;
    student.follow("Booked: ").await;
    poses(&student, "mail").await;

    student.open("/labs/k8s").await;
    chooses_the_first_start(&student).await;
    student.tamper("[name=start]", &demo.course.at(1, "10:10:00")).await;
    student.press("Book").await;
    student.sees("was not booked").await;
    poses(&student, "lab-refused").await;
    student.open("/sites").await;
    student.sees("The site answers.").await;
    poses(&student, "sites").await;
    student.open("/labs/nothing").await;
    poses(&student, "error").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}
