//! `fairlease fairshare --from FILE.csv`, as a process without a database.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const COURSE: &str = "account,shares,usage
root/a,3,
root/a/ff524,2,60
root/a/ab123,0,60
root/b/cd456,2,100
root/staff,1,0
";

fn run(text: &str, words: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("usage.csv");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
    command.args(["fairshare", "--from"]).arg(&file).args(words);
    // It would fail at once if it opened a database.
    command.args(["--database-url", "postgres://nobody@127.0.0.1:1/nothing", "--data-dir", "/nonexistent"]);
    command.output().unwrap()
}

fn printed(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The numbers are those that Slurm 22.05 printed for this tree, where `staff` is its user `root`.
#[test]
fn it_prints_what_sshare_prints() {
    let wanted = "\
Account                    User  RawShares  NormShares    RawUsage  EffectvUsage  FairShare    LevelFS
-------------------- ---------- ---------- ----------- ----------- ------------- ---------- ----------
root                                          0.000000         220      1.000000
 root                     staff          1    0.200000           0      0.000000   1.000000        inf
 a                                       3    0.600000         120      0.545455              1.100000
  a                       ab123          0    0.000000          60      0.500000   0.500000   0.000000
  a                       ff524          2    1.000000          60      0.500000   0.750000   2.000000
 b                                       1    0.200000         100      0.454545              0.440000
  b                       cd456          2    1.000000         100      1.000000   0.250000   1.000000
";
    assert_eq!(printed(run(COURSE, &[])), wanted);
}

#[test]
fn the_classic_algorithm_has_no_level_fs() {
    let text = printed(run(COURSE, &["--algorithm", "classic"]));
    let line = text.lines().find(|line| line.contains("ff524")).unwrap();
    let cells: Vec<_> = line.split_whitespace().collect();
    assert_eq!(cells, ["a", "ff524", "2", "0.600000", "60", "0.545455", "0.532521"]);
}

#[test]
fn json_has_the_same_names_in_snake_case() {
    let body: Value = serde_json::from_str(&printed(run(COURSE, &["--json"]))).unwrap();
    assert_eq!(body["algorithm"], "fair-tree");
    let node = |path: &str| {
        body["nodes"].as_array().unwrap().iter().find(|node| node["path"] == path).unwrap().clone()
    };
    let student = node("root/a/ff524");
    assert_eq!(student["account"], "a");
    assert_eq!(student["user"], "ff524");
    assert_eq!((&student["raw_shares"], &student["raw_usage"]), (&Value::from(2), &Value::from(60)));
    assert_eq!((&student["norm_shares"], &student["effectv_usage"]), (&Value::from(1.0), &Value::from(0.5)));
    assert_eq!((&student["fair_share"], &student["level_fs"]), (&Value::from(0.75), &Value::from(2.0)));
    assert_eq!(student["rank"], 3);
    assert_eq!(node("root/staff")["level_fs"], "Infinity");
    assert_eq!(node("root/a")["fair_share"], Value::Null);
}

#[test]
fn a_bad_file_is_refused_with_all_that_is_wrong() {
    let output = run("account,shares,usage\nroot/a/u1,x,1\nroot/a/u1,1,-1\n", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    let said: Vec<_> = said.lines().map(|line| line.split_once("usage.csv:").unwrap().1).collect();
    assert_eq!(
        said,
        [
            "2: shares: it is \"x\"; a whole number from 0 to 4294967295 is wanted",
            "3: account: line 2 has the same; one line for each is wanted",
            "3: usage: it is \"-1\"; a whole number from 0 to 18446744073709551615 is wanted",
        ]
    );
}

#[test]
fn a_file_that_is_not_there_is_told_so() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
    let output = command.args(["fairshare", "--from", "/nonexistent.csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nonexistent.csv: "));
}
