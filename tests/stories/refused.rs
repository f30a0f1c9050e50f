//! What is refused says which rules it breaks, and what would be accepted; and that is true.

use super::steps::{adds_a_key, chooses_the_first_start};
use crate::support::browser::Student;
use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};

async fn a_student(demo: &Demo, net_id: &str) -> Student {
    let student = demo.visitor().await;
    student.sign_in_by_name(net_id).await;
    adds_a_key(&student).await;
    student
}

/// The codes of the rules that the page names.
async fn broken_rules(student: &Student) -> Vec<String> {
    student.texts("#problems code").await
}

/// Follows the first start that the refusal offers, and books it.
async fn books_what_is_offered(student: &Student) {
    student.sees("These would be accepted").await;
    let offered = student.addresses(".near .nearest a").await;
    student.follow_address(&offered[0]).await;
    student.choose("1 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
}

#[tokio::test]
async fn each_broken_rule_is_told_and_what_is_offered_instead_can_be_booked() {
    let demo = Setup::of(Course::example()).start().await;
    let student = a_student(&demo, "ff524").await;
    student.open("/labs/k8s").await;
    chooses_the_first_start(&student).await;
    student.tamper("[name=start]", &demo.course.at(1, "10:10:00")).await;
    student.tamper("[name=hours]:checked", "9").await;
    student.press("Book").await;

    student.sees("was not booked").await;
    assert_eq!(student.status().await, 422);
    assert_eq!(broken_rules(&student).await, ["off_grid", "wrong_day", "over_cap"]);
    student.sees("Starts and ends lie on multiples of 30 minutes.").await;
    student.sees("is not a day for even net IDs").await;
    student.sees("You asked for 9 h; at most 8 h at once.").await;
    books_what_is_offered(&student).await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

#[tokio::test]
async fn a_start_on_a_day_of_others_says_so_before_the_click() {
    let demo = Setup::of(Course::example()).start().await;
    let student = a_student(&demo, "ff524").await;
    let start = demo.course.at(1, "10:00:00").replace('+', "%2B");
    student.open(&format!("/labs/k8s?start={start}")).await;
    student.sees("This start can't be booked.").await;
    student.sees("is not a day for even net IDs").await;
    assert_eq!(student.texts("#book button").await, [""; 0]);
}

#[tokio::test]
async fn the_loser_of_the_last_place_is_told_and_finds_another() {
    let demo = Setup::of(Course::example().with_capacity(1)).start().await;
    let (loser, winner) = (a_student(&demo, "cd246").await, a_student(&demo, "ff524").await);
    for student in [&loser, &winner] {
        student.open("/labs/k8s").await;
        chooses_the_first_start(student).await;
        student.choose("1 h until").await;
    }
    winner.press("Book").await;
    winner.sees("Your booking is made.").await;
    loser.press("Book").await;
    loser.sees("Every place is taken at").await;
    assert_eq!(loser.status().await, 409);
    assert_eq!(broken_rules(&loser).await, ["full"]);
    books_what_is_offered(&loser).await;
}

#[tokio::test]
async fn what_is_not_there_or_not_mine_is_not_found() {
    let demo = Setup::of(Course::example()).start().await;
    let (student, other) = (a_student(&demo, "ff524").await, a_student(&demo, "cd246").await);
    student.open("/labs/k8s").await;
    chooses_the_first_start(&student).await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    for path in ["/labs/nothing", "/nowhere", "/bookings/000000000000", &student.address().await] {
        other.open(path).await;
        other.sees("There is no such page").await;
        assert_eq!(other.status().await, 404, "{path}");
    }
}

#[tokio::test]
async fn a_net_id_that_can_be_none_comes_back_to_be_mended() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.fill("Or any other net ID", "5ff").await;
    student.press("Sign in").await;
    student.sees("such as ff524").await;
    assert_eq!(student.status().await, 422);
    student.fill("Or any other net ID", " FF524 ").await;
    student.press("Sign in").await;
    student.sees("Sign out").await;
}
