//! Commands for staff, as processes on a database of their own.

mod auditing;
mod fairness;
mod outages;
mod roster;
mod tokens;
mod waiting;

use std::process::{Command, Output};

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use fairlease::db::{self, Db, DbError, DbUrl};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::course::Course;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti student@example.edu";

/// A data directory with the course in it.
struct Desk {
    directory: TempDir,
    course: Course,
}

impl Desk {
    fn set() -> Self {
        Self::of(Course::example())
    }

    fn of(course: Course) -> Self {
        let desk = Self { directory: TempDir::new().unwrap(), course };
        let file = desk.directory.path().join("course.toml");
        std::fs::write(&file, desk.course.text()).unwrap();
        desk.done(&["apply", &file.display().to_string()]);
        desk
    }

    fn database(&self) -> String {
        self.directory.path().join("data/fairlease.sqlite").display().to_string()
    }

    /// Changes what is stored behind the commands' back.
    fn sql(&self, statement: &str) {
        let mut database = SqliteConnection::establish(&self.database()).unwrap();
        diesel::sql_query(statement).execute(&mut database).unwrap();
    }

    /// Students with a key for their servers.
    fn enrol(&self, net_ids: &[&str]) {
        let url: DbUrl = format!("sqlite://{}", self.database()).parse().unwrap();
        let db = Db::open(&url).unwrap();
        for net_id in net_ids {
            self.done(&["person", "enrol", net_id, "--mail", &format!("{net_id}@example.edu")]);
            let give = |conn: &mut db::Conn<'_>| {
                let person = db::person_by_net_id(conn, &net_id.parse().unwrap())?.unwrap();
                db::set_ssh_public_key(conn, &person.id, KEY)
            };
            db.write_blocking::<_, DbError>("key", give).unwrap();
        }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
        command.env_remove("DATABASE_URL").env_remove("FAIRLEASE_SMTP_URL").args(words);
        command.arg("--data-dir").arg(self.directory.path().join("data")).output().unwrap()
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The exit code and what is said of it.
    fn refused(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[words, &["--json"]].concat()).stdout).unwrap()
    }

    /// Codes of the rules that a slot of tomorrow breaks for `ff524`, whose day it is not.
    fn broken_tomorrow(&self) -> Vec<String> {
        let start = self.course.at(1, "10:00");
        let body =
            self.json(&["explain", "--as", "ff524", "--lab", "k8s", "--start", &start[..16], "--hours", "2"]);
        let violations = body["violations"].as_array().unwrap();
        violations.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn whoever_is_unlinked_is_linked_to_no_account() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    desk.sql(
        "INSERT INTO identities SELECT 'https://sso.example.edu', 'a1', id, 0 FROM people WHERE net_id = 'ff524'",
    );
    let unlink = || desk.done(&["person", "unlink", "ff524"]);
    assert_eq!(unlink(), "ff524 is linked to no account any more; their sessions are ended\n");
    assert_eq!(unlink(), "ff524 was linked to no account; their sessions are ended\n");
    let (code, told) = desk.refused(&["person", "unlink", "gg10"]);
    assert!(code == 1 && told.contains("nobody here has the net ID gg10"), "{told}");
}

#[test]
fn an_identity_file_that_is_wrong_keeps_the_service_from_starting() {
    let desk = Desk::set();
    let file = desk.directory.path().join("identity.toml");
    std::fs::write(&file, "[[provider]]\nid = \"nyu\"\nname = \"NYU\"\nissuer = \"http://sso.example.edu\"\nclient_id = \"x\"\nclient_secret_file = \"none\"\n").unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--identity-file", &file.display().to_string()];
    let (code, told) = desk.refused(&serve);
    assert_eq!(code, 1);
    for error in [
        "identity.toml:4: provider.nyu.issuer: ",
        "identity.toml:6: provider.nyu.client_secret_file: none can't be read",
    ] {
        assert!(told.contains(error), "{told}");
    }
}

#[test]
fn an_exception_is_granted_listed_used_and_taken_back() {
    let desk = Desk::set();
    let until = desk.course.at(3, "18:00");
    let grant = [
        "exception",
        "grant",
        "--as",
        "ff524",
        "--lab",
        "k8s",
        "--reason",
        "was ill",
        "--until",
        &until[..16],
    ];
    let (code, said) = desk.refused(&[&grant[..], &["--any-day"]].concat());
    assert!(code == 1 && said.contains("nobody here has the net ID ff524"), "{code}: {said}");
    desk.done(&["person", "enrol", "ff524", "--mail", "ff524@example.edu"]);
    assert_eq!(desk.broken_tomorrow(), ["wrong_day"]);
    for wrong in [&[][..], &["--any-day", "--any-part"], &["--parity", "none"], &["--cap-hours", "x"]] {
        assert_eq!(desk.refused(&[&grant[..], wrong].concat()).0, 2, "{wrong:?}");
    }
    let (code, said) = desk.refused(&[&grant[..], &["--cap-hours", "500"]].concat());
    assert!(code == 1 && said.contains("cap_minutes: 30000 is not from 1 to 10080"), "{code}: {said}");
    let granted = desk.json(&[&grant[..], &["--any-day", "--by", "ta123"]].concat());
    let listed = desk.json(&["exception", "list"]);
    assert_eq!((&listed["exceptions"][0], &listed["more"]), (&granted, &Value::Bool(false)));
    assert_eq!((&granted["rule"], &granted["granted_by"]), (&"any_day".into(), &"ta123".into()));
    assert!(granted["until"].as_str().unwrap().starts_with(&until[..16]), "in the course's zone: {granted}");
    assert!(desk.done(&["exception", "list"]).contains("was ill"));
    assert!(desk.broken_tomorrow().is_empty());
    let id = granted["id"].as_str().unwrap();
    desk.done(&["exception", "revoke", id]);
    assert_eq!(desk.broken_tomorrow(), ["wrong_day"]);
    let (code, said) = desk.refused(&["exception", "revoke", id]);
    assert!(code == 1 && said.contains("there is no exception"), "{code}: {said}");
    assert_eq!(desk.json(&["exception", "list"])["exceptions"], Value::Array(Vec::new()));
}

#[test]
fn who_has_dropped_finds_nothing_until_they_are_back() {
    let desk = Desk::set();
    let (code, said) = desk.refused(&["person", "drop", "ff524"]);
    assert!(code == 1 && said.contains("nobody here has the net ID"), "{code}: {said}");
    let (code, said) = desk.refused(&["person", "enrol", "ff524"]);
    assert!(code == 1 && said.contains("say where their mail goes"), "{code}: {said}");
    assert_eq!(desk.refused(&["person", "enrol", "ff524", "--mail", "nowhere"]).0, 1);
    desk.done(&["person", "enrol", "ff524", "--mail", "ff524@example.edu", "--name", "Fatima"]);
    let find = ["find", "--as", "ff524", "--lab", "k8s", "--hours", "2", "--count", "3"];
    assert_eq!(desk.done(&find).lines().count(), 3);
    desk.done(&["person", "drop", "ff524"]);
    assert!(desk.broken_tomorrow().contains(&"not_enrolled".to_owned()));
    let (code, said) = desk.refused(&find);
    assert!(code == 1 && said.contains("no such slot can be booked"), "{code}: {said}");
    desk.done(&["person", "enrol", "ff524"]);
    let (earliest, latest) = (desk.course.at(2, "09:15"), desk.course.at(4, "23:00"));
    let preferences = ["--between", "09:00-17:00", "--earliest", &earliest[..16], "--latest", &latest[..16]];
    let found = desk.json(&[&find[..], &preferences].concat());
    assert_eq!(found["slots"][0]["start"].as_str().unwrap()[..16], desk.course.at(2, "09:30")[..16]);
    let (code, said) = desk.refused(&["find", "--as", "ff524", "--lab", "none", "--hours", "2"]);
    assert!(code == 1 && said.contains("there are: k8s"), "{code}: {said}");
    assert_eq!(desk.refused(&[&find[..], &["--days", "Caturday"]].concat()).0, 2);
}

#[test]
fn the_reaper_is_paused_exempted_from_and_asked_on_the_command_line() {
    let desk = Desk::set();
    let (until, over) = (desk.course.at(3, "18:00"), desk.course.at(0, "00:00"));
    let (until, over) = (&until[..16], &over[..16]);

    let pause = ["reaper", "pause", "--reason", "the quota is moved"];
    for (more, told) in [
        (&["--until", over][..], "which is over"),
        (&["--site", "nowhere"], "there is no site \"nowhere\"; there is kvm-tacc"),
    ] {
        let (code, said) = desk.refused(&[&pause[..], more].concat());
        assert!(code == 1 && said.contains(told), "{code}: {said}");
    }
    assert_eq!(desk.refused(&["reaper", "pause"]).0, 2, "without a reason");
    assert!(desk.done(&[&pause[..], &["--by", "ta77"]].concat()).contains("paused at all sites"));
    let (code, said) = desk.refused(&[&pause[..], &["--site", "kvm-tacc"]].concat());
    assert!(code == 1 && said.contains("ta77 has paused it already: the quota is moved"), "{code}: {said}");
    let body = desk.json(&["reaper", "resume"]);
    assert_eq!(body["resumed"][0]["by"], "ta77");
    assert_eq!(desk.refused(&["reaper", "resume"]).0, 1);

    let exempt = ["exemption", "add", "--reason", "shown in class", "--until", until];
    for (what, code, told) in [
        (&[][..], 2, ""),
        (&["--names", "abc", "--lab", "k8s"], 2, ""),
        (&["--names", "ab"], 1, "fewer than 3 characters"),
        (&["--lab", "none"], 1, "there is no lab \"none\"; there is k8s"),
        (&["--person", "zz1"], 1, "nobody here has the net ID zz1"),
        (&["--object", "kvm-tacc", " "], 1, "say which object"),
    ] {
        let (got, said) = desk.refused(&[&exempt[..], what].concat());
        assert!(got == code && said.contains(told), "{what:?}: {got}: {said}");
    }
    let said = desk.done(&[&exempt[..], &["--lab", "k8s"]].concat());
    assert!(said.contains("By k8s no server is judged any more"), "{said}");
    desk.done(&[&exempt[..], &["--object", "kvm-tacc", "8f14e45f"]].concat());
    let held = desk.json(&["exemption", "list"]);
    let held = held["exemptions"].as_array().unwrap();
    assert_eq!(held.len(), 2, "{held:?}");
    for exemption in held {
        desk.done(&["exemption", "revoke", exemption["id"].as_str().unwrap()]);
    }
    assert_eq!(desk.refused(&["exemption", "revoke", held[0]["id"].as_str().unwrap()]).0, 1);
    assert_eq!(desk.json(&["exemption", "list"])["exemptions"], serde_json::json!([]));

    assert_eq!(desk.json(&["reaper", "marks"])["marks"], serde_json::json!([]));
    assert_eq!(desk.json(&["reaper", "history"])["sweeps"], serde_json::json!([]));
    let restore = ["reaper", "restore", "8f14e45f", "--site", "kvm-tacc", "--kind"];
    let (code, said) = desk.refused(&[&restore[..], &["server"]].concat());
    assert!(code == 1 && said.contains("no server 8f14e45f is marked at kvm-tacc"), "{code}: {said}");
    assert_eq!(desk.refused(&[&restore[..], &["spaceship"]].concat()).0, 2);
}

#[test]
fn an_account_at_a_site_is_one_persons() {
    let desk = Desk::set();
    for net_id in ["ff524", "gg777"] {
        desk.done(&["person", "enrol", net_id, "--mail", &format!("{net_id}@example.edu")]);
    }
    let two =
        ["person", "accounts", "ff524", "--cloud-user", " F.Field@example.edu ", "--cloud-user", "0a1b"];
    assert_eq!(desk.done(&two), "ff524 is known as F.Field@example.edu, 0a1b\n");
    assert_eq!(desk.done(&two), "ff524 is known as F.Field@example.edu, 0a1b\n", "again");
    let long = "x".repeat(201);
    for (net_id, account, why) in [
        ("gg777", "f.field@EXAMPLE.edu", "is ff524's already"),
        ("gg777", "ff524", "is ff524's already"),
        ("gg777", " ", "has 1 to 200 characters"),
        ("gg777", &long, "has 1 to 200 characters"),
        ("zz999", "z", "nobody here has the net ID zz999"),
    ] {
        let (code, said) = desk.refused(&["person", "accounts", net_id, "--cloud-user", account]);
        assert!(code == 1 && said.contains(why), "{account}: {code}: {said}");
    }
    assert_eq!(desk.done(&["person", "accounts", "ff524"]), "ff524 is known by no account\n");
    let freed = ["person", "accounts", "gg777", "--cloud-user", "0a1b"];
    assert_eq!(desk.done(&freed), "gg777 is known as 0a1b\n");
}
