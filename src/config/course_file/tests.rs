//! What is read from course files, and what is said of those that are wrong.

use super::*;
use crate::domain::blueprint::Machine;
use crate::domain::calendar;
use crate::domain::course::Judged;

const EXAMPLE: &str = include_str!("../../../docs/examples/course.toml");

fn errors(text: &str) -> Vec<String> {
    CourseFile::parse("course.toml", text).and_then(|file| file.check("course.toml")).unwrap_err().0
}

#[test]
fn the_example_is_a_course() {
    let course = CourseFile::parse("course.toml", EXAMPLE).unwrap().check("course.toml").unwrap();
    let lab = &course.labs[0];
    assert_eq!(lab.due.unwrap().to_rfc3339(), "2025-02-14T04:59:00+00:00");
    assert_eq!(lab.policy.cap_minutes, 480);
    assert_eq!(lab.blueprint.machines(), [(Machine::of_flavor("m1.medium"), 3)]);
}

#[test]
fn moving_by_fortnights_keeps_weekdays_and_local_times() {
    let now = "2026-11-24T06:00:00Z".parse().unwrap();
    let file = CourseFile::parse("course.toml", EXAMPLE).unwrap();
    let fortnights = file.fortnights_behind(now, 7);
    let course = file.later_by_fortnights(fortnights).check("course.toml").unwrap();
    let due = course.labs[0].due.unwrap();
    assert!((7..21).contains(&(due - now).num_days()), "{due}");
    assert_eq!(calendar::date_and_time(course.zone, due), "Thu Dec 3, 23:59");
    let anchor = course.labs[0].policy.parity.as_ref().unwrap().swap_weekly_from.unwrap();
    assert_eq!(anchor.to_string(), "2026-11-27");
}

#[test]
fn all_errors_are_told_at_once_with_their_keys() {
    let text = EXAMPLE
        .replace("America/New_York", "New York")
        .replace("grid_minutes = 30", "grid_minutes = 45")
        .replace("pool = \"kvm-clusters\"", "pool = \"kvm\"")
        .replace("cap_hours = 8 ", "cap_hours = 800 ")
        .replace("due = 2025-02-13T23:59", "due = 2025-01-13T23:59");
    let errors = errors(&text);
    for key in [
        "course.zone",
        "pool.kvm-clusters.grid_minutes",
        "lab.k8s.pool",
        "lab.k8s.policy.cap_hours",
        "lab.k8s.due",
    ] {
        let told = errors.iter().find(|error| error.contains(&format!(": {key}: ")));
        let told = told.unwrap_or_else(|| panic!("{key}: {errors:?}"));
        let line: usize = told.split(':').nth(1).unwrap().parse().unwrap();
        let last = key.rsplit('.').next().unwrap();
        assert!(text.lines().nth(line - 1).unwrap().starts_with(&format!("{last} = ")), "{told}");
    }
    assert_eq!(errors.len(), 5, "{errors:?}");
}

/// The line of `text` that starts so, from 1.
fn line(text: &str, start: &str) -> usize {
    text.lines().position(|line| line.starts_with(start)).unwrap() + 1
}

#[test]
fn a_misspelt_key_is_told_with_its_line() {
    let errors = errors(&EXAMPLE.replace("cap_hours", "cap_hour"));
    let line = line(EXAMPLE, "cap_hours");
    let told =
        format!("course.toml:{line}: lab.k8s.policy.cap_hour: there is no such key; is cap_hours meant?");
    assert_eq!(errors, [told]);
}

#[test]
fn a_misspelt_weekday_says_what_is_right() {
    let errors = errors(&EXAMPLE.replace("\"Wed\"", "\"Wen\""));
    assert!(
        errors[0].ends_with("even.3: \"Wen\" is none of Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        "{errors:?}"
    );
}

/// The example with this in the place of its pool's capacity.
fn with_capacity(text: &str) -> String {
    EXAMPLE.replace("capacity = 30 ", &format!("{text} "))
}

fn with_changes(changes: &str) -> String {
    EXAMPLE.replace("[[lab]]", &format!("{changes}\n[[lab]]"))
}

#[test]
fn a_pools_capacity_may_change_in_order() {
    let first = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 40\n";
    let text = with_changes(&format!("{first}[[pool.change]]\nat = 2025-02-12T08:00\ncapacity = 0\n"));
    let pool = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap().pools.remove(0);
    let told: Vec<_> = pool.changes.iter().map(|it| (it.at.to_rfc3339(), it.capacity)).collect();
    assert_eq!(
        told,
        [("2025-02-10T05:00:00+00:00".to_owned(), 40), ("2025-02-12T13:00:00+00:00".to_owned(), 0)]
    );
    for (change, what) in [
        ("[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 4\n", "is not after"),
        ("[[pool.change]]\nat = 2025-02-09T00:00\ncapacity = 4\n", "is not after"),
        ("[[pool.change]]\nat = 2025-02-11T00:00\ncapacity = -1\n", "is not from 0 to 100000"),
        ("[[pool.change]]\nat = 2025-02-11\ncapacity = 1\n", "a local time such as"),
    ] {
        let errors = errors(&with_changes(&format!("{first}{change}")));
        assert!(errors.len() == 1 && errors[0].contains(": pool.kvm-clusters.change.2."), "{errors:?}");
        assert!(errors[0].contains(what), "{errors:?}");
    }
}

#[test]
fn changes_of_capacity_move_with_the_course() {
    let text = with_changes("[[pool.change]]\nat = 2025-02-10T08:00\ncapacity = 40\n");
    let file = CourseFile::parse("course.toml", &text).unwrap().later_by_fortnights(3);
    let pool = file.check("course.toml").unwrap().pools.remove(0);
    assert_eq!(pool.changes[0].at.to_rfc3339(), "2025-03-24T12:00:00+00:00", "the clocks have changed");
}

#[test]
fn a_lab_may_need_no_more_than_its_pool_ever_has() {
    let more = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 40\n";
    let units = |units: &str| with_changes(more).replace("units = 1", &format!("units = {units}"));
    assert!(CourseFile::parse("course.toml", &units("40")).unwrap().check("course.toml").is_ok());
    assert!(errors(&units("41"))[0].contains("lab.k8s.units: 41 is not from 1 to 40"));
}

#[test]
fn a_pool_has_a_capacity_or_named_nodes() {
    let named = with_capacity("nodes = [\"gpu-01\", \"gpu-02\"]");
    let pool =
        CourseFile::parse("course.toml", &named).unwrap().check("course.toml").unwrap().pools.remove(0);
    assert_eq!((pool.capacity, pool.nodes), (2, vec!["gpu-01".to_owned(), "gpu-02".to_owned()]));
    let change = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 4\n[[lab]]";
    for (text, key, what) in [
        (with_capacity(""), "capacity", "either"),
        (with_capacity("nodes = []"), "capacity", "either"),
        (with_capacity("capacity = 2\nnodes = [\"a\"]"), "capacity", "either"),
        (with_capacity("nodes = [\"a\", \"b\", \"a\"]"), "nodes", "\"a\" is there twice"),
        (with_capacity("nodes = [\"gpu 1\"]"), "nodes", "\"gpu 1\" is not 1 to 64"),
        (with_capacity("nodes = [\"\"]"), "nodes", "\"\" is not 1 to 64"),
        (named.replace("[[lab]]", change), "change", "named nodes"),
    ] {
        let errors = errors(&text);
        let told = format!(": pool.kvm-clusters.{key}: ");
        assert!(errors.len() == 1 && errors[0].contains(&told) && errors[0].contains(what), "{errors:?}");
    }
}

#[test]
fn a_standing_lease_is_renewed_where_the_file_says_so() {
    let pool = |keys: &str| EXAMPLE.replace("grid_minutes = 30", &format!("{keys}\ngrid_minutes = 30"));
    let renewal = |keys: &str| {
        let renewal = course(&pool(keys)).pools.remove(0).renewal;
        renewal.map(|renewal| (renewal.hours_before, renewal.for_days))
    };
    let lease = "standing_lease = \"course-nodes\"\n";
    assert_eq!(renewal(lease), None);
    assert_eq!(renewal(&format!("{lease}renew = {{}}")), Some((48, 7)));
    assert_eq!(renewal(&format!("{lease}renew = {{ hours_before = 24, for_days = 2 }}")), Some((24, 2)));
    for (keys, key, what) in [
        (format!("{lease}renew = {{ hours_before = 1 }}"), "renew.hours_before", "1 is not from 2 to 168"),
        (format!("{lease}renew = {{ for_days = 181 }}"), "renew.for_days", "181 is not from 1 to 180"),
        (format!("{lease}renew = {{ for_days = 2 }}"), "renew.for_days", "2 d are not longer than the 48 h"),
        ("renew = {}".to_owned(), "renew", "there is no standing_lease"),
    ] {
        let told = errors(&pool(&keys));
        assert!(
            told.len() == 1 && told[0].contains(&format!(": pool.kvm-clusters.{key}: {what}")),
            "{told:?}"
        );
    }
}

#[test]
fn what_has_the_wrong_shape_is_told_all_at_once() {
    let text = EXAMPLE
        .replace("zone = \"America/New_York\"\n", "")
        .replace("capacity = 30 ", "capacity = \"thirty\" ")
        .replace("due = 2025-02-13T23:59", "due = \"2025-02-13T23:59\"")
        .replace("bookings_ahead = 2 ", "walks_ahead = 2 ")
        .replace("swap_weekly_from = 2025-02-07 ", "swap_weekly_from = 2025-02-07T00:00 ")
        .replace("192.168.1.13", "192.168.1.300")
        .replace("[22, 80, 6443]", "[22, 80, 70000]");
    let told = |start: &str, what: &str| format!("course.toml:{}: {what}", line(&text, start));
    assert_eq!(
        errors(&text),
        [
            told("[course]", "course.zone: it is missing"),
            told("capacity", "pool.kvm-clusters.capacity: it is text; a whole number is wanted"),
            told(
                "due",
                "lab.k8s.due: it is text; a local time such as 2025-02-13T23:59, without quotes, is wanted"
            ),
            told(
                "walks_ahead",
                "lab.k8s.policy.walks_ahead: there is no such key; known here: bookings_ahead, budget_bookings, \
                 budget_hours, budget_su, cap_hours, counted_hours, far, gaps, horizon_days, lengths_hours, parity, \
                 stacking, starts_every_minutes",
            ),
            told(
                "swap_weekly_from",
                "lab.k8s.policy.parity.swap_weekly_from: it is a local time; a date such as 2025-02-07, without \
                 quotes, is wanted",
            ),
            told("open_tcp_ports", "lab.k8s.blueprint.open_tcp_ports.3: 70000 is not from 0 to 65535"),
            told(
                "address = \"192.168.1.300",
                "lab.k8s.blueprint.server.node3.address: \"192.168.1.300\" is not an IPv4 address such as 192.168.1.11"
            ),
        ]
    );
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line() {
    let errors = errors(&EXAMPLE.replace("capacity = 30", "capacity = = 30"));
    assert!(errors[0].starts_with(&format!("course.toml:{}: ", line(EXAMPLE, "capacity"))), "{errors:?}");
    assert_eq!(errors.len(), 1);
}

#[test]
fn tables_and_lists_are_not_taken_for_each_other() {
    let text = EXAMPLE.replace("[[site]]", "[site]").replace("units = 1\n", "units = [1]\n");
    let errors = errors(&text.replace("title = \"KVM@TACC\"", "title = false"));
    assert!(errors[0].ends_with(": site: it is a table; a list of tables is wanted"), "{errors:?}");
    assert!(errors[1].ends_with(": lab.k8s.units: it is a list; a whole number is wanted"), "{errors:?}");
    assert_eq!(errors.len(), 2);
}

/// The example with all but its lab's id and title in the defaults, and a second lab.
fn inheriting(second: &str) -> String {
    let own = EXAMPLE
        .lines()
        .filter(|line| line.starts_with("id = \"k8s\"") || line.starts_with("title = \"Deploy"));
    let own: Vec<&str> = own.collect();
    let (head, lab) = EXAMPLE.split_once("[[lab]]").unwrap();
    let lab = own.iter().fold(lab.to_owned(), |lab, line| lab.replace(&format!("{line}\n"), ""));
    let defaults = lab.replace("[lab.", "[defaults.").replace("[[lab.", "[[defaults.");
    format!(
        "{head}[defaults]{defaults}\n[[lab]]\n{}\n\n[[lab]]\nid = \"second\"\ntitle = \"2\"\n{second}",
        own.join("\n")
    )
}

fn course(text: &str) -> Course {
    CourseFile::parse("course.toml", text).unwrap().check("course.toml").unwrap()
}

#[test]
fn labs_inherit_what_they_do_not_say() {
    let text = inheriting(
        "due = false\n[lab.policy]\ncap_hours = 4\nparity = false\n\
         [[lab.blueprint.server]]\nname = \"only\"\nimage = \"i\"\nflavor = \"f\"\n",
    );
    let labs = course(&text).labs;
    assert_eq!(labs[0], course(EXAMPLE).labs[0]);
    let second = &labs[1];
    assert_eq!((second.due, second.policy.cap_minutes, &second.policy.parity), (None, 240, &None));
    assert_eq!((second.policy.bookings_ahead, second.open), (2, labs[0].open));
    assert_eq!(second.blueprint.machines(), [(Machine::of_flavor("f"), 1)]);
    assert_eq!(second.blueprint.networks, labs[0].blueprint.networks);
}

#[test]
fn a_lab_has_a_part_of_an_inherited_table_otherwise() {
    let labs = course(&inheriting("policy.parity = { judges = \"slot\" }\nreading = []\n")).labs;
    let [first, second] = [0, 1].map(|lab: usize| labs[lab].policy.parity.clone().unwrap());
    assert_eq!((first.judges, second.judges), (Judged::Start, Judged::Slot));
    assert_eq!((first.even, first.swap_weekly_from), (second.even, second.swap_weekly_from));
    assert!(second.judges == Judged::Slot && labs[1].reading.is_empty() && !labs[0].reading.is_empty());
}

#[test]
fn inherited_dates_move_too() {
    let course = CourseFile::parse("course.toml", &inheriting("")).unwrap().later_by_fortnights(1);
    let course = course.check("course.toml").unwrap();
    assert!(course.labs.iter().all(|lab| lab.due.unwrap().to_rfc3339().starts_with("2025-02-28")));
    assert_eq!(course.term.unwrap().from.to_string(), "2025-02-04");
}

#[test]
fn errors_of_what_is_inherited_name_the_defaults_once() {
    let text = inheriting("open = 2025-03-01T00:00\n");
    let wrong = text.replace("cap_hours = 8 ", "cap_hours = 800 ").replace("\"node2\"", "\"lease\"");
    let told = errors(&wrong);
    let cap = format!("course.toml:{}: defaults.policy.cap_hours: 800 is not", line(&wrong, "cap_hours"));
    let due = format!("course.toml:{}: defaults.due: it is not after lab.second.open", line(&wrong, "due"));
    let name =
        format!("course.toml:{}: defaults.blueprint.server.lease.name: ", line(&wrong, "name = \"lease\""));
    assert!(
        told[0].starts_with(&due) && told[1].starts_with(&cap) && told[2].starts_with(&name),
        "{told:#?}"
    );
    assert_eq!(told.len(), 3, "{told:#?}");
    let wrong = text.replace("cap_hours = 8 ", "cap_hours = true ").replace("login = \"cc\"\n", "");
    let wrong = wrong.replace("[defaults]\n", "[defaults]\nid = \"d\"\n").replace("title = \"2\"\n", "");
    let told = errors(&wrong);
    for (start, what) in [
        ("id = \"d\"", "defaults.id: there is no such key; known here: blueprint, due,"),
        ("cap_hours", "defaults.policy.cap_hours: it is true; a number is wanted"),
        ("[defaults.blueprint]", "defaults.blueprint.login: it is missing"),
    ] {
        let wanted = format!("course.toml:{}: {what}", line(&wrong, start));
        assert!(told.iter().any(|told| told.starts_with(&wanted)), "{wanted}: {told:#?}");
    }
    assert!(told[3].ends_with(": lab.second.title: it is missing"), "{told:#?}");
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[test]
fn the_term_bounds_the_labs() {
    let told = errors(
        &EXAMPLE.replace("from = 2025-01-21", "from = 2025-02-01").replace("2025-05-16", "2025-02-12"),
    );
    assert!(
        told[0].ends_with("lab.k8s.open: it is before the first day of the term, 2025-02-01"),
        "{told:?}"
    );
    assert!(told[1].ends_with("lab.k8s.due: it is after the last day of the term, 2025-02-12"), "{told:?}");
    let told = errors(&EXAMPLE.replace("from = 2025-01-21", "from = 2025-06-21"));
    assert!(told[0].ends_with("course.term: 2025-06-21 is not before 2025-05-16"), "{told:?}");
    let lab = course(&EXAMPLE.replace("due = ", "# due = ")).labs.remove(0);
    assert_eq!(lab.term_end.unwrap().to_rfc3339(), "2025-05-17T04:00:00+00:00");
}

#[test]
fn addresses_are_of_the_web_and_work_takes_time() {
    let text = EXAMPLE
        .replace("manual = \"https:", "manual = \"ftp:")
        .replace("expected_hours = 5", "expected_hours = 0")
        .replace("url = \"https:", "url = \"javascript:")
        .replace("leases = true", "leases = true\ndashboard = \"kvm.example.org\"");
    let told = errors(&text);
    let keys =
        ["site.kvm-tacc.dashboard", "lab.k8s.manual", "lab.k8s.reading.1.url", "lab.k8s.expected_hours"];
    for (told, key) in told.iter().zip(keys) {
        assert!(told.contains(&format!(": {key}: ")), "{told}");
    }
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn the_schema_knows_the_defaults_and_asks_labs_for_little() {
    let schema = serde_json::to_value(CourseFile::schema()).unwrap();
    let table = |name: &str| schema["$defs"][name].clone();
    assert_eq!(schema["properties"]["defaults"]["$ref"], "#/$defs/DefaultsTable");
    assert_eq!(table("LabTable")["required"], serde_json::json!(["id", "title"]));
    assert_eq!(table("DefaultsTable")["required"], serde_json::Value::Null);
    assert_eq!(table("DefaultsTable")["properties"]["id"], serde_json::Value::Null);
    let parity = &table("PolicyTable")["properties"]["parity"]["anyOf"];
    assert_eq!(*parity, serde_json::json!([{"$ref": "#/$defs/ParityTable"}, {"const": false}]));
    assert_eq!(table("PoolTable")["required"], serde_json::json!(["id", "site"]));
    assert!(!schema.to_string().contains("null"), "{schema}");
}
