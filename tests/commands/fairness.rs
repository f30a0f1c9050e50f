//! Shares and what comes of them.

use serde_json::{Value, json};

use super::Desk;
use crate::support::course::Course;

fn node<'a>(body: &'a Value, path: &str) -> &'a Value {
    body["nodes"].as_array().unwrap().iter().find(|node| node["path"] == path).unwrap()
}

fn cells(table: &str, of: &str) -> Vec<String> {
    let line = table.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("{of}: {table}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_courses_fair_share_is_shown_as_sshare_does() {
    let desk = Desk::set();
    desk.enrol(&["ff524", "gg778", "hh780"]);
    for (who, section) in [("ff524", "a"), ("gg778", "a"), ("hh780", "b")] {
        desk.done(&["shares", "place", who, "--section", section]);
    }
    desk.done(&["shares", "place", "gg778", "--team", "red"]);
    let start = desk.course.at(2, "10:00")[..16].to_owned();
    desk.done(&["book", "--as", "ff524", "--lab", "k8s", "--start", &start, "--hours", "4"]);

    // Three servers for four hours and a lead of one.
    let usage = (3 * 5 * 3600).to_string();
    let table = desk.done(&["fairshare"]);
    assert!(table.contains("RawUsage is in server-seconds; after 7 d it counts half."), "{table}");
    assert_eq!(cells(&table, "root"), ["root", "0.000000", &usage, "1.000000"]);
    assert_eq!(
        cells(&table, "ff524"),
        ["a", "ff524", "1", "0.500000", &usage, "1.000000", "0.333333", "0.500000"]
    );
    assert_eq!(cells(&table, "hh780"), ["b", "hh780", "1", "1.000000", "0", "0.000000", "1.000000", "inf"]);
    let accounts: Vec<_> = table.lines().skip(3).map(|line| line[..20].trim_end()).collect();
    assert_eq!(accounts, ["root", " a", "  a", "  red", "   red", " b", "  b"]);

    let body = desk.json(&["fairshare"]);
    assert_eq!(
        (&body["algorithm"], &body["raw_usage_unit"], &body["half_life_minutes"]),
        (&json!("fair-tree"), &json!("server_seconds"), &json!(7 * 24 * 60))
    );
    assert!(body["as_of"].as_str().unwrap().starts_with(&desk.course.at(0, "00:00")[..10]), "{body}");
    assert_eq!(node(&body, "root/a/red/gg778")["fair_share"], json!(2.0 / 3.0));
    assert_eq!(node(&body, "root/b")["level_fs"], "Infinity");

    let own = desk.json(&["fairshare", "--as", "gg778"]);
    let paths: Vec<_> = own["nodes"].as_array().unwrap().iter().map(|node| node["path"].clone()).collect();
    assert_eq!(paths, ["root", "root/a", "root/a/red", "root/a/red/gg778"]);
    assert_eq!(node(&own, "root/a/red/gg778"), node(&body, "root/a/red/gg778"));
}

#[test]
fn fair_share_is_refused_to_whom_it_does_not_concern() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    desk.done(&["person", "drop", "ff524"]);
    let (code, said) = desk.refused(&["fairshare", "--as", "ff524"]);
    assert!(code == 1 && said.contains("ff524 has no shares: only students who take the course"), "{said}");
    let (code, said) = desk.refused(&["fairshare", "--as", "zz999"]);
    assert!(code == 1 && said.contains("nobody here has the net ID zz999"), "{said}");
    assert_eq!(desk.refused(&["fairshare", "--algorithm", "classic"]).0, 2, "that is the course file's");
    assert_eq!(desk.refused(&["fairshare", "--as", "ff524", "--from", "x.csv"]).0, 2);
}

#[test]
fn students_are_placed_and_groups_have_shares() {
    let desk = Desk::set();
    desk.enrol(&["ff524", "gg778"]);
    let place = |words: &[&str]| desk.done(&[&["shares", "place", "ff524"], words].concat());
    assert_eq!(
        place(&["--section", "a", "--team", "red", "--shares", "3"]),
        "ff524 has 3 shares in team red of section a\n"
    );
    assert_eq!(place(&["--shares", "1"]), "ff524 has 1 share in team red of section a\n", "the rest stays");
    assert_eq!(place(&["--section", "a"]), "ff524 has 1 share in team red of section a\n");
    assert_eq!(place(&["--section", "b"]), "ff524 has 1 share in section b\n", "the team is section a's");
    assert_eq!(place(&["--team", "blue"]), "ff524 has 1 share in team blue of section b\n");
    assert_eq!(place(&["--no-team"]), "ff524 has 1 share in section b\n");
    assert_eq!(place(&["--no-section", "--team", "red"]), "ff524 has 1 share in team red, in no section\n");
    assert_eq!(
        desk.json(&["shares", "place", "ff524", "--section", "a", "--team", "red", "--by", "ta77"]),
        json!({"net_id": "ff524", "section": "a", "team": "red", "shares": 1})
    );

    assert_eq!(desk.done(&["shares", "set", "a", "2"]), "a has 2 shares\n");
    assert_eq!(
        desk.json(&["shares", "set", "/solo", "0"]),
        json!({"group": "/solo", "section": null, "team": "solo", "shares": 0})
    );
    assert_eq!(
        desk.json(&["shares", "list"]),
        json!({
            "groups": [
                {"group": "/solo", "section": null, "team": "solo", "shares": 0, "students": 0},
                {"group": "a", "section": "a", "team": null, "shares": 2, "students": 1},
                {"group": "a/red", "section": "a", "team": "red", "shares": 1, "students": 1},
            ],
            "students_in_no_group": 1,
        })
    );
    let table = desk.done(&["shares", "list"]);
    assert_eq!(cells(&table, "a/red"), ["a/red", "1", "1"]);
    assert!(table.ends_with("in no group: 1\n"), "{table}");
}

#[test]
fn shares_that_make_no_sense_are_refused() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let long = "x".repeat(41);
    for (words, told) in [
        (&["place", "zz999", "--section", "a"][..], "nobody here has the net ID zz999"),
        (&["place", "ff524", "--section", "a b"], "\"a b\" is not the name of a section or a team"),
        (&["place", "ff524", "--team", &long], "1 to 40 of letters, digits"),
        (&["place", "ff524", "--shares", "1000001"], "from 0 to 1000000 would do"),
        (&["set", "a/r!d", "1"], "\"r!d\" is not the name"),
        (&["set", "a", "1000001"], "1000001 shares can't be had"),
    ] {
        let (code, said) = desk.refused(&[&["shares"], words].concat());
        assert!(code == 1 && said.contains(told), "{words:?}: {code}: {said}");
    }
    for words in [
        &["place", "ff524"][..],
        &["place", "ff524", "--section", "a", "--no-section"],
        &["place", "ff524", "--shares", "many"],
        &["set", "a/b/c", "1"],
        &["set", "a/", "1"],
        &["set", "a"],
    ] {
        assert_eq!(desk.refused(&[&["shares"], words].concat()).0, 2, "{words:?}");
    }
    assert_eq!(desk.json(&["shares", "list"])["groups"], json!([]), "nothing was changed");
}

#[test]
fn refusals_are_told_with_their_rules_and_judged_again() {
    let desk = Desk::of(Course::example().with_capacity(1));
    desk.enrol(&["ff524", "gg778"]);
    assert_eq!(desk.done(&["explain", "refusals", "--as", "gg778"]), "nothing was refused lately\n");
    let start = desk.course.at(2, "10:00")[..16].to_owned();
    let book =
        |who, hours| desk.run(&["book", "--as", who, "--lab", "k8s", "--start", &start, "--hours", hours]);
    assert!(book("ff524", "4").status.success());
    assert_eq!(book("gg778", "9").status.code(), Some(1));
    let said = desk.done(&["explain", "refusals", "--as", "gg778"]);
    assert!(said.contains("    full: ") && said.contains("    over_cap: "), "{said}");
    assert!(said.ends_with("every refusal comes out the same\n"), "{said}");

    let body = desk.json(&["explain", "refusals", "--as", "gg778"]);
    let refused = &body["refused"][0];
    assert_eq!(
        (&body["same"], &refused["same"], &refused["lab"]),
        (&json!(true), &json!(true), &json!("k8s"))
    );
    assert_eq!(refused["slot"]["start"].as_str().unwrap()[..16], start[..16]);
    let codes: Vec<_> = refused["violations"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(json!(codes), refused["rules"]);
    assert!(refused["violations"][0]["message"].is_string());

    let (code, said) = desk.refused(&["explain", "refusals", "--as", "zz999"]);
    assert!(code == 1 && said.contains("nobody here has the net ID zz999"), "{said}");
    assert_eq!(desk.refused(&["explain", "refusals"]).0, 2);
    assert_eq!(desk.refused(&["explain", "refusals", "--as", "gg778", "--count", "0"]).0, 2);
}

#[test]
fn a_booking_is_explained_and_explaining_a_wish_is_as_before() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let start = desk.course.at(2, "10:00")[..16].to_owned();
    let wish = ["--as", "ff524", "--lab", "k8s", "--start", &start, "--hours", "4"];
    assert_eq!(desk.done(&[&["explain"], &wish[..]].concat()), "accepted\n");
    let made = desk.json(&[&["book"], &wish[..]].concat());
    let id = made["booking"].as_str().unwrap();
    let said = desk.done(&["explain", "booking", id]);
    assert!(said.contains(": it was booked directly\n    yes  "), "{said}");
    assert!(said.ends_with("every decision comes out the same\n"), "{said}");
    let body = desk.json(&["explain", "booking", id]);
    assert_eq!((&body["same"], &body["net_id"]), (&json!(true), &json!("ff524")));
    let decision = &body["decisions"][0];
    assert_eq!((&decision["kind"], &decision["findings"][0]["same"]), (&json!("granted"), &json!(true)));

    let (code, said) = desk.refused(&["explain", "booking", "abcdefghjkmn"]);
    assert!(code == 1 && said.contains("there is no booking abcdefghjkmn"), "{code}: {said}");
    for wrong in [
        &["explain"][..],
        &["explain", "--as", "ff524"],
        &["explain", "booking"],
        &["explain", "booking", "no id"],
        &["explain", "--as", "ff524", "booking", id],
    ] {
        assert_eq!(desk.refused(wrong).0, 2, "{wrong:?}");
    }
}

#[test]
fn a_decision_that_comes_out_otherwise_is_told() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let start = desk.course.at(2, "10:00")[..16].to_owned();
    let made = desk.json(&["book", "--as", "ff524", "--lab", "k8s", "--start", &start, "--hours", "4"]);
    let id = made["booking"].as_str().unwrap();
    desk.sql("UPDATE receipts SET outcome = '[\"full\"]'");
    let output = desk.run(&["explain", "booking", id]);
    assert_eq!(output.status.code(), Some(1));
    let (said, why) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        said.contains("    no   against the slot stood full; now, by the same inputs, no rule"),
        "{said}"
    );
    assert!(
        why.contains("these do not come out the same: ") && why.contains("it was booked directly"),
        "{why}"
    );
    assert_eq!(desk.json(&["explain", "booking", id])["same"], false);
    desk.sql("UPDATE receipts SET kind = 'refused', booking_id = NULL");
    let (code, said) = desk.refused(&["explain", "refusals", "--as", "ff524"]);
    assert!(code == 1 && said.contains("not every refusal comes out the same"), "{said}");
    let (code, said) = desk.refused(&["explain", "booking", id]);
    assert!(code == 1 && said.contains("nothing is kept of how booking"), "{said}");
}
