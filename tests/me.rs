//! What a person chooses for themselves, and what they see of themselves.

use fairlease::domain::person::{Choices, Person};
use fairlease::services::{booking, notices, people, reaping};
use reqwest::StatusCode;

use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, local, on_both_databases, slot};

impl World {
    async fn choose(&self, person: &Person, choices: Choices) {
        let id = person.id.clone();
        self.app.db.write("choose", move |conn| people::set_choices(conn, &id, &choices)).await.unwrap();
    }

    async fn reminds_at(&self, time: &str) -> usize {
        self.clock.set(local(time));
        notices::remind(&self.app).await.unwrap()
    }
}

on_both_databases! {
    async fn one_is_reminded_when_one_chose_to_be(backend: Backend) {
        let world = World::new(backend).await;
        let (early, never) = (world.student("ff524").await, world.student("gg222").await);
        let usual = world.student("hh444").await;
        world.choose(&early, Choices { ending_soon_minutes: Some(60), ..Choices::default() }).await;
        world.choose(&never, Choices { ending_soon_minutes: None, ..Choices::default() }).await;
        for person in [&early, &never, &usual] {
            let made = world.book(person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
            world.work_until(person, &made.id, "active").await;
        }
        assert_eq!(world.reminds_at("2025-02-08T12:59").await, 0);
        assert_eq!(world.reminds_at("2025-02-08T13:00").await, 1, "an hour before");
        world.choose(&early, Choices::default()).await;
        assert_eq!(world.reminds_at("2025-02-08T13:45").await, 1, "the usual one, and nobody twice");
        assert_eq!(world.reminds_at("2025-02-08T13:59").await, 0);
        world.work().await;
        let reminded: Vec<_> = world.postbox.mails.lock().unwrap().iter()
            .filter(|mail| mail.subject.starts_with("Ends at 14:00"))
            .map(|mail| mail.person.clone())
            .collect();
        assert_eq!(reminded, [early.id, usual.id]);
    }

    async fn what_one_does_not_want_to_hear_is_not_told(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let quiet = Choices { ending_soon_minutes: None, ready: false, ended: false };
        world.choose(&student, quiet).await;
        let used = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &used.id, "active").await;
        world.clock.set(local("2025-02-08T14:00"));
        reaping::sweep(&world.app).await.unwrap();
        world.work_until(&student, &used.id, "ended").await;
        let ahead = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        booking::release(&world.app, student.clone(), ahead.id.clone()).await.unwrap();
        world.work_until(&student, &ahead.id, "ended").await;
        let words: Vec<_> = world.subjects().iter().map(|it| it.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(words, ["Booked", "Booked", "Cancelled"], "what keeps the calendar right is always told");
    }
}

async fn demo() -> Demo {
    Setup::of(Course::example()).start().await
}

#[tokio::test]
async fn the_page_saves_what_one_chooses() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let checked = async || {
        let page = student.get("/me").await.text().await.unwrap();
        let mails = page.split("action=\"/me/mails\"").nth(1).unwrap().split("</form>").next().unwrap();
        let inputs =
            mails.split("<input ").filter(|input| input.split('>').next().unwrap().contains(" checked"));
        let name =
            |input: &str| input.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        (inputs.clone().map(name).collect::<Vec<_>>(), page)
    };
    assert_eq!(checked().await.0, ["15", "yes", "yes"]);
    let saved = student.post("/me/mails", &[("ending_soon", "60"), ("ended", "yes")]).await;
    assert_eq!(
        (saved.status(), &saved.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/me".parse().unwrap())
    );
    assert_eq!(checked().await.0, ["60", "yes"]);
    let odd = student.post("/me/mails", &[("ending_soon", "7")]).await;
    assert_eq!(odd.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let forged = student.with_token("0").post("/me/mails", &[("ending_soon", "never")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(checked().await.0, ["60", "yes"], "nothing else was saved");
    student.post("/me/mails", &[("ending_soon", "never")]).await;
    assert_eq!(checked().await.0, ["never"]);
}
