//! Mail through a real SMTP server that refuses, comes back, or is not there.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::domain::link::Link;
use fairlease::mail::delivery::{CONNECTIONS, Sender, SmtpMailer};
use fairlease::services::{delivery, links, notices};

use crate::support::smtp::MailServer;
use crate::world::{World, local, on_both_databases, slot};

fn by_smtp(url: &str) -> Arc<SmtpMailer> {
    let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
    Arc::new(SmtpMailer::connect(url, CONNECTIONS, sender).unwrap())
}

/// A booking whose confirmation waits in the outbox.
async fn with_a_mail_to_send(world: &World) {
    let student = world.student("ff524").await;
    world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
    fairlease::worker::fulfil::step(&world.app).await.unwrap();
}

/// Tries to send each second for so long.
async fn try_for(world: &World, seconds: i64) {
    for _ in 0..seconds {
        delivery::step(&world.app).await.unwrap();
        world.clock.advance(TimeDelta::seconds(1));
    }
}

on_both_databases! {
    async fn what_is_put_off_leaves_later_and_once(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        server.refuse(Some("451 4.3.0 come back later"));
        with_a_mail_to_send(&world).await;
        try_for(&world, 30).await;
        assert_eq!(server.mails().len(), 0);
        server.refuse(None);
        try_for(&world, 60).await;
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{mails:#?}");
        assert!(mails[0].subject.starts_with("Booked: Mon Feb 10, 10:00 to 12:00"));
        assert_eq!(mails[0].calendar.as_ref().unwrap().method, "REQUEST");
    }

    async fn what_is_refused_for_good_is_not_tried_again(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        server.refuse(Some("550 5.1.1 no such mailbox"));
        with_a_mail_to_send(&world).await;
        try_for(&world, 1).await;
        server.refuse(None);
        try_for(&world, 60).await;
        assert_eq!(server.mails().len(), 0);
        let counts = world.app.db.read("counts", fairlease::db::outbox_counts).await.unwrap();
        assert_eq!(counts, (0, 1), "none waits, one was given up");
    }

    async fn the_links_of_a_warning_arrive_whole(backend: Backend) {
        let server = MailServer::start().await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server.url()));
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T13:00"));
        assert_eq!(notices::remind(&world.app).await.unwrap(), 1);
        try_for(&world, 2).await;
        let end = made.slot.end();
        let to = end + TimeDelta::hours(1);
        let extend = Link::Extend { booking: made.id.clone(), from: end, to };
        let release = Link::Release { booking: made.id.clone(), end };
        let mails = server.mails();
        let mail = mails.iter().find(|mail| mail.subject.starts_with("Ends at 14:00: ")).unwrap();
        for link in [extend, release] {
            let url = links::url(&world.app, &student.id, &link);
            assert!(mail.text.lines().any(|line| line.ends_with(&url)), "{url}: {mail:#?}");
        }
    }

    async fn a_server_that_is_not_there_is_waited_for(backend: Backend) {
        let gone = MailServer::start().await;
        let url = gone.url();
        drop(gone);
        let world = World::new(backend).await.mailing_by(by_smtp(&url));
        with_a_mail_to_send(&world).await;
        try_for(&world, 20).await;
        let counts = world.app.db.read("counts", fairlease::db::outbox_counts).await.unwrap();
        assert_eq!(counts, (1, 0), "it waits");
        let server = MailServer::start().await;
        let world = world.mailing_by(by_smtp(&server.url()));
        try_for(&world, 60).await;
        assert_eq!(server.mails().len(), 1);
    }
}
