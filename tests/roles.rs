//! Who says who is staff, and that somebody always can.

use std::sync::Arc;

use fairlease::db::{self, DbError};
use fairlease::domain::audit::{Doer, Way};
use fairlease::domain::ids::NetId;
use fairlease::domain::person::{Person, Role};
use fairlease::services::roles::{self, RoleError};
use fairlease::services::{App, people};

use crate::world::{World, on_both_databases};

fn id(text: &str) -> NetId {
    text.parse().unwrap()
}

async fn member(world: &World, net_id: &str, role: Role) -> Person {
    let (app, net_id) = (world.app.clone(), id(net_id));
    let write = move |conn: &mut db::Conn<'_>| people::ensure_person(&app, conn, &net_id, "Someone", role);
    world.app.db.write::<_, DbError, _>("member", write).await.unwrap()
}

async fn appoint(app: &Arc<App>, doer: &Doer, net_id: &str, role: Role) -> Result<Person, RoleError> {
    let (inner, doer, net_id) = (app.clone(), doer.clone(), id(net_id));
    app.db.write("appoint", move |conn| roles::appoint(&inner, conn, &doer, &net_id, role)).await
}

async fn role_of(world: &World, net_id: &str) -> Option<Role> {
    let net_id = id(net_id);
    let read = move |conn: &mut db::Conn<'_>| db::person_by_net_id(conn, &net_id);
    world.app.db.read::<_, DbError, _>("role", read).await.unwrap().unwrap().role
}

on_both_databases! {
    async fn a_student_becomes_staff_and_a_student_again(backend: Backend) {
        let world = World::new(backend).await;
        let instructor = member(&world, "in77", Role::Instructor).await;
        let doer = Doer::someone(Way::Page, instructor.id);
        world.student("ff524").await;
        assert!(appoint(&world.app, &doer, "ff524", Role::Assistant).await.unwrap().is_staff());
        assert_eq!(role_of(&world, "ff524").await, Some(Role::Assistant));
        appoint(&world.app, &doer, "ff524", Role::Student).await.unwrap();
        assert_eq!(role_of(&world, "ff524").await, Some(Role::Student));
        let nobody = appoint(&world.app, &doer, "zz999", Role::Assistant).await;
        assert!(matches!(nobody, Err(RoleError::NoSuchPerson(_))), "{nobody:?}");
    }

    async fn a_program_becomes_no_person(backend: Backend) {
        let world = World::new(backend).await;
        let doer = Doer::command();
        member(&world, "robot", Role::Service).await;
        member(&world, "ff524", Role::Student).await;
        for (net_id, role) in [("robot", Role::Instructor), ("ff524", Role::Service)] {
            let refused = appoint(&world.app, &doer, net_id, role).await;
            assert!(matches!(refused, Err(RoleError::Other(..))), "{refused:?}");
        }
    }

    async fn of_two_instructors_who_step_down_at_once_one_stays(backend: Backend) {
        let world = World::new(backend).await;
        let (one, two) = (member(&world, "in1", Role::Instructor).await, member(&world, "in2", Role::Instructor).await);
        let (first, second) = (Doer::someone(Way::Page, one.id), Doer::someone(Way::Page, two.id));
        let (beside, app) = (world.beside(), world.app.clone());
        let done = tokio::join!(
            appoint(&app, &first, "in1", Role::Assistant),
            appoint(&beside, &second, "in2", Role::Assistant)
        );
        let stayed = [&done.0, &done.1].iter().filter(|it| matches!(it, Err(RoleError::LastInstructor(_)))).count();
        assert_eq!(stayed, 1, "{done:?}");
        let staff = world.app.db.read::<_, DbError, _>("staff", db::staff).await.unwrap();
        assert_eq!(staff.iter().filter(|it| it.role == Some(Role::Instructor)).count(), 1);
        let last = staff.iter().find(|it| it.role == Some(Role::Instructor)).unwrap();
        let by_command = appoint(&world.app, &Doer::command(), last.net_id.as_str(), Role::Assistant).await;
        assert!(by_command.is_ok(), "who runs the machine may: {by_command:?}");
    }
}
