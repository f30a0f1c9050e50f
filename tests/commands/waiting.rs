//! Waiting for a place, and answering what is offered.

use serde_json::{Value, json};

use super::Desk;
use crate::support::course::Course;

/// One place, which `ff524` has the day after tomorrow from ten to two, and two who want it.
struct Queue {
    desk: Desk,
    taken: String,
    free: String,
}

impl Queue {
    fn set() -> Self {
        let desk = Desk::of(Course::example().with_capacity(1));
        desk.enrol(&["ff524", "gg778", "hh780"]);
        let at = |day, time| desk.course.at(day, time)[..16].to_owned();
        let window = |day| format!("{}..{}", at(day, "10:00"), at(day, "14:00"));
        let (taken, free) = (window(2), window(4));
        let start = at(2, "10:00");
        desk.done(&["book", "--as", "ff524", "--lab", "k8s", "--start", &start, "--hours", "4"]);
        Self { desk, taken, free }
    }

    fn wait(who: &str) -> Vec<&str> {
        vec!["wait", "--as", who, "--lab", "k8s", "--hours", "4"]
    }

    fn join(&self, who: &str, words: &[&str]) -> Value {
        self.desk.json(&[&Self::wait(who)[..], words].concat())
    }
}

#[test]
fn who_waits_is_told_the_chances_and_listed_in_order() {
    let queue = Queue::set();
    let (desk, taken) = (&queue.desk, &["--window", queue.taken.as_str()][..]);
    let chances = [&Queue::wait("gg778")[..], taken, &["--chances"]].concat();
    let said = desk.done(&chances);
    assert!(said.starts_with("place: 1\npoints: 1000.0 (fair share 1000.0, age 0.0, due 0.0)\n"), "{said}");
    assert!(said.contains("odds: ") && said.contains("; 0 came free in the last 14 days\n"), "{said}");
    let free = desk.json(&[&Queue::wait("gg778")[..], &["--window", &queue.free, "--chances"]].concat());
    assert_eq!(free["free_now"][0]["start"].as_str().unwrap()[..16], queue.free[..16]);
    assert_eq!(desk.json(&["waitlist"]), json!({"waiting": []}), "nobody has joined by asking");

    let said = desk.done(&[&Queue::wait("gg778")[..], taken].concat());
    assert!(said.contains(": in line for k8s, place 1\npoints: "), "{said}");
    let second = queue.join("hh780", &[taken, &["--auto-accept"]].concat());
    assert_eq!((&second["state"], &second["place"]), (&json!("waiting"), &json!(2)));
    let odds = second["odds"].as_f64().unwrap();
    assert!(odds > 0.0 && odds < 1.0 && second["freed"] == 0, "{second}");

    let body = desk.json(&["waitlist", "--lab", "k8s"]);
    let line = body["waiting"].as_array().unwrap();
    let who: Vec<_> = line.iter().map(|it| (&it["place"], &it["net_id"])).collect();
    assert_eq!(who, [(&json!(1), &json!("gg778")), (&json!(2), &json!("hh780"))]);
    assert_eq!(line[1]["id"], second["wait"]);
    assert_eq!(
        (&line[1]["asked"]["auto_accept"], &line[1]["asked"]["length_minutes"]),
        (&json!(true), &json!(240))
    );
    assert_eq!(line[0]["priority"]["fair_share"], json!({"weight": 1000, "factor": 1.0, "points": 1000.0}));
    let table = desk.done(&["waitlist"]);
    assert!(table.starts_with("PLACE  NET ID  LAB  LENGTH  WHEN"), "{table}");
    assert!(
        table.contains("waiting, books at once") && table.contains(line[0]["id"].as_str().unwrap()),
        "{table}"
    );

    let id = second["wait"].as_str().unwrap();
    let (code, said) = desk.refused(&["leave", "--as", "gg778", id]);
    assert!(code == 1 && said.contains("you do not wait in the line"), "{said}");
    assert_eq!(desk.done(&["leave", "--as", "hh780", id]), "hh780 does not wait any more\n");
    assert_eq!(desk.json(&["leave", "--as", "hh780", id]), json!({"left": id}), "again");
    assert_eq!(desk.json(&["waitlist"])["waiting"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_offered_is_taken_or_passed() {
    let queue = Queue::set();
    let desk = &queue.desk;
    let offered = queue.join("gg778", &["--window", &queue.free]);
    assert_eq!(offered["state"], "offered");
    assert_eq!(offered["slot"]["start"].as_str().unwrap()[..16], queue.free[..16]);
    let (id, until) = (offered["booking"].as_str().unwrap(), offered["offered_until"].as_str().unwrap());
    let listed = &desk.json(&["waitlist"])["waiting"][0];
    assert_eq!((&listed["offered"], &listed["place"]), (&json!(id), &Value::Null));
    assert_eq!(listed["offered_until"].as_str().unwrap(), until);
    assert!(desk.done(&["waitlist"]).contains("offered until "));

    let (code, said) = desk.refused(&["offer", "accept", "--as", "hh780", id]);
    assert!(code == 1 && said.contains(&format!("there is no offer \"{id}\"")), "{said}");
    assert!(desk.done(&["offer", "pass", "--as", "gg778", id]).contains("passed; gg778 waits on"));
    assert_eq!(desk.json(&["offer", "pass", "--as", "gg778", id]), json!({"passed": id}), "again");
    let (code, said) = desk.refused(&["offer", "accept", "--as", "gg778", id]);
    assert!(code == 1 && said.contains("the offer is over"), "{said}");
    assert_eq!(desk.json(&["waitlist"])["waiting"][0]["place"], 1);

    let said = desk.done(&[&Queue::wait("hh780")[..], &["--window", &queue.free]].concat());
    let take = said.lines().last().unwrap().strip_prefix("to take it: fairlease ").unwrap();
    let take: Vec<_> = take.split_whitespace().collect();
    let taken = desk.json(&take);
    assert_eq!((&taken["accepted"], &taken["booking"]), (&json!(true), &json!(take[4])));
    assert!(desk.done(&take).starts_with(&format!("booking {}: ", take[4])), "again");
    let said = desk.done(&["explain", "booking", take[4]]);
    for words in [
        "the student joined the line",
        "it was given to who came first in line",
        "the student took the offer",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(said.contains("first in line who could have it is the wait "), "{said}");
    assert!(said.ends_with("every decision comes out the same\n"), "{said}");
    assert!(desk.done(&["explain", "booking", id]).contains("the student passed the offer"));
}

#[test]
fn who_says_so_beforehand_has_it_booked_at_once() {
    let queue = Queue::set();
    let served = queue.join("gg778", &["--window", &queue.free, "--auto-accept"]);
    assert_eq!(served["state"], "served");
    let bookings = queue.desk.json(&["bookings", "--as", "gg778"]);
    assert_eq!(bookings[0]["id"], served["booking"]);
    assert_eq!(queue.desk.json(&["waitlist"]), json!({"waiting": []}));
}

#[test]
fn waiting_for_what_makes_no_sense_is_refused() {
    let queue = Queue::set();
    let desk = &queue.desk;
    let wait = Queue::wait("gg778");
    desk.done(&["person", "enrol", "kk444", "--mail", "kk444@example.edu"]);
    let (from, to) = queue.taken.split_once("..").unwrap();
    let (backwards, nonsense) = (format!("{to}..{from}"), format!("{from}..noon"));
    for (words, told) in [
        (&["wait", "--as", "zz999", "--lab", "k8s", "--hours", "4"][..], "nobody here has the net ID zz999"),
        (&["wait", "--as", "gg778", "--lab", "none", "--hours", "4"], "there are: k8s"),
        (&["wait", "--as", "gg778", "--lab", "k8s", "--hours", "0"], "is not a length in hours"),
        (&["wait", "--as", "gg778", "--lab", "k8s", "--hours", "0.51"], "no whole number of minutes"),
        (&["wait", "--as", "kk444", "--lab", "k8s", "--hours", "4"], "no SSH public key"),
        (&[&wait[..], &["--window", &backwards]].concat(), "ends before it begins"),
        (&[&wait[..], &["--window", &nonsense]].concat(), "\"noon\" is not a time such as"),
        (&["waitlist", "--lab", "none"], "there are: k8s"),
        (&["leave", "--as", "zz999", "abcdefghjkmn"], "nobody here has the net ID zz999"),
        (&["offer", "pass", "--as", "gg778", "abcdefghjkmn"], "there is no offer"),
    ] {
        let (code, said) = desk.refused(words);
        assert!(code == 1 && said.contains(told), "{words:?}: {code}: {said}");
    }
    for words in [
        &wait[..5],
        &[&wait[..], &["--window", from]].concat(),
        &["offer", "pass", "--as", "gg778"],
        &["offer", "keep", "--as", "gg778", "abcdefghjkmn"],
        &["leave", "--as", "gg778", "no id"],
    ] {
        assert_eq!(desk.refused(words).0, 2, "{words:?}");
    }
    let long = ["wait", "--as", "gg778", "--lab", "k8s", "--hours", "12"];
    let output = desk.run(&long);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("over_cap: "));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nothing that was asked for can come"));
    assert_eq!(desk.json(&long)["violations"][0]["code"], "over_cap");

    desk.done(&[&wait[..], &["--window", &queue.taken]].concat());
    let (code, said) = desk.refused(&wait);
    assert!(code == 1 && said.contains("you wait for this lab already"), "{said}");
}
