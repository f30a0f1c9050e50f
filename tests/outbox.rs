//! What leaves the outbox when: the urgent first, nothing out of date, no more to one person than they can read, and the rest
//! in one digest a day.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::db::{self, AuditFilter, AuditOrder, Conn, DbError, OutboxLine};
use fairlease::domain::audit::{Action, Doer};
use fairlease::domain::notice::{Notice, Standing, Topic, Way};
use fairlease::domain::person::{Choices, Person, Role};
use fairlease::mail::delivery::{CONNECTIONS, Sender, SmtpMailer};
use fairlease::services::audit::told::{self, Sight};
use fairlease::services::{delivery, digest, outbox, people, reaping};
use fairlease::worker;
use reqwest::Method;

use crate::support::smtp::MailServer;
use crate::world::served::serve;
use crate::world::{World, local, on_both_databases, slot};

impl World {
    fn notice(&self, topic: Topic, person: &Person, key: &str) -> Notice {
        Notice {
            id: self.app.notice_id(),
            dedupe_key: format!("{key}/{}", person.id),
            topic,
            person: Some(person.id.clone()),
            recipient: person.mail.clone(),
            subject: key.to_owned(),
            body: format!("The text of {key}.\n"),
            calendar: None,
            created_at: self.app.now(),
            stale_at: None,
            attempts: 0,
        }
    }

    async fn put(&self, notices: Vec<Notice>) {
        let put =
            move |conn: &mut Conn<'_>| notices.iter().try_for_each(|it| db::enqueue(conn, it).map(|_| ()));
        self.app.db.write::<_, DbError, _>("put", put).await.unwrap();
    }

    async fn lines(&self, standing: Standing) -> Vec<OutboxLine> {
        let read = move |conn: &mut Conn<'_>| db::outbox_lines(conn, standing, None, 1000);
        self.app.db.read("lines", read).await.unwrap()
    }

    async fn subjects_that_are(&self, standing: Standing) -> Vec<String> {
        self.lines(standing).await.into_iter().map(|line| line.subject).collect()
    }

    async fn send(&self) {
        delivery::step(&self.app).await.unwrap();
    }

    /// The subjects of what was sent since the last look, in order.
    fn came(&self) -> Vec<String> {
        std::mem::take(&mut *self.postbox.mails.lock().unwrap())
            .into_iter()
            .map(|mail| mail.subject)
            .collect()
    }

    async fn choose_way(&self, person: &Person, topic: Topic, way: Way) {
        let (id, choices) = (person.id.clone(), Choices::default().with(topic, way));
        let set = move |conn: &mut Conn<'_>| people::set_choices(conn, &id, &choices);
        self.app.db.write::<_, DbError, _>("choose", set).await.unwrap();
    }

    async fn bounce(&self, person: &Person) -> Option<String> {
        let person = person.clone();
        let read = move |conn: &mut Conn<'_>| db::bounce_of(conn, &person.id, &person.mail);
        self.app.db.read::<_, DbError, _>("bounce", read).await.unwrap().map(|bounce| bounce.words)
    }
}

on_both_databases! {
    async fn the_urgent_goes_first_and_of_each_the_oldest(backend: Backend) {
        let world = World::new(backend).await;
        let mut people = Vec::new();
        for number in 0..4 {
            people.push(world.student(&format!("ab{number}")).await);
        }
        let put = async |topic, person: usize, key: &str| {
            world.put(vec![world.notice(topic, &people[person], key)]).await;
            world.clock.advance(TimeDelta::seconds(1));
        };
        put(Topic::Announcement, 0, "news, first").await;
        put(Topic::Digest, 1, "news, second").await;
        put(Topic::Ready, 2, "urgent, first").await;
        put(Topic::Failures, 3, "news, third").await;
        put(Topic::Booking, 0, "urgent, second").await;
        world.send().await;
        let order = ["urgent, first", "urgent, second", "news, first", "news, second", "news, third"];
        assert_eq!(world.came(), order);
    }

    async fn what_is_out_of_date_is_set_aside_and_not_dead(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        *world.postbox.refusals.lock().unwrap() = usize::MAX;
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T13:00"));
        fairlease::services::notices::remind(&world.app).await.unwrap();
        world.send().await;
        world.clock.set(local("2025-02-08T14:00"));
        *world.postbox.refusals.lock().unwrap() = 0;
        world.send().await;
        let came = world.came();
        assert!(came.iter().any(|subject| subject.starts_with("Booked")), "{came:?}");
        assert!(!came.iter().any(|subject| subject.starts_with("Ready") || subject.starts_with("Ends at")));
        let aside = world.subjects_that_are(Standing::OutOfDate).await;
        assert!(aside.iter().any(|subject| subject.starts_with("Ends at 14:00")), "{aside:?}");
        assert!(aside.iter().any(|subject| subject.starts_with("Ready until 14:00")), "{aside:?}");
        assert_eq!(world.lines(Standing::GivenUp).await, []);
        assert_eq!(world.lines(Standing::Waiting).await, []);
    }

    async fn one_person_gets_six_an_hour_and_the_rest_in_their_digest(backend: Backend) {
        let world = World::new(backend).await;
        let (many, other) = (world.student("ff524").await, world.student("ab1237").await);
        let news = |person, number: usize| world.notice(Topic::Announcement, person, &format!("news {number}"));
        world.put((0..9).map(|number| news(&many, number)).collect()).await;
        world.put(vec![news(&other, 9), world.notice(Topic::Unused, &many, "urgent")]).await;
        world.send().await;
        assert_eq!(world.came().len(), 6 + 2, "six, the urgent one, and the other's");
        let left = world.subjects_that_are(Standing::Gathering).await;
        assert_eq!(left.len(), 3);
        assert_eq!(digest::tell(&world.app).await.unwrap(), 0, "it is not eight yet");
        world.clock.set(local("2025-02-09T08:00"));
        worker::cron::minute(&world.app).await;
        world.send().await;
        let mails = world.postbox.mails.lock().unwrap().clone();
        let [mail] = mails.as_slice() else { panic!("one digest: {mails:#?}") };
        assert!(mail.subject.starts_with("Digest of Sun Feb 9: 3 things"), "{}", mail.subject);
        for subject in &left {
            assert!(mail.body.contains(&format!("The text of {subject}.")), "{}", mail.body);
        }
        world.clock.advance(TimeDelta::hours(1));
        world.put(vec![news(&many, 10)]).await;
        world.send().await;
        assert_eq!(world.came().last().map(String::as_str), Some("news 10"), "the next hour is another");
    }

    async fn a_digest_tells_each_thing_once_and_is_late_rather_than_silent(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        world.choose_way(&student, Topic::Ended, Way::Digest).await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T14:00"));
        reaping::sweep(&world.app).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert!(!world.came().iter().any(|subject| subject.starts_with("Ended")), "it waits");
        // No worker runs at eight, nor for a day after. Then two do.
        world.clock.set(local("2025-02-10T11:30"));
        let beside = world.beside();
        let (one, two) = tokio::join!(digest::tell(&world.app), digest::tell(&beside));
        assert_eq!(one.unwrap() + two.unwrap(), 1, "one digest");
        world.send().await;
        let came = world.came();
        assert_eq!(came.len(), 1, "{came:?}");
        assert!(came[0].starts_with("Digest of Mon Feb 10: 1 thing"), "{came:?}");
        assert_eq!(world.lines(Standing::InDigest).await.len(), 1);
        // On the same morning there is no other, and on the next none of nothing.
        let late = world.notice(Topic::Announcement, &student, "late");
        let due = world.app.now() - TimeDelta::hours(1);
        let put = move |conn: &mut Conn<'_>| db::enqueue_for_digest(conn, &late, due).map(|_| ());
        world.app.db.write::<_, DbError, _>("put", put).await.unwrap();
        assert_eq!(digest::tell(&world.app).await.unwrap(), 0, "they have had today's");
        world.clock.set(local("2025-02-11T08:00"));
        assert_eq!(digest::tell(&world.app).await.unwrap(), 1);
        world.clock.set(local("2025-02-12T08:00"));
        assert_eq!(digest::tell(&world.app).await.unwrap(), 0, "nothing gathered");
        world.send().await;
        assert_eq!(world.came().len(), 1);
    }

    async fn what_is_over_by_the_morning_is_in_no_digest(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let stale_at = Some(local("2025-02-08T22:00"));
        let notice = Notice { stale_at, ..world.notice(Topic::Announcement, &student, "tonight") };
        let due = local("2025-02-09T08:00");
        let put = move |conn: &mut Conn<'_>| db::enqueue_for_digest(conn, &notice, due).map(|_| ());
        world.app.db.write::<_, DbError, _>("put", put).await.unwrap();
        world.clock.set(due);
        assert_eq!(digest::tell(&world.app).await.unwrap(), 0);
        assert_eq!(world.subjects_that_are(Standing::OutOfDate).await, ["tonight"]);
    }

    async fn what_was_given_up_is_tried_again_by_a_word_of_staff(backend: Backend) {
        let server = MailServer::start().await;
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
        let mailer = Arc::new(SmtpMailer::connect(&server.url(), CONNECTIONS, sender).unwrap());
        let world = World::new(backend).await.mailing_by(mailer);
        let student = world.student("ff524").await;
        server.refuse(Some("554 5.7.1 not from there"));
        world.put((0..3).map(|n| world.notice(Topic::Booking, &student, &format!("number {n}"))).collect()).await;
        world.send().await;
        let given_up = world.lines(Standing::GivenUp).await;
        assert_eq!(given_up.len(), 3);
        assert!(given_up[0].last_error.as_deref().unwrap().contains("5.7.1 not from there"));
        assert_eq!(world.bounce(&student).await, None, "a policy says nothing of the address");
        server.refuse(None);
        let one = given_up[0].id.clone();
        assert_eq!(outbox::retry(&world.app, &Doer::command(), Some(one.clone())).await.unwrap(), 1);
        assert_eq!(outbox::retry(&world.app, &Doer::command(), Some(one)).await.unwrap(), 0, "it waits already");
        world.send().await;
        assert_eq!(server.mails().len(), 1);
        assert_eq!(outbox::retry(&world.app, &Doer::command(), None).await.unwrap(), 2);
        world.send().await;
        assert_eq!(server.mails().len(), 3);
        assert_eq!(world.lines(Standing::GivenUp).await, []);
        let records = world.app.db.read::<_, DbError, _>("audit", |conn| {
            let filter = AuditFilter { action: Some(Action::RetriedMail), ..AuditFilter::default() };
            told::lines(conn, &filter, AuditOrder::LatestFirst(None), 10, Sight::Everything)
        });
        assert_eq!(records.await.unwrap().len(), 2, "each time it is recorded");
    }

    async fn an_address_that_is_refused_is_marked_until_it_takes_mail_or_changes(backend: Backend) {
        let server = MailServer::start().await;
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
        let mailer = Arc::new(SmtpMailer::connect(&server.url(), CONNECTIONS, sender).unwrap());
        let world = World::new(backend).await.mailing_by(mailer);
        let student = world.student("ff524").await;
        let mail = async |key: &str| {
            world.put(vec![world.notice(Topic::Booking, &student, key)]).await;
            world.send().await;
        };
        server.refuse_to(Some("ff524@example.edu 550 5.2.2 mailbox full"));
        mail("full").await;
        assert_eq!((world.bounce(&student).await, world.lines(Standing::GivenUp).await.len()), (None, 0));
        server.refuse_to(Some("ff524@example.edu 550 5.1.1 no such mailbox"));
        mail("refused").await;
        assert!(world.bounce(&student).await.unwrap().contains("5.1.1 no such mailbox"));
        world.clock.advance(TimeDelta::hours(2));
        server.refuse_to(Some("ff524@example.edu 550 5.1.1 still none"));
        mail("again").await;
        let id = student.id.clone();
        let of = move |conn: &mut Conn<'_>| db::bounce_of(conn, &id, "ff524@example.edu");
        let bounce = world.app.db.read::<_, DbError, _>("bounce", of).await.unwrap().unwrap();
        assert_eq!(bounce.since, world.app.now() - TimeDelta::hours(2), "since the first");
        assert!(bounce.words.contains("still none"), "by the last words");
        server.refuse_to(None);
        mail("taken").await;
        assert_eq!(world.bounce(&student).await, None, "it takes mail");
        server.refuse_to(Some("ff524@example.edu 550 5.1.1 no such mailbox"));
        mail("refused once more").await;
        assert!(world.bounce(&student).await.is_some());
        let id = student.id.clone();
        let set = move |conn: &mut Conn<'_>| db::set_contact(conn, &id, "A student", "other@example.edu");
        world.app.db.write::<_, DbError, _>("contact", set).await.unwrap();
        assert_eq!(world.bounce(&student).await, None, "another address");
    }

    async fn staff_read_of_mail_whom_it_is_for_and_what_the_server_said_but_not_its_text(backend: Backend) {
        let server = MailServer::start().await;
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
        let mailer = Arc::new(SmtpMailer::connect(&server.url(), CONNECTIONS, sender).unwrap());
        let world = World::new(backend).await.mailing_by(mailer);
        let student = world.student("ff524").await;
        let app = world.app.clone();
        let ta = move |conn: &mut Conn<'_>| {
            people::ensure_person(&app, conn, &"ta77".parse().unwrap(), "A TA", Role::Assistant)
        };
        let ta = world.app.db.write::<_, DbError, _>("ta", ta).await.unwrap();
        server.refuse_to(Some("ff524@example.edu 550 5.1.1 no such mailbox"));
        world.put((0..60).map(|n| world.notice(Topic::Booking, &student, &format!("number {n}"))).collect()).await;
        world.send().await;
        let pages = serve(&world);
        let ta = world.session_of(&ta.id).await;
        let get = async |path: &str| {
            let answer = pages.request(&ta, Method::GET, path).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.text().await.unwrap()
        };
        let shown = get("/staff/mail?show=given_up").await;
        for words in ["60 mails were given up", "ff524", "number 1", "5.1.1 no such mailbox"] {
            assert!(shown.contains(words), "{words} in {shown}");
        }
        assert!(!shown.contains("The text of"), "{shown}");
        let next = shown.split("href=\"/staff/mail?show=given_up").find_map(|it| it.strip_prefix("&#38;after="));
        let after = next.expect("there is another page").split('"').next().unwrap();
        let rest = get(&format!("/staff/mail?show=given_up&after={after}")).await;
        assert_eq!(rest.matches("/retry\"").count(), 10 + 1, "ten, and all");
        let of_student = get(&format!("/staff/people/{}", student.id)).await;
        assert!(of_student.contains("Mail comes back") && of_student.contains("no such mailbox"));
        server.refuse_to(None);
        let again = pages.form(&ta, Method::POST, "/staff/mail/retry").send().await.unwrap();
        assert_eq!(again.status(), 303);
        world.send().await;
        assert!(get("/staff/mail?show=given_up").await.contains("No mail was given up"));
        assert_eq!(server.mails().len(), 60);
    }
}
