//! Staff see the pages as a student does: nothing is changed, nothing counts as the student's doing, and all of it is
//! recorded.

use chrono::TimeDelta;
use fairlease::db::{self, AuditFilter, AuditOrder, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::feed::Feed;
use fairlease::domain::person::{Person, Role};
use fairlease::services::looking::LONGEST;
use fairlease::services::{calendar, people};
use fairlease::web::{Verb, every_row};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::world::served::{Credential, Served, serve};
use crate::world::{Backend, World, on_both_databases, slot};

/// A student with a running booking, and someone who runs the course and looks at the pages as them.
struct Scene {
    world: World,
    served: Served,
    student: Person,
    booking: Booking,
    staff: Credential,
}

async fn member(world: &World, net_id: &str, role: Role) -> Person {
    let (app, net_id) = (world.app.clone(), net_id.parse().unwrap());
    let write = move |conn: &mut db::Conn<'_>| people::ensure_person(&app, conn, &net_id, "Someone", role);
    world.app.db.write::<_, DbError, _>("member", write).await.unwrap()
}

impl Scene {
    async fn new(backend: Backend) -> Self {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let staff = member(&world, "ta77", Role::Assistant).await;
        let booking = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &booking.id, "active").await;
        let staff = world.session_of(&staff.id).await;
        Self { served: serve(&world), world, student, booking, staff }
    }

    async fn looking(backend: Backend) -> Self {
        let scene = Self::new(backend).await;
        let begun =
            scene.look(&scene.staff, &[("net_id", "FF524"), ("reason", "they see no free times")]).await;
        assert_eq!(
            (begun.status(), begun.headers()[LOCATION].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "/")
        );
        scene
    }

    async fn look(&self, who: &Credential, form: &[(&str, &str)]) -> Response {
        self.served.form(who, Method::POST, "/staff/look").form(form).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.served.request(&self.staff, Method::GET, path).send().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    async fn press(&self, path: &str) -> StatusCode {
        self.served.form(&self.staff, Method::POST, path).send().await.unwrap().status()
    }

    async fn sees_as_student(&self) -> bool {
        self.text("/").await.contains("ta77, you see the pages as ff524 does.")
    }

    async fn opened(&self) -> bool {
        self.world.view(&self.student, &self.booking.id).await.usage.unwrap().opened
    }

    /// What is recorded of whoever looks, in order: the action, what it was done to, and the details.
    async fn recorded(&self) -> Vec<(String, Option<String>, Value)> {
        let filter = AuditFilter { about: Some(self.student.id.clone()), ..AuditFilter::default() };
        let read = move |conn: &mut db::Conn<'_>| db::audit(conn, &filter, AuditOrder::FirstFirst(None), 100);
        let kept = self.world.app.db.read::<_, DbError, _>("audit", read).await.unwrap();
        let looks = ["looked_as", "viewed", "stopped_looking"];
        let kept = kept.into_iter().filter(|it| looks.contains(&it.record.action.as_str()));
        let ours = kept.map(|it| {
            let details =
                it.details.map_or(Value::Null, |details| serde_json::from_str(&details.content).unwrap());
            (it.record.action, it.record.object, details)
        });
        ours.collect()
    }

    async fn actions(&self) -> Vec<String> {
        self.recorded().await.into_iter().map(|(action, ..)| action).collect()
    }
}

/// Reads the next event to its end.
async fn is_pushed(response: &mut Response) {
    let mut event = Vec::new();
    while !event.ends_with(b"\n\n") {
        event.extend(response.chunk().await.unwrap().expect("it goes on"));
    }
    assert!(event.starts_with(b"event: timeline\n"));
}

on_both_databases! {
    async fn only_students_can_be_looked_as_by_staff_and_for_a_reason(backend: Backend) {
        let scene = Scene::new(backend).await;
        member(&scene.world, "in77", Role::Instructor).await;
        let admin = scene.world.student("root2").await;
        let write = move |conn: &mut db::Conn<'_>| db::set_admin(conn, &admin.id, true);
        scene.world.app.db.write::<_, DbError, _>("admin", write).await.unwrap();
        let student = scene.world.session_of(&scene.student.id).await;
        let theirs = scene.look(&student, &[("net_id", "gg222"), ("reason", "curious")]).await;
        assert_eq!(theirs.status(), StatusCode::NOT_FOUND);
        for (net_id, reason, says) in [
            ("in77", "curious", "There is no student of the course whom this names."),
            ("root2", "curious", "There is no student of the course whom this names."),
            ("zz999", "curious", "There is no student of the course whom this names."),
            ("f@x", "curious", "f@x"),
            ("ff524", "  ", "Say why, in 1 to 500 characters: it is recorded."),
        ] {
            let refused = scene.look(&scene.staff, &[("net_id", net_id), ("reason", reason)]).await;
            assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{net_id}");
            let page = refused.text().await.unwrap();
            assert!(page.contains(says), "{net_id}: {page}");
        }
        assert!(!scene.sees_as_student().await);
        assert_eq!(scene.actions().await, [""; 0]);
        let by_id = [("person", scene.student.id.as_str()), ("reason", "they asked")];
        assert_eq!(scene.look(&scene.staff, &by_id).await.status(), StatusCode::SEE_OTHER);
        assert!(scene.sees_as_student().await);
    }

    async fn who_looks_sees_what_the_student_sees_and_no_secrets(backend: Backend) {
        let scene = Scene::looking(backend).await;
        let (app, id) = (scene.world.app.clone(), scene.student.id.clone());
        let renew = move |conn: &mut db::Conn<'_>| calendar::renew(&app, conn, &id, Feed::Own);
        scene.world.app.db.write::<_, DbError, _>("calendar", renew).await.unwrap();
        scene.world.session_of(&scene.student.id).await;
        for path in ["/", "/labs/k8s", "/standing", "/me", "/me/bookings", &format!("/bookings/{}", scene.booking.id)] {
            let page = scene.text(path).await;
            assert!(page.contains("ta77, you see the pages as ff524 does.</strong> Nothing can be changed."), "{path}: {page}");
            assert!(page.contains("action=\"/staff/look/end\""), "{path}: {page}");
            assert!(page.contains("<strong>ta77</strong> <span class=\"quiet\">looking as ff524</span>"), "{path}: {page}");
        }
        let me = scene.text("/me").await;
        assert!(me.contains("Your net ID, ff524,"), "{me}");
        assert_eq!(me.matches("Hidden while you look.").count(), 2, "{me}");
        for secret in ["Sign out there", "this one", "secret address since", "/me/calendar\""] {
            assert!(!me.contains(secret), "{secret}: {me}");
        }
        for path in ["/staff/fair-share", "/staff/labs/k8s", "/staff/reaper"] {
            assert_eq!(scene.get(path).await.status(), StatusCode::NOT_FOUND, "{path} is not for a student");
        }
        assert_eq!(scene.get("/staff/look").await.status(), StatusCode::FORBIDDEN);
        let other = scene.look(&scene.staff, &[("net_id", "gg222"), ("reason", "and another")]).await;
        assert_eq!(other.status(), StatusCode::FORBIDDEN, "one at a time");
    }

    async fn who_looks_changes_nothing(backend: Backend) {
        let scene = Scene::looking(backend).await;
        let before = scene.world.view(&scene.student, &scene.booking.id).await.booking;
        let mut refused = 0;
        for row in every_row().filter(|row| row.verb != Verb::get) {
            let method = Method::from_bytes(row.verb.method().as_str().as_bytes()).unwrap();
            let path = row.pattern().replace("{booking}", scene.booking.id.as_str()).replace("{lab}", "k8s");
            let own = ["/sign-out", "/staff/look", "/staff/look/end"];
            if own.contains(&row.path) || row.path.starts_with("/sign-in") {
                continue;
            }
            let response = scene.served.form(&scene.staff, method, &path).form(&[("seen", "")]).send().await.unwrap();
            let status = response.status();
            if status == StatusCode::FORBIDDEN {
                assert!(response.text().await.unwrap().contains("You only look"), "{path}");
                refused += 1;
            } else {
                // It is for staff, whose eyes these are not; or it does what its address says, whoever comes.
                assert!([StatusCode::NOT_FOUND, StatusCode::UNAUTHORIZED].contains(&status), "{path}: {status}");
            }
        }
        assert!(refused > 15, "{refused}");
        assert_eq!(scene.world.view(&scene.student, &scene.booking.id).await.booking, before);
    }

    async fn that_staff_look_does_not_count_as_use(backend: Backend) {
        let scene = Scene::looking(backend).await;
        let path = format!("/bookings/{}", scene.booking.id);
        scene.text(&path).await;
        scene.text(&format!("/api/v1{path}")).await;
        is_pushed(&mut scene.get(&format!("{path}/events")).await).await;
        assert!(!scene.opened().await);
        let student = scene.world.session_of(&scene.student.id).await;
        scene.served.request(&student, Method::GET, &path).send().await.unwrap();
        assert!(scene.opened().await);
    }

    async fn what_is_pushed_ends_with_the_look(backend: Backend) {
        let scene = Scene::looking(backend).await;
        let mut pushed = scene.get(&format!("/bookings/{}/events", scene.booking.id)).await;
        is_pushed(&mut pushed).await;
        assert_eq!(scene.press("/staff/look/end").await, StatusCode::SEE_OTHER);
        let id = scene.booking.id.clone();
        let touch = move |conn: &mut db::Conn<'_>| db::touch_booking(conn, &id);
        scene.world.app.db.write::<_, DbError, _>("touch", touch).await.unwrap();
        assert_eq!(pushed.chunk().await.unwrap(), None, "nothing more of what the student sees");
    }

    async fn a_look_ends_by_a_button_by_time_and_with_the_session(backend: Backend) {
        let scene = Scene::looking(backend).await;
        assert!(scene.sees_as_student().await);
        assert_eq!(scene.press("/staff/look/end").await, StatusCode::SEE_OTHER);
        assert!(!scene.sees_as_student().await);
        assert_eq!(scene.get("/staff/fair-share").await.status(), StatusCode::OK, "staff again");
        assert_eq!(scene.actions().await, ["looked_as", "viewed", "stopped_looking"]);

        let again = [("net_id", "ff524"), ("reason", "again")];
        scene.look(&scene.staff, &again).await;
        scene.world.clock.advance(LONGEST - TimeDelta::microseconds(1));
        assert!(scene.sees_as_student().await);
        scene.world.clock.advance(TimeDelta::microseconds(1));
        assert!(!scene.sees_as_student().await);
        assert!(!scene.sees_as_student().await);
        let actions = scene.actions().await;
        assert_eq!(actions[3..], ["looked_as", "viewed", "stopped_looking"], "its end is recorded once");

        scene.look(&scene.staff, &again).await;
        assert_eq!(scene.press("/sign-out").await, StatusCode::SEE_OTHER);
        assert_eq!(scene.get("/").await.headers()[LOCATION], "/sign-in?return_to=/");
        let actions = scene.actions().await;
        assert_eq!(actions[6..], ["looked_as", "stopped_looking"]);
    }

    async fn who_runs_the_course_no_more_looks_no_more(backend: Backend) {
        let scene = Scene::looking(backend).await;
        assert!(scene.sees_as_student().await);
        let read = |conn: &mut db::Conn<'_>| -> Result<_, DbError> {
            let course = db::served_course(conn)?.unwrap();
            let person = db::person_by_net_id(conn, &"ta77".parse().unwrap())?.unwrap();
            db::set_role(conn, &course, &person.id, Role::Student)
        };
        scene.world.app.db.write::<_, DbError, _>("role", read).await.unwrap();
        assert!(!scene.sees_as_student().await);
        assert_eq!(scene.get("/staff/look").await.status(), StatusCode::NOT_FOUND);
    }

    async fn each_page_is_recorded_with_what_it_was_of(backend: Backend) {
        let scene = Scene::looking(backend).await;
        scene.text("/labs/k8s?week=2025-02-08&secret=1").await;
        scene.text(&format!("/bookings/{}", scene.booking.id)).await;
        scene.get("/labs/none").await;
        let recorded = scene.recorded().await;
        let actions: Vec<_> = recorded.iter().map(|(action, ..)| action.as_str()).collect();
        assert_eq!(actions, ["looked_as", "viewed", "viewed"]);
        assert_eq!(recorded[0].2["why"], "they see no free times");
        assert_eq!((recorded[1].1.as_deref(), &recorded[1].2["after"]), (Some("lab:k8s"), &"/labs/{lab}".into()));
        let of_booking = format!("booking:{}", scene.booking.id);
        assert_eq!((recorded[2].1.as_deref(), &recorded[2].2["after"]), (Some(of_booking.as_str()), &"/bookings/{booking}".into()));
        assert!(!format!("{recorded:?}").contains("secret=1"), "{recorded:?}");
    }
}
