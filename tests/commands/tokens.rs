//! `fairlease token` and `fairlease service`.

use super::Desk;

#[test]
fn a_token_is_made_shown_once_listed_and_revoked() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let make = ["token", "make", "--as", "ff524", "--name", "script", "--days", "30", "--scope", "labs:read"];
    let secret = desk.done(&[&make[..], &["--quiet"]].concat());
    assert!(
        secret.starts_with("fairlease_") && secret.trim().len() == 74 && secret.lines().count() == 1,
        "{secret}"
    );
    let (code, said) = desk.refused(&make);
    assert!(code == 1 && said.contains("another name"), "{said}");
    let listed = desk.json(&["token", "list"]);
    let token = &listed["tokens"][0];
    assert_eq!(
        (&token["of"], &token["name"], &token["used_at"]),
        (&"ff524".into(), &"script".into(), &().into())
    );
    assert_eq!(token["scopes"], serde_json::json!(["labs:read"]));
    assert!(!listed.to_string().contains(secret.trim()), "it is told once");
    let id = token["id"].as_str().unwrap();
    desk.done(&["token", "revoke", id]);
    assert_eq!(desk.refused(&["token", "revoke", id]).0, 1);
    assert!(desk.json(&["token", "list"])["tokens"].as_array().unwrap().is_empty());
    assert!(desk.done(&["token", "list", "--as", "ff524"]).contains("revoked"));
}

#[test]
fn a_token_of_nobody_or_for_nothing_is_refused_with_what_there_is() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let make = |who: &str, scope: &str, days: &str| {
        desk.refused(&["token", "make", "--as", who, "--name", "script", "--days", days, "--scope", scope])
    };
    assert!(make("ff524", "labs:write", "7").1.contains("bookings:read"));
    assert_eq!(make("ff524", "labs:write", "7").0, 2);
    assert!(make("ff524", "people:read", "7").1.contains("people:read"));
    assert!(make("ff524", "labs:read", "400").1.contains("366"));
    assert_eq!(make("gg222", "labs:read", "7").0, 1);
}

#[test]
fn a_service_is_added_has_a_token_and_is_dropped() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let add =
        |name: &str| desk.run(&["service", "add", name, "--title", "Grades", "--mail", "staff@example.edu"]);
    assert!(add("grades").status.success());
    assert!(!add("grades").status.success() && !add("ff524").status.success());
    let made = desk.json(&[
        "token",
        "make",
        "--as",
        "grades",
        "--name",
        "nightly",
        "--days",
        "366",
        "--scope",
        "usage:read",
    ]);
    assert!(made["secret"].as_str().unwrap().starts_with("fairlease_"), "{made}");
    assert_eq!(desk.json(&["service", "list"])["services"][0]["tokens"], 1);
    desk.done(&["service", "drop", "grades"]);
    assert_eq!(desk.refused(&["service", "drop", "grades"]).0, 1);
    assert_eq!(desk.refused(&["service", "drop", "ff524"]).0, 1, "a student is none");
    assert!(desk.json(&["token", "list"])["tokens"].as_array().unwrap().is_empty());
}
