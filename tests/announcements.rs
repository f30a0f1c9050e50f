//! Announcements: whom each is for, when it goes out, and that everyone gets one mail about it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::db::{self, Conn, DbError, MaybeDbError};
use fairlease::domain::announcement::{Announcement, Audience, Stage};

use fairlease::domain::ids::{AnnouncementId, PersonId};
use fairlease::domain::person::{Person, Role};
use fairlease::mail::messages::announcement::Personal;
use fairlease::services::announcements::{
    self, AnnouncementError, Edit, NewAnnouncement, Reader, Release, mail_key,
};
use fairlease::services::shares::{self, Change, Placing};
use fairlease::services::{App, booking, people};

use crate::world::{World, on_both_databases, slot, ta};

pub(crate) async fn write<T: Send + 'static, E>(
    world: &World,
    work: impl Fn(&App, &mut Conn<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    E: From<DbError> + MaybeDbError + Send + 'static,
{
    let app = world.app.clone();
    world.app.db.write::<_, E, _>("act", move |conn| work(&app, conn)).await
}

/// Something to say to this audience.
pub(crate) fn news(audience: Audience, release: Release) -> NewAnnouncement {
    NewAnnouncement {
        title: "The lab is deferred".to_owned(),
        text: "Because of an outage, it is **due later**: see [the page](https://example.edu/labs)."
            .to_owned(),
        audience,
        mailed: true,
        release,
    }
}

pub(crate) async fn post(world: &World, wanted: NewAnnouncement) -> AnnouncementId {
    write(world, move |app, conn| announcements::post_in(app, conn, &ta(), &wanted)).await.unwrap()
}

async fn post_now(world: &World, audience: Audience) -> AnnouncementId {
    post(world, news(audience, Release::At(world.app.now()))).await
}

pub(crate) async fn of(world: &World, id: &AnnouncementId) -> Announcement {
    let id = id.clone();
    let read = move |conn: &mut Conn<'_>| db::announcement(conn, &id);
    world.app.db.read::<_, DbError, _>("announcement", read).await.unwrap().unwrap()
}

/// Who got a mail whose subject has these words, in order and as often as they got one.
fn recipients(world: &World, words: &str) -> Vec<String> {
    let mails = world.postbox.mails.lock().unwrap();
    let mut told: Vec<String> =
        mails.iter().filter(|mail| mail.subject.contains(words)).map(|mail| mail.recipient.clone()).collect();
    told.sort();
    told
}

fn mails_of<'a>(net_ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut mails: Vec<String> = net_ids.into_iter().map(|net_id| format!("{net_id}@example.edu")).collect();
    mails.sort();
    mails
}

pub(crate) async fn staff(world: &World) -> Person {
    write::<_, DbError>(world, |app, conn| {
        people::ensure_person(app, conn, &"ta77".parse().unwrap(), "An assistant", Role::Assistant)
    })
    .await
    .unwrap()
}

pub(crate) async fn put_in_section(world: &World, person: &Person, section: &str) {
    let place = Placing {
        net_id: person.net_id.clone(),
        section: Change::To(section.to_owned()),
        team: Change::Keep,
        shares: None,
    };
    shares::place(&world.app, &ta(), place).await.unwrap();
}

/// As many students, enrolled at once.
async fn crowd(world: &World, many: usize) -> Vec<String> {
    let net_ids: Vec<String> = (0..many).map(|number| format!("cr{number}")).collect();
    let inner = net_ids.clone();
    write::<_, DbError>(world, move |app, conn| {
        for net_id in &inner {
            people::ensure_person(app, conn, &net_id.parse().unwrap(), "A student", Role::Student)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    net_ids
}

async fn read_by(world: &World, person: &Person) -> Vec<AnnouncementId> {
    let (id, now) = (person.id.clone(), world.app.now());
    let reader = Reader::Person(id);
    let read = move |conn: &mut Conn<'_>| announcements::published(conn, &reader, None, now, 100);
    let found = world.app.db.read::<_, DbError, _>("read", read).await.unwrap();
    found.into_iter().map(|it| it.id).collect()
}

async fn edit(world: &World, id: &AnnouncementId, edit: Edit) -> Result<(), AnnouncementError> {
    let id = id.clone();
    write(world, move |app, conn| announcements::edit_in(app, conn, &ta(), &id, &edit)).await
}

fn with_text(it: &Announcement, text: &str, mailed: bool) -> Edit {
    Edit {
        seen_revision: it.revision,
        title: it.title.clone(),
        text: text.to_owned(),
        audience: it.audience.clone(),
        mailed,
    }
}

on_both_databases! {
    async fn each_audience_gets_its_mail_and_nobody_else(backend: Backend) {
        let world = World::new(backend).await;
        let assistant = staff(&world).await;
        let (one, two, gone) = (world.student("aa11").await, world.student("bb22").await, world.student("cc33").await);
        put_in_section(&world, &one, "east").await;
        put_in_section(&world, &two, "west").await;
        let by = gone.net_id.clone();
        write::<_, DbError>(&world, move |app, conn| {
            people::drop_out(app, conn, &ta(), &by).map_err(|error| DbError::Corrupt(error.to_string()))
        })
        .await
        .unwrap();
        world.book(&two, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        let (lab, site) = ("k8s".parse().unwrap(), "kvm-tacc".parse().unwrap());
        let span = slot("2025-02-08T11:00", "2025-02-08T18:00");
        let after = slot("2025-02-08T12:00", "2025-02-08T18:00");
        let everyone = vec!["aa11", "bb22", "ta77"];
        for (number, (audience, whom)) in [
            (Audience::Course, everyone.clone()),
            (Audience::Lab("k8s".parse().unwrap()), everyone),
            (Audience::Section("east".to_owned()), vec!["aa11", "ta77"]),
            (Audience::Booked { lab: None, site: None, span }, vec!["bb22", "ta77"]),
            (Audience::Booked { lab: Some(lab), site: Some(site), span }, vec!["bb22", "ta77"]),
            (Audience::Booked { lab: None, site: None, span: after }, vec!["ta77"]),
        ]
        .into_iter()
        .enumerate()
        {
            let title = format!("News number {number}");
            let wanted = NewAnnouncement { title: title.clone(), ..news(audience, Release::At(world.app.now())) };
            let id = post(&world, wanted).await;
            world.work().await;
            assert_eq!(recipients(&world, &title), mails_of(whom.clone()), "{title}");
            for person in [&one, &two, &assistant] {
                let reads = read_by(&world, person).await.contains(&id);
                assert_eq!(reads, whom.contains(&person.net_id.as_str()), "{title}: {}", person.net_id);
            }
        }
    }

    async fn who_had_something_booked_is_told_though_it_was_moved(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("aa12").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        let span = slot("2025-02-08T09:00", "2025-02-08T18:00");
        let id = post(&world, news(Audience::Booked { lab: None, site: None, span }, Release::Draft)).await;
        booking::release(&world.app, student.clone(), made.id).await.unwrap();
        world.work().await;
        assert!(recipients(&world, "deferred").is_empty() && read_by(&world, &student).await.is_empty(), "a draft");
        let (draft, now) = (id.clone(), world.app.now());
        write(&world, move |app, conn| announcements::release_in(app, conn, &ta(), &draft, now)).await.unwrap();
        world.work().await;
        assert_eq!(recipients(&world, "deferred"), mails_of(["aa12"]));
        assert_eq!(read_by(&world, &student).await, [id]);
    }

    async fn a_course_of_191_gets_one_mail_each_though_workers_die(backend: Backend) {
        let world = World::new(backend).await;
        let net_ids = crowd(&world, 191).await;
        let id = post_now(&world, Audience::Course).await;
        let (personal, revision) = (net_ids[17].clone(), of(&world, &id).await.revision);
        let it = of(&world, &id).await;
        let told = write::<_, DbError>(&world, move |app, conn| {
            let person = db::person_by_net_id(conn, &personal.parse().unwrap())?.unwrap();
            let own = Personal { headline: "Moved".to_owned(), paragraphs: vec!["Your booking was moved.".to_owned()], calendar: None };
            announcements::tell_personally(app, conn, &it, &person, &own)
        });
        assert!(told.await.unwrap());
        assert_eq!(announcements::step(&world.app).await.unwrap(), 100);
        // A worker takes the rest and dies with it.
        let claimed = write::<_, DbError>(&world, |app, conn| {
            let now = app.now();
            db::claim_mailing(conn, &app.claim_token(), now, now + app.claim)
        });
        assert_eq!(claimed.await.unwrap(), Some(id.clone()));
        let other = world.beside();
        assert_eq!(announcements::step(&other).await.unwrap(), 0, "another has it");
        world.clock.advance(world.app.claim + TimeDelta::seconds(1));
        crowd_joins(&world).await;
        let (first, second) = tokio::join!(announcements::step(&other), announcements::step(&world.app));
        assert_eq!(first.unwrap().max(second.unwrap()), 91, "one of them has the rest, and the other nobody");
        world.work().await;
        assert_eq!(recipients(&world, "deferred"), mails_of(net_ids.iter().map(String::as_str)));
        let mails = world.postbox.mails.lock().unwrap();
        let own: Vec<_> = mails.iter().filter(|mail| mail.body.contains("Your booking was moved.")).collect();
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].recipient, format!("{}@example.edu", net_ids[17]));
        let keys: BTreeSet<&str> = mails.iter().map(|mail| mail.dedupe_key.as_str()).collect();
        let key = |person: &PersonId| mail_key(&id, revision, person);
        assert!(keys.contains(key(own[0].person.as_ref().unwrap()).as_str()));
        assert!(own[0].body.contains("due later: see the page.\nthe page: https://example.edu/labs"), "{}", own[0].body);
    }

    async fn what_is_scheduled_goes_out_then_and_late_if_nobody_worked(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("aa11").await;
        let at = world.app.now() + TimeDelta::hours(3);
        let id = post(&world, news(Audience::Course, Release::At(at))).await;
        world.clock.advance(TimeDelta::hours(3) - TimeDelta::seconds(1));
        world.work().await;
        assert!(recipients(&world, "deferred").is_empty() && read_by(&world, &student).await.is_empty());
        assert_eq!(of(&world, &id).await.stage(world.app.now()), Stage::Scheduled(at));
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(read_by(&world, &student).await, std::slice::from_ref(&id), "seen at its time, mailed or not");
        world.clock.advance(TimeDelta::hours(30));
        let late = world.student("bb22").await;
        world.work().await;
        assert_eq!(recipients(&world, "deferred"), mails_of(["aa11"]), "who joined since gets no old mail");
        assert_eq!(read_by(&world, &late).await, [id]);
    }

    async fn an_edit_is_kept_and_is_mailed_only_if_staff_say_so(backend: Backend) {
        let world = World::new(backend).await;
        world.student("aa11").await;
        let id = post_now(&world, Audience::Course).await;
        world.work().await;
        let first = of(&world, &id).await;
        edit(&world, &id, with_text(&first, "Due on the 4th.", false)).await.unwrap();
        world.work().await;
        assert_eq!(recipients(&world, "deferred").len(), 1);
        let late = edit(&world, &id, with_text(&first, "Due on the 5th.", false)).await;
        assert!(matches!(late, Err(AnnouncementError::Edited)), "{late:?}");
        let second = of(&world, &id).await;
        let other = Edit { audience: Audience::Lab("k8s".parse().unwrap()), ..with_text(&second, "x", false) };
        assert!(matches!(edit(&world, &id, other).await, Err(AnnouncementError::AudienceStays)));
        edit(&world, &id, with_text(&second, "Due on the 6th.", true)).await.unwrap();
        world.work().await;
        assert_eq!(recipients(&world, "deferred").len(), 2);
        let inner = id.clone();
        let past = move |conn: &mut Conn<'_>| announcements::past(conn, &inner);
        let past = world.app.db.read::<_, DbError, _>("past", past).await.unwrap();
        let texts: Vec<&str> = past.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["Due on the 4th.", first.text.as_str()]);
    }

    async fn what_is_taken_back_is_neither_seen_nor_sent(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("aa11").await;
        let id = post_now(&world, Audience::Course).await;
        announcements::step(&world.app).await.unwrap();
        let inner = id.clone();
        write(&world, move |app, conn| announcements::withdraw_in(app, conn, &ta(), &inner)).await.unwrap();
        world.work().await;
        assert!(recipients(&world, "deferred").is_empty() && read_by(&world, &student).await.is_empty());
        let inner = id.clone();
        let again = write(&world, move |app, conn| announcements::withdraw_in(app, conn, &ta(), &inner)).await;
        assert!(matches!(again, Err(AnnouncementError::Withdrawn)));
    }

    async fn what_can_not_be_announced_is_refused_with_what_is_wrong(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("aa11").await;
        put_in_section(&world, &student, "east").await;
        let good = news(Audience::Course, Release::Draft);
        for (wanted, told) in [
            (NewAnnouncement { title: " \n ".to_owned(), ..good.clone() }, "give a title"),
            (NewAnnouncement { title: "x".repeat(121), ..good.clone() }, "121 characters"),
            (NewAnnouncement { text: "\n".to_owned(), ..good.clone() }, "write what"),
            (NewAnnouncement { audience: Audience::Lab("other".parse().unwrap()), ..good.clone() }, "no lab \"other\""),
            (NewAnnouncement { audience: Audience::Section("north".to_owned()), ..good.clone() }, "there is east"),
            (NewAnnouncement { release: Release::At(DateTime::<Utc>::MAX_UTC), ..good.clone() }, "no time"),
        ] {
            let refused = write(&world, move |app, conn| announcements::post_in(app, conn, &ta(), &wanted)).await;
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(told), "{told}: {refused}");
        }
    }
}

/// Two more who join while a mailing is at work: it was published before, so they get none.
async fn crowd_joins(world: &World) {
    for net_id in ["zz98", "zz99"] {
        world.student(net_id).await;
    }
}
