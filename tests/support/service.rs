//! `fairlease serve` as a process, with the provider at which people sign in.

use std::process::Command;

use fairlease::db::{Db, DbUrl};
use tempfile::TempDir;

use super::browser::Student;
use super::course::Course;
use super::demo::NOT_INHERITED;
use super::process::{Ending, Process};
use super::provider::{CLIENT, Provider, SECRET};

/// A running service. Everything of it goes when this is dropped.
pub(crate) struct Service {
    process: Process,
    directory: TempDir,
    /// Where its pages are.
    pub(crate) url: String,
}

fn command(directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    command.arg("--data-dir").arg(directory.path().join("data"));
    command
}

fn identity_file(provider: &Provider) -> String {
    format!(
        "[[provider]]\nid = \"nyu\"\nname = \"NYU\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
         client_secret_file = \"secret\"\n",
        provider.issuer
    )
}

impl Service {
    /// Starts one with the example's course and these people in it, who sign in at `provider`.
    pub(crate) async fn start(provider: &Provider, people: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            let file = directory.path().join(name);
            std::fs::write(&file, text).unwrap();
            file.display().to_string()
        };
        let course = write("course.toml", &Course::example().text());
        write("secret", &format!("{SECRET}\n"));
        let identity = write("identity.toml", &identity_file(provider));
        let done = |words: &[&str]| {
            let output = command(&directory).args(words).output().unwrap();
            assert!(output.status.success(), "{words:?}: {output:?}");
        };
        done(&["apply", &course]);
        for net_id in people {
            done(&["person", "enrol", net_id, "--mail", &format!("{net_id}@before.example.edu")]);
        }
        let mut serve = command(&directory);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--identity-file", &identity]);
        let mut process = Process::start("fairlease", &mut serve, Ending::Asked);
        let heard = process.hear(|line| {
            let address = line.split_once("listening address=")?.1;
            Some(format!("http://{}", address.split_whitespace().next()?))
        });
        let url = heard.await;
        provider.knows(&url, "nyu").await;
        Self { process, directory, url }
    }

    /// Someone with a browser of their own, at the start page.
    pub(crate) async fn visitor(&self) -> Student {
        let student = Student::with_browser(&self.url).await;
        student.open("/").await;
        student
    }

    /// All that it has logged up to now.
    pub(crate) fn log(&self) -> String {
        self.process.said()
    }

    /// Its database.
    pub(crate) fn database(&self) -> Db {
        let file = self.directory.path().join("data/fairlease.sqlite");
        Db::open(&format!("sqlite://{}", file.display()).parse::<DbUrl>().unwrap()).unwrap()
    }
}
