//! Someone who runs the course sees the pages as a student does, and a team mate sees what is booked.

use fairlease::domain::audit::Doer;
use fairlease::services::shares::{self, Change, Placing};

use super::screenshots::poses;
use crate::sites;
use crate::support::browser::Student;
use crate::world::{Backend, World, slot};

async fn in_team(world: &World, net_id: &str) {
    let placing = Placing {
        net_id: net_id.parse().unwrap(),
        section: Change::None,
        team: Change::To("red".to_owned()),
        shares: None,
    };
    shares::place(&world.app, &Doer::command(), placing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_the_pages_as_a_student_and_a_team_sees_its_bookings() {
    let world = World::new(Backend::Sqlite).await;
    let (student, mate) = (world.student("ff524").await, world.student("gg222").await);
    sites::staff(&world, "ta77").await;
    in_team(&world, "ff524").await;
    in_team(&world, "gg222").await;
    let booking = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
    world.book(&mate, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
    world.work_until(&student, &booking.id, "active").await;
    world.session_of(&student.id).await;
    let served = sites::serve(&world);

    let reader = Student::with_browser(&served.url).await;
    reader.sign_in_by_name("ff524").await;
    reader.sees("Your team's bookings").await;
    poses(&reader, "labs-team").await;
    reader.open("/me").await;
    reader.sees("this one").await;
    poses(&reader, "me-sessions").await;
    reader.press("Sign out everywhere else").await;
    reader.sees("Whoever was signed in there has to sign in again.").await;

    reader.press("Sign out").await;
    reader.sign_in_by_name("gg222").await;
    reader.open(&format!("/bookings/{}", booking.id)).await;
    reader.sees("You see it because you are in their team; only they can change it.").await;
    poses(&reader, "booking-of-team").await;

    reader.press("Sign out").await;
    reader.sign_in_by_name("ta77").await;
    reader.open("/staff/fair-share").await;
    reader.follow("See the pages as a student does").await;
    reader.press("See the pages as they do").await;
    reader.sees("Enter the net ID of a student.").await;
    reader.sees("Say why, in 1 to 500 characters: it is recorded.").await;
    reader.fill("Net ID", "ff524").await;
    poses(&reader, "look-refused").await;
    reader.fill("Why", "They wrote that they see no free times.").await;
    reader.press("See the pages as they do").await;
    reader.sees("ta77, you see the pages as ff524 does.").await;
    poses(&reader, "looking-labs").await;
    reader.open(&format!("/bookings/{}", booking.id)).await;
    reader.sees("Your servers are ready until").await;
    poses(&reader, "looking-booking").await;
    reader.unfold("Release now").await;
    reader.press("Release now").await;
    reader.sees("You only look").await;
    poses(&reader, "looking-only").await;
    reader.open("/me").await;
    reader.sees("Hidden while you look.").await;
    poses(&reader, "looking-me").await;
    reader.press("Stop").await;
    reader.sees("You see the pages with your own eyes again.").await;
    poses(&reader, "look").await;
    assert_eq!(reader.console_errors().await, [""; 0]);
}
