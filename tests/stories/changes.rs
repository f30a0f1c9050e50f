//! A booking gets another time: it is moved while it is ahead, and ended earlier while it runs. Without a script, too: these
//! are links and forms.

use super::steps::{adds_a_key, chooses_the_first_start, free_starts, watches_until};
use crate::support::browser::Student;
use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};

#[tokio::test]
async fn a_booking_is_moved_and_another_ended_earlier() {
    let demo = Setup::of(Course::example().with_capacity(4)).with_mail_server().start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    moves_a_booking(&demo, &student).await;
    ends_one_earlier(&student).await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

async fn moves_a_booking(demo: &Demo, student: &Student) {
    let later = demo.course.at(2, "15:00:00").replace('+', "%2B");
    student.open(&format!("/labs/k8s?start={later}")).await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("It is yours").await;
    let before = student.text("h1").await;
    student.follow("Move it to another time").await;
    student.sees("Move your booking").await;
    let (_, there) = free_starts(student).await.pop_last().expect("there is another time");
    student.follow_address(&there).await;
    student.sees("How long?").await;
    student.press("Move it there").await;
    student.sees("The other time is asked for.").await;
    let mail = demo.mail().received("ff524", "Moved: ").await;
    assert!(mail.calendar.is_some_and(|invite| invite.text.contains("METHOD:REQUEST")));
    student.reload().await;
    let after = student.text("h1").await;
    assert_ne!(after, before);
    student.unfold("Cancel this booking").await;
    student.press("Cancel this booking").await;
    student.sees("It is given back.").await;
}

async fn ends_one_earlier(student: &Student) {
    student.open("/labs/k8s").await;
    chooses_the_first_start(student).await;
    student.choose("2 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    watches_until(student, "Your servers are ready until").await;
    let before = student.text(".board-left span").await;
    student.unfold("End it earlier").await;
    student.press("End it then").await;
    student.sees("The earlier end is asked for.").await;
    student
        .until("an earlier end", async || {
            Ok(Some(student.texts(".board-left span").await.concat()).filter(|ends| *ends != before))
        })
        .await;
}
