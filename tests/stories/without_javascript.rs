//! Everything works by links and forms alone.

use super::steps::{adds_a_key, chooses_the_first_start};
use crate::support::course::Course;
use crate::support::demo::Setup;

#[tokio::test]
async fn the_main_job_without_javascript() {
    let demo = Setup::of(Course::example()).start().await;
    let student = demo.visitor().await;
    student.switch_javascript_off().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;

    student.open("/labs/k8s").await;
    chooses_the_first_start(&student).await;
    student.choose("1 h until").await;
    student.press("Book").await;
    student.sees("Your booking is made.").await;
    assert_eq!(
        student.texts("noscript meta").await.len(),
        1,
        "JavaScript is off, and the page loads itself again"
    );

    student.sees("Your servers are being prepared").await;
    student.sees("Your servers are ready until").await;
    assert!(student.text("#ssh").await.starts_with("ssh cc@"));

    student.unfold("Release now").await;
    student.press("Release now").await;
    student.sees("Nothing is left on the cloud.").await;
    assert_eq!(demo.simulated_objects(), [""; 0]);
}
