//! The same times as a list, and the search for a slot: with JavaScript and without it.

use super::steps::adds_a_key;
use crate::support::browser::{Screen, Student};
use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};

async fn at_the_lab(demo: &Demo, net_id: &str, javascript: bool) -> Student {
    let student = demo.visitor().await;
    if !javascript {
        student.switch_javascript_off().await;
    }
    student.look_with(Screen::Phone).await;
    student.sign_in_by_name(net_id).await;
    adds_a_key(&student).await;
    student.open("/labs/k8s").await;
    student
}

#[tokio::test]
async fn a_slot_is_found_and_booked_from_the_list_and_by_search() {
    let demo = Setup::of(Course::example()).start().await;
    for (net_id, javascript) in [("ff524", true), ("cd246", false)] {
        let student = at_the_lab(&demo, net_id, javascript).await;
        finds_and_books(&demo, &student).await;
        student.open("/labs/k8s").await;
        books_from_the_list(&student).await;
        assert_eq!(student.console_errors().await, [""; 0]);
    }
}

/// From nine on a day of theirs, for three hours; what can't be is told first, and what was typed stays.
async fn finds_and_books(demo: &Demo, student: &Student) {
    let day = demo.course.at(2, "00:00:00");
    let date = day.split('T').next().unwrap();
    student.follow("Find a slot").await;
    student.sees("The first 8 times for 2 h").await;
    student.open(&format!("/labs/k8s?view=find&hours=3&after={date}&before=soon&from=09:00&to=08:00")).await;
    student.sees("That can't be looked for").await;
    student.sees("\"soon\" is not a date").await;
    student.sees("The day can't end before it begins.").await;
    student
        .open(&format!("/labs/k8s?view=find&hours=3&after={date}&before={date}&from=09:00&to=15:30"))
        .await;
    student.sees("The first 2 times for 3 h").await;
    student.fits_the_width().await;
    let offered = student.addresses(".found .nearest a").await;
    student.follow_address(&offered[0]).await;
    student.sees("How long?").await;
    assert_eq!(student.value("[name=hours]:checked").await, "3");
    student.press("Book").await;
    student.sees("It is yours").await;
    student.sees("09:00").await;
}

async fn books_from_the_list(student: &Student) {
    student.follow("List").await;
    student.sees("Yours: ").await;
    student.sees("is not a day for even net IDs").await;
    student.fits_the_width().await;
    let starts = student.addresses(".starts a").await;
    student.follow_address(starts.last().unwrap()).await;
    student.sees("How long?").await;
    student.sees("Yours: ").await;
    student.press("Book").await;
    student.sees("It is yours").await;
}
