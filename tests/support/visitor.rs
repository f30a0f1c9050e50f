//! Someone without a browser: a session's cookie, and the token that its forms carry.

use reqwest::header::{COOKIE, HeaderMap, IF_MATCH, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::KEY;

/// A client that follows nowhere and keeps nothing, so that a test sees every answer.
pub(crate) fn client() -> Client {
    // Fails where it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Visitor {
    http: Client,
    url: String,
    cookie: String,
    csrf: String,
}

fn cookie(headers: &HeaderMap) -> String {
    let set = headers.get(SET_COOKIE).expect("a session's cookie").to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

impl Visitor {
    /// Nobody in particular.
    pub(crate) fn anonymous(url: &str) -> Self {
        Self { http: client(), url: url.to_owned(), cookie: String::new(), csrf: String::new() }
    }

    /// Signs in by name, without an SSH key.
    pub(crate) async fn sign_in_without_key(http: &Client, url: &str, net_id: &str) -> Self {
        let response = http.post(format!("{url}/sign-in")).form(&[("net_id", net_id)]).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = cookie(response.headers());
        let visitor = Self { http: http.clone(), url: url.to_owned(), cookie, csrf: String::new() };
        let me = visitor.get("/me").await.text().await.unwrap();
        let csrf = me.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        visitor.with_token(csrf)
    }

    /// Signs in by name and saves an SSH key.
    pub(crate) async fn sign_in(http: &Client, url: &str, net_id: &str) -> Self {
        let visitor = Self::sign_in_without_key(http, url, net_id).await;
        let saved = visitor.post("/me/key", &[("public_key", KEY)]).await;
        assert_eq!(saved.status(), StatusCode::SEE_OTHER);
        visitor
    }

    /// The same session at another address.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same session with another token in its forms.
    pub(crate) fn with_token(&self, csrf: &str) -> Self {
        Self { csrf: csrf.to_owned(), ..self.clone() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.header(COOKIE, &self.cookie).header("X-CSRF-Token", &self.csrf)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path).send().await.unwrap()
    }

    /// Sends a form with the session's token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let fields = [fields, &[("csrf", &self.csrf)]].concat();
        self.request(Method::POST, path).form(&fields).send().await.unwrap()
    }

    /// Sends the API a body.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Asks the API to change a booking.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Response {
        self.request(Method::PATCH, path).json(body).send().await.unwrap()
    }

    /// The same if the booking is as it was when the API gave it this tag.
    pub(crate) async fn patch_if(&self, path: &str, tag: &str, body: &Value) -> Response {
        self.request(Method::PATCH, path).header(IF_MATCH, tag).json(body).send().await.unwrap()
    }

    pub(crate) async fn delete_if(&self, path: &str, tag: &str) -> Response {
        self.request(Method::DELETE, path).header(IF_MATCH, tag).send().await.unwrap()
    }

    /// Books two hours through the API.
    pub(crate) async fn book(&self, start: &str) -> (StatusCode, Value) {
        self.book_hours(start, 2.0).await
    }

    /// Books through the API.
    pub(crate) async fn book_hours(&self, start: &str, hours: f64) -> (StatusCode, Value) {
        let wish = json!({"start": start, "hours": hours});
        let response =
            self.request(Method::POST, "/api/v1/labs/k8s/bookings").json(&wish).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}
