//! People and their SSH keys.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ssh_key::{HashAlg, PublicKey};

use super::audit::{self, Entry};
use super::{App, roster};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer};
use crate::domain::contact::{MOST_OF_ACCOUNT, is_account, is_address};
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::{Choices, Person, Role};
use crate::entropy;

/// What is stored of a secret.
pub(super) fn hash(token: &str) -> String {
    entropy::hex(&Sha256::digest(token.as_bytes()))
}

/// The person with this net ID, added with that role if they are not known. For the demo's sign-in and its seed.
pub fn ensure_person(
    app: &App,
    conn: &mut Conn<'_>,
    net_id: &NetId,
    name: &str,
    role: Role,
) -> Result<Person, DbError> {
    if let Some(person) = db::person_by_net_id(conn, net_id)? {
        return Ok(person);
    }
    let mail = format!("{net_id}@example.edu");
    let person = Person::new(app.person_id(), net_id.clone(), name.to_owned(), mail, role);
    db::insert_person(conn, &person, app.now())?;
    Ok(person)
}

/// Why someone's enrolment was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// A new person has no address for mail.
    #[error("{0} is new here: say where their mail goes, too")]
    NoMail(NetId),
    /// Mail can't go there.
    #[error("\"{0}\" is not an address for mail such as ff524@example.edu")]
    BadMail(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for EnrolError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// The person drops the course: they book nothing any more, and what they have booked ends after a warning.
pub fn drop_out(app: &App, conn: &mut Conn<'_>, doer: &Doer, net_id: &NetId) -> Result<(), EnrolError> {
    let person =
        db::person_by_net_id(conn, net_id)?.ok_or_else(|| EnrolError::NoSuchPerson(net_id.clone()))?;
    if person.enrolled {
        roster::leave(app, conn, &person, roster::BOOKINGS_END_AFTER)?;
        let after = Person { enrolled: false, ..person.clone() };
        record_membership(app, conn, doer, Action::Dropped, &person, &after)?;
    }
    Ok(())
}

fn record_membership(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    action: Action,
    before: &Person,
    after: &Person,
) -> Result<(), DbError> {
    let told = |it: &Person| json!({"role": it.role, "enrolled": it.enrolled});
    let entry = Entry::new(action).about(&after.id).before(told(before)).after(told(after));
    audit::record(app, conn, doer, entry)
}

/// The person takes the course, again or from now on. Who is not known is added as a student; whose name or address is
/// given has that one from now on.
pub fn enrol(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    net_id: &NetId,
    name: Option<&str>,
    mail: Option<&str>,
) -> Result<(), EnrolError> {
    if let Some(bad) = mail.filter(|mail| !is_address(mail)) {
        return Err(EnrolError::BadMail(bad.to_owned()));
    }
    if let Some(person) = db::person_by_net_id(conn, net_id)? {
        rejoin(app, conn, doer, &person)?;
        let (name, mail) = (name.unwrap_or(&person.name), mail.unwrap_or(&person.mail));
        return Ok(set_contact(app, conn, doer, &person, name, mail)?);
    }
    let mail = mail.ok_or_else(|| EnrolError::NoMail(net_id.clone()))?;
    let name = name.unwrap_or(net_id.as_str()).to_owned();
    let person = Person::new(app.person_id(), net_id.clone(), name, mail.to_owned(), Role::Student);
    db::insert_person(conn, &person, app.now())?;
    let after = json!({"role": person.role, "enrolled": true, "name": person.name, "mail": person.mail});
    let entry = Entry::new(Action::Enrolled).about(&person.id).after(after);
    Ok(audit::record(app, conn, doer, entry)?)
}

/// Who dropped the course is in it again, and who was never in it is from now on.
fn rejoin(app: &App, conn: &mut Conn<'_>, doer: &Doer, person: &Person) -> Result<(), DbError> {
    match (person.role, db::served_course(conn)?) {
        (None, Some(course)) => {
            db::insert_membership(conn, &course, &person.id, Role::Student, app.now())?;
        }
        _ => db::set_dropped(conn, &person.id, None)?,
    }
    if person.enrolled {
        return Ok(());
    }
    let after = Person { enrolled: true, role: person.role.or(Some(Role::Student)), ..person.clone() };
    record_membership(app, conn, doer, Action::Enrolled, person, &after)
}

/// Sets what to call the person and where their mail goes, if that is another than before.
pub(super) fn set_contact(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &Person,
    name: &str,
    mail: &str,
) -> Result<(), DbError> {
    if person.name == name && person.mail == mail {
        return Ok(());
    }
    db::set_contact(conn, &person.id, name, mail)?;
    let told = |name: &str, mail: &str| json!({"name": name, "mail": mail});
    let entry = Entry::new(Action::SetContact)
        .about(&person.id)
        .before(told(&person.name, &person.mail))
        .after(told(name, mail));
    audit::record(app, conn, doer, entry)
}

/// Why the accounts of someone at the sites were not set.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// It has no characters, too many, or some that no site shows.
    #[error(
        "\"{0}\" is not the name or the id of an account: that has 1 to {MOST_OF_ACCOUNT} characters on one line"
    )]
    BadAccount(String),
    /// An object would be two people's, and so nobody's.
    #[error("\"{account}\" is {of}'s already")]
    Taken {
        /// The account.
        account: String,
        /// Whose it is.
        of: NetId,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for AccountsError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Sets the names and ids by which sites know the person, in the place of those before: what they make by hand is told by
/// them. Returns them as they are kept. An account is one person's, whatever its capitals, and no one else's net ID.
pub fn set_cloud_users(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    net_id: &NetId,
    accounts: &[String],
) -> Result<Vec<String>, AccountsError> {
    let person =
        db::person_by_net_id(conn, net_id)?.ok_or_else(|| AccountsError::NoSuchPerson(net_id.clone()))?;
    let mut kept: Vec<String> = Vec::new();
    for account in accounts {
        let account = read_account(account)?;
        if !kept.iter().any(|known| is_same_account(known, &account)) {
            kept.push(account);
        }
    }
    let (own, others): (Vec<_>, Vec<_>) =
        db::everyone(conn)?.into_iter().partition(|member| member.net_id == *net_id);
    for other in others {
        let of_other = |account: &&String| {
            let mut known = other.cloud_users.iter().map(String::as_str).chain([other.net_id.as_str()]);
            known.any(|known| is_same_account(known, account))
        };
        if let Some(account) = kept.iter().find(of_other).cloned() {
            return Err(AccountsError::Taken { account, of: other.net_id });
        }
    }
    db::set_cloud_users(conn, &person.id, &kept)?;
    let before: Vec<String> = own.into_iter().flat_map(|member| member.cloud_users).collect();
    let entry = Entry::new(Action::SetAccounts).about(&person.id).before(before).after(kept.clone());
    audit::record(app, conn, doer, entry)?;
    Ok(kept)
}

fn read_account(text: &str) -> Result<String, AccountsError> {
    let account = text.trim();
    if is_account(account) {
        Ok(account.to_owned())
    } else {
        Err(AccountsError::BadAccount(account.chars().take(60).collect()))
    }
}

fn is_same_account(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// An SSH public key, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCard {
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// The comment at its end, often `user@host`.
    pub comment: String,
    /// Such as `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The whole key on one line.
    pub line: String,
}

/// Reads an SSH public key as people paste it. The error says what is wrong and what would be right.
pub fn read_key(text: &str) -> Result<KeyCard, String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err("Paste the one line of your public key file, such as ~/.ssh/id_ed25519.pub.".to_owned());
    }
    if text.contains("PRIVATE KEY") {
        return Err(
            "That is a private key: never give it to anybody. Paste the one line of the file whose name \
                    ends in .pub."
                .to_owned(),
        );
    }
    let key = PublicKey::from_openssh(&line).map_err(|_| {
        "That is not an SSH public key. It is one line that begins with ssh-ed25519, ecdsa-sha2-nistp256 or \
         ssh-rsa."
            .to_owned()
    })?;
    if key.algorithm().is_dsa() {
        return Err("DSA keys are no longer accepted by servers. Make a new one with: ssh-keygen -t ed25519"
            .to_owned());
    }
    Ok(KeyCard {
        algorithm: key.algorithm().to_string(),
        comment: key.comment().to_owned(),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        line,
    })
}

/// Sets the person's SSH public key. Servers that exist keep the one that they got.
pub fn set_key(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
    key: &KeyCard,
) -> Result<(), DbError> {
    let before = db::person(conn, person)?.and_then(|person| person.ssh_public_key);
    db::set_ssh_public_key(conn, person, &key.line)?;
    let before = before.and_then(|line| read_key(&line).ok()).map(|card| card.fingerprint);
    let entry = Entry::new(Action::SetKey).about(person).after(key.fingerprint.clone());
    audit::record(app, conn, doer, entry.before(before.map_or(Value::Null, Value::String)))
}

/// Sets which mails the person wants from now on.
pub fn set_choices(conn: &mut Conn<'_>, person: &PersonId, choices: &Choices) -> Result<(), DbError> {
    db::set_choices(conn, person, choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

    #[test]
    fn keys_are_read_as_pasted() {
        let card = read_key(&format!("  {} \n", KEY.replace(' ', "\n"))).unwrap();
        assert_eq!((card.algorithm.as_str(), card.comment.as_str()), ("ssh-ed25519", "user@example.com"));
        assert!(card.fingerprint.starts_with("SHA256:"));
        assert_eq!(card.line, KEY);
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_what_is_right() {
        assert!(read_key(" ").unwrap_err().contains(".pub"));
        assert!(read_key("hello").unwrap_err().contains("ssh-ed25519"));
        assert!(read_key(&KEY.replace("AAAAC3", "AAAA")).unwrap_err().contains("not an SSH public key"));
        assert!(read_key("-----BEGIN OPENSSH PRIVATE KEY-----").unwrap_err().contains("private key"));
    }
}
