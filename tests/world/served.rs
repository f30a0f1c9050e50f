//! The pages and the API of a world, served in this process: what a whole request sees, at whatever time the world's clock
//! says that it is.

use std::net::TcpListener;
use std::sync::Arc;

use fairlease::auth::openid::Providers;
use fairlease::auth::permissions::Scope;
use fairlease::db::DbError;
use fairlease::domain::audit::Doer;
use fairlease::domain::ids::PersonId;
use fairlease::services::sessions::{self, SignIn};
use fairlease::services::tokens::{self, NewToken};
use fairlease::web::{self, Demo, WebState};
use reqwest::header::{AUTHORIZATION, COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use super::World;
use crate::support::visitor::client;

/// The pages of a world, with sign-in by name, until this is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) metrics: String,
    http: Client,
    cookie: &'static str,
    _stop: watch::Sender<bool>,
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) fn serve(world: &World) -> Served {
    start(world, Arc::default(), Some(Demo { mailbox: None, simulated: true, people: Vec::new() }))
}

fn start(world: &World, providers: Arc<Providers>, demo: Option<Demo>) -> Served {
    let (said, stop) = watch::channel(false);
    let ((pages, url), (figures, metrics)) = (listen(), listen());
    let state = WebState { providers, demo, ..WebState::new(world.app.clone(), stop) };
    tokio::spawn(web::serve(pages, state.clone()));
    tokio::spawn(web::serve_metrics(figures, state));
    // Where the public address is encrypted, the cookie's name is bound to the host.
    let secure = world.app.public_url.starts_with("https://");
    let cookie = if secure { "__Host-fairlease-session" } else { "fairlease-session" };
    Served { url, metrics, http: client(), cookie, _stop: said }
}

/// How someone comes.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// As nobody.
    None,
    /// With a browser's session, and the token that its forms carry.
    Session { token: String, csrf: String },
    /// With a program's token.
    Bearer(String),
}

impl World {
    /// Serves it with those who sign people in, and without the demo's sign-in.
    pub(crate) fn serve_with_providers(&self, providers: Providers) -> Served {
        start(self, Arc::new(providers), None)
    }

    /// A session of a person.
    pub(crate) async fn session_of(&self, person: &PersonId) -> Credential {
        let (app, person) = (self.app.clone(), person.clone());
        let begun = self.app.db.write::<_, DbError, _>("session", move |conn| {
            let token = sessions::begin(&app, conn, &Doer::itself(), &person, &SignIn::default())?.token;
            let session = sessions::of_token(&app, conn, &token)?.unwrap();
            let (token, csrf) =
                (token.expose_secret().to_owned(), session.stored.csrf.expose_secret().to_owned());
            Ok(Credential::Session { token, csrf })
        });
        begun.await.unwrap()
    }

    /// A token of a person for these scopes.
    pub(crate) async fn token_of(&self, person: &PersonId, scopes: &[Scope]) -> Credential {
        let wanted = NewToken {
            person: person.clone(),
            name: "a program".to_owned(),
            scopes: scopes.to_vec(),
            days: 7,
            by: person.clone(),
        };
        let app = self.app.clone();
        let made = self
            .app
            .db
            .write("token", move |conn| tokens::make(&app, conn, &Doer::itself(), &wanted))
            .await
            .unwrap();
        Credential::Bearer(made.secret.expose_secret().to_owned())
    }
}

impl Served {
    /// A request of someone, without a form's token.
    pub(crate) fn request(&self, who: &Credential, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match who {
            Credential::None => request,
            Credential::Session { token, .. } => request.header(COOKIE, format!("{}={token}", self.cookie)),
            Credential::Bearer(secret) => request.header(AUTHORIZATION, format!("Bearer {secret}")),
        }
    }

    /// The same with the token that a form of theirs carries.
    pub(crate) fn form(&self, who: &Credential, method: Method, path: &str) -> RequestBuilder {
        let request = self.request(who, method, path);
        match who {
            Credential::Session { csrf, .. } => request.header("X-CSRF-Token", csrf),
            _ => request,
        }
    }
}
