//! The pages and the API of a world, served in this process: what a whole request sees, at whatever time the world's clock
//! says that it is.

use std::net::TcpListener;
use std::thread::JoinHandle;

use fairlease::auth::permissions::Scope;
use fairlease::db::DbError;
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

/// A world that is being served. It stops when this is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    http: Client,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
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
    /// Serves it on a free port.
    pub(crate) fn serve(&self) -> Served {
        self.serve_with(None)
    }

    /// The same with what exists only in the demo.
    pub(crate) fn serve_as_demo(&self) -> Served {
        self.serve_with(Some(Demo { mailbox: None, simulated: true, people: Vec::new() }))
    }

    fn serve_with(&self, demo: Option<Demo>) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = watch::channel(false);
        let state = WebState { app: self.app.clone(), demo, stop: stopped };
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(web::serve(listener, state)).unwrap();
        };
        Served { url, http: client(), stop, server: Some(std::thread::spawn(serve)) }
    }

    /// A session of a person.
    pub(crate) async fn session_of(&self, person: &PersonId) -> Credential {
        let (app, person) = (self.app.clone(), person.clone());
        let begun = self.app.db.write::<_, DbError, _>("session", move |conn| {
            let token = sessions::begin(&app, conn, &person, &SignIn::default())?.token;
            let session = sessions::of_token(&app, conn, &token)?.unwrap();
            Ok(Credential::Session { token, csrf: session.stored.csrf })
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
        let made = self.app.db.write("token", move |conn| tokens::make(&app, conn, &wanted)).await.unwrap();
        Credential::Bearer(made.secret.expose_secret().to_owned())
    }
}

impl Served {
    /// A request of someone, without a form's token.
    pub(crate) fn request(&self, who: &Credential, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match who {
            Credential::None => request,
            // The world's public address is encrypted, so the cookie has the name that is bound to it.
            Credential::Session { token, .. } => {
                request.header(COOKIE, format!("__Host-fairlease-session={token}"))
            }
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

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let ended = server.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server failed");
        }
    }
}
