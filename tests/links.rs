//! Links in mails, by whole requests: each does one thing once, for one person, and nobody learns anything from one that is
//! not theirs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::booking::{Booking, EndReason};
use fairlease::domain::link::Link;
use fairlease::domain::marked::{Marked, Predicate, Stage, Target};
use fairlease::domain::person::Person;
use fairlease::domain::waitlist::{Asked, WaitState};
use fairlease::services::{App, links, notices, waitlist};
use reqwest::{Method, StatusCode};

use crate::sites::{Served, serve};
use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::support::until;
use crate::support::visitor::Visitor;
use crate::world::served::Credential;
use crate::world::{World, course, local, on_both_databases, slot};

const PUBLIC: &str = "https://fairlease.example.edu";

/// A page, with its apostrophes as they are read.
async fn read(response: reqwest::Response) -> String {
    response.text().await.unwrap().replace("&#39;", "'")
}

/// Nobody in particular, at the pages of a world.
struct Stranger {
    visitor: Visitor,
    served: Served,
}

impl Stranger {
    fn at(world: &World) -> Self {
        let served = serve(world);
        Self { visitor: Visitor::anonymous(&served.url), served }
    }

    /// Opens it, once programs that look through mails have looked what is behind it in their way.
    async fn opens(&self, path: &str) -> (StatusCode, String) {
        let looked = self.served.request(&Credential::None, Method::HEAD, path).send().await.unwrap();
        assert!(looked.text().await.unwrap().is_empty(), "{path}");
        let response = self.visitor.get(path).await;
        assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        let (status, text) = (response.status(), read(response).await);
        assert!(!text.contains(path.trim_start_matches("/links/")), "the page holds its address: {text}");
        (status, text)
    }

    async fn presses(&self, path: &str) -> (StatusCode, String) {
        let response = self.visitor.post(path, &[]).await;
        assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
        (response.status(), read(response).await)
    }

    /// Opens it and presses the button: both give this answer, and say these words.
    async fn is_told(&self, path: &str, status: StatusCode, words: &[&str]) {
        for (got, page) in [self.opens(path).await, self.presses(path).await] {
            assert_eq!(got, status, "{page}");
            assert!(
                !page.contains("<button>") && !page.contains("class=\"danger\""),
                "nothing to press: {page}"
            );
            for words in words {
                assert!(page.contains(words), "{words}: {page}");
            }
        }
    }
}

/// The path of a link, as it is served.
fn path(url: &str) -> String {
    url.strip_prefix(PUBLIC).unwrap().to_owned()
}

/// A link that was made for this person.
fn link_for(app: &App, person: &Person, link: &Link) -> String {
    path(&links::url(app, &person.id, link))
}

fn release_of(booking: &Booking) -> Link {
    Link::Release { booking: booking.id.clone(), end: booking.slot.end() }
}

fn answers_to(booking: &Booking, until: DateTime<Utc>) -> [Link; 2] {
    let id = || booking.id.clone();
    [Link::Accept { booking: id(), until }, Link::Pass { booking: id(), until }]
}

fn extension_of(booking: &Booking, hours: i64) -> Link {
    let from = booking.slot.end();
    Link::Extend { booking: booking.id.clone(), from, to: from + TimeDelta::hours(hours) }
}

impl World {
    /// Someone with a booking from 10:00 to 14:00 that is active.
    async fn active(&self, net_id: &str) -> (Person, Booking) {
        let person = self.student(net_id).await;
        let made = self.book(&person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        self.work_until(&person, &made.id, "active").await;
        let booking = self.view(&person, &made.id).await.booking;
        (person, booking)
    }

    /// Has warnings written at a local time of that day, and says how many were new.
    async fn warns_at(&self, time: &str) -> usize {
        self.clock.set(local(&format!("2025-02-08T{time}")));
        notices::remind(&self.app).await.unwrap()
    }

    /// The text of the latest mail whose subject begins so.
    async fn mail(&self, subject: &str) -> String {
        self.work().await;
        let mails = self.postbox.mails.lock().unwrap();
        mails.iter().rev().find(|mail| mail.subject.starts_with(subject)).unwrap().body.clone()
    }

    async fn marks(&self, was: Option<Stage>, net_id: &str, stage: Stage) -> Marked {
        let target = Target {
            site: "kvm-tacc".parse().unwrap(),
            kind: Kind::Server,
            site_ref: "made|by-hand".to_owned(),
            name: "node1-cloud".to_owned(),
        };
        let net_id = Some(net_id.parse().unwrap());
        let marked = Marked { target, predicate: Predicate::OverCap, net_id, stage, restores: 0 };
        let mark = marked.clone();
        let save = move |conn: &mut db::Conn<'_>| {
            db::save_mark(conn, was.as_ref(), &mark, "it has been there for 9 h")
        };
        assert!(self.app.db.write::<_, DbError, _>("mark", save).await.unwrap());
        marked
    }

    /// Someone who waits for four hours from 14:00 on, to whom they are offered up to 10:10.
    async fn offered(&self, net_id: &str) -> (Person, Booking) {
        let person = self.student(net_id).await;
        let windows = vec![slot("2025-02-08T14:00", "2025-02-08T18:00")];
        let asked = Asked { length_minutes: 240, windows, auto_accept: false };
        let wait = waitlist::join(&self.app, person.clone(), "k8s".parse().unwrap(), asked).await.unwrap();
        let WaitState::Offered(id) = wait.state else { panic!("nothing is offered: {wait:?}") };
        let booking = self.view(&person, &id).await.booking;
        assert_eq!(booking.state.offered_until(), Some(local("2025-02-08T10:10")));
        (person, booking)
    }

    /// Tells of an offer of this booking up to an instant, now or later, and says whether that is new.
    async fn tells_of_offer(
        &self,
        booking: &Booking,
        until: DateTime<Utc>,
        later: Option<DateTime<Utc>>,
    ) -> bool {
        let (app, booking) = (self.app.clone(), booking.clone());
        let tell = move |conn: &mut db::Conn<'_>| {
            let setting = db::lab_setting(conn, &booking.lab)?.unwrap();
            notices::tell_offer(&app, conn, &booking, &setting, until, later, 2)
        };
        self.app.db.write::<_, DbError, _>("tell", tell).await.unwrap()
    }

    async fn withdraws_offer(&self, booking: &Booking) -> bool {
        let (app, id) = (self.app.clone(), booking.id.clone());
        let withdraw = move |conn: &mut db::Conn<'_>| notices::withdraw_offer(&app, conn, &id);
        self.app.db.write::<_, DbError, _>("withdraw", withdraw).await.unwrap()
    }

    /// The stage that a marked object is at.
    async fn mark_of(&self, marked: &Marked) -> Stage {
        let target = marked.target.clone();
        let find = move |conn: &mut db::Conn<'_>| db::mark(conn, &target.site, target.kind, &target.site_ref);
        self.app.db.read::<_, DbError, _>("mark", find).await.unwrap().unwrap().marked.stage
    }

    async fn drops(&self, person: &Person) {
        let (id, now) = (person.id.clone(), self.app.now());
        let drop = move |conn: &mut db::Conn<'_>| {
            db::set_dropped(conn, &id, Some(db::Dropped { at: now, bookings_end_at: None }))
        };
        self.app.db.write("drop", drop).await.unwrap();
    }
}

/// The address after these words in a mail.
fn address(mail: &str, words: &str) -> String {
    let line = mail.lines().find(|line| line.starts_with(words)).unwrap_or_else(|| panic!("{words}: {mail}"));
    path(&line[line.find("https://").unwrap()..])
}

on_both_databases! {
    async fn a_warning_says_what_can_be_done_and_its_link_extends_once(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        assert_eq!(world.warns_at("13:45").await, 1);
        let mail = world.mail("Ends at 14:00: ").await;
        for words in [
            "Your servers will be deleted in 15 min, at Sat Feb 8, 14:00.",
            "That may be refused if somebody takes the place before you do.",
            "  server node1\n  server node2\n  server node3\n  with lease, keypair, ",
            "  Ends    Sat Feb 8, 14:00, New York time (EST)\n  In UTC  Sat Feb 8, 19:00 UTC",
            "Questions: ",
        ] {
            assert!(mail.contains(words), "{words}: {mail}");
        }
        let link = address(&mail, "Stay until Sat Feb 8, 15:00: ");
        let stranger = Stranger::at(&world);
        for _ in 0..2 {
            let (status, page) = stranger.opens(&link).await;
            assert_eq!(status, StatusCode::OK);
            for words in ["Extend your booking to 15:00?", "ff524", "It ends Sat Feb 8, 14:00 now", "<button>Extend to 15:00</button>"] {
                assert!(page.contains(words), "{words}: {page}");
            }
        }
        let unchanged = world.view(&person, &booking.id).await.booking;
        assert_eq!((unchanged.wanted_end, unchanged.version), (None, booking.version), "opening changes nothing");

        let (status, page) = stranger.presses(&link).await;
        assert!(status == StatusCode::OK && page.contains("Your booking is to end at 15:00."), "{page}");
        stranger.is_told(&link, StatusCode::GONE, &["This link has been used.", "The booking is to end Sat Feb 8, 15:00."]).await;
        world.work().await;
        let extended = world.view(&person, &booking.id).await.booking;
        assert_eq!(extended.slot.end(), local("2025-02-08T15:00"));
        stranger.is_told(&link, StatusCode::GONE, &["This link has been used.", "The booking now ends Sat Feb 8, 15:00."]).await;
        world.end_at(&person, &booking.id, local("2025-02-08T16:00")).await.unwrap();
        world.work().await;
        stranger.is_told(&link, StatusCode::GONE, &["another end than this link was made for", "now ends Sat Feb 8, 16:00."]).await;
    }

    async fn pressed_ten_times_at_once_it_is_done_once(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        let link = link_for(&world.app, &person, &extension_of(&booking, 1));
        let stranger = Arc::new(Stranger::at(&world));
        let press = || {
            let (stranger, link) = (stranger.clone(), link.clone());
            tokio::spawn(async move { stranger.presses(&link).await.0 })
        };
        for pressed in [(); 10].map(|()| press()) {
            let status = pressed.await.unwrap();
            assert!([StatusCode::OK, StatusCode::GONE].contains(&status), "{status}");
        }
        let events = world.view(&person, &booking.id).await.events;
        assert_eq!(events.iter().filter(|event| event.what.contains("Asked to extend it")).count(), 1);
    }

    async fn a_link_releases_and_says_so_until_it_is_too_old(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        assert_eq!(world.warns_at("13:00").await, 1);
        let mail = world.mail("Ends at 14:00: ").await;
        let (release, extend) = (address(&mail, "Give it back now"), address(&mail, "Stay until"));
        let stranger = Stranger::at(&world);
        let (status, page) = stranger.opens(&release).await;
        assert_eq!(status, StatusCode::OK);
        for words in ["Give your booking back now?", "can't be brought back", "server node2, server node3, floating IP", "<button class=\"danger\">"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(world.state(&person, &booking.id).await.is_live(), "opening changes nothing");
        let (status, page) = stranger.presses(&release).await;
        assert!(status == StatusCode::OK && page.contains("Your booking is given back."), "{page}");
        world.work().await;
        assert_eq!(world.state(&person, &booking.id).await.reason(), Some(EndReason::Released));
        for link in [&release, &extend] {
            stranger.is_told(link, StatusCode::GONE, &["This booking is over.", "You gave it back, Sat Feb 8, 13:00."]).await;
        }
        world.clock.set(local("2025-02-09T14:00") - TimeDelta::seconds(1));
        assert!(stranger.opens(&release).await.1.contains("This booking is over."));
        world.clock.set(local("2025-02-09T14:00"));
        let open = format!("<a href=\"/bookings/{}\">Open the booking</a>", booking.id);
        for link in [&release, &extend] {
            stranger.is_told(link, StatusCode::GONE, &["This link is too old.", &open]).await;
        }
    }

    async fn after_the_end_a_mail_says_what_was_deleted_and_why(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        world.clock.set(local("2025-02-08T14:00"));
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        world.work_until(&person, &booking.id, "ended").await;
        let mail = world.mail("Ended, everything deleted: ").await;
        for words in [
            "Its time was over, and nothing of it is left on the cloud.",
            "  server node1, Sat Feb 8, 14:00 (19:00 UTC)\n",
            "  lease, Sat Feb 8, 14:00 (19:00 UTC)\n",
            "What was kept: nothing.",
            "  In UTC  Sat Feb 8, 15:00 to 19:00 UTC\n",
            "  Over    Sat Feb 8, 14:00 (19:00 UTC)\n",
        ] {
            assert!(mail.contains(words), "{words}: {mail}");
        }
        let stranger = Stranger::at(&world);
        let link = link_for(&world.app, &person, &release_of(&booking));
        stranger.is_told(&link, StatusCode::GONE, &["Its time was over, Sat Feb 8, 14:00."]).await;
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        world.work().await;
        assert_eq!(world.subjects().iter().filter(|it| it.starts_with("Ended")).count(), 1, "once");
    }

    async fn what_others_took_meanwhile_is_refused(backend: Backend) {
        let world = World::with(backend, course(&[("capacity = 30 ", "capacity = 1 ")]), fairlease::cloud::simulated::Profile::instant()).await;
        let (person, booking) = world.active("ff524").await;
        assert_eq!(world.warns_at("13:00").await, 1);
        let link = address(&world.mail("Ends at 14:00: ").await, "Stay until Sat Feb 8, 15:00");
        let stranger = Stranger::at(&world);
        assert_eq!(stranger.opens(&link).await.0, StatusCode::OK);
        let other = world.student("gg222").await;
        world.book(&other, slot("2025-02-08T14:30", "2025-02-08T16:00")).await;
        stranger.is_told(&link, StatusCode::CONFLICT, &["can't be extended to 15:00 at present", "Nothing was changed.", "<code class=\"small\">full</code>"]).await;
        assert_eq!(world.view(&person, &booking.id).await.booking.goal(), booking.slot);
        assert_eq!(world.warns_at("13:45").await, 1);
        let mail = world.mail("Ends at 14:00: ").await;
        assert!(mail.contains("It can't be extended at present:\n  ") && !mail.contains("Stay until"), "{mail}");
    }

    async fn who_has_dropped_the_course_may_give_back_but_not_extend(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        world.drops(&person).await;
        let stranger = Stranger::at(&world);
        let extend = link_for(&world.app, &person, &extension_of(&booking, 1));
        stranger.is_told(&extend, StatusCode::UNPROCESSABLE_ENTITY, &["<code class=\"small\">not_enrolled</code>"]).await;
        let release = link_for(&world.app, &person, &release_of(&booking));
        assert_eq!(stranger.presses(&release).await.0, StatusCode::OK);
        assert_eq!(world.state(&person, &booking.id).await.reason(), Some(EndReason::Released));
    }

    async fn of_what_is_not_theirs_nobody_learns_anything(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        let other = world.student("gg222").await;
        crate::sites::staff(&world, "ta77").await;
        let assistant = world.app.db.read::<_, DbError, _>("staff", db::staff).await.unwrap().remove(0);
        let genuine = link_for(&world.app, &person, &release_of(&booking));
        let mut foreign = Arc::try_unwrap(world.beside()).unwrap_or_else(|_| panic!("nobody else holds it"));
        foreign.link_key = "of another installation".to_owned().into();
        let nothing: Booking = Booking { id: "000000000000".parse().unwrap(), ..booking.clone() };
        let mut never = person.clone();
        never.id = "000000000000".parse().unwrap();
        let cut = genuine[..genuine.len() - 1].to_owned();
        let swapped = genuine.replace('.', "A.");
        let mut paths = vec![
            link_for(&world.app, &other, &release_of(&booking)),
            link_for(&world.app, &assistant, &release_of(&booking)),
            link_for(&world.app, &other, &extension_of(&booking, 1)),
            link_for(&world.app, &person, &release_of(&nothing)),
            link_for(&world.app, &never, &release_of(&booking)),
            link_for(&foreign, &person, &release_of(&booking)),
            link_for(&world.app, &other, &answers_to(&booking, local("2025-02-08T12:00"))[0]),
            link_for(&world.app, &assistant, &answers_to(&booking, local("2025-02-08T12:00"))[1]),
            link_for(&world.app, &person, &answers_to(&nothing, local("2025-02-08T12:00"))[0]),
            cut,
            swapped,
        ];
        paths.extend(["/links/x", "/links/a.b", "/links/%00", "/links/..x", "/links/%F0%9F%98%80"].map(str::to_owned));
        paths.push(format!("/links/{}", "a".repeat(4000)));
        let stranger = Stranger::at(&world);
        let mut answers = std::collections::BTreeSet::new();
        for path in paths {
            let response = stranger.visitor.get(&path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            answers.insert(read(response).await);
            let pressed = stranger.presses(&path).await;
            assert_eq!(pressed.0, StatusCode::NOT_FOUND, "{path}");
            answers.insert(pressed.1);
        }
        assert_eq!(answers.len(), 1, "one answer to all: {answers:?}");
        assert!(answers.first().unwrap().contains("This link leads nowhere."));
        assert!(world.state(&person, &booking.id).await.is_live());
        assert_eq!(stranger.opens(&genuine).await.0, StatusCode::OK);
    }

    async fn a_marked_object_is_taken_back_once_and_only_by_its_owner(backend: Backend) {
        let world = World::new(backend).await;
        let (owner, other) = (world.student("ff524").await, world.student("gg222").await);
        let now = world.app.now();
        let (told, later) = (Stage::Warned { at: now }, now + TimeDelta::hours(1));
        let marked = world.marks(None, "ff524", told).await;
        let link = Link::restore(&marked).unwrap();
        let (own, others) = (link_for(&world.app, &owner, &link), link_for(&world.app, &other, &link));
        let stranger = Stranger::at(&world);
        let nothing = ["There is nothing to take back."];
        stranger.is_told(&others, StatusCode::GONE, &nothing).await;
        let refused = stranger.opens(&others).await;
        let unknown = Link::Restore { site: marked.target.site.clone(), kind: Kind::Server, site_ref: "never".to_owned(), warned_at: now };
        assert_eq!(stranger.opens(&link_for(&world.app, &other, &unknown)).await, refused, "whether it is there is not told");

        let (status, page) = stranger.opens(&own).await;
        assert_eq!(status, StatusCode::OK);
        for words in ["Keep server node1-cloud?", "it has been there for 9 h", "KVM@TACC", "<button>Keep it</button>"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let stopped = Stage::Stopped { warned_at: now, at: later };
        world.marks(Some(told), "ff524", stopped).await;
        assert!(stranger.opens(&own).await.1.contains("it is started again"), "the link of the warning still does it");
        let (status, page) = stranger.presses(&own).await;
        assert!(status == StatusCode::OK && page.contains("It is left alone until "), "{page}");
        assert!(page.contains("It could not be started again: "), "the site has no such server: {page}");
        stranger.is_told(&own, StatusCode::GONE, &["This link has been used.", "It is left alone until "]).await;

        let restored = world.mark_of(&marked).await;
        world.marks(Some(restored), "ff524", Stage::Warned { at: later }).await;
        stranger.is_told(&own, StatusCode::GONE, &nothing).await;
        world.marks(Some(Stage::Warned { at: later }), "ff524", Stage::Deleting { warned_at: now, at: later }).await;
        stranger.is_told(&own, StatusCode::GONE, &["It is too late.", "being deleted"]).await;
        world.clock.set(now + TimeDelta::days(14));
        stranger.is_told(&own, StatusCode::GONE, &["This link is too old."]).await;
    }

    async fn an_offer_is_taken_by_its_link_once(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.offered("ff524").await;
        let mail = world.mail("A place for you until 10:10: Sat Feb 8, 14:00 to 18:00 - ").await;
        let (accept, pass) = (address(&mail, "Take it: "), address(&mail, "Pass it on: "));
        let stranger = Stranger::at(&world);
        for _ in 0..2 {
            let (status, page) = stranger.opens(&accept).await;
            assert_eq!(status, StatusCode::OK);
            for words in [
                "Take this place?", "held for you until 10:10", "ff524", "<dt>Offered</dt><dd>Sat Feb 8, 14:00 to 18:00</dd>",
                "<dt>Costs</dt>", "server-hours", "<dt>Held until</dt><dd>Sat Feb 8, 10:10</dd>", "<button>Take it</button>",
            ] {
                assert!(page.contains(words), "{words}: {page}");
            }
        }
        let unchanged = world.view(&person, &booking.id).await.booking;
        assert_eq!(unchanged, booking, "opening changes nothing");

        let (status, page) = stranger.presses(&accept).await;
        assert!(status == StatusCode::OK && (page.contains("The place is yours") || page.contains("You have taken the place")), "{page}");
        assert!(!page.contains("<button>"), "{page}");
        for link in [&accept, &pass] {
            stranger.is_told(link, StatusCode::GONE, &["You took this offer.", "The place is yours."]).await;
        }
        world.work().await;
        assert_eq!(world.state(&person, &booking.id).await.word(), "booked");
        stranger.is_told(&pass, StatusCode::GONE, &["You took this offer."]).await;
        let booked = world.subjects().iter().filter(|it| it.starts_with("Booked")).count();
        assert_eq!(booked, 1, "{:?}", world.subjects());
        world.clock.set(local("2025-02-09T10:10"));
        let open = format!("<a href=\"/bookings/{}\">Open the booking</a>", booking.id);
        stranger.is_told(&accept, StatusCode::GONE, &["This link is too old.", &open]).await;
    }

    async fn an_offer_is_passed_on_by_its_link_once(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.offered("ff524").await;
        let mail = world.mail("A place for you until 10:10: ").await;
        let (accept, pass) = (address(&mail, "Take it: "), address(&mail, "Pass it on: "));
        let stranger = Stranger::at(&world);
        let (status, page) = stranger.opens(&pass).await;
        assert_eq!(status, StatusCode::OK);
        for words in ["Pass this place on?", "You stay in line", "<button>Pass it on</button>", "href=\"/labs/k8s\""] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert_eq!(world.view(&person, &booking.id).await.booking, booking, "opening changes nothing");
        let (status, page) = stranger.presses(&pass).await;
        assert!(status == StatusCode::OK && page.contains("You have passed it on.") && page.contains("Thank you"), "{page}");
        for link in [&pass, &accept] {
            stranger.is_told(link, StatusCode::GONE, &["You have passed it on.", "That was Sat Feb 8, 09:10.", "You are still in line."]).await;
        }
        assert_eq!(world.state(&person, &booking.id).await.reason(), Some(EndReason::Passed));
    }

    async fn an_offer_that_is_over_says_that_it_went_on(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.offered("ff524").await;
        let [accept, pass] = answers_to(&booking, local("2025-02-08T10:10")).map(|link| link_for(&world.app, &person, &link));
        let stranger = Stranger::at(&world);
        world.clock.set(local("2025-02-08T10:10") - TimeDelta::seconds(1));
        assert_eq!(stranger.opens(&accept).await.0, StatusCode::OK);
        world.clock.set(local("2025-02-08T10:10"));
        let over = ["This offer is over.", "It stood until Sat Feb 8, 10:10, and went on.", "You are still in line."];
        for link in [&accept, &pass] {
            stranger.is_told(link, StatusCode::GONE, &over).await;
        }
        waitlist::step(&world.app).await.unwrap();
        assert_eq!(world.state(&person, &booking.id).await.reason(), Some(EndReason::Lapsed));
        for link in [&accept, &pass] {
            stranger.is_told(link, StatusCode::GONE, &over).await;
        }
        let mail = world.mail("The offer went on, you stay in line: Sat Feb 8, 14:00 to 18:00 - ").await;
        assert!(mail.contains("Your place in line: https://fairlease.example.edu/labs/k8s\n"), "{mail}");
    }

    async fn of_taking_and_passing_at_once_one_is_done(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.offered("ff524").await;
        let links = answers_to(&booking, local("2025-02-08T10:10")).map(|link| link_for(&world.app, &person, &link));
        let stranger = Arc::new(Stranger::at(&world));
        let press = |link: &String| {
            let (stranger, link) = (stranger.clone(), link.clone());
            tokio::spawn(async move { stranger.presses(&link).await })
        };
        let pressed: Vec<_> = links.iter().cycle().take(8).map(press).collect();
        let (mut taken, mut passed) = (0, 0);
        for pressed in pressed {
            let (status, page) = pressed.await.unwrap();
            assert!([StatusCode::OK, StatusCode::GONE].contains(&status), "{status}: {page}");
            taken += usize::from(page.contains("The place is yours") || page.contains("You have taken the place"));
            passed += usize::from(page.contains("You have passed it on."));
        }
        assert_eq!(taken + passed, 8, "each says what became of it");
        assert!(taken == 0 || passed == 0, "{taken} and {passed}");
        assert_eq!(taken > 0, world.state(&person, &booking.id).await.is_live());
    }

    async fn the_links_of_an_offer_are_for_its_person_and_for_that_offer(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.offered("ff524").await;
        let other = world.student("gg222").await;
        let (until, another) = (local("2025-02-08T10:10"), local("2025-02-08T10:11"));
        let stranger = Stranger::at(&world);
        for link in answers_to(&booking, until) {
            stranger.is_told(&link_for(&world.app, &other, &link), StatusCode::NOT_FOUND, &["This link leads nowhere."]).await;
        }
        for link in answers_to(&booking, another) {
            stranger.is_told(&link_for(&world.app, &person, &link), StatusCode::NOT_FOUND, &["This link leads nowhere."]).await;
        }
        assert_eq!(world.view(&person, &booking.id).await.booking, booking, "nothing was done");
    }

    async fn the_mail_of_an_offer_waits_for_the_end_of_quiet_hours(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student("ff524").await;
        let made = world.book(&person, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        let (until, morning) = (local("2025-02-09T09:00"), local("2025-02-09T08:00"));
        assert!(world.tells_of_offer(&made, until, Some(morning)).await);
        assert!(!world.tells_of_offer(&made, until, None).await, "one mail for one offer");
        let told = |world: &World| world.subjects().iter().filter(|it| it.starts_with("A place for you")).count();
        for (at, count) in [("2025-02-08T22:00", 0), ("2025-02-09T07:59", 0), ("2025-02-09T08:00", 1), ("2025-02-09T08:01", 1)] {
            world.clock.set(local(at));
            fairlease::services::delivery::step(&world.app).await.unwrap();
            assert_eq!(told(&world), count, "{at}");
        }
        let subject = world.subjects().into_iter().find(|it| it.starts_with("A place for you")).unwrap();
        assert!(subject.starts_with("A place for you until 09:00: Mon Feb 10, 10:00 to 14:00"), "{subject}");
        assert!(!world.withdraws_offer(&made).await, "what was sent stays");
    }

    async fn the_mail_of_an_offer_that_is_answered_before_is_taken_back(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student("ff524").await;
        let made = world.book(&person, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        let (until, morning) = (local("2025-02-09T09:00"), local("2025-02-09T08:00"));
        assert!(world.tells_of_offer(&made, until, Some(morning)).await);
        assert!(world.withdraws_offer(&made).await);
        assert!(!world.withdraws_offer(&made).await);
        world.clock.set(morning);
        while fairlease::services::delivery::step(&world.app).await.unwrap() > 0 {}
        assert!(!world.subjects().iter().any(|it| it.starts_with("A place for you")), "{:?}", world.subjects());
    }

    async fn each_warning_is_written_once_by_any_number_of_workers(backend: Backend) {
        let world = World::new(backend).await;
        let (person, booking) = world.active("ff524").await;
        let beside = [world.beside(), world.beside()];
        for (time, warned) in [("12:59", 0), ("13:00", 1), ("13:00", 0), ("13:44", 0), ("13:47", 1), ("13:48", 0)] {
            world.clock.set(local(&format!("2025-02-08T{time}")));
            let (one, two, three) = tokio::join!(
                notices::remind(&world.app), notices::remind(&beside[0]), notices::remind(&beside[1]));
            assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), warned, "{time}");
        }
        world.end_at(&person, &booking.id, local("2025-02-08T14:30")).await.unwrap();
        world.work().await;
        assert_eq!(world.warns_at("13:49").await, 0, "who was warned just now is not told again that 41 min are left");
        assert_eq!(world.warns_at("14:15").await, 1, "an extension has warnings of its own");
        let warned = world.subjects().into_iter().filter(|it| it.starts_with("Ends at ")).count();
        world.work().await;
        assert_eq!((warned, world.subjects().len()), (2, 5), "booked, ready, and three warnings");
    }

    async fn a_short_booking_gets_only_the_later_warning(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student("ff524").await;
        let made = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T11:00")).await;
        world.clock.set(local("2025-02-08T09:58"));
        world.work_until(&person, &made.id, "active").await;
        assert_eq!(world.warns_at("10:01").await, 0, "it is ready until 11:00: they have just read that");
        assert_eq!(world.warns_at("10:45").await, 1);
    }
}

#[tokio::test]
async fn a_links_address_is_neither_logged_nor_measured() {
    let demo = Setup::of(Course::example()).with_metrics().start().await;
    let nobody = Visitor::anonymous(demo.url());
    let path = "/links/c2VjcmV0.dG9rZW4";
    assert_eq!(nobody.get(path).await.status(), StatusCode::NOT_FOUND);
    let mut file = diesel::SqliteConnection::establish(demo.database_file().to_str().unwrap()).unwrap();
    file.batch_execute("PRAGMA busy_timeout = 15000; ALTER TABLE courses RENAME TO broken").unwrap();
    for path in [path.to_owned(), format!("{path}/more")] {
        let failed = nobody.get(&path).await;
        assert_eq!(failed.headers()["referrer-policy"], "no-referrer");
        assert!(failed.status().is_server_error() || failed.status() == StatusCode::NOT_FOUND);
    }
    let told = || async {
        let log = demo.log();
        log.contains("a request failed").then_some(log)
    };
    let log = until(told).await.expect("the log tells that it failed");
    assert!(log.contains("/links/{token}") && !log.contains("c2VjcmV0"), "{log}");
    let metrics = reqwest::get(format!("{}/metrics", demo.metrics_url().await)).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("route=\"/links/{token}\"") && !metrics.contains("c2VjcmV0"), "{metrics}");
}

/// Keys of two installations differ, and an installation keeps its own.
#[tokio::test]
async fn an_installation_keeps_its_key() {
    use fairlease::db::{Db, Installation};
    use fairlease::domain::ids::InstanceId;
    use secrecy::ExposeSecret as _;

    let database = crate::world::Database::create(crate::world::Backend::Sqlite);
    let db = Db::open(&database.url()).unwrap();
    db.migrate().unwrap();
    let bring = |key: &str| {
        let own = db.installation(&Installation::new(InstanceId::from_bits(1), key.to_owned())).unwrap();
        assert!(!format!("{own:?}").contains(own.link_key.expose_secret()), "it is not shown");
        own.link_key.expose_secret().to_owned()
    };
    assert_eq!((bring("the first"), bring("the second")), ("the first".to_owned(), "the first".to_owned()));
}
