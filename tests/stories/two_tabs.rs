//! Two tabs of one person: what the one does, the other learns before it does harm.

use super::steps::{LAB, adds_a_key, chooses_the_first_start, watches_until};
use crate::support::browser::{Screen, Student};
use crate::support::course::Course;
use crate::support::demo::Setup;

/// Extends the booking by an hour, and waits until the site has agreed.
async fn extends_it(student: &Student) {
    let before = student.texts(".board-left span").await;
    student.choose("1 h more").await;
    student.press("Extend").await;
    student
        .until("a later end", async || Ok((student.texts(".board-left span").await != before).then_some(())))
        .await;
}

/// Books two hours that begin at once, and waits until they can be used.
async fn has_servers(student: &Student) {
    student.open("/labs/k8s").await;
    chooses_the_first_start(student).await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    watches_until(student, "Your servers are ready until").await;
}

async fn is_told_of_the_change(student: &Student) -> String {
    student.sees("This booking changed while you looked").await;
    assert_eq!(student.status().await, 409);
    student.text("#problems").await
}

#[tokio::test]
async fn a_tab_that_is_out_of_date_is_told_and_nothing_is_lost() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    has_servers(&student).await;
    let (booking, live) = (student.address().await, student.tab().await);
    let stale = student.opens_a_tab().await;
    // With JavaScript the page would learn of it at once, and offer the old forms no longer.
    student.switch_javascript_off().await;
    student.open(&booking).await;
    student.sees("Your servers are ready until").await;

    student.looks_at(&live).await;
    extends_it(&student).await;
    let ends = student.texts(".board-left time").await.concat();

    student.looks_at(&stale).await;
    student.unfold("Release now").await;
    student.press("Release now").await;
    let told = is_told_of_the_change(&student).await;
    assert!(
        told.contains(&format!("You asked to end it. Nothing was done. It has begun, and ends {ends} now.")),
        "{told}"
    );
    student.sees("All servers, their network and everything on them are deleted at once.").await;
    student.screenshot("booking-changed").await;
    assert_eq!(demo.simulated_objects().len(), 10, "everything is still there");

    student.looks_at(&live).await;
    student.unfold("Release now").await;
    student.press("Release now").await;
    student.sees("It is given back.").await;

    student.looks_at(&stale).await;
    student.choose("2 h more").await;
    student.press("Extend").await;
    let told = is_told_of_the_change(&student).await;
    assert!(told.contains("You asked that it ends ") && told.contains("You released it."), "{told}");
    student.open(&booking).await;
    student.sees("Nothing is left on the cloud.").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn what_was_asked_for_in_vain_stays_chosen_while_the_page_is_pushed() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    has_servers(&student).await;
    let (booking, live) = (student.address().await, student.tab().await);
    let stale = student.opens_a_tab().await;
    student.switch_javascript_off().await;
    student.open(&booking).await;
    student.sees("Your servers are ready until").await;
    student.switch_javascript_on().await;
    student.looks_at(&live).await;
    extends_it(&student).await;

    student.looks_at(&stale).await;
    student.choose("3 h more").await;
    student.press("Extend").await;
    is_told_of_the_change(&student).await;
    student.unfold("End it earlier").await;
    student.choose_of("#earlier-end", 2).await;
    student.sees_replaced("#timeline .status").await;
    assert_eq!(student.shows("#earlier[open]").await, 1);
    assert_eq!(student.chosen_of("#earlier-end").await, 2);
    assert!(
        student.text(".lengths label:has(:checked)").await.contains("2 h more"),
        "an hour of them is had"
    );
    assert_eq!(student.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn of_two_tabs_that_book_the_last_place_one_is_told_and_keeps_its_length() {
    let demo = Setup::of(Course::example().with_capacity(1)).start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    let first = student.tab().await;
    let second = student.opens_a_tab().await;
    for tab in [&first, &second] {
        student.looks_at(tab).await;
        student.open("/labs/k8s").await;
        chooses_the_first_start(&student).await;
        student.choose("2 h until").await;
    }
    student.press("Book").await;
    student.sees("Your booking is made.").await;

    student.looks_at(&first).await;
    student.press("Book").await;
    student.sees("for 2 h was not booked").await;
    assert_eq!(student.status().await, 409);
    assert_eq!(student.texts("#problems code").await, ["overlap", "full"]);
    assert_eq!(student.texts(".near .nearest .quiet").await, ["for 2 h"; 3]);
    let offered = student.addresses(".near .nearest a").await;
    student.follow_address(&offered[0]).await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
}

#[tokio::test]
async fn what_one_needs_at_a_terminal_is_copied_and_printed() {
    let course = Course::example().with_dashboard("https://kvm.example.org/project");
    let demo = Setup::of(course).start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    has_servers(&student).await;
    student.press("Copy the private address of node2").await;
    student.sees("Copied").await;
    assert_eq!(student.text("#announce").await, "Copied: 192.168.1.12");
    student.unfold("How to reach servers without a public address").await;
    let address = student.text("#public-node1").await;
    let jump = student.text("#jump-node3").await;
    assert_eq!(jump, format!("ssh -J cc@{address} cc@192.168.1.13"));
    student.press("Copy the command for node3").await;
    student
        .until("the whole command is copied", async || {
            Ok((student.text("#announce").await == format!("Copied: {jump}")).then_some(()))
        })
        .await;
    assert_eq!(student.addresses(".board-link a").await, ["https://kvm.example.org/project"]);
    student.sees("Open KVM@TACC's dashboard").await;
    student.unfold("Release now").await;
    student.sees("You give back ").await;
    student.sees("Nobody else has one of the 30 places in that time.").await;

    student.screenshot("booking-access-wide").await;
    student.look_with(Screen::Phone).await;
    student.screenshot("booking-access-phone").await;
    student.fits_the_width().await;

    student.looks_at_paper().await;
    let printed = student.text(".printed").await;
    assert!(printed.starts_with(&format!("{LAB} at KVM@TACC, ")) && !printed.contains("today"), "{printed}");
    for needed in [".printed", "#ssh", ".servers tbody tr", "footer a[href^=mailto]"] {
        assert!(student.shows(needed).await > 0, "{needed} is not on paper");
    }
    assert_eq!(student.shows("button, nav, form, summary, .skip, .board-left").await, 0);
    student.screenshot("booking-printed").await;
    student.fits_the_width().await;
    assert_eq!(student.console_errors().await, [""; 0]);
}
