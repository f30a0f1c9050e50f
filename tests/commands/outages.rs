//! Declaring that something is away, and that it is back.

use serde_json::json;

use super::Desk;

#[test]
fn an_outage_is_planned_declared_listed_and_ended() {
    let desk = Desk::set();
    desk.enrol(&["ff524"]);
    let at = |day, time: &str| desk.course.at(day, time)[..16].to_owned();
    desk.done(&["book", "--as", "ff524", "--lab", "k8s", "--start", &at(2, "10:00"), "--hours", "4"]);
    let (from, until) = (at(2, "08:00"), at(2, "20:00"));
    let declare =
        |away: &'static str| vec!["outage", "declare", away, "--reason", "a switch fails", "--by", "ta77"];
    let span = ["--from", &from, "--until", &until];

    for (words, code, told) in [
        (vec!["outage", "declare", "kvm-tacc", "--reason", "x"], 2, "is not site:ID or service:NAME"),
        (declare("site:nowhere"), 1, "there is site:kvm-tacc, service:JupyterHub"),
        ([declare("site:kvm-tacc"), vec!["--due", "k8s"]].concat(), 1, "is not LAB=tba"),
        (
            [declare("site:kvm-tacc"), vec!["--from", &until, "--until", &from]].concat(),
            1,
            "it would end at or before",
        ),
    ] {
        let (got, said) = desk.refused(&words);
        assert!(got == code && said.contains(told), "{words:?}: {got}: {said}");
    }

    let whole = [&declare("site:kvm-tacc")[..], &span, &["--due", "k8s=tba"]].concat();
    let planned = desk.json(&[&whole[..], &["--plan"]].concat());
    let lines = planned["bookings"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["net_id"]), (1, &json!("ff524")));
    assert!(lines[0]["becomes"].as_str().unwrap().starts_with("moved to "), "{planned}");
    assert_eq!(desk.json(&["outage", "list"]), json!({"outages": []}), "only looked at");

    let declared = desk.json(&whole);
    let id = declared["outage"].as_str().unwrap();
    let open = desk.json(&["outage", "list"]);
    let line = &open["outages"][0];
    assert_eq!(
        (&line["id"], &line["away"], &line["by"]),
        (&json!(id), &json!("site:kvm-tacc"), &json!("ta77"))
    );
    let (code, said) = desk.refused(&whole);
    assert!(code == 1 && said.contains("an outage of it is declared for that time already"), "{said}");

    assert!(desk.done(&["outage", "end", id]).contains("is over"));
    let (code, said) = desk.refused(&["outage", "end", id]);
    assert!(code == 1 && said.contains("has ended already"), "{said}");
}
