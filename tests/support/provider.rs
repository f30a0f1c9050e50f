//! A certified OpenID Connect provider's implementation, which a test makes lie, and someone who signs in there.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::given;
use super::process::{Ending, Process};
use super::visitor::client;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/provider.mjs");

/// What the provider calls the service.
pub(crate) const CLIENT: &str = "fairlease";

/// What it gave the service.
pub(crate) const SECRET: &str = "a-secret-of-the-tests-which-is-long-enough";

/// A provider that runs while this is there.
pub(crate) struct Provider {
    _server: Process,
    /// Its address.
    pub(crate) issuer: String,
    control: String,
    http: Client,
}

impl Provider {
    /// Starts one on free ports, with the packages in the directory that `FAIRLEASE_TEST_OIDC` names.
    pub(crate) async fn start() -> Self {
        let mut command = Command::new("node");
        command.arg(SCRIPT).arg(given("FAIRLEASE_TEST_OIDC"));
        let mut server = Process::start("the provider", &mut command, Ending::Asked);
        let issuer = server.hear(|line| line.strip_prefix("issuer ").map(str::to_owned)).await;
        let control = server.hear(|line| line.strip_prefix("control ").map(str::to_owned)).await;
        Self { _server: server, issuer, control, http: client() }
    }

    async fn tell(&self, what: &str, how: Value) -> String {
        let url = format!("{}/{what}", self.control);
        let response = self.http.post(url).body(how.to_string()).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{what}: {text}");
        text
    }

    /// Makes it know the addresses of a service at `url` that calls it `id`.
    pub(crate) async fn knows(&self, url: &str, id: &str) {
        let client = json!({
            "redirect_uris": [format!("{url}/sign-in/{id}/callback")],
            "post_logout_redirect_uris": [format!("{url}/sign-in")],
            "backchannel_logout_uri": format!("{url}/sign-in/{id}/ended"),
            "backchannel_logout_session_required": true,
        });
        self.tell("client", client).await;
    }

    /// Makes it know someone: their subject is `sub-` and what they type.
    pub(crate) async fn account(&self, login: &str, claims: Value) {
        let mut account = json!({
            "sub": format!("sub-{login}"), "login": login, "preferred_username": login,
            "name": format!("Name of {login}"), "email": format!("{login}@example.edu"), "email_verified": true,
            "groups": ["students"],
        });
        account.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        self.tell("account", account).await;
    }

    /// Makes its next token wrong: `claims` to replace, `from_now` seconds for those that are times, and `sign`.
    pub(crate) async fn fault(&self, fault: Value) {
        self.tell("fault", fault).await;
    }

    /// Gives it new keys, and takes the old ones away.
    pub(crate) async fn rotate(&self) {
        self.tell("rotate", json!({})).await;
    }

    /// Whether claims are in its tokens, or only to be asked for.
    pub(crate) async fn claims_in_token(&self, on: bool) {
        self.tell("claims_in_token", json!({ "on": on })).await;
    }

    /// What it would send in its back channel, with what is to be changed of it.
    pub(crate) async fn logout_token(&self, changes: Value) -> String {
        self.tell("logout_token", changes).await
    }

    /// Makes it unreachable.
    pub(crate) async fn goes_down(&self) {
        self.tell("down", json!({})).await;
    }

    /// Makes it reachable again at the same address.
    pub(crate) async fn comes_up(&self) {
        self.tell("up", json!({})).await;
    }
}

/// Someone with cookies, and no more of a browser.
#[derive(Default)]
pub(crate) struct Cookies(Mutex<BTreeMap<String, String>>);

impl Cookies {
    /// Sends a request with the cookies that there are, and keeps those that come. Cookies of other addresses go along:
    /// their names differ.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Response {
        let cookies: Vec<_> =
            self.0.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.0.lock().unwrap();
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// Puts a cookie there, as somebody else might.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The value of a cookie.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

/// Where an answer sends the browser.
pub(crate) fn location(response: &Response) -> Url {
    assert!(response.status().is_redirection(), "{response:?}");
    response.url().join(response.headers()[LOCATION].to_str().unwrap()).unwrap()
}

/// Goes through the provider's pages from `to`, types `login` if it asks, and stops where it sends the browser back to
/// us. With nobody's login the provider says no.
pub(crate) async fn through_the_provider(
    provider: &Provider,
    cookies: &Cookies,
    to: Url,
    login: &str,
) -> Url {
    let mut at = to;
    for _ in 0..10 {
        if !at.as_str().starts_with(&provider.issuer) {
            return at;
        }
        let response = if at.path().starts_with("/login/") {
            let fields = [("login", login), ("do", "login")];
            cookies.send(provider.http.post(at).form(&fields)).await
        } else {
            cookies.send(provider.http.get(at)).await
        };
        at = location(&response);
    }
    panic!("the provider sends the browser in circles: {at}");
}
