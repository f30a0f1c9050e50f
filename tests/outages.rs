//! Outages and deferrals by whole requests: staff look at what declaring one would do, declare it, and everyone hears of it once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, DbError};
use fairlease::domain::booking::{Booking, EndReason, State};
use fairlease::domain::notice::Notice;
use fairlease::domain::outage::{Away, Remedy};
use fairlease::domain::person::Person;
use fairlease::services::booking;
use fairlease::services::outages::{self, Draft, OutageError, Post};
use fairlease::services::{courses, reaping};
use fairlease::worker;
use reqwest::StatusCode;
use scraper::{Html, Selector};

use crate::sites::{Served, serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, local, on_both_databases, slot, ta};

/// The first lab of the term, on the same pool, in the place of the line that begins the example's lab.
const HELLO: &str = r#"
[[lab]]
id = "hello"
title = "Hello, Chameleon"
pool = "kvm-clusters"
open = 2025-01-22T00:00
due = 2025-01-30T23:59

[lab.policy]
cap_hours = 6
bookings_ahead = 2

[lab.blueprint]
login = "cc"
network = [{ name = "private", cidr = "192.168.1.0/24", external = "public" }]
server = [{ name = "vm", image = "CC-Ubuntu24.04", flavor = "m1.small" }]

[[lab]]"#;

/// The course as it was in January 2025.
fn january() -> fairlease::domain::course::Course {
    course(&[("\n[[lab]]", HELLO), ("due = 2025-02-13T23:59", "due = 2025-02-06T23:59")])
}

/// How many students take the course.
const CLASS: usize = 191;

struct Class {
    world: World,
    served: Served,
    students: Vec<Person>,
}

impl Class {
    async fn meet(world: World) -> Self {
        let mut students = Vec::new();
        for number in 0..CLASS {
            students.push(world.student(&format!("ab{number}")).await);
        }
        staff(&world, "ta77").await;
        let served = serve(&world);
        Self { world, served, students }
    }

    /// The TA, who has just signed in: sessions don't last through the weeks of this.
    async fn ta(&self) -> Visitor {
        Visitor::sign_in(&client(), &self.served.url, "ta77").await
    }

    async fn book(&self, student: usize, lab: &str, from: &str, to: &str) -> Booking {
        let person = &self.students[student];
        let wish = booking::Wish { lab: lab.parse().unwrap(), ..World::wish(person, slot(from, to)) };
        booking::book(&self.world.app, wish)
            .await
            .unwrap_or_else(|error| panic!("{student} {from}: {error:?}"))
    }

    /// Lets everything run until this time.
    async fn until(&self, at: &str) {
        self.world.work().await;
        self.world.clock.set(local(at));
        self.world.work().await;
    }

    /// The mails since the last look, by whom they went to.
    fn mails(&self) -> BTreeMap<String, Vec<Notice>> {
        let mut by_person: BTreeMap<String, Vec<Notice>> = BTreeMap::new();
        for mail in std::mem::take(&mut *self.world.postbox.mails.lock().unwrap()) {
            let net_id = mail.recipient.split('@').next().unwrap().to_owned();
            by_person.entry(net_id).or_default().push(mail);
        }
        by_person
    }

    /// The one mail of each of the class since the last look; staff have one, too.
    fn one_each(&self) -> BTreeMap<String, Notice> {
        let mails = self.mails();
        assert_eq!(mails.len(), CLASS + 1, "everyone heard of it, and the TA");
        let only = |(who, mut of): (String, Vec<Notice>)| {
            let subjects: Vec<_> = of.iter().map(|mail| mail.subject.clone()).collect();
            assert_eq!(of.len(), 1, "{who} got {subjects:?}");
            (who, of.remove(0))
        };
        mails.into_iter().map(only).collect()
    }

    async fn live(&self, student: usize) -> Vec<Booking> {
        let id = self.students[student].id.clone();
        let read = move |conn: &mut db::Conn<'_>| db::bookings_of_person(conn, &id);
        let all = self.world.app.db.read::<_, DbError, _>("bookings", read).await.unwrap();
        all.into_iter().filter(|booking| booking.state.is_live()).collect()
    }

    /// Looks at what a form would do, and sends it as it stands then, with these fields changed.
    async fn look_and_send(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        after: &[(&str, &str)],
    ) -> (Sheet, String) {
        let sheet = self.look(path, fields).await;
        let mut sent = sheet.fields();
        for (name, value) in after {
            sent.insert((*name).to_owned(), (*value).to_owned());
        }
        sent.insert("act".to_owned(), "save".to_owned());
        let pairs: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let done = self.ta().await.post(path, &pairs).await;
        let (status, to) = (done.status(), done.headers().get("location").cloned());
        let told = done.text().await.unwrap();
        assert_eq!(status, StatusCode::SEE_OTHER, "{told}");
        (sheet, to.unwrap().to_str().unwrap().split('?').next().unwrap().to_owned())
    }

    async fn look(&self, path: &str, fields: &[(&str, &str)]) -> Sheet {
        let fields = [fields, &[("act", "preview")]].concat();
        let seen = self.ta().await.post(path, &fields).await;
        let status = seen.status();
        let text = seen.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        Sheet(text)
    }
}

/// Whether the page of the audit log has an action.
async fn recorded(class: &Class, action: &str, words: &str) {
    let log = class.ta().await.get(&format!("/staff/audit?action={action}")).await.text().await.unwrap();
    let rows = Sheet(log).select("main");
    assert!(rows[0].contains(words), "{action}: {rows:?}");
}

/// A form as a browser has it.
struct Sheet(String);

impl Sheet {
    fn select(&self, selector: &str) -> Vec<String> {
        let (page, selector) = (Html::parse_document(&self.0), Selector::parse(selector).unwrap());
        let text = |it: scraper::ElementRef<'_>| it.text().collect::<String>();
        page.select(&selector).map(|it| text(it).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// What a browser would send, but for buttons and the session's token.
    fn fields(&self) -> BTreeMap<String, String> {
        let page = Html::parse_document(&self.0);
        let all = Selector::parse("form.outage-form :is(input, textarea, select)").unwrap();
        let chosen = Selector::parse("option[selected]").unwrap();
        let first = Selector::parse("option").unwrap();
        let mut fields = BTreeMap::new();
        for it in page.select(&all) {
            let Some(name) = it.value().attr("name").filter(|name| *name != "csrf") else { continue };
            let kind = it.value().attr("type").unwrap_or_default();
            if ["radio", "checkbox"].contains(&kind) && it.value().attr("checked").is_none() {
                continue;
            }
            let value = match it.value().name() {
                "textarea" => it.text().collect::<String>().trim_start_matches('\n').to_owned(),
                "select" => {
                    let option = it.select(&chosen).next().or_else(|| it.select(&first).next()).unwrap();
                    option.value().attr("value").unwrap().to_owned()
                }
                _ => it.value().attr("value").unwrap_or_default().to_owned(),
            };
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}

/// Whom a booking of a student is of: even net IDs and odd ones have different days.
fn day(student: usize, even: &'static str, odd: &'static str) -> &'static str {
    if student.is_multiple_of(2) { even } else { odd }
}

on_both_databases! {

/// Cases 6 and 7: the maintenance of 28 January, the outage of 31 January for which a lab is deferred, its due date on 4 February.
async fn january_2025(backend: Backend) {
    let class = Class::meet(World::since(backend, january(), "2025-01-25T10:00").await).await;

    maintenance(&class).await;
    let page = the_outage(&class).await;
    it_is_back(&class, &page).await;
}

/// Case 6, its other half: a lab is put off by itself, to be announced; then the course file gives it another date and other rules.
async fn put_off_and_then_filed(backend: Backend) {
    let before = course(&[("due = 2025-02-13T23:59", "due = 2025-02-20T23:59")]);
    let class = Class::meet(World::with(backend, before, Profile::instant()).await).await;
    let path = "/staff/labs/k8s/due";
    let fields = [("reason", "the exam comes first"), ("due.k8s", "tba")];
    class.look_and_send(path, &fields, &[]).await;
    class.world.work().await;
    let mails = class.one_each();
    assert!(mails["ab7"].subject.ends_with("Deploy a machine learning service on Kubernetes is deferred"), "{}", mails["ab7"].subject);
    let visitor = Visitor::sign_in(&client(), &class.served.url, "ab7").await;
    assert!(visitor.get("/").await.text().await.unwrap().contains("deferred: due date to be announced"));

    let apply = async |text: &str| {
        let (filed, now) = (course(&[("due = 2025-02-13T23:59", text), ("even = [\"Sat\", \"Mon\", \"Wed\"]", "even = [\"Sat\", \"Sun\", \"Mon\", \"Tue\", \"Wed\", \"Thu\", \"Fri\"]")]), class.world.app.now());
        class.world.app.db.write("apply", move |conn| courses::apply(conn, &filed, now)).await.unwrap();
    };
    apply("due = 2025-02-20T23:59").await;
    assert!(visitor.get("/").await.text().await.unwrap().contains("due date to be announced"), "the file says what it said: the deferral holds");
    apply("due = 2025-04-29T23:59").await;
    let labs = visitor.get("/").await.text().await.unwrap();
    assert!(!labs.contains("due date to be announced") && labs.contains("Tue Apr 29"), "the file says something new: it holds: {labs}");
}

/// A site fails for an hour while bookings run: nothing is deleted for not being used, and who lost time gets it back.
async fn time_back(backend: Backend) {
    let world = World::with(backend, course(&[("leases = true", "leases = false")]), Profile::instant()).await;
    let person = world.student("ff524").await;
    let booked = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T18:00")).await;
    world.work_until(&person, &booked.id, "active").await;
    world.clock.set(local("2025-02-08T12:00"));
    let id = declare(&world, "site:kvm-tacc", "2025-02-08T12:00", None).await.unwrap();
    world.work().await;
    assert!(world.view(&person, &booked.id).await.booking.waived);
    let again = declare(&world, "site:kvm-tacc", "2025-02-08T11:00", None).await;
    assert!(matches!(again, Err(OutageError::Declared(known)) if known == id));

    let observed = reaping::observe(&world.app).await.unwrap();
    assert!(observed.plan.actions.is_empty(), "{:?}", observed.plan);
    world.clock.set(local("2025-02-08T13:20"));
    let post = Post { title: "Back".to_owned(), text: "It is back.".to_owned(), to_all: false };
    outages::end(&world.app, &ta(), id, world.app.now(), BTreeMap::new(), post).await.unwrap();
    world.work().await;
    let view = world.view(&person, &booked.id).await;
    assert_eq!(view.booking.slot, slot("2025-02-08T10:00", "2025-02-08T19:30"), "80 minutes, on the grid of half hours");
    assert!(view.booking.usage().is_none(), "it costs nothing");
    let mails = world.postbox.mails.lock().unwrap().clone();
    let told = mails.iter().find(|mail| mail.body.contains("lasts until Sat Feb 8, 19:30"));
    let calendar = told.unwrap().calendar.as_deref().unwrap();
    assert!(calendar.contains("METHOD:REQUEST") && calendar.contains("DTEND:20250209T003000Z"), "{calendar}");
}

/// It lasts longer than was thought: what is hit now is dealt with, what was before is left alone, and everyone reads it again.
async fn it_lasts_longer(backend: Backend) {
    let class = small(World::new(backend).await).await;
    let (first, second) = (class.world.student("cd0").await, class.world.student("cd2").await);
    class.world.book(&first, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
    class.world.book(&second, slot("2025-02-10T20:00", "2025-02-10T23:00")).await;
    class.world.work().await;
    let fields = [("away", "site:kvm-tacc"), ("from", "2025-02-10T08:00"), ("until", "2025-02-10T14:00"), ("reason", "a switch failed"), ("remedy", "cancel")];
    let (_, page) = class.look_and_send("/staff/outages", &fields, &[]).await;
    class.world.work().await;
    class.mails();

    let more = [("until", "2025-02-10T22:00"), ("reason", "two switches failed")];
    let sheet = class.look(&format!("{page}/change"), &more).await;
    assert_eq!(sheet.select("#preview strong"), ["1 booking is hit."], "the other was dealt with");
    class.look_and_send(&format!("{page}/change"), &more, &[]).await;
    class.world.work().await;
    let mails = class.mails();
    assert_eq!(mails.keys().collect::<Vec<_>>(), ["cd0", "cd2", "ff524", "ta77"], "everyone once more");
    assert!(mails.values().all(|of| of.len() == 1 && of[0].body.contains("two switches failed")), "{mails:#?}");
    assert_eq!((mails["cd0"][0].body.matches("Your booking").count(), mails["cd2"][0].body.matches("Your booking").count()), (0, 1));
    recorded(&class, "changed_outage", "changed what is known of an outage").await;

    // Nobody has said that it is over: staff are reminded once.
    class.world.clock.set(local("2025-02-10T22:01"));
    for _ in 0..2 {
        worker::cron::minute(&class.world.app).await;
        class.world.clock.advance(TimeDelta::minutes(1));
    }
    class.world.work().await;
    let reminded = class.mails();
    let late = reminded["ta77"].iter().filter(|mail| mail.subject.starts_with("Is KVM@TACC back?")).count();
    assert_eq!(late, 1, "{reminded:#?}");
}

/// What is called off is told with slots to choose from, and the link leads to the lab with the slot chosen.
async fn a_choice(backend: Backend) {
    let world = World::new(backend).await;
    let person = world.student("ff524").await;
    let booked = world.book(&person, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
    world.work().await;
    let draft = Draft { remedy: Remedy::Offer, ..draft("site:kvm-tacc", "2025-02-10T08:00", Some("2025-02-10T20:00")) };
    outages::declare(&world.app, &ta(), draft, post(false)).await.unwrap();
    world.work().await;
    assert_eq!(world.state(&person, &booked.id).await.reason(), Some(EndReason::Displaced));
    let mails = world.postbox.mails.lock().unwrap().clone();
    let told = mails.iter().find(|mail| mail.body.contains("Choose another slot"));
    let mail = told.unwrap_or_else(|| panic!("{mails:#?}"));
    assert_eq!(mails.iter().filter(|mail| mail.person.as_ref() == Some(&person.id)).count(), 2, "booked, and this");
    let link = |line: &'_ str| Some(line.split_once(": https://fairlease.example.edu/labs/")?.1.to_owned());
    let link = format!("/labs/{}", mail.body.lines().find_map(link).unwrap());
    let served = serve(&world);
    let visitor = Visitor::sign_in(&client(), &served.url, "ff524").await;
    let page = visitor.get(link.split('#').next().unwrap()).await.text().await.unwrap();
    let start = link.split("start=").nth(1).unwrap().split('&').next().unwrap();
    assert!(page.contains(&format!("name=\"start\" value=\"{start}\"")), "{page}");
    let chosen = visitor.post("/labs/k8s/bookings", &[("start", start), ("hours", "4")]).await;
    assert_eq!(chosen.status(), StatusCode::SEE_OTHER, "what is offered is legal");
}

/// Two workers, one of which dies between any two steps, come to the same: each booking once, each person once.
async fn whoever_works_on_it(backend: Backend) {
    let world = World::new(backend).await;
    let mut people = Vec::new();
    for number in (0..40).step_by(2) {
        let person = world.student(&format!("cd{number}")).await;
        world.book(&person, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        people.push(person);
    }
    world.work().await;
    world.postbox.mails.lock().unwrap().clear();
    declare(&world, "site:kvm-tacc", "2025-02-10T08:00", Some("2025-02-10T20:00")).await.unwrap();
    let other = world.beside();
    loop {
        let (one, two) = tokio::join!(outages::step(&world.app), outages::step(&other));
        let (one, two) = (one.unwrap(), two.unwrap());
        if one + two == 0 {
            break;
        }
    }
    while worker::step(&world.app).await.unwrap() {}
    let mails = world.postbox.mails.lock().unwrap().clone();
    let told: BTreeSet<_> = mails.iter().filter_map(|mail| mail.person.clone()).collect();
    assert_eq!((mails.len(), told.len()), (20, 20), "{:?}", world.subjects());
    for person in people {
        let id = person.id.clone();
        let read = move |conn: &mut db::Conn<'_>| db::bookings_of_person(conn, &id);
        let all = world.app.db.read::<_, DbError, _>("bookings", read).await.unwrap();
        let live: Vec<_> = all.iter().filter(|it| it.state.is_live()).collect();
        assert_eq!((all.len(), live.len()), (2, 1), "{all:?}");
    }
    assert_eq!(world.booked_at("2025-02-10T10:00").await, 0);
}

/// What is wrong comes back at its field, and nothing is lost that was typed.
async fn what_is_wrong(backend: Backend) {
    let class = Class { students: Vec::new(), ..small(World::new(backend).await).await };
    let fields = [
        ("away", "site:kvm-tacc"),
        ("from", "2025-02-10T08:00"),
        ("until", "2025-02-10T07:00"),
        ("reason", " "),
        ("remedy", "offer"),
        ("act", "save"),
    ];
    let answer = class.ta().await.post("/staff/outages", &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let sheet = Sheet(answer.text().await.unwrap());
    let problems = sheet.select("#problems li");
    assert_eq!(problems.len(), 2, "{problems:?}");
    let typed = sheet.fields();
    assert_eq!((typed["until"].as_str(), typed["remedy"].as_str()), ("2025-02-10T07:00", "offer"));
    let unseen = [("from", "2025-02-10T08:00"), ("away", "site:kvm-tacc"), ("reason", "x"), ("act", "save")];
    let answer = class.ta().await.post("/staff/outages", &unseen).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "nobody has seen what is to be announced");
    let student = Visitor::sign_in(&client(), &class.served.url, "ff524").await;
    assert_eq!(student.get("/staff/outages").await.status(), StatusCode::NOT_FOUND);
}
}

async fn small(world: World) -> Class {
    staff(&world, "ta77").await;
    world.student("ff524").await;
    let served = serve(&world);
    Class { world, served, students: Vec::new() }
}

fn draft(away: &str, from: &str, until: Option<&str>) -> Draft {
    Draft {
        away: away.parse::<Away>().unwrap(),
        from: local(from),
        until: until.map(local),
        reason: "a switch failed".to_owned(),
        remedy: Remedy::Move,
        dues: BTreeMap::new(),
    }
}

fn post(to_all: bool) -> Post {
    Post { title: "KVM@TACC is away".to_owned(), text: "A switch failed.".to_owned(), to_all }
}

pub(crate) async fn declare(
    world: &World,
    away: &str,
    from: &str,
    until: Option<&str>,
) -> Result<fairlease::domain::ids::OutageId, OutageError> {
    outages::declare(&world.app, &ta(), draft(away, from, until), post(false)).await
}

/// The maintenance of 28 January: who had something booked is moved, everyone hears of it once.
async fn maintenance(class: &Class) {
    // 31 students have something in the maintenance of 28 January, 20 others on the day after.
    let hit: Vec<usize> = (0..31).collect();
    for student in &hit {
        let from = if student.is_multiple_of(2) { "2025-01-28T10:00" } else { "2025-01-28T16:00" };
        let to = if student.is_multiple_of(2) { "2025-01-28T14:00" } else { "2025-01-28T22:00" };
        class.book(*student, "hello", from, to).await;
    }
    for student in 31..51 {
        class.book(student, "hello", "2025-01-29T10:00", "2025-01-29T14:00").await;
    }
    class.world.work().await;
    class.mails();

    let maintenance = [
        ("away", "site:kvm-tacc"),
        ("from", "2025-01-28T08:00"),
        ("until", "2025-01-28T20:00"),
        ("reason", "planned maintenance of KVM@TACC"),
        ("remedy", "move"),
    ];
    let sheet = class.look("/staff/outages", &maintenance).await;
    assert_eq!(sheet.select("#preview strong"), ["31 bookings of 31 people are hit."]);
    assert_eq!(
        sheet.select("#preview .plain-list li"),
        ["31 moved to the nearest free slot that the rules allow."]
    );
    assert!(
        class.mails().is_empty()
            && class.live(0).await[0].slot == slot("2025-01-28T10:00", "2025-01-28T14:00"),
        "only looked at"
    );
    let planned: BTreeMap<String, String> = {
        let cells = sheet.select("#preview tbody tr th, #preview tbody tr td:last-child");
        cells.chunks(2).map(|row| (row[0].clone(), row[1].clone())).collect()
    };

    // The lab is due on 30 January, two days after it: staff give a day more.
    let (_, page) = class
        .look_and_send(
            "/staff/outages",
            &maintenance,
            &[("due.hello", "at"), ("date.hello", "2025-01-31T23:59"), ("due.k8s", "same")],
        )
        .await;
    class.world.work().await;
    let mails = class.one_each();
    for student in &hit {
        let (who, live) = (format!("ab{student}"), class.live(*student).await);
        let now = &live[0];
        assert_eq!(
            (live.len(), now.slot.length()),
            (1, if student.is_multiple_of(2) { TimeDelta::hours(4) } else { TimeDelta::hours(6) })
        );
        assert!(!now.slot.overlaps(&slot("2025-01-28T08:00", "2025-01-28T20:00")), "{who}: {now:?}");
        let new = fairlease::domain::calendar::span(chrono_tz::America::New_York, &now.slot);
        assert!(planned[&who].ends_with(&new), "{who} was told {} and got {new}", planned[&who]);
        let mail = &mails[&who];
        assert!(
            mail.body.contains(&format!("to {new}.")) && mail.body.contains(now.id.as_str()),
            "{}",
            mail.body
        );
        let calendar = mail.calendar.as_deref().unwrap();
        assert!(calendar.contains("METHOD:CANCEL") && calendar.contains("METHOD:REQUEST"), "{calendar}");
    }
    for student in 31..CLASS {
        let mail = &mails[&format!("ab{student}")];
        assert!(!mail.body.contains("Your booking") && mail.calendar.is_none(), "{}", mail.body);
        assert!(mail.subject.contains("KVM@TACC will be away from Tue Jan 28, 08:00"), "{}", mail.subject);
    }
    assert_eq!(
        class.live(40).await[0].slot,
        slot("2025-01-29T10:00", "2025-01-29T14:00"),
        "nothing was in its way"
    );

    closed_until_it_is_over(class, &page).await;
}

/// Until the maintenance is over nobody books its time; then everyone hears of it.
async fn closed_until_it_is_over(class: &Class, page: &str) {
    // Nobody books that time, and the lab has its new due date.
    let visitor = Visitor::sign_in(&client(), &class.served.url, "ab60").await;
    let wish = [("start", "2025-01-28T10:00-05:00"), ("hours", "4")];
    let refused = visitor.post("/labs/hello/bookings", &wish).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await.unwrap();
    assert!(text.contains("planned maintenance of KVM@TACC"), "{text}");
    let late = [("start", "2025-01-31T10:00-05:00"), ("hours", "4")];
    assert_eq!(
        visitor.post("/labs/hello/bookings", &late).await.status(),
        StatusCode::SEE_OTHER,
        "a day more"
    );
    class.world.work().await;
    class.mails();

    // It is over two hours early: said once to everyone, and the time is free again.
    class.until("2025-01-28T18:00").await;
    class.mails();
    class.look_and_send(&format!("{page}/end"), &[("at", "2025-01-28T18:00")], &[]).await;
    class.world.work().await;
    let mails = class.one_each();
    assert!(mails["ab0"].subject.contains("KVM@TACC is back"), "{}", mails["ab0"].subject);
    let early = [("start", "2025-01-28T18:30-05:00"), ("hours", "1")];
    assert_eq!(visitor.post("/labs/hello/bookings", &early).await.status(), StatusCode::SEE_OTHER);
}

/// The outage of 31 January: the lab is deferred, and what ran costs nothing. The address of its page.
async fn the_outage(class: &Class) -> String {
    // The Kubernetes lab: all but the last ten have booked; five of them run on Friday morning.
    for student in 0..CLASS - 10 {
        let (date, hour) = match student {
            0 | 2 | 4 | 6 | 8 => ("2025-01-31", 8),
            _ => (
                day(
                    student,
                    ["2025-02-02", "2025-02-04"][student / 2 % 2],
                    ["2025-02-01", "2025-02-03"][student / 2 % 2],
                ),
                8 + student / 4 % 3 * 4,
            ),
        };
        class
            .book(student, "k8s", &format!("{date}T{hour:02}:00"), &format!("{date}T{:02}:00", hour + 4))
            .await;
    }
    class.until("2025-01-30T12:00").await;
    class.until("2025-01-31T07:40").await;
    class.until("2025-01-31T08:05").await;
    class.until("2025-01-31T09:30").await;
    class.mails();
    assert!(matches!(class.live(0).await[0].state, State::Active { .. }), "{:?}", class.live(0).await);

    let outage = [
        ("away", "service:JupyterHub"),
        ("from", "2025-01-31T09:00"),
        ("until", ""),
        ("reason", "the Chameleon JupyterHub service fails"),
        ("remedy", "move"),
    ];
    let sheet = class.look("/staff/outages", &outage).await;
    assert_eq!(sheet.fields()["due.k8s"], "tba", "nobody knows until when: that is suggested");
    assert!(!sheet.fields().contains_key("due.hello"), "that lab does not need it");
    let (_, page) = class.look_and_send("/staff/outages", &outage, &[]).await;
    class.world.work().await;
    let mails = class.one_each();
    for (student, person) in class.students.iter().enumerate() {
        let mail = &mails[person.net_id.as_str()];
        assert!(mail.body.contains("keep an eye out for an announcement"), "{}", mail.body);
        let (headline, own) = if matches!(student, 0 | 2 | 4 | 6 | 8) {
            ("Free of charge", "is hit while it runs. It costs nothing.")
        } else if student < CLASS - 10 {
            ("Called off", "can't take place, and costs nothing.")
        } else {
            assert!(!mail.body.contains("Your booking"), "{}", mail.body);
            assert!(mail.subject.starts_with("JupyterHub is away; Deploy a machine"), "{}", mail.subject);
            assert!(mail.subject.ends_with(" is deferred"), "{}", mail.subject);
            continue;
        };
        let begins = format!("{headline}: JupyterHub is away;");
        assert!(mail.subject.starts_with(&begins) && mail.body.starts_with(&begins), "{}", mail.subject);
        assert_eq!(
            (mail.body.matches("Your booking").count(), mail.body.contains(own)),
            (1, true),
            "{}",
            mail.body
        );
    }
    let k8s = async |student| {
        class.live(student).await.into_iter().filter(|it| it.lab.as_str() == "k8s").collect::<Vec<_>>()
    };
    assert!(k8s(10).await.is_empty(), "it was called off");
    let running = k8s(0).await.remove(0);
    assert!(running.waived && running.usage().is_none(), "{running:?}");
    let visitor = Visitor::sign_in(&client(), &class.served.url, "ab60").await;
    let labs = visitor.get("/").await.text().await.unwrap();
    assert!(labs.contains("deferred: due date to be announced"), "{labs}");
    page
}

/// 4 February: it is back, the lab has a new due date, and the days follow.
async fn it_is_back(class: &Class, page: &str) {
    // 4 February: it is back, and the lab is due on the thirteenth.
    class.until("2025-02-04T10:00").await;
    class.mails();
    let fields = [("at", "2025-02-04T08:00"), ("due.k8s", "at"), ("date.k8s", "2025-02-13T23:59")];
    let (sheet, _) = class.look_and_send(&format!("{page}/end"), &fields, &[]).await;
    assert!(
        sheet.fields()["title"].starts_with("JupyterHub is back; Deploy a")
            && sheet.fields()["title"].ends_with(" is due Thu Feb 13, 23:59"),
        "{:?}",
        sheet.fields()
    );
    class.world.work().await;
    let mails = class.one_each();
    assert!(mails["ab190"].body.contains("is due on Thu Feb 13, 23:59"), "{}", mails["ab190"].body);
    assert_eq!(mails["ab190"].body.matches("Your booking").count(), 0);
    assert!(
        mails["ab0"].body.contains("costs nothing, since it was hit while it ran"),
        "{}",
        mails["ab0"].body
    );

    // The days follow: net IDs that end in 4 have Sat 8, Mon 10 and Wed 12 February, and book up to the thirteenth.
    let even = Visitor::sign_in(&client(), &class.served.url, "ab184").await;
    let rules = even.get("/labs/k8s?week=2025-02-07").await.text().await.unwrap();
    assert!(rules.contains("due in 9 days"), "{rules}");
    for (start, status) in [
        ("2025-02-12T10:00-05:00", StatusCode::SEE_OTHER),
        ("2025-02-11T10:00-05:00", StatusCode::UNPROCESSABLE_ENTITY),
        ("2025-02-14T10:00-05:00", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let asked = even.post("/labs/k8s/bookings", &[("start", start), ("hours", "4")]).await;
        assert_eq!(asked.status(), status, "{start}");
    }
    let shown = class.ta().await.get(page).await.text().await.unwrap();
    assert!(shown.contains("181 bookings were hit, and everyone concerned was told."), "{shown}");
    for (action, words) in [
        ("declared_outage", "declared an outage"),
        ("ended_outage", "said that an outage is over"),
        ("deferred_lab", "put off when a lab is due"),
    ] {
        recorded(class, action, words).await;
    }
}
