//! A mail server that delays, puts off, refuses, closes connections after it took a mail, and is killed; and a worker that is
//! killed, too. Nothing is lost, and nothing comes twice but where nobody could know whether it had come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::db::{self, DbError, OutboxLine};
use fairlease::domain::ids::NoticeId;
use fairlease::domain::notice::{Notice, Standing, Topic};
use fairlease::mail::delivery::{CONNECTIONS, Sender, SmtpMailer};
use fairlease::services::delivery;

use crate::support::smtp::MailServer;
use crate::support::until;
use crate::world::{World, on_both_databases};

const MAILS: usize = 120;

/// What becomes of one mail after the other. The words that refuse for good are `REFUSED` in all.
const PLAN: [&str; 12] = [
    "take",
    "wait-20",
    "data 451 4.3.0 come back later",
    "hang-up",
    "take",
    "rcpt 450 4.2.1 mailbox busy",
    "rcpt 550 5.1.1 no such mailbox",
    "wait-5",
    "close",
    "data 554 5.6.0 not like this",
    "rcpt 552 5.2.2 mailbox full",
    "hang-up",
];

fn by_smtp(server: &MailServer) -> Arc<SmtpMailer> {
    let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
    Arc::new(SmtpMailer::connect(&server.url(), CONNECTIONS, sender).unwrap())
}

fn notice(world: &World, number: usize) -> Notice {
    Notice {
        id: world.app.notice_id(),
        dedupe_key: format!("storm/{number}"),
        topic: if number.is_multiple_of(3) { Topic::Announcement } else { Topic::Booking },
        person: None,
        recipient: format!("storm{number}@example.edu"),
        subject: format!("Number {number}"),
        body: "A text.\n".to_owned(),
        calendar: None,
        created_at: world.app.now(),
        stale_at: None,
        attempts: 0,
    }
}

/// Puts the mails into the outbox; gives each one's Message-ID.
async fn fill(world: &World) -> BTreeSet<String> {
    let all: Vec<Notice> = (0..MAILS).map(|number| notice(world, number)).collect();
    let ids = all.iter().map(|notice| format!("{}@example.edu", notice.id)).collect();
    let fill = move |conn: &mut db::Conn<'_>| all.iter().try_for_each(|it| db::enqueue(conn, it).map(|_| ()));
    world.app.db.write::<_, DbError, _>("fill", fill).await.unwrap();
    ids
}

async fn standing(world: &World, standing: Standing) -> Vec<OutboxLine> {
    let read = move |conn: &mut db::Conn<'_>| db::outbox_lines(conn, standing, None, 1000);
    world.app.db.read("lines", read).await.unwrap()
}

fn ids(lines: &[OutboxLine]) -> BTreeSet<String> {
    lines.iter().map(|line| format!("{}@example.edu", line.id)).collect()
}

/// Those that a worker has claimed.
async fn in_hand(world: &World) -> BTreeSet<String> {
    let now = world.app.now();
    let due = move |conn: &mut db::Conn<'_>| db::due_notices(conn, now, 1000);
    let free = world.app.db.write("due", due).await.unwrap();
    let free: BTreeSet<NoticeId> = free.into_iter().map(|notice| notice.id).collect();
    let waiting = standing(world, Standing::Waiting).await;
    let due = waiting.into_iter().filter(|line| line.next_attempt_at.is_some_and(|at| at <= now));
    ids(&due.filter(|line| !free.contains(&line.id)).collect::<Vec<_>>())
}

/// Those of which the worker could not know whether they had come: the server's answer never did.
fn unanswered(lines: &[OutboxLine]) -> BTreeSet<String> {
    let no_answer = |line: &&OutboxLine| {
        line.last_error
            .as_ref()
            .is_some_and(|words| !words.contains(" error (4") && !words.contains(" error (5"))
    };
    ids(&lines.iter().filter(no_answer).cloned().collect::<Vec<_>>())
}

on_both_databases! {
    async fn nothing_is_lost_and_nothing_comes_twice_unless_nobody_could_know(backend: Backend) {
        let plan = PLAN.repeat(MAILS / PLAN.len());
        let mut server = MailServer::planning(&plan).await;
        let world = World::new(backend).await.mailing_by(by_smtp(&server));
        let at_once = world.app.mailer.at_once();
        let all = fill(&world).await;

        // The worker is killed when it has sent some.
        let app = world.app.clone();
        let working = tokio::spawn(async move { delivery::step(&app).await });
        until(|| async { (server.log().len() >= 15).then_some(()) }).await.expect("it sends");
        working.abort();
        assert!(working.await.is_err_and(|error| error.is_cancelled()), "it was at work");
        let mut unsure = in_hand(&world).await;
        assert!(!unsure.is_empty() && unsure.len() <= at_once, "few are in hand at a time: {unsure:?}");

        // Another takes its place once the claims are over; the server is killed, and comes back.
        world.clock.advance(world.app.claim);
        let app = world.beside_mailing_by(by_smtp(&server));
        let before = server.log().len();
        let other = app.clone();
        let working = tokio::spawn(async move { delivery::step(&other).await });
        until(|| async { (server.log().len() >= before + 15).then_some(()) }).await.expect("it sends");
        server.kill();
        working.await.unwrap().unwrap();
        unsure.extend(unanswered(&standing(&world, Standing::Waiting).await));
        server.start_again().await;
        for _ in 0..200 {
            if standing(&world, Standing::Waiting).await.is_empty() {
                break;
            }
            world.clock.advance(TimeDelta::seconds(30));
            delivery::step(&app).await.unwrap();
            unsure.extend(unanswered(&standing(&world, Standing::Waiting).await));
        }

        // Each was taken, or was given up with an answer that refuses it for good.
        let given_up = standing(&world, Standing::GivenUp).await;
        assert_eq!(standing(&world, Standing::Waiting).await, [], "none waits");
        for line in &given_up {
            let words = line.last_error.as_deref().unwrap();
            assert!(words.contains("5.1.1") || words.contains("5.6.0"), "{line:?}");
        }
        let log = server.log();
        let taken: BTreeSet<String> = log.iter().map(|(_, id)| id.clone()).collect();
        let missing: Vec<_> = all.difference(&(&taken | &ids(&given_up))).cloned().collect();
        assert_eq!(missing, [""; 0], "nothing is lost");
        assert!(taken.is_subset(&all), "nothing else was sent");

        // What came more than once is what nobody could know of, and it has one Message-ID: the log counts by it.
        let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, id) in &log {
            *copies.entry(id).or_default() += 1;
        }
        let hung_up = log.iter().filter(|(word, _)| word == "hang-up").map(|(_, id)| id.clone());
        unsure.extend(hung_up);
        let twice: BTreeSet<String> =
            copies.iter().filter(|(_, copies)| **copies > 1).map(|(id, _)| (*id).to_owned()).collect();
        assert!(!twice.is_empty(), "some answers were lost");
        assert!(twice.is_subset(&unsure), "twice without need: {:?}", &twice - &unsure);
        let mut by_recipient: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for mail in server.mails() {
            by_recipient.entry(mail.to).or_default().insert(mail.id);
        }
        assert!(by_recipient.values().all(|ids| ids.len() == 1), "{by_recipient:#?}");
    }
}
