//! Services: programs that are in the course by themselves and sign in with tokens of their own, whoever of the staff comes
//! and goes. Each has a name like a net ID, and someone to write to.

use serde_json::{Value, json};

use super::App;
use super::audit::{self, Entry};
use super::tokens::{self, signs_in};
use crate::db::{self, Conn, DbError, Dropped, MaybeDbError, StoredToken};
use crate::domain::audit::{Action, Doer};
use crate::domain::contact::is_address;
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::{Person, Role};

/// The longest that a service is called.
const MOST_OF_TITLE: usize = 60;

/// Why a service was not added.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Someone or something else has the name.
    #[error("the name {0} is a person's or another service's: choose one that nobody has")]
    Taken(NetId),
    /// Nobody could tell what it is.
    #[error("say in 1 to {MOST_OF_TITLE} characters what the service is")]
    BadTitle,
    /// Nobody could be written to about it.
    #[error("\"{0}\" is not an address for mail such as course-staff@example.edu")]
    BadMail(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for ProgramError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// A service that is to be added.
#[derive(Debug, Clone)]
pub struct NewProgram {
    /// Its name, which is like a net ID.
    pub name: NetId,
    /// What it is, in a few words.
    pub title: String,
    /// To whom to write about it.
    pub mail: String,
}

/// A service with its tokens, the latest first.
#[derive(Debug, Clone)]
pub struct Program {
    /// The service.
    pub service: Person,
    /// Its tokens, those that are over among them.
    pub tokens: Vec<StoredToken>,
}

impl Program {
    /// How many of its tokens sign in now.
    pub fn signing_in(&self, app: &App) -> usize {
        self.tokens.iter().filter(|token| signs_in(token, app.now())).count()
    }
}

/// The services of the course, by their names.
pub fn all(conn: &mut Conn<'_>) -> Result<Vec<Program>, DbError> {
    let services = db::services(conn)?;
    let ids: Vec<&PersonId> = services.iter().map(|service| &service.id).collect();
    let held = db::tokens_of_each(conn, &ids)?;
    let of = |id: &PersonId| held.iter().filter(|(of, _)| of == id).map(|(_, token)| token.clone()).collect();
    Ok(services.iter().map(|service| Program { tokens: of(&service.id), service: service.clone() }).collect())
}

/// One service; nothing if nothing of this id is a service of the course.
pub fn one(conn: &mut Conn<'_>, id: &PersonId) -> Result<Option<Program>, DbError> {
    let service = db::person(conn, id)?.filter(is_service);
    let Some(service) = service else { return Ok(None) };
    Ok(Some(Program { tokens: db::tokens_of(conn, id)?, service }))
}

fn is_service(person: &Person) -> bool {
    person.enrolled && person.role == Some(Role::Service)
}

/// Adds a service, or brings back one that was dropped. It has no tokens then.
pub fn add(app: &App, conn: &mut Conn<'_>, doer: &Doer, wanted: &NewProgram) -> Result<Person, ProgramError> {
    let NewProgram { name, title, mail } = wanted;
    let (title, mail) = (title.trim(), mail.trim());
    if !(1..=MOST_OF_TITLE).contains(&title.chars().count()) || title.chars().any(char::is_control) {
        return Err(ProgramError::BadTitle);
    }
    if !is_address(mail) {
        return Err(ProgramError::BadMail(mail.chars().take(MOST_OF_TITLE).collect()));
    }
    let service = match db::person_by_net_id(conn, name)? {
        None => {
            let (title, mail) = (title.to_owned(), mail.to_owned());
            let service = Person::new(app.person_id(), name.clone(), title, mail, Role::Service);
            db::insert_person(conn, &service, app.now())?;
            service
        }
        Some(before) if before.role == Some(Role::Service) && !before.enrolled => {
            db::set_dropped(conn, &before.id, None)?;
            db::set_contact(conn, &before.id, title, mail)?;
            Person { name: title.to_owned(), mail: mail.to_owned(), enrolled: true, ..before }
        }
        Some(_) => return Err(ProgramError::Taken(name.clone())),
    };
    let entry = Entry::new(Action::MadeService).about(&service.id).after(told(&service));
    audit::record(app, conn, doer, entry)?;
    Ok(service)
}

fn told(service: &Person) -> Value {
    json!({"name": service.net_id, "title": service.name, "mail": service.mail})
}

/// Drops a service and revokes its tokens. False if nothing of this id is a service of the course.
pub fn drop(app: &App, conn: &mut Conn<'_>, doer: &Doer, id: &PersonId) -> Result<bool, DbError> {
    let now = app.now();
    let Some(service) = db::person(conn, id)?.filter(is_service) else { return Ok(false) };
    tokens::revoke_all(app, conn, doer, &service.id)?;
    db::set_dropped(conn, &service.id, Some(Dropped { at: now, bookings_end_at: Some(now) }))?;
    let entry = Entry::new(Action::Dropped).about(&service.id).before(told(&service));
    audit::record(app, conn, doer, entry)?;
    Ok(true)
}
