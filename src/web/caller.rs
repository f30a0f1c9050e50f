//! Who asks.

use secrecy::ExposeSecret as _;

use crate::auth::permissions::{Permission, Reach};
use crate::domain::ids::PersonId;
use crate::domain::person::{Person, Role};
use crate::services::sessions::Session;
use crate::services::tokens::TokenCard;
use crate::web::pages::layout::Viewer;

/// Who asks, and how they came.
#[derive(Debug, Clone)]
pub struct Caller {
    /// With whose eyes: their own, or those of a student if staff look as one.
    pub person: Person,
    by: By,
}

/// How someone came.
#[derive(Debug, Clone)]
enum By {
    /// With a browser's session.
    Session(Box<Session>),
    /// With a program's token.
    Token(TokenCard),
}

impl From<Session> for Caller {
    fn from(session: Session) -> Self {
        Self { person: session.person.clone(), by: By::Session(Box::new(session)) }
    }
}

impl From<(Person, TokenCard)> for Caller {
    fn from((person, token): (Person, TokenCard)) -> Self {
        Self { person, by: By::Token(token) }
    }
}

impl Caller {
    /// Their browser's session, if they came with one.
    pub fn session(&self) -> Option<&Session> {
        match &self.by {
            By::Session(session) => Some(session),
            By::Token(_) => None,
        }
    }

    /// Their program's token, if they came with one.
    pub fn token(&self) -> Option<&TokenCard> {
        match &self.by {
            By::Session(_) => None,
            By::Token(token) => Some(token),
        }
    }

    /// What each form of their session carries. Programs send no forms.
    pub fn csrf(&self) -> &str {
        self.session().map_or("", |session| session.stored.csrf.expose_secret())
    }

    /// Who the frame of a page says that they are.
    pub fn viewer(&self) -> Viewer {
        let role = self.person.role.map_or("", Role::title).to_owned();
        Viewer {
            net_id: self.owner().net_id.to_string(),
            role: self.looking_as().map_or(role, |whom| format!("looking as {whom}")),
            staff: self.sees_all(Permission::SeeCourse),
        }
    }

    /// Who they are, whoever's eyes they look with.
    pub fn owner(&self) -> &Person {
        self.session().map_or(&self.person, Session::owner)
    }

    /// Whose eyes they look with, if these are not their own: nothing can be changed then, and nothing counts as that
    /// person's doing.
    pub fn looks_as(&self) -> Option<&PersonId> {
        let looks = self.session().is_some_and(|session| session.looking.is_some());
        looks.then_some(&self.person.id)
    }

    /// Whether they are who the other is, and see with the same eyes.
    pub fn sees_with_eyes_of(&self, other: &Self) -> bool {
        (&self.person.id, &self.owner().id) == (&other.person.id, &other.owner().id)
    }

    /// The net ID of whose eyes these are.
    pub fn looking_as(&self) -> Option<String> {
        self.looks_as().map(|_| self.person.net_id.to_string())
    }

    /// Whether a permission reaches to everything of the course for them.
    pub fn sees_all(&self, permission: Permission) -> bool {
        self.reach(permission) == Reach::Course
    }

    /// How far a permission reaches for them: to end a look at the pages, they have their own; a token has no more than it
    /// is for.
    pub fn reach(&self, permission: Permission) -> Reach {
        let person = if permission == Permission::LookAs { self.owner() } else { &self.person };
        let reach = permission.reach(person);
        let is_for = |token: &TokenCard| {
            let scope = permission.rule().and_then(|rule| rule.scope);
            scope.is_some_and(|scope| token.scopes.contains(&scope))
        };
        if self.token().is_none_or(is_for) { reach } else { Reach::No }
    }
}
