//! Sign-in in a browser, at a certified provider's implementation, through `fairlease serve`.

use fairlease::db::{self, DbError};
use fairlease::domain::person::Person;
use serde_json::{Value, json};

use super::screenshots::poses;
use crate::support::browser::Student;
use crate::support::provider::{Cookies, Provider, through_the_provider};
use crate::support::service::Service;
use crate::support::visitor::client;

async fn provider() -> Provider {
    let provider = Provider::start().await;
    for login in ["ff524", "stranger1"] {
        provider.account(login, json!({})).await;
    }
    provider
}

/// Presses the button, and says at the provider who they are, if it asks.
async fn goes_in(student: &Student, login: Option<&str>) {
    student.open("/sign-in?return_to=/me").await;
    student.press("Sign in with NYU").await;
    if let Some(login) = login {
        student.fill("Login", login).await;
        student.press("Continue").await;
    }
}

async fn person(service: &Service, net_id: &str) -> Option<Person> {
    let net_id = net_id.parse().unwrap();
    let database = service.database();
    let found = database.read::<_, DbError, _>("test", move |conn| db::person_by_net_id(conn, &net_id));
    found.await.unwrap()
}

async fn is_not_signed_in(student: &Student, why: &str) {
    student.sees("You were not signed in").await;
    student.sees(why).await;
    assert_eq!(student.status().await, 403);
}

#[tokio::test]
async fn someone_signs_in_and_out_at_both_ends() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    assert_eq!(student.address().await, "/sign-in?return_to=/");
    poses(&student, "sign-in").await;
    student.open("/labs/k8s").await;
    student.press("Sign in with NYU").await;
    student.fill("Login", "ff524").await;
    student.press("Continue").await;
    student.sees("Sign out").await;
    assert_eq!(student.address().await, "/labs/k8s");
    let known = person(&service, "ff524").await.unwrap();
    assert_eq!((known.name.as_str(), known.mail.as_str()), ("Name of ff524", "ff524@example.edu"));

    student.press("Sign out").await;
    student.press("Sign me out everywhere").await;
    student.sees("Sign in with NYU").await;
    assert_eq!(student.address().await, "/sign-in");
    goes_in(&student, Some("ff524")).await;
    student.sees("Sign out").await;

    student.open(&format!("{}/session/end", provider.issuer)).await;
    student.press("Sign me out everywhere").await;
    student.sees("You are signed out of the provider.").await;
    student.open("/me").await;
    student.sees("Sign in with NYU").await;
    assert_eq!(student.console_errors().await, [""; 0]);

    let log = service.log();
    for secret in ["ff524", "code=", "state=", "example.edu", "Name of"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn without_javascript_it_is_the_same_and_also_if_the_token_says_who_someone_is() {
    let provider = provider().await;
    provider.claims_in_token(true).await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    student.switch_javascript_off().await;
    goes_in(&student, Some("ff524")).await;
    student.sees("Sign out").await;
    student.press("Sign out").await;
    student.press("Sign me out everywhere").await;
    student.sees("Sign in with NYU").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_and_what_is_right_gets_in() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    let mut login = Some("ff524");
    for (fault, why) in [
        (json!({"claims": {"nonce": "another"}}), "the token answers another sign-in"),
        (json!({"claims": {"aud": "another"}}), "the token is not for us"),
        (json!({"from_now": {"iat": -300, "exp": -90}}), "the token's time is over"),
        (json!({"from_now": {"iat": 120}}), "the token is from the future"),
        (json!({"sign": "another key"}), "the token's signature is not the provider's"),
        (json!({"sign": "none"}), "the token is not signed"),
        (json!({"sign": "HS256"}), "the token is signed in a way that is not accepted"),
    ] {
        provider.fault(fault).await;
        goes_in(&student, login.take()).await;
        is_not_signed_in(&student, why).await;
    }
    poses(&student, "sign-in-refused").await;
    student.reload().await;
    student.sees("This sign-in is over").await;
    student.open("/me").await;
    student.sees("Sign in with NYU").await;
    for fault in [json!({"from_now": {"iat": 30}}), json!({"from_now": {"exp": -30}}), json!({})] {
        provider.fault(fault).await;
        goes_in(&student, None).await;
        student.sees("Sign out").await;
        assert_eq!(student.address().await, "/me");
    }
}

#[tokio::test]
async fn states_are_each_browsers_own() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    let first = student.tab().await;
    student.press("Sign in with NYU").await;
    student.sees("Login").await;
    student.opens_a_tab().await;
    goes_in(&student, Some("ff524")).await;
    student.sees("Sign out").await;
    student.looks_at(&first).await;
    student.fill("Login", "ff524").await;
    student.press("Continue").await;
    student.sees("Sign out").await;

    let (http, other) = (client(), Cookies::default());
    let begun = http.post(format!("{}/sign-in/nyu", service.url)).form(&[("return_to", "/")]);
    let page = other.send(begun).await.text().await.unwrap();
    let to = page
        .split("<a class=\"button\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&");
    let back = through_the_provider(&provider, &other, to.parse().unwrap(), "ff524").await;
    student.open(back.as_str()).await;
    student.sees("This sign-in is over").await;
    assert_eq!(student.status().await, 400);
    poses(&student, "sign-in-over").await;
}

#[tokio::test]
async fn keys_and_addresses_change_while_someone_is_in() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    goes_in(&student, Some("ff524")).await;
    student.sees("Sign out").await;
    provider.rotate().await;
    provider.account("ff524", json!({"email": "new@example.edu"})).await;
    student.reload().await;
    student.sees("Sign out").await;
    goes_in(&student, None).await;
    student.sees("Sign out").await;
    assert_eq!(person(&service, "ff524").await.unwrap().mail, "new@example.edu");
}

#[tokio::test]
async fn a_stranger_is_told_and_no_account_is_made() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    goes_in(&student, Some("stranger1")).await;
    student.sees("You are not on the roster").await;
    student.sees("No account was made for you").await;
    assert_eq!(student.status().await, 403);
    poses(&student, "sign-in-stranger").await;
    let known: Vec<Value> = service
        .database()
        .read::<_, DbError, _>("test", db::everyone)
        .await
        .unwrap()
        .iter()
        .map(|member| json!(member.net_id.as_str()))
        .collect();
    assert_eq!(known, [json!("ff524")]);
    student.open("/me").await;
    student.sees("Sign in with NYU").await;
}

#[tokio::test]
async fn while_the_provider_is_down_sessions_go_on() {
    let provider = provider().await;
    let service = Service::start(&provider, &["ff524"]).await;
    let student = service.visitor().await;
    provider.goes_down().await;
    student.press("Sign in with NYU").await;
    student.sees("NYU can't be reached at present").await;
    student.sees("Whoever is signed in stays signed in").await;
    assert_eq!(student.status().await, 503);
    poses(&student, "sign-in-down").await;
    provider.comes_up().await;
    goes_in(&student, Some("ff524")).await;
    student.sees("Sign out").await;
    provider.goes_down().await;
    student.open("/me").await;
    student.sees("Sign out").await;
}
