//! The whole flow by keyboard alone: signing in, the first key, choosing a time in the grid, booking, giving it back.

use fantoccini::key::Key;

use super::steps::KEY;
use crate::support::browser::Student;
use crate::support::course::Course;
use crate::support::demo::Setup;

/// The time of the focused start: `Thu Nov 26, 14:00`.
async fn time(student: &Student) -> String {
    let focused = student.focused().await;
    focused.split(", ").take(2).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn everything_goes_by_keyboard() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.tabs_to("ff524").await;
    student.key(Key::Enter).await;
    student.sees("First, add your SSH key").await;
    student.tabs_to("Add my SSH key").await;
    student.key(Key::Enter).await;
    student.tabs_to("Public key").await;
    student.types(KEY).await;
    student.tabs_to("Save key").await;
    student.key(Key::Enter).await;
    student.sees("Your SSH key is saved").await;

    student.tabs_to("My labs").await;
    student.key(Key::Enter).await;
    student.tabs_to("Choose a time").await;
    student.key(Key::Enter).await;
    student.sees("About this lab").await;
    student.note_the_page().await;
    walks_the_grid(&student).await;
    books_by_keyboard(&student).await;
    gives_it_back_by_keyboard(&student).await;
    assert_eq!(student.console_errors().await, [""; 0]);
}

/// One stop for Tab; arrows, pages, and reasons where nothing can be chosen.
async fn walks_the_grid(student: &Student) {
    student.tabs_to(" of 30 free").await;
    let first = time(student).await;
    student.key(Key::Down).await;
    assert_ne!(time(student).await, first);
    student.key(Key::Up).await;
    assert_eq!(time(student).await, first);
    student.key(Key::Right).await;
    student.key(Key::Right).await;
    let other_day = student.focused().await;
    assert!(other_day.contains("is not a day for even net IDs"), "{other_day}");
    assert_eq!(student.text("#why").await, other_day);
    student.key(Key::End).await;
    let last = student.focused().await;
    assert!(last.contains(", 23:"), "{last}");
    student.key(Key::Tab).await;
    assert_eq!(student.texts("#why:not([hidden])").await, [""; 0], "it goes with the focus");
    student.tabs_back_to(&last).await;
    student.key(Key::PageDown).await;
    student.sees("This week").await;
    student.has_the_focus_at("#week-title").await;
    assert!(student.is_on_the_noted_page().await, "the week is swapped, not the page");
    student.tabs_to(" of 30 free").await;
    student.key(Key::PageUp).await;
    student.sees("Next week").await;
    student.has_the_focus_at("#week-title").await;
}

/// To the right, until a start of another day can be chosen.
async fn walks_to_another_day(student: &Student, today: &str) {
    for _ in 0..14 {
        student.key(Key::Right).await;
        if student.focused().await.contains(" of 30 free") && !time(student).await.starts_with(today) {
            return;
        }
    }
    panic!("no other day can be reached: {}", student.focused().await);
}

async fn books_by_keyboard(student: &Student) {
    student.tabs_to(" of 30 free").await;
    let today = time(student).await;
    walks_to_another_day(student, &today[..10]).await;
    let start = time(student).await;
    student.key(Key::Enter).await;
    student.has_the_focus_at("#panel-title").await;
    assert!(
        start.contains(student.focused().await.split(", ").last().unwrap()),
        "of the start that was chosen"
    );
    student.key(Key::Escape).await;
    student.has_the_focus_at(".grid a").await;
    assert_eq!(time(student).await, start, "closing it leads back");
    student.key(Key::Enter).await;
    student.has_the_focus_at("#panel-title").await;
    student.tabs_to("until").await;
    student.key(Key::Up).await;
    student.tabs_to("Book").await;
    student.key(Key::Enter).await;
    student.sees("Your booking is made.").await;
}

async fn gives_it_back_by_keyboard(student: &Student) {
    student.sees("It is yours").await;
    student.tabs_to("Cancel this booking").await;
    student.key(Key::Enter).await;
    student.tabs_to("Cancel this booking").await;
    student.key(Key::Enter).await;
    student.sees("You cancelled it.").await;
}
