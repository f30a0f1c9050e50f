//! Roles: who is what in the course, and who runs the installation.

use serde_json::json;

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer, Way};
use crate::domain::ids::NetId;
use crate::domain::person::{Person, Role};

/// Why a role was not set.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}: enrol them first")]
    NoSuchPerson(NetId),
    /// There is no course to be something in.
    #[error("there is no course to be something in: apply one first")]
    NoCourse,
    /// The person is not in the course.
    #[error("{0} is not in the course: enrol them first")]
    NotEnrolled(NetId),
    /// People and programs sign in by different ways, so neither becomes the other.
    #[error("{0} is {is}, and can't become {to}", is = .1.with_article(), to = .2.with_article())]
    Other(NetId, Role, Role),
    /// Nobody would be left who may say who is staff.
    #[error("{0} is the course's only instructor: make somebody else one first")]
    LastInstructor(NetId),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for RoleError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Says what someone is in the course. Their bookings and what they have used stay theirs; what they may do is another from
/// their next request on. The last instructor stays one, unless a command says otherwise.
pub fn appoint(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    net_id: &NetId,
    role: Role,
) -> Result<Person, RoleError> {
    let course = db::served_course(conn)?.ok_or(RoleError::NoCourse)?;
    db::lock_roles(conn, &course)?;
    let person = known(conn, net_id)?;
    let is = person.role.filter(|_| person.enrolled);
    let is = is.ok_or_else(|| RoleError::NotEnrolled(net_id.clone()))?;
    if is == role {
        return Ok(person);
    }
    if (is == Role::Service) != (role == Role::Service) {
        return Err(RoleError::Other(net_id.clone(), is, role));
    }
    db::set_role(conn, &course, &person.id, role)?;
    if is == Role::Instructor && doer.way != Way::Command {
        keep_an_instructor(conn, net_id)?;
    }
    let entry = Entry::new(Action::SetRole).about(&person.id);
    let entry = entry.before(json!({ "role": is.word() })).after(json!({ "role": role.word() }));
    audit::record(app, conn, doer, entry)?;
    Ok(Person { role: Some(role), ..person })
}

fn known(conn: &mut Conn<'_>, net_id: &NetId) -> Result<Person, RoleError> {
    db::person_by_net_id(conn, net_id)?.ok_or_else(|| RoleError::NoSuchPerson(net_id.clone()))
}

/// Two who step down at once wait for each other, so one of them sees that they are the last.
fn keep_an_instructor(conn: &mut Conn<'_>, leaving: &NetId) -> Result<(), RoleError> {
    let left = db::staff(conn)?.into_iter().any(|person| person.role == Some(Role::Instructor));
    if left { Ok(()) } else { Err(RoleError::LastInstructor(leaving.clone())) }
}

/// Says whether someone runs the installation.
pub fn set_admin(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    net_id: &NetId,
    admin: bool,
) -> Result<(), RoleError> {
    let person = known(conn, net_id)?;
    if person.admin == admin {
        return Ok(());
    }
    db::set_admin(conn, &person.id, admin)?;
    let entry = Entry::new(Action::SetAdmin).about(&person.id);
    let entry = entry.before(json!({ "admin": person.admin })).after(json!({ "admin": admin }));
    Ok(audit::record(app, conn, doer, entry)?)
}

/// Who runs the course or the installation, and the course's services, by their net IDs.
pub fn holders(conn: &mut Conn<'_>) -> Result<Vec<Person>, DbError> {
    db::people_with_roles(conn)
}
