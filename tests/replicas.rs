//! Two processes on one database, as people meet them: over HTTP.

use std::process::Command;

use futures_util::future::join_all;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::support::course::Course;
use crate::support::process::{Ending, Process};
use crate::support::visitor::{Visitor, client};
use crate::world::database::Database;
use crate::world::on_both_databases;

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

on_both_databases! {
    async fn of_300_who_press_book_at_once_one_wins(backend: Backend) {
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
        let seen = visitors[winner].at(urls[(winner + 1) % 2]).get(&format!("/bookings/{id}")).await;
        assert_eq!(seen.status(), StatusCode::OK);
    }
}
