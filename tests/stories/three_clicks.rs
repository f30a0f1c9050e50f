//! From sign-in to a booked slot in three clicks, on a phone.

use super::steps::{adds_a_key, chooses_the_first_start};
use crate::support::browser::Screen;
use crate::support::course::Course;
use crate::support::demo::Setup;

#[tokio::test]
async fn a_student_who_has_a_key_books_in_three_clicks() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.look_with(Screen::Phone).await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    student.press("Sign out").await;
    student.sign_in("ff524").await;
    student.fits_the_width().await;

    student.follow("Choose a time").await;
    student.sees("About this lab").await;
    student.fits_the_width().await;
    chooses_the_first_start(&student).await;
    student.fits_the_width().await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    student.fits_the_width().await;
    assert_eq!(student.console_errors().await, [""; 0]);
}
