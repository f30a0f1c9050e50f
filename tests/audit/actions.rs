//! Whatever staff, commands and sign-ins do is recorded, by the use cases themselves.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fairlease::auth::permissions::Scope;
use fairlease::db::{self, AuditFilter, AuditOrder, Conn, DbError, MaybeDbError};
use fairlease::domain::announcement::Audience;
use fairlease::domain::audit::{Action, Doer, Way};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::exception::Grant;
use fairlease::domain::marked::Exempt;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::SeededEntropy;
use fairlease::services::announcements::{self, AnnouncementError, Edit, NewAnnouncement, Release};
use fairlease::services::audit::told::{Line, Sight, lines};
use fairlease::services::exceptions::{self, NewException};
use fairlease::services::guards::{self, NewExemption, NewPause};
use fairlease::services::sessions::{self, SignIn};
use fairlease::services::shares::{self, Change, Placing};
use fairlease::services::tokens::{self, NewToken};
use fairlease::services::{courses, extending, people, reaping};

use super::{Owner, verified};
use crate::extending::{finds_out, rigid};
use crate::reaper_pages::mark;
use crate::world::{KEY, World, course, local, on_both_databases};

/// Actions that the tests of their own features see recorded.
const ELSEWHERE: [Action; 22] = [
    Action::RetriedMail,
    Action::DismissedHint,
    Action::DeclaredOutage,
    Action::ChangedOutage,
    Action::EndedOutage,
    Action::DeferredLab,
    Action::RefusedSignIn,
    Action::LinkedIdentity,
    Action::UnlinkedIdentity,
    Action::LookedAs,
    Action::Viewed,
    Action::StoppedLooking,
    Action::MadeService,
    Action::SetRole,
    Action::SetAdmin,
    Action::EndedBookings,
    Action::PreviewedRoster,
    Action::ImportedRoster,
    Action::ExportedPerson,
    Action::ErasedPerson,
    Action::ExportedAudit,
    Action::TriedAgain,
];

/// A net ID with a letter that no id and no hash has, so that it is nowhere by chance.
const STUDENT: &str = "fu524";
const STAFF: &str = "tau77";

/// The whole log, the first record first; of more than 1,000 those.
pub(crate) async fn all(world: &World) -> Vec<Line> {
    let every = |conn: &mut Conn<'_>| {
        lines(conn, &AuditFilter::default(), AuditOrder::FirstFirst(None), 1_000, Sight::Everything)
    };
    world.app.db.read::<_, DbError, _>("log", every).await.unwrap()
}

/// What the last record tells.
async fn last(world: &World) -> Line {
    all(world).await.pop().unwrap()
}

async fn write<T: Send + 'static, E>(
    world: &World,
    work: impl Fn(&fairlease::services::App, &mut Conn<'_>) -> Result<T, E> + Send + 'static,
) -> T
where
    E: From<DbError> + MaybeDbError + std::fmt::Debug + Send + 'static,
{
    let app = world.app.clone();
    world.app.db.write::<_, E, _>("act", move |conn| work(&app, conn)).await.unwrap()
}

async fn staff(world: &World) -> Person {
    write(world, |app, conn| {
        people::ensure_person(app, conn, &STAFF.parse().unwrap(), "A teaching assistant", Role::Assistant)
    })
    .await
}

async fn with_exceptions(world: &World, doer: &Doer) {
    let wanted = |minutes| NewException {
        net_id: STUDENT.parse().unwrap(),
        lab: Some("k8s".parse().unwrap()),
        grant: Grant::CapMinutes(minutes),
        until: None,
        reason: " was ill ".to_owned(),
        accommodation: true,
    };
    let first = exceptions::grant(&world.app, doer, wanted(600)).await.unwrap();
    assert_eq!((first.granted_by.as_str(), last(world).await.before), (STAFF, None));
    world.clock.advance(TimeDelta::minutes(1));
    exceptions::grant(&world.app, doer, wanted(720)).await.unwrap();
    let line = last(world).await;
    assert_eq!(line.sentence(), format!("{STAFF} granted {STUDENT} an exception"));
    assert_eq!(line.why.as_deref(), Some("was ill"));
    let (before, after) = (line.before.unwrap(), line.after.unwrap());
    assert_eq!((&before["grant"]["value"], &after["grant"]["value"]), (&600.into(), &720.into()));
    assert!(exceptions::revoke(&world.app, doer, first.id.clone()).await.unwrap());
    assert!(!exceptions::revoke(&world.app, doer, first.id).await.unwrap(), "and nothing is recorded");
}

async fn with_guards(world: &World, doer: &Doer) {
    let (reason, until) = ("a paper is due".to_owned(), local("2025-02-20T00:00"));
    let pause = NewPause { site: None, reason: reason.clone(), until: None };
    let said = guards::pause(&world.app, doer, pause).await.unwrap();
    assert_eq!(said.what.by, STAFF);
    guards::resume(&world.app, doer, said.id).await.unwrap();
    let what = Exempt::Person(STUDENT.parse().unwrap());
    let said = guards::exempt(&world.app, doer, NewExemption { what, reason, until }).await.unwrap();
    assert_eq!(last(world).await.about.unwrap().name(), STUDENT);
    assert!(guards::revoke(&world.app, doer, said.id).await.unwrap());
    mark(world, &[("node1", Some(STUDENT))]).await;
    let site = "kvm-tacc".parse().unwrap();
    reaping::restore(&world.app, doer, &site, Kind::Server, "id-of-node1", None).await.unwrap();
    assert_eq!(last(world).await.object.as_deref(), Some("site:kvm-tacc"));
}

async fn with_shares(world: &World, doer: &Doer) {
    let place = Placing {
        net_id: STUDENT.parse().unwrap(),
        section: Change::To("a".to_owned()),
        team: Change::To("orange".to_owned()),
        shares: Some(3),
    };
    shares::place(&world.app, doer, place).await.unwrap();
    let line = last(world).await;
    assert_eq!(
        (&line.before.unwrap()["shares"], &line.after.unwrap()["team"]),
        (&1.into(), &"orange".into())
    );
    shares::set(&world.app, doer, &"a/orange".parse().unwrap(), 5).await.unwrap();
    assert_eq!(last(world).await.after.unwrap()["shares"], 5);
}

async fn with_people(world: &World, doer: &Doer) {
    let (net_id, by) = (STUDENT.parse().unwrap(), doer.clone());
    write(world, move |app, conn| {
        let mail = Some("fu524@example.edu");
        people::enrol(app, conn, &by, &net_id, Some("Franziska Unger"), mail)?;
        people::drop_out(app, conn, &by, &net_id)?;
        people::enrol(app, conn, &by, &net_id, None, Some("f.unger@example.edu"))?;
        people::set_cloud_users(app, conn, &by, &net_id, &["f.unger".to_owned()]).unwrap();
        let id = db::person_by_net_id(conn, &net_id)?.unwrap().id;
        people::set_key(app, conn, &by, &id, &people::read_key(KEY).unwrap())?;
        Ok::<_, people::EnrolError>(())
    })
    .await;
    let line = last(world).await;
    assert!(line.after.unwrap().as_str().unwrap().starts_with("SHA256:"), "of a key its fingerprint is told");
}

async fn with_accounts(world: &World, staff: &Person, doer: &Doer) {
    let (id, by) = (staff.id.clone(), doer.clone());
    write(world, move |app, conn| {
        let scopes = vec![Scope::AuditRead];
        let wanted =
            NewToken { person: id.clone(), name: "nightly".to_owned(), scopes, days: 7, by: id.clone() };
        let made = tokens::make(app, conn, &by, &wanted)?;
        assert!(tokens::revoke(app, conn, &by, &id, &made.token.id)?);
        assert!(!tokens::revoke(app, conn, &by, &id, &made.token.id)?, "and nothing is recorded");
        let begin = |conn: &mut Conn<'_>| sessions::begin(app, conn, &by, &id, &SignIn::default());
        let (one, _, _) = (begin(conn)?, begin(conn)?, begin(conn)?);
        sessions::end(app, conn, &by, &one.token)?;
        let held = sessions::of_person(app, conn, &id)?;
        assert!(sessions::revoke(app, conn, &by, &id, &held[0].id)?);
        assert_eq!(sessions::revoke_all(app, conn, &by, &id, None)?, 1);
        Ok::<_, tokens::TokenError>(())
    })
    .await;
}

async fn with_announcements(world: &World, doer: &Doer) {
    let by = doer.clone();
    let id = write(world, move |app, conn| {
        let wanted = NewAnnouncement {
            title: format!("About {STUDENT}"),
            text: format!("{STUDENT} is ill"),
            audience: Audience::Course,
            mailed: false,
            release: Release::Draft,
        };
        let id = announcements::post_in(app, conn, &by, &wanted)?;
        announcements::release_in(app, conn, &by, &id, app.now())?;
        let NewAnnouncement { title, audience, .. } = wanted;
        let edit = Edit { seen_revision: 1, title, text: "Nothing.".to_owned(), audience, mailed: false };
        announcements::edit_in(app, conn, &by, &id, &edit)?;
        announcements::withdraw_in(app, conn, &by, &id)?;
        Ok::<_, AnnouncementError>(id)
    })
    .await;
    let line = last(world).await;
    assert_eq!(line.object, Some(format!("announcement:{id}")));
    assert_eq!(line.before.unwrap()["revision"], 2);
}

async fn with_the_course(world: &World, doer: &Doer) {
    let (changed, by) = (course(&[("cap_hours = 8", "cap_hours = 6")]), doer.clone());
    let again = changed.clone();
    write(world, move |app, conn| {
        courses::apply_by(conn, &SeededEntropy::new(5), &by, &changed, app.now())?;
        courses::apply_by(conn, &SeededEntropy::new(5), &by, &again, app.now())
    })
    .await;
    let line = last(world).await;
    assert_eq!(line.action, "applied_course");
    assert_eq!(line.after.unwrap()["changes"], 1, "only what changes something is recorded");
}

on_both_databases! {
    async fn everything_is_recorded_and_no_record_names_anyone(backend: Backend) {
        let world = World::new(backend).await;
        let by = staff(&world).await;
        let doer = Doer { request: Some("0-1-2".to_owned()), ..Doer::someone(Way::Page, by.id.clone()) };
        with_people(&world, &doer).await;
        with_exceptions(&world, &doer).await;
        with_guards(&world, &doer).await;
        with_shares(&world, &doer).await;
        with_accounts(&world, &by, &doer).await;
        with_announcements(&world, &doer).await;
        with_the_course(&world, &doer).await;

        let told = all(&world).await;
        let done: BTreeSet<Action> = told.iter().map(|line| Action::from_word(&line.action).unwrap()).collect();
        let wanted: BTreeSet<Action> = Action::ALL.iter().copied().filter(|it| !ELSEWHERE.contains(it)).collect();
        assert_eq!(done, wanted);
        for line in &told {
            assert_eq!((line.who(), line.request.as_deref()), (STAFF, Some("0-1-2")), "{line:?}");
            assert!(!line.sentence().contains('{'), "{}", line.sentence());
        }
        let columns = Owner::of(&world).columns("audit_records").into_iter().map(|column| format!("coalesce(CAST({column} AS TEXT), '')"));
        let rows = format!("SELECT {} AS line FROM audit_records", columns.collect::<Vec<_>>().join(" || ' ' || "));
        let rows = Owner::of(&world).lines(&rows);
        assert_eq!(rows.len(), told.len());
        for secret in [STUDENT, STAFF, "Unger", "unger", "assistant", "@", "node1", "orange", "nightly", "ill"] {
            assert!(rows.iter().all(|row| !row.contains(secret)), "{secret}: {rows:#?}");
        }
        assert!(verified(&world.app.db, None).await.is_ok());
    }

    async fn a_command_tells_who_it_was_told_does_it(backend: Backend) {
        let world = World::new(backend).await;
        staff(&world).await;
        for (doer, who, by) in [
            (Doer::command().named(STAFF), STAFF, None),
            (Doer::command().named("The dean"), "The dean", Some("The dean")),
            (Doer::command(), "fairlease", None),
        ] {
            let pause = NewPause { site: None, reason: "the quota moves".to_owned(), until: None };
            let said = guards::pause(&world.app, &doer, pause).await.unwrap();
            assert_eq!(said.what.by, who);
            let line = last(&world).await;
            assert_eq!((line.who(), line.by.as_deref(), line.way.as_str()), (who, by, "command"));
            guards::resume(&world.app, &doer, said.id).await.unwrap();
        }
    }

    async fn trying_again_is_recorded_if_anything_was_known(backend: Backend) {
        let world = World::with(backend, course(&[]), rigid()).await;
        finds_out(&world).await;
        let site: fairlease::domain::ids::SiteId = "kvm-tacc".parse().unwrap();
        let before = all(&world).await.len();
        assert!(extending::forget(&world.app, &Doer::itself(), site.clone()).await.unwrap());
        assert!(!extending::forget(&world.app, &Doer::itself(), site).await.unwrap());
        let told = all(&world).await;
        assert_eq!(told.len(), before + 1);
        assert_eq!(told.last().unwrap().sentence(), "fairlease had it tried again whether a site changes the ends of bookings");
    }
}
