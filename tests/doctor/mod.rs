//! `fairlease doctor` and what `course check` says of needs, as processes.

mod real_openstack;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::course::Course;

/// A command in a directory of its own, in which there is a course file.
struct Desk(TempDir);

/// What the command said and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn with(course: &str) -> Self {
        let desk = Self(TempDir::new().unwrap());
        std::fs::write(desk.course(), course).unwrap();
        desk
    }

    fn course(&self) -> String {
        self.0.path().join("course.toml").display().to_string()
    }

    fn run(&self, words: &[&str], clouds: Option<&Path>) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
        command.env_remove("DATABASE_URL").env_remove("OS_CLIENT_CONFIG_FILE").args(words);
        command.arg("--data-dir").arg(self.0.path().join("data"));
        if let Some(file) = clouds {
            command.arg("--clouds-file").arg(file);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// What it makes of the file.
    fn doctor(&self, clouds: Option<&Path>) -> Diagnosis {
        let said = self.run(&["doctor", "--json", "--course", &self.course()], clouds);
        let body: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
        Diagnosis { code: said.code, checks: body["sites"][0]["checks"].as_array().unwrap().clone() }
    }
}

/// What the command made of the first site.
struct Diagnosis {
    code: i32,
    checks: Vec<Value>,
}

impl Diagnosis {
    fn check(&self, what: &str) -> &Value {
        let found = self.checks.iter().find(|check| check["what"] == what);
        found.unwrap_or_else(|| panic!("{what} is not among {:#?}", self.checks))
    }

    fn verdict(&self, what: &str) -> &str {
        self.check(what)["verdict"].as_str().unwrap()
    }

    /// What did not pass.
    fn others(&self) -> Vec<&str> {
        let others = self.checks.iter().filter(|check| check["verdict"] != "pass");
        others.map(|check| check["what"].as_str().unwrap()).collect()
    }
}

#[test]
fn a_course_is_looked_at_from_its_file_and_from_the_database() {
    let desk = Desk::with(&Course::example().text());
    let said = desk.run(&["doctor"], None);
    assert!(said.code == 1 && said.err.contains("no course is applied yet"), "{}", said.err);
    let by_file = desk.run(&["doctor", "--course", &desk.course()], None);
    assert_eq!(by_file.code, 0, "{}", by_file.out);
    assert!(by_file.out.starts_with("KVM@TACC (kvm-tacc), cloud \"simulated\"\n  pass "), "{}", by_file.out);
    assert!(by_file.out.contains("no limit; 90 at full use (30 bookings of k8s, 3 each)"), "{}", by_file.out);
    assert_eq!(desk.run(&["apply", &desk.course()], None).code, 0);
    let by_database = desk.run(&["doctor"], None);
    assert_eq!(by_database.code, 0, "{}", by_database.err);
    let more =
        by_database.out.strip_prefix(by_file.out.as_str()).unwrap_or_else(|| panic!("{}", by_database.out));
    assert!(more.starts_with("Usage\n  pass "), "{more}");
    assert!(more.contains("agrees with all 0 bookings"), "{more}");
    let one_site = desk.run(&["doctor", "--site", "kvm-tacc"], None);
    assert_eq!((one_site.code, one_site.out), (0, by_file.out), "of one site only what is the site's");
    let json: Value = serde_json::from_str(&desk.run(&["doctor", "--json"], None).out).unwrap();
    assert_eq!(json["ledger"][0]["verdict"], "pass");
}

#[test]
fn what_would_fail_is_named_and_the_exit_code_tells() {
    let desk = Desk::with(&Course::example().text().replace("CC-Ubuntu24.04", "CC-Nothing"));
    let said = desk.run(&["doctor", "--course", &desk.course()], None);
    assert!(said.code == 1 && said.err.contains("1 check failed"), "{}", said.err);
    assert!(said.out.contains("not there; k8s needs it"), "{}", said.out);
    assert!(said.out.contains("right: the name or id of an image that the project sees"), "{}", said.out);
    let found = desk.doctor(None);
    assert_eq!((found.code, found.others()), (1, vec!["image CC-Nothing"]));
}

#[test]
fn one_site_can_be_looked_at_alone() {
    let desk = Desk::with(&Course::example().text());
    assert_eq!(desk.run(&["doctor", "--course", &desk.course(), "--site", "kvm-tacc"], None).code, 0);
    let said = desk.run(&["doctor", "--course", &desk.course(), "--site", "chi-uc"], None);
    assert!(said.code == 1 && said.err.contains("there are: kvm-tacc"), "{}", said.err);
}

#[test]
fn a_site_without_an_entry_fails_by_itself() {
    let course = Course::example().on_cloud("nowhere").text();
    let desk = Desk::with(&course);
    let clouds = desk.0.path().join("clouds.yaml");
    std::fs::write(&clouds, "clouds: {}\n").unwrap();
    let found = desk.doctor(Some(&clouds));
    assert_eq!((found.code, found.others()), (1, vec!["access"]));
    assert!(found.check("access")["found"].as_str().unwrap().contains("has no cloud \"nowhere\""));
}

#[test]
fn a_course_check_tells_what_a_booking_takes_and_costs() {
    let priced = "\nsu_per_hour = { \"m1.medium\" = 0.04 }\n";
    let text = Course::example().text().replacen("[[site]]\n", &format!("[[site]]{priced}"), 1);
    let desk = Desk::with(&text);
    let said = desk.run(&["course", "check", &desk.course()], None);
    let line =
        said.out.lines().find(|line| line.starts_with("k8s ")).unwrap_or_else(|| panic!("{}", said.err));
    assert!(line.contains("servers 3, floating IPs 1, networks 1, routers 1, security groups 1"), "{line}");
    // The stories' course has a lead of an hour: 3 x 0.04 x 9.
    assert!(line.contains("0.12 SU") && line.ends_with("1.08 SU"), "{line}");
    let said = desk.run(&["course", "check", &desk.course(), "--json"], None);
    let lab = serde_json::from_str::<Value>(&said.out).unwrap()["labs"][0].clone();
    assert_eq!((&lab["takes"]["servers"], &lab["micro_su_at_cap"]), (&3.into(), &1_080_000.into()));
}
