//! Whole requests: who may ask for what, what every answer carries, and how refusals read to programs.

use chrono::{DateTime, FixedOffset};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};
use crate::support::until;
use crate::support::visitor::{Visitor, client};

async fn demo() -> Demo {
    Setup::of(Course::example()).start().await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap_or_else(|| panic!("there is no {name}")).to_str().unwrap()
}

async fn problem(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(header(response.headers(), "content-type"), "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

/// An instant as links or answers write it.
fn at(text: &str) -> DateTime<FixedOffset> {
    let short = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z");
    DateTime::parse_from_rfc3339(text).or_else(|_| short()).unwrap()
}

fn codes(body: &Value) -> Vec<&str> {
    body["violations"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_there_and_back() {
    let demo = demo().await;
    let nobody = Visitor::anonymous(demo.url());
    for path in ["/", "/labs/k8s", "/bookings/000000000000", "/me"] {
        let response = nobody.get(path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(header(response.headers(), "location"), format!("/sign-in?return_to={path}"));
    }
    problem(nobody.get("/api/v1/labs/k8s/starts").await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(nobody.get("/health/live").await.status(), StatusCode::OK);
    assert_eq!(nobody.get("/health/ready").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn signing_in_leads_nowhere_else() {
    let demo = demo().await;
    for (wanted, led) in [
        ("/labs/k8s", "/labs/k8s"),
        ("https://elsewhere.example", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("elsewhere", "/"),
    ] {
        let form = [("net_id", "ff524"), ("return_to", wanted)];
        let response = client().post(format!("{}/sign-in", demo.url())).form(&form).send().await.unwrap();
        assert_eq!(header(response.headers(), LOCATION.as_str()), led, "{wanted}");
    }
}

#[tokio::test]
async fn a_labs_page_leads_to_what_there_is_to_read() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let page = student.get("/labs/k8s").await.text().await.unwrap();
    for part in [
        "Expect about 5 h of work.",
        "<a href=\"https://course.example.edu/labs/k8s\">Instructions</a>",
        "<a href=\"https://kubernetes.io/docs/concepts/\">Kubernetes concepts</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn every_page_carries_its_protection() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    for path in ["/", "/labs/k8s", "/me", "/mailbox", "/labs/none", "/sign-in", "/components"] {
        let headers = student.get(path).await.headers().clone();
        let policy = header(&headers, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(header(&headers, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&headers, "cache-control"), "no-store", "{path}");
        assert_eq!(header(&headers, "x-request-id").len(), 36, "{path}");
    }
    let form =
        client().post(format!("{}/sign-in", demo.url())).form(&[("net_id", "ff524")]).send().await.unwrap();
    let cookie = header(form.headers(), "set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
}

#[tokio::test]
async fn students_have_no_staff_pages() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    assert_eq!(student.get("/staff/labs/k8s").await.status(), StatusCode::NOT_FOUND);
    for path in ["/staff/labs/k8s/exceptions", "/staff/exceptions/000000000000/revoke"] {
        assert_eq!(student.post(path, &[("lab", "k8s")]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!student.get("/labs/k8s").await.text().await.unwrap().contains("Staff view"));
    let nobody = Visitor::anonymous(demo.url()).get("/staff/labs/k8s").await;
    assert_eq!(header(nobody.headers(), "location"), "/sign-in?return_to=/staff/labs/k8s");
}

#[tokio::test]
async fn staff_see_whether_a_lab_is_fair() {
    let demo = demo().await;
    let staff = Visitor::sign_in(&client(), demo.url(), "ta77").await;
    assert!(staff.get("/labs/k8s").await.text().await.unwrap().contains("href=\"/staff/labs/k8s\""));
    let page = staff.get("/staff/labs/k8s").await.text().await.unwrap();
    for part in [
        "Even net IDs may start on",
        "Not fair: from now to the due date even net IDs have",
        "<th scope=\"row\">Odd</th><td>6 days</td>",
        "The days swap each week already.",
        "Nobody has an exception here",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(staff.get("/staff/labs/none").await.status(), StatusCode::NOT_FOUND);
}

const GRANT: &str = "/staff/labs/k8s/exceptions";

#[tokio::test]
async fn staff_grant_an_exception_and_take_it_back() {
    let demo = demo().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let staff = Visitor::sign_in(&http, demo.url(), "ta77").await;
    let start = demo.course.at(2, "10:00");
    assert_eq!(student.book_hours(&start, 9.0).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [
        ("net_id", "FF524"),
        ("rule", "cap_minutes"),
        ("value", "9"),
        ("scope", "lab"),
        ("reason", "slow <disk>"),
    ];
    let forged = staff.with_token("0").post(GRANT, &form).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let granted = staff.post(GRANT, &form).await;
    assert_eq!(header(granted.headers(), LOCATION.as_str()), "/staff/labs/k8s");
    let page = staff.get("/staff/labs/k8s").await.text().await.unwrap();
    for part in [">ff524</th>", "At most 9 h at once", "in this lab", "slow &#60;disk&#62;", "ta77, "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let id = page.split("/staff/exceptions/").nth(1).unwrap().split('/').next().unwrap();
    let revoke = format!("/staff/exceptions/{id}/revoke");
    assert_eq!(student.post(&revoke, &[("lab", "k8s")]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(student.book_hours(&start, 9.0).await.0, StatusCode::CREATED);
    let taken = staff.post(&revoke, &[("lab", "k8s")]).await;
    assert_eq!(header(taken.headers(), LOCATION.as_str()), "/staff/labs/k8s");
    assert_eq!(staff.post(&revoke, &[("lab", "k8s")]).await.status(), StatusCode::CONFLICT);
    let page = staff.get("/staff/labs/k8s").await.text().await.unwrap();
    assert!(page.contains("Nobody has an exception here"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_an_exception_is_told_at_once() {
    let demo = demo().await;
    let staff = Visitor::sign_in(&client(), demo.url(), "ta77").await;
    let form = [("net_id", "ff524"), ("rule", "due"), ("value", "soon"), ("until", "2020-01-01T00:00")];
    let refused = staff.post(GRANT, &form).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text().await.unwrap();
    for part in [
        "is not a date and time such as",
        "It would end on Wed Jan 1, 00:00, which is over.",
        "Say why",
        "name=\"value\" value=\"soon\"",
        "<option value=\"due\" selected>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let unknown = [("net_id", "zz999"), ("rule", "any_day"), ("reason", "was ill")];
    let page = staff.post(GRANT, &unknown).await.text().await.unwrap();
    assert!(page.contains("Nobody here has the net ID zz999."), "{page}");
}

#[tokio::test]
async fn a_form_without_the_sessions_token_changes_nothing() {
    let demo = demo().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let start = demo.course.at(0, "23:00");
    let (_, booking) = student.book(&start).await;
    let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
    for token in ["", "0", &"0".repeat(64)] {
        let forger = student.with_token(token);
        assert_eq!(forger.post(&format!("{path}/release"), &[]).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(forger.post("/me/key", &[("public_key", "x")]).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(forger.post("/sign-out", &[]).await.status(), StatusCode::FORBIDDEN);
        problem(forger.delete(&format!("/api/v1{path}")).await, StatusCode::FORBIDDEN).await;
        assert_eq!(forger.book(&start).await.0, StatusCode::FORBIDDEN);
    }
    let seen: Value = student.get(&format!("/api/v1{path}")).await.json().await.unwrap();
    assert_eq!(seen["reason"], Value::Null, "it goes on: {seen}");
}

#[tokio::test]
async fn others_bookings_are_not_there() {
    let demo = demo().await;
    let http = client();
    let owner = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let other = Visitor::sign_in(&http, demo.url(), "gg222").await;
    let (_, booking) = owner.book(&demo.course.at(0, "23:00")).await;
    let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
    for page in
        [path.clone(), format!("{path}/events"), format!("{path}/calendar.ics"), format!("/api/v1{path}")]
    {
        assert_eq!(other.get(&page).await.status(), StatusCode::NOT_FOUND, "{page}");
    }
    assert_eq!(other.post(&format!("{path}/release"), &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        other.post(&format!("{path}/extend"), &[("end", &demo.course.at(0, "23:30"))]).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(other.delete(&format!("/api/v1{path}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(owner.get(&path).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn refusals_tell_programs_each_rule_and_what_would_pass() {
    let demo = demo().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let (status, body) = student.book_hours(&demo.course.at(1, "10:10"), 9.0).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    assert_eq!(codes(&body), ["off_grid", "wrong_day", "over_cap"], "{body}");
    let nearest = body["nearest"][0]["start"].as_str().unwrap().to_owned();
    let (status, body) = student.book(&nearest).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let (status, body) = student.book(&nearest).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert_eq!(codes(&body), ["overlap"], "{body}");
    let (status, body) = student.book(&demo.course.at(30, "10:00")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    assert!(codes(&body).contains(&"past_due"), "{body}");
    let (status, body) = student.book("tomorrow").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["field"], "start", "{body}");
    let keyless = Visitor::sign_in_without_key(&http, demo.url(), "hh444").await;
    let (status, body) = keyless.book(&nearest).await;
    assert_eq!((status, codes(&body)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["no_ssh_key"]));
    let response = student.get("/api/v1/labs/none/starts").await;
    let id = header(response.headers(), "x-request-id").to_owned();
    let body = problem(response, StatusCode::NOT_FOUND).await;
    assert_eq!(body["instance"], format!("urn:uuid:{id}"), "what a person quotes is what the log has");
    problem(student.get("/api/v1/nothing").await, StatusCode::NOT_FOUND).await;
}

/// The booking, once the worker has it where it is to be.
async fn settled(owner: &Visitor, path: &str) -> Value {
    let look = || async {
        let seen: Value = owner.get(path).await.json().await.unwrap();
        (seen["state"] == "booked" && seen["wanted_slot"].is_null()).then_some(seen)
    };
    until(look).await.expect("it is booked, and wants to be nowhere else")
}

fn fields(body: &Value) -> Vec<&str> {
    body["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_first_slots_that_fit_are_found_and_can_be_booked() {
    let demo = demo().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let find = async |query: &str| student.get(&format!("/api/v1/labs/k8s/slots?{query}")).await;
    let found: Value = find("hours=2").await.json().await.unwrap();
    assert_eq!(found["slots"].as_array().unwrap().len(), 5, "{found}");
    let (status, body) = student.book(found["slots"][0]["start"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let (from, to) = (demo.course.at(2, "09:15"), demo.course.at(4, "23:00"));
    let (from, to) = (from.replace('+', "%2B"), to.replace('+', "%2B"));
    let query = format!("hours=7.5&between=09:00-17:00&earliest={from}&latest={to}&count=2");
    let found: Value = find(&query).await.json().await.unwrap();
    let slot = |day, start: &str, end: &str| (at(&demo.course.at(day, start)), at(&demo.course.at(day, end)));
    let seen: Vec<_> = found["slots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (at(it["start"].as_str().unwrap()), at(it["end"].as_str().unwrap())))
        .collect();
    assert_eq!(seen, [slot(2, "09:30", "17:00"), slot(4, "09:00", "16:30")], "{found}");
    let none: Value = find(&format!("hours=2&latest={from}&earliest={to}")).await.json().await.unwrap();
    assert_eq!(none["slots"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_search_that_cannot_be_read_is_told_each_field() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let find = async |query: &str| student.get(&format!("/api/v1/labs/{query}")).await;
    let bad = find("k8s/slots?hours=-1&earliest=soon&latest=2026&days=Caturday&between=9&count=0").await;
    let body = problem(bad, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(fields(&body), ["hours", "earliest", "latest", "days", "between", "count"], "{body}");
    let body = problem(find("k8s/slots").await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(fields(&body), ["hours"], "{body}");
    problem(find("none/slots?hours=2").await, StatusCode::NOT_FOUND).await;
    let nobody = Visitor::anonymous(demo.url());
    problem(nobody.get("/api/v1/labs/k8s/slots?hours=2").await, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn programs_can_ask_what_the_rules_make_of_a_slot() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let ask = async |start: &str, hours: &str| {
        let start = start.replace('+', "%2B");
        student.get(&format!("/api/v1/labs/k8s/explanation?start={start}&hours={hours}")).await
    };
    let (theirs, not_theirs) = (demo.course.at(2, "10:00"), demo.course.at(1, "10:00"));
    let body: Value = ask(&theirs, "4").await.json().await.unwrap();
    assert_eq!(body, json!({"accepted": true, "violations": [], "warnings": [], "nearest": []}));
    assert_eq!(student.book(&theirs).await.0, StatusCode::CREATED, "asking takes nothing");
    let body: Value = ask(&not_theirs, "9").await.json().await.unwrap();
    let codes: Vec<_> = body["violations"].as_array().unwrap().iter().map(|it| it["code"].as_str()).collect();
    assert_eq!(
        (&body["accepted"], codes),
        (&json!(false), vec![Some("wrong_day"), Some("over_cap")]),
        "{body}"
    );
    assert_eq!(
        fields(&problem(ask("soon", "").await, StatusCode::UNPROCESSABLE_ENTITY).await),
        ["start", "hours"]
    );
    let unknown = format!("/api/v1/labs/none/explanation?start={}&hours=4", theirs.replace('+', "%2B"));
    problem(student.get(&unknown).await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn programs_can_move_a_booking_that_is_theirs() {
    let demo = demo().await;
    let http = client();
    let owner = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let other = Visitor::sign_in(&http, demo.url(), "gg222").await;
    let (_, booking) = owner.book(&demo.course.at(2, "10:00")).await;
    let path = format!("/api/v1/bookings/{}", booking["id"].as_str().unwrap());
    settled(&owner, &path).await;
    let there = json!({"start": demo.course.at(4, "12:00"), "hours": 3});
    problem(other.patch(&path, &there).await, StatusCode::NOT_FOUND).await;
    problem(owner.with_token("0").patch(&path, &there).await, StatusCode::FORBIDDEN).await;
    let response = owner.patch(&path, &there).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["id"], booking["id"], "{body}");
    let span = |body: &Value| (at(body["start"].as_str().unwrap()), at(body["end"].as_str().unwrap()));
    let expected = (at(&demo.course.at(4, "12:00")), at(&demo.course.at(4, "15:00")));
    assert_eq!(span(&settled(&owner, &path).await), expected);
    assert_eq!(owner.patch(&path, &json!({"hours": 1.5})).await.status(), StatusCode::OK);
    let body = settled(&owner, &path).await;
    assert_eq!(span(&body), (expected.0, at(&demo.course.at(4, "13:30"))), "the start stays");
}

#[tokio::test]
async fn a_change_that_is_refused_or_cannot_be_read_changes_nothing() {
    let demo = demo().await;
    let owner = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let (_, booking) = owner.book(&demo.course.at(2, "10:00")).await;
    let path = format!("/api/v1/bookings/{}", booking["id"].as_str().unwrap());
    let seen = async || -> Value { owner.get(&path).await.json().await.unwrap() };
    settled(&owner, &path).await;
    let wish = json!({"start": demo.course.at(1, "10:10"), "hours": 9});
    let body = problem(owner.patch(&path, &wish).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(codes(&body), ["off_grid", "wrong_day", "over_cap"], "{body}");
    assert_eq!(body["nearest"].as_array().unwrap().len(), 3, "{body}");
    for (wish, wrong) in [
        (json!({}), vec!["start"]),
        (json!({"start": "soon", "hours": -1}), vec!["start", "hours"]),
        (json!({"hours": 0}), vec!["hours"]),
    ] {
        let body = problem(owner.patch(&path, &wish).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(fields(&body), wrong, "{body}");
    }
    let after = seen().await;
    assert_eq!((&after["start"], &after["wanted_slot"]), (&booking["start"], &Value::Null), "{after}");
}

#[tokio::test]
async fn every_start_that_is_shown_as_free_can_be_booked_at_its_length() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let shown: Value = student.get("/api/v1/labs/k8s/starts").await.json().await.unwrap();
    let free: Vec<&Value> =
        shown["starts"].as_array().unwrap().iter().filter(|it| it["free"] == true).collect();
    assert!(free.len() > 20, "{shown}");
    for start in free.iter().step_by(17) {
        let hours = start["longest_minutes"].as_f64().unwrap() / 60.0;
        let (status, body) = student.book_hours(start["start"].as_str().unwrap(), hours).await;
        assert_eq!(status, StatusCode::CREATED, "{start}: {body}");
        let path = format!("/api/v1/bookings/{}", body["id"].as_str().unwrap());
        assert_eq!(student.delete(&path).await.status(), StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn a_booking_tells_which_nodes_it_has() {
    let demo = Setup::of(Course::example().with_nodes(&["gpu-01"])).start().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let (_, booking) = student.book(&demo.course.at(0, "23:00")).await;
    assert_eq!(booking["nodes"], serde_json::json!(["gpu-01"]), "{booking}");
    let page =
        student.get(&format!("/bookings/{}", booking["id"].as_str().unwrap())).await.text().await.unwrap();
    assert!(page.contains("on gpu-01"), "{page}");
    let other = Visitor::sign_in(&http, demo.url(), "gg222").await;
    let (status, body) = other.book(&demo.course.at(0, "23:00")).await;
    assert_eq!((status, codes(&body)), (StatusCode::CONFLICT, vec!["full"]));
}
