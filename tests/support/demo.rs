//! `fairlease demo` as a process, with the surroundings that a story asks for.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::browser::Student;
use super::course::Course;
use super::postgres::Database;
use super::process::{Ending, Process};
use super::smtp::MailServer;
use super::until;

/// What a story asks for.
pub(crate) struct Setup {
    course: Course,
    database: Option<Database>,
    mail: bool,
    clouds_file: Option<PathBuf>,
    metrics: bool,
}

/// A running demo. Everything of it goes when this is dropped: the service first.
pub(crate) struct Demo {
    service: Process,
    mail: Option<MailServer>,
    _database: Option<Database>,
    directory: TempDir,
    url: String,
    /// The course that it was started with.
    pub(crate) course: Course,
}

/// The command reads these, too, and a test is not to depend on who runs it.
pub(crate) const NOT_INHERITED: [&str; 11] = [
    "DATABASE_URL",
    "FAIRLEASE_CLAIM_SECONDS",
    "FAIRLEASE_DATA_DIR",
    "FAIRLEASE_IDENTITY_FILE",
    "FAIRLEASE_LISTEN",
    "FAIRLEASE_MAIL_FROM",
    "FAIRLEASE_METRICS_LISTEN",
    "FAIRLEASE_PUBLIC_URL",
    "FAIRLEASE_SMTP_URL",
    "FAIRLEASE_TRUSTED_PROXIES",
    "OS_CLIENT_CONFIG_FILE",
];

impl Setup {
    /// SQLite, and mail goes to the mailbox page.
    pub(crate) fn of(course: Course) -> Self {
        Self { course, database: None, mail: false, clouds_file: None, metrics: false }
    }

    /// A PostgreSQL database of its own.
    #[must_use]
    pub(crate) fn on_postgres(mut self) -> Self {
        self.database = Some(Database::create());
        self
    }

    /// A real mail server of its own.
    #[must_use]
    pub(crate) fn with_mail_server(mut self) -> Self {
        self.mail = true;
        self
    }

    /// Clouds of this `clouds.yaml`.
    #[must_use]
    pub(crate) fn with_clouds(mut self, file: &Path) -> Self {
        self.clouds_file = Some(file.to_owned());
        self
    }

    /// With a listener for metrics.
    #[must_use]
    pub(crate) fn with_metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    /// Starts it, and waits until it says where its pages are.
    pub(crate) async fn start(self) -> Demo {
        let mail = if self.mail { Some(MailServer::start().await) } else { None };
        let directory = TempDir::new().unwrap();
        let course_file = directory.path().join("course.toml");
        std::fs::write(&course_file, self.course.text()).unwrap();

        let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command.args(["demo", "--listen", "127.0.0.1:0", "--course"]).arg(course_file);
        command.arg("--data-dir").arg(data(&directory));
        if let Some(database) = &self.database {
            command.args(["--database-url", &database.url()]);
        }
        if let Some(mail) = &mail {
            command.args(["--smtp-url", &mail.url()]);
        }
        if let Some(file) = &self.clouds_file {
            command.arg("--clouds-file").arg(file);
        }
        if self.metrics {
            command.args(["--metrics-listen", "127.0.0.1:0"]);
        }
        let mut service = Process::start("fairlease", &mut command, Ending::Asked);
        let url = service.hear(|line| Some(line.split_once("Open ")?.1.split_once(' ')?.0.to_owned())).await;
        Demo { service, mail, _database: self.database, directory, url, course: self.course }
    }
}

fn data(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}

impl Demo {
    /// Someone with a browser of their own, at the start page.
    pub(crate) async fn visitor(&self) -> Student {
        let student = Student::with_browser(&self.url).await;
        student.open("/").await;
        student
    }

    /// Where its pages are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where its metrics are.
    pub(crate) async fn metrics_url(&self) -> String {
        let address = until(async || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains("metrics are served"))?;
            Some(line.split_once("address=")?.1.trim().to_owned())
        });
        format!("http://{}", address.await.expect("it says where its metrics are"))
    }

    /// All that it has logged up to now.
    pub(crate) fn log(&self) -> String {
        self.service.said()
    }

    /// Its database, if that is SQLite.
    pub(crate) fn database_file(&self) -> PathBuf {
        data(&self.directory).join("fairlease.sqlite")
    }

    /// The mail server, if the story asked for one.
    pub(crate) fn mail(&self) -> &MailServer {
        self.mail.as_ref().expect("the set-up has a mail server")
    }

    /// What the simulated cloud holds, by the names of its files.
    pub(crate) fn simulated_objects(&self) -> Vec<String> {
        let site = data(&self.directory).join("cloud").join("kvm-tacc");
        let entries = std::fs::read_dir(site).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}
