//! `fairlease audit`, as a process.

use serde_json::Value;

use super::Desk;

/// A desk at which some things were done.
fn used() -> Desk {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let grant = ["exception", "grant", "--as", "ff524", "--any-day", "--reason", "was ill", "--by", "ff524"];
    desk.done(&grant);
    desk.done(&["reaper", "pause", "--reason", "the quota moves", "--by", "The dean"]);
    desk
}

#[test]
fn who_did_what_is_found_and_taken_out() {
    let desk = used();
    let all = desk.json(&["audit", "search", "--json"]);
    let actions: Vec<_> =
        all["records"].as_array().unwrap().iter().map(|record| record["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["paused_reaper", "granted_exception", "enrolled", "applied_course"]);
    let text = desk.done(&["audit", "search"]);
    for part in
        ["ff524 granted themselves an exception", "The dean paused the reaper", "by a command", "was ill"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let by = desk.done(&["audit", "search", "--by", "ff524", "--action", "granted_exception"]);
    assert!(by.contains("an exception") && !by.contains("paused"), "{by}");
    let about = desk.done(&["audit", "search", "--about", "ff524", "--since", "2020-01-01T00:00"]);
    assert!(about.contains("put ff524 into the course") && !about.contains("paused"), "{about}");
    assert!(!desk.done(&["audit", "search", "--until", "2020-01-01T00:00"]).contains("exception"));
    let (code, said) = desk.refused(&["audit", "search", "--about", "zz999"]);
    assert_eq!((code, said.contains("nobody here has the net ID zz999")), (1, true), "{said}");

    let lines = desk.done(&["audit", "export"]);
    assert_eq!(lines.lines().count(), 4);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["number"], &first["action"]), (&1.into(), &"applied_course".into()));
    let table = desk.done(&["audit", "export", "--format", "csv", "--action", "paused_reaper"]);
    assert!(table.starts_with("number,at,who,") && table.contains(",The dean,"), "{table}");
}

#[test]
fn verify_names_the_first_record_that_does_not_fit() {
    let desk = used();
    let head = desk.done(&["audit", "head"]);
    let fits = desk.done(&["audit", "verify", "--expect", head.trim()]);
    assert_eq!(fits.trim(), format!("4 records fit; the last is {}", head.trim()));
    let told = desk.json(&["audit", "verify", "--json"]);
    assert_eq!((&told["fits"], &told["records"]), (&true.into(), &4.into()));

    desk.sql("DROP TRIGGER audit_records_stay");
    desk.sql("DROP TRIGGER audit_records_are_kept");
    desk.sql("UPDATE audit_records SET actor_id = NULL WHERE number = 3");
    let (code, said) = desk.refused(&["audit", "verify"]);
    assert_eq!((code, said.contains("record 3 was changed")), (1, true), "{said}");
    let output = desk.run(&["audit", "verify", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &told["number"], &told["why"]),
        (Some(1), &3.into(), &"altered".into())
    );

    desk.sql("PRAGMA foreign_keys = OFF; DELETE FROM audit_records WHERE number >= 3");
    let fits = desk.done(&["audit", "verify"]);
    assert!(fits.starts_with("2 records fit"), "{fits}");
    let (code, said) = desk.refused(&["audit", "verify", "--expect", head.trim()]);
    assert_eq!((code, said.contains("its end was cut off")), (1, true), "{said}");
    let (code, said) = desk.refused(&["audit", "verify", "--expect", "4:x"]);
    assert_eq!((code, said.contains("NUMBER:HASH")), (2, true), "{said}");
}
