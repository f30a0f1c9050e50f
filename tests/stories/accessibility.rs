//! Everyone can use the pages: in each of their states axe-core finds nothing, in the light and in the dark, and the Tab
//! key reaches all there is, with its place in sight.

use crate::support::browser::{Screen, Student};
use crate::support::course::Course;
use crate::support::demo::Setup;

/// What axe-core finds wrong with the page that is open, in both lights.
async fn axe_findings(student: &Student, unless: &[&str]) -> Vec<String> {
    let mut found = student.axe_findings(unless).await;
    student.prefer_dark(true).await;
    found.extend(student.axe_findings(unless).await.into_iter().map(|it| format!("in the dark, {it}")));
    student.prefer_dark(false).await;
    found
}

fn nothing(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn everyone_can_use_every_component() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.open("/components").await;
    let mut found = Vec::new();
    for (name, screen) in [("components-wide", Screen::Wide), ("components-phone", Screen::Phone)] {
        student.look_with(screen).await;
        student.screenshot(name).await;
        // The same part is there several times, on purpose.
        found.extend(axe_findings(&student, &["landmark-unique"]).await);
        student.fits_the_width().await;
    }
    student.look_with(Screen::Wide).await;
    student.prefer_dark(true).await;
    student.screenshot("components-dark").await;
    found.extend(student.lost_to_the_tab_key().await);
    nothing(&found);
}

#[tokio::test]
async fn everyone_can_use_every_page_in_every_state() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.open("/components").await;
    let pages = student.addresses("#pages li a").await;
    assert!(pages.len() > 30, "{pages:?}");
    let mut found = Vec::new();
    for page in pages {
        student.open(&page).await;
        found.extend(axe_findings(&student, &[]).await);
        found.extend(student.lost_to_the_tab_key().await);
    }
    nothing(&found);
}

#[tokio::test]
async fn what_is_spoilt_is_found() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.open("/sign-in").await;
    student.spoil("h1", "color", "rgb(230, 230, 230)").await;
    student.spoil(".person", "outline", "none").await;
    student.spoil(".person", "boxShadow", "none").await;
    let found = student.axe_findings(&[]).await;
    assert!(found.len() == 1 && found[0].contains("color-contrast"), "{found:?}");
    let lost = student.lost_to_the_tab_key().await;
    assert!(lost.len() == 1 && lost[0].contains("the focus does not show"), "{lost:?}");
}
