//! What people made by hand: a TA stops the reaper and lets it go on, a student takes a server back. Each page has its picture
//! taken on the way.

use chrono::TimeDelta;
use fairlease::policy::reaping::Plan;

use super::screenshots::poses;
use crate::reaper_pages::{deleted, deletes, mark, reported, swept, waits};
use crate::sites;
use crate::support::browser::Student;
use crate::world::{Backend, World};

/// A world in which two students have servers that are marked, and others are nobody's.
async fn something_marked() -> World {
    let world = World::new(Backend::Sqlite).await;
    deletes(&world).await;
    sites::staff(&world, "ta77").await;
    let marks = mark(&world, &[("node1-cloud-ff524", Some("ff524")), ("hadoop-gg7", Some("gg7"))]).await;
    let reported = (0..12).map(|number| reported(&format!("left-over-network-{number}"))).collect();
    let plan = Plan { reported, ..waits(&world, &marks) };
    let acts = vec![deleted(&world, "old-one", false), deleted(&world, "stubborn", true)];
    swept(&world, &plan, acts).await;
    world.clock.advance(TimeDelta::seconds(20));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ta_pauses_the_reaper_and_resumes_it() {
    let world = something_marked().await;
    let served = sites::serve(&world);
    let ta = Student::with_browser(&served.url).await;
    ta.open("/").await;
    ta.sign_in_by_name("ta77").await;
    ta.follow("Reaper").await;
    ta.sees("2 servers are stopped today 11:10").await;
    poses(&ta, "reaper").await;
    ta.unfold("Pause").await;
    poses(&ta, "reaper-pause").await;
    ta.press("Pause the reaper").await;
    ta.sees("Say why").await;
    poses(&ta, "reaper-refused").await;
    ta.fill("Reason", "The quota is being moved").await;
    ta.press("Pause the reaper").await;
    ta.sees("The reaper is paused at all sites.").await;
    ta.unfold("Resume").await;
    poses(&ta, "reaper-paused").await;
    ta.press("Resume").await;
    ta.sees("The pause is over.").await;
    ta.sees("2 servers are stopped today 11:10").await;

    ta.follow("Exempt server hadoop-gg7").await;
    ta.fill("Reason", "shown in class").await;
    poses(&ta, "reaper-exempt").await;
    ta.press("Exempt").await;
    ta.sees("1 exemption holds.").await;
    ta.unfold("Take back").await;
    poses(&ta, "reaper-exemptions").await;
    ta.open("/staff/reaper/sweeps").await;
    poses(&ta, "reaper-sweeps").await;
    ta.follow("today 09:10").await;
    ta.sees("1 of 2 acts failed.").await;
    poses(&ta, "reaper-sweep").await;
    ta.open("/staff/reaper").await;
    ta.follow("All 12").await;
    poses(&ta, "reaper-list").await;
    ta.open("/staff/reaper").await;
    ta.press("Look now").await;
    ta.sees("nothing was changed").await;
    poses(&ta, "reaper-look").await;
    assert_eq!(ta.console_errors().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_student_takes_a_server_back() {
    let world = something_marked().await;
    world.student("ff524").await;
    let served = sites::serve(&world);
    let student = Student::with_browser(&served.url).await;
    student.open("/").await;
    student.sign_in_by_name("ff524").await;
    student.open("/me").await;
    student.sees("server node1-cloud-ff524").await;
    poses(&student, "me-by-hand").await;
    student.press("Restore").await;
    student.sees("It is taken back.").await;
    student.sees("left alone until today 17:10").await;
    poses(&student, "me-restored").await;
    assert_eq!(student.console_errors().await, [""; 0]);
}
