//! Sites that bound their pools together: what pages show, what is given, and what the database refuses.

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::course::Course;
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::policy::admission::Violation;
use fairlease::services::booking::{self, BookingError, Wish};
use fairlease::services::courses::{self, ApplyError};

use crate::world::{World, course, gpu_lab, local, on_both_databases, slot};

/// Two labs on two pools of one site, which can hold so many units at one instant.
fn two_pools(capacity: &str) -> Course {
    course(&[
        ("lead_minutes = 30 ", "lead_minutes = 0 "),
        ("leases = true ", &format!("{capacity}\nleases = true ")),
        ("\n[[lab]]", &gpu_lab("kvm-tacc")),
    ])
}

async fn world(backend: crate::world::Backend, capacity: &str) -> World {
    World::with(backend, two_pools(capacity), Profile::instant()).await
}

async fn apply(world: &World, course: Course) -> Result<(), ApplyError> {
    let now = world.app.now();
    world.app.db.write("apply", move |conn| courses::apply(conn, &course, now)).await
}

/// The booking, or the codes of the rules that stand against it.
async fn wish(
    world: &World,
    person: &Person,
    lab: &str,
    from: &str,
    to: &str,
) -> Result<Booking, Vec<&'static str>> {
    let wish = Wish { lab: lab.parse().unwrap(), ..World::wish(person, slot(from, to)) };
    match booking::book(&world.app, wish).await {
        Ok(made) => Ok(made),
        Err(BookingError::Refused(refusal)) => Err(refusal.violations.iter().map(Violation::code).collect()),
        Err(other) => panic!("neither booked nor refused: {other}"),
    }
}

/// Free units of each of the two pools in the cell that starts then.
async fn free(world: &World, at: &str) -> [i32; 2] {
    let at = local(at);
    let cell = Interval::new(at, at + TimeDelta::minutes(1)).unwrap();
    let read = world.app.db.read::<_, DbError, _>("occupancy", move |conn| {
        let mut free = |pool: &str| {
            let pool = db::pool(conn, &pool.parse().unwrap())?;
            Ok::<_, DbError>(db::occupancy(conn, &pool, &cell)?.free(&pool, at))
        };
        Ok([free("kvm-clusters")?, free("gpus")?])
    });
    read.await.unwrap()
}

const NAME: &str = "course.toml";
const TEN: &str = "2025-02-08T10:00";
const NOON: &str = "2025-02-08T12:00";
const TWO: &str = "2025-02-08T14:00";

on_both_databases! {
    async fn what_one_pool_holds_the_other_can_not(backend: Backend) {
        let world = world(backend, "capacity = 2").await;
        let [first, second, third] = [world.student("aa0").await, world.student("ab0").await, world.student("ac0").await];
        assert_eq!(free(&world, TEN).await, [2, 2]);
        let made = wish(&world, &first, "k8s", TEN, NOON).await.unwrap();
        wish(&world, &second, "gpu", "2025-02-08T11:00", TWO).await.unwrap();
        assert_eq!(free(&world, TEN).await, [1, 1]);
        assert_eq!(free(&world, "2025-02-08T11:00").await, [0, 0]);
        assert_eq!(wish(&world, &third, "gpu", "2025-02-08T10:30", NOON).await, Err(vec!["full"]));
        assert_eq!(wish(&world, &third, "k8s", "2025-02-08T11:30", TWO).await, Err(vec!["full"]));
        let to = slot(NOON, TWO);
        world.work_until(&first, &made.id, "booked").await;
        booking::change(&world.app, first.clone(), made.id.clone(), to).await.unwrap();
        world.work().await;
        assert_eq!(free(&world, TEN).await, [2, 2], "a move gives the old place of the site back");
        assert_eq!(free(&world, NOON).await, [0, 0]);
        booking::release(&world.app, first.clone(), made.id.clone()).await.unwrap();
        assert_eq!(free(&world, NOON).await, [1, 1]);
        wish(&world, &third, "gpu", "2025-02-08T11:30", TWO).await.unwrap();
    }

    async fn a_booking_that_moves_a_little_is_not_in_its_own_way(backend: Backend) {
        let world = world(backend, "capacity = 1").await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "gpu", TEN, NOON).await.unwrap();
        let to = slot("2025-02-08T11:00", "2025-02-08T13:00");
        world.work_until(&student, &made.id, "booked").await;
        booking::change(&world.app, student.clone(), made.id.clone(), to).await.unwrap();
        world.work().await;
        assert_eq!(world.view(&student, &made.id).await.booking.slot, to);
        assert_eq!([free(&world, TEN).await, free(&world, "2025-02-08T12:30").await], [[1, 1], [0, 0]]);
    }

    async fn the_database_refuses_what_the_site_has_not(backend: Backend) {
        let world = world(backend, "capacity = 3").await;
        let hold = async |pool: &str, units: i32| {
            let (pool, span) = (pool.parse().unwrap(), slot(TEN, NOON));
            let held = world.app.db.write::<_, DbError, _>("hold", move |conn| {
                let pool = db::pool(conn, &pool)?;
                db::hold(conn, &pool, &span, units)
            });
            held.await
        };
        hold("gpus", 2).await.unwrap();
        assert!(matches!(hold("kvm-clusters", 2).await, Err(DbError::OverCapacity)));
        assert_eq!(free(&world, TEN).await, [1, 1], "a refusal holds nothing");
        hold("kvm-clusters", 1).await.unwrap();
    }

    async fn a_site_may_come_to_bound_its_pools_and_cease_to(backend: Backend) {
        let world = world(backend, "").await;
        let [first, second, third] = [world.student("aa0").await, world.student("ab0").await, world.student("ac0").await];
        let made = wish(&world, &first, "k8s", TEN, NOON).await.unwrap();
        wish(&world, &second, "gpu", TEN, NOON).await.unwrap();
        for _ in 0..2 {
            apply(&world, two_pools("capacity = 1")).await.unwrap();
            assert_eq!([free(&world, TEN).await, free(&world, NOON).await], [[0, 0], [1, 1]], "what is held stays");
        }
        booking::release(&world.app, first, made.id).await.unwrap();
        assert_eq!(wish(&world, &third, "gpu", TEN, NOON).await, Err(vec!["full"]), "it holds as much as it may now");
        apply(&world, two_pools("capacity = 2")).await.unwrap();
        assert_eq!(free(&world, TEN).await, [1, 1]);
        apply(&world, two_pools("")).await.unwrap();
        assert_eq!(free(&world, TEN).await, [30, 29]);
        wish(&world, &third, "gpu", TEN, NOON).await.unwrap();
        apply(&world, two_pools("capacity = 3")).await.unwrap();
        assert_eq!(free(&world, TEN).await, [1, 1], "what was held while it did not count is counted");
        let plan = world.app.db.read("plan", |conn| courses::plan(conn, &two_pools("capacity = 4"))).await.unwrap();
        assert_eq!(plan.changes, ["site.kvm-tacc.capacity: 3 -> 4"]);
    }

    /// A pool that the file no longer has holds what it holds, by its own grid.
    async fn a_retired_pool_counts_and_keeps_its_grid(backend: Backend) {
        let world = world(backend, "capacity = 2").await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "gpu", TEN, NOON).await.unwrap();
        let without = |grid: &str| course(&[
            ("lead_minutes = 30 ", "lead_minutes = 0 "),
            ("grid_minutes = 30 ", &format!("grid_minutes = {grid} ")),
            ("leases = true ", "capacity = 2\nleases = true "),
        ]);
        let refused = apply(&world, without("60")).await.unwrap_err().to_string();
        assert!(refused.starts_with("pool.gpus.grid_minutes: it can't change from 30 to 60 while 1 live"), "{refused}");
        apply(&world, without("30")).await.unwrap();
        assert_eq!(free(&world, TEN).await, [1, 1]);
        booking::release(&world.app, student, made.id).await.unwrap();
        assert_eq!(free(&world, TEN).await, [2, 2]);
    }
}

#[test]
fn pools_of_a_site_that_bounds_them_have_one_grid_and_labs_fit() {
    let text = include_str!("../docs/examples/course.toml")
        .replace("leases = true ", "capacity = 2\nleases = true ")
        .replace(
            "\n[[lab]]",
            &gpu_lab("kvm-tacc").replace("capacity = 30", "capacity = 30\ngrid_minutes = 15"),
        )
        .replace("\nunits = 1", "\nunits = 3");
    let errors = CourseFile::parse(NAME, &text).unwrap().check(NAME).unwrap_err().0;
    let wanted = [
        "pool.gpus.grid_minutes: it is 15, and 30 in pool kvm-clusters: site kvm-tacc has a capacity, so its pools have \
         one grid",
        "lab.k8s.units: 3 is not from 1 to 2",
    ];
    for wanted in wanted {
        assert!(errors.iter().any(|error| error.ends_with(wanted)), "{wanted}: {errors:?}");
    }
}
