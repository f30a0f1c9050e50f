//! Two processes on one database, as people meet them: over HTTP.

use std::process::Command;

use futures_util::future::join_all;
use reqwest::StatusCode;
use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::course::Course;
use crate::support::process::{Ending, Process};
use crate::world::database::Database;
use crate::world::{KEY, on_both_databases};

/// One of two demos on the same database and data directory.
struct Replica {
    _process: Process,
    url: String,
}

async fn replica(database: &Database, directory: &TempDir, course: &std::path::Path) -> Replica {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
    command.args(["demo", "--listen", "127.0.0.1:0", "--simulate-instantly", "--course"]).arg(course);
    command.args(["--database-url", &database.text()]).arg("--data-dir").arg(directory.path());
    let mut process = Process::start("fairlease", &mut command, Ending::Asked);
    let url = process.hear(|line| Some(line.split_once("Open ")?.1.split_once(' ')?.0.to_owned())).await;
    Replica { _process: process, url }
}

/// A browser of sorts: a session's cookie, and the token that its forms carry.
struct Visitor {
    http: reqwest::Client,
    url: String,
    cookie: String,
    csrf: String,
}

fn cookie(headers: &HeaderMap) -> String {
    let set = headers.get(SET_COOKIE).expect("a session's cookie").to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

impl Visitor {
    async fn sign_in(http: &reqwest::Client, url: &str, net_id: &str) -> Self {
        let response = http.post(format!("{url}/sign-in")).form(&[("net_id", net_id)]).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = cookie(response.headers());
        let me =
            http.get(format!("{url}/me")).header(COOKIE, &cookie).send().await.unwrap().text().await.unwrap();
        let csrf = me.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let visitor = Self { http: http.clone(), url: url.to_owned(), cookie, csrf };
        let saved = visitor.post("/me/key", &[("public_key", KEY)]).await;
        assert_eq!(saved.status(), StatusCode::SEE_OTHER);
        visitor
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let fields = [fields, &[("csrf", &self.csrf)]].concat();
        let request =
            self.http.post(format!("{}{path}", self.url)).header(COOKIE, &self.cookie).form(&fields);
        request.send().await.unwrap()
    }

    async fn book(&self, start: &str) -> (StatusCode, Value) {
        let request = self
            .http
            .post(format!("{}/api/v1/labs/k8s/bookings", self.url))
            .header(COOKIE, &self.cookie)
            .header("X-CSRF-Token", &self.csrf)
            .json(&json!({"start": start, "hours": 2}));
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

on_both_databases! {
    async fn of_300_who_press_book_at_once_one_wins(backend: Backend) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let course = Course::example().with_capacity(1);
        let (database, directory) = (Database::create(backend), TempDir::new().unwrap());
        let file = directory.path().join("course.toml");
        std::fs::write(&file, course.text()).unwrap();
        let (one, two) = tokio::join!(replica(&database, &directory, &file), replica(&database, &directory, &file));
        let http = client();
        let urls = [one.url.as_str(), two.url.as_str()];
        let mut visitors = Vec::new();
        for n in 0..300 {
            visitors.push(Visitor::sign_in(&http, urls[n % 2], &format!("st{n}0")).await);
        }
        let start = course.at(0, "23:00");
        let outcomes = join_all(visitors.iter().map(|visitor| visitor.book(&start))).await;
        let won = outcomes.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
        assert_eq!(won, 1);
        for (status, body) in outcomes.iter().filter(|(status, _)| *status != StatusCode::CREATED) {
            assert_eq!(*status, StatusCode::CONFLICT, "{body}");
            assert_eq!(body["violations"][0]["code"], "full", "{body}");
            assert_eq!(body["nearest"].as_array().unwrap().len(), 3, "{body}");
        }
        // What the other process booked, this one shows.
        let winner = outcomes.iter().position(|(status, _)| *status == StatusCode::CREATED).unwrap();
        let id = outcomes[winner].1["id"].as_str().unwrap();
        let elsewhere = format!("{}/bookings/{id}", urls[(winner + 1) % 2]);
        let seen = http.get(elsewhere).header(COOKIE, &visitors[winner].cookie).send().await.unwrap();
        assert_eq!(seen.status(), StatusCode::OK);
    }
}
