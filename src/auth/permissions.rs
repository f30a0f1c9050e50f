//! What each may do: one table, which the pages, the API and the use cases ask. `docs/permissions.md` shows it to people.

use serde::{Deserialize, Serialize};

use crate::domain::person::{Person, Role};

/// Something that someone may do. Each route needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Anyone may: to sign in, or with an address that is itself a secret.
    Anyone,
    /// Whoever is signed in may, whatever they are in the course: to sign out.
    SignedIn,
    /// To see the course's labs, what is free in them, and how its sites are.
    SeeLabs,
    /// To book a slot, and to wait for one.
    Book,
    /// To see a booking with what it holds.
    SeeBooking,
    /// To release, move, extend or shorten a booking, and to answer an offer.
    ChangeBooking,
    /// To see what was used, and what share that is.
    SeeUsage,
    /// To see what the reaper has marked.
    SeeMarks,
    /// To take back what the reaper has marked.
    Restore,
    /// To keep one's own account: key, mails, calendar, sessions.
    KeepAccount,
    /// To make and revoke tokens for one's own programs.
    KeepTokens,
    /// To see how the course runs: its rules at work, its lines, its exceptions, its reaper.
    SeeCourse,
    /// To say something to the course or to a part of it.
    Announce,
    /// To declare outages, and to put off when labs are due.
    RunOutages,
    /// To give one person other rules.
    GrantExceptions,
    /// To pause the reaper, to exempt things from it, and to try again what a site refused.
    RunReaper,
    /// To see who is in the course, with what is kept of them.
    SeePeople,
    /// To bring the roster, and to say who is in the course, and in which section and team.
    KeepRoster,
    /// To look at the pages with a student's eyes.
    LookAs,
    /// To see who did what.
    SeeAudit,
    /// To see what mail waits or was given up, and to have it tried again.
    KeepMail,
    /// To say who is staff, and to make services and their tokens.
    AppointStaff,
    /// To take out what is kept of a person, and to erase them.
    ErasePeople,
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Not at all.
    No,
    /// To what is one's own.
    Own,
    /// To what is one's own or of one's team.
    Team,
    /// To everything of the course.
    Course,
}

/// Whose something is, as seen by whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Their own.
    Own,
    /// Someone's of their team.
    Team,
    /// Somebody else's of the course.
    Others,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// To read labs, slots and sites.
    #[serde(rename = "labs:read")]
    LabsRead,
    /// To read bookings.
    #[serde(rename = "bookings:read")]
    BookingsRead,
    /// To book, to wait, and to change bookings.
    #[serde(rename = "bookings:write")]
    BookingsWrite,
    /// To read what was used, and by whom where its person may see that.
    #[serde(rename = "usage:read")]
    UsageRead,
    /// To read what the reaper has marked and plans.
    #[serde(rename = "reaper:read")]
    ReaperRead,
    /// To pause the reaper, exempt things from it, and take things back.
    #[serde(rename = "reaper:write")]
    ReaperWrite,
    /// To read who is in the course.
    #[serde(rename = "people:read")]
    PeopleRead,
    /// To bring the roster.
    #[serde(rename = "people:write")]
    PeopleWrite,
    /// To read who did what.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 9] = [
        Self::LabsRead,
        Self::BookingsRead,
        Self::BookingsWrite,
        Self::UsageRead,
        Self::ReaperRead,
        Self::ReaperWrite,
        Self::PeopleRead,
        Self::PeopleWrite,
        Self::AuditRead,
    ];

    /// The scope as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::LabsRead => "labs:read",
            Self::BookingsRead => "bookings:read",
            Self::BookingsWrite => "bookings:write",
            Self::UsageRead => "usage:read",
            Self::ReaperRead => "reaper:read",
            Self::ReaperWrite => "reaper:write",
            Self::PeopleRead => "people:read",
            Self::PeopleWrite => "people:write",
            Self::AuditRead => "audit:read",
        }
    }

    /// Reads what [`Scope::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// What it is for, in words.
    pub fn about(self) -> &'static str {
        match self {
            Self::LabsRead => "read labs, slots and sites",
            Self::BookingsRead => "read bookings",
            Self::BookingsWrite => "book, wait, and change bookings",
            Self::UsageRead => "read usage and shares",
            Self::ReaperRead => "read what the reaper has marked and plans",
            Self::ReaperWrite => "pause the reaper, exempt things, take things back",
            Self::PeopleRead => "read who is in the course",
            Self::PeopleWrite => "bring the roster",
            Self::AuditRead => "read who did what",
        }
    }

    /// Whether someone may do anything of what it is for.
    pub fn is_open_to(self, person: &Person) -> bool {
        TABLE.iter().any(|rule| rule.scope == Some(self) && rule.permission.reach(person) != Reach::No)
    }
}

/// A row of the table: what each may do, and what a token has to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What.
    pub permission: Permission,
    /// For a student.
    pub student: Reach,
    /// For a teaching assistant.
    pub assistant: Reach,
    /// For an instructor.
    pub instructor: Reach,
    /// For a service.
    pub service: Reach,
    /// For whoever runs the installation and is nothing in the course.
    pub admin: Reach,
    /// The scope that a token needs for it; no token does what has none.
    pub scope: Option<Scope>,
}

const fn rule(permission: Permission, reaches: [Reach; 5], scope: Option<Scope>) -> Rule {
    let [student, assistant, instructor, service, admin] = reaches;
    Rule { permission, student, assistant, instructor, service, admin, scope }
}

/// The table: student, assistant, instructor, service, admin.
pub const TABLE: [Rule; 21] = {
    use Permission as P;
    use Reach::{Course, No, Own, Team};
    use Scope as S;
    [
        rule(P::SeeLabs, [Course, Course, Course, Course, Course], Some(S::LabsRead)),
        rule(P::Book, [Own, Own, Own, No, No], Some(S::BookingsWrite)),
        rule(P::SeeBooking, [Team, Course, Course, Course, Course], Some(S::BookingsRead)),
        rule(P::ChangeBooking, [Own, Own, Own, No, Own], Some(S::BookingsWrite)),
        rule(P::SeeUsage, [Own, Course, Course, Course, Course], Some(S::UsageRead)),
        rule(P::SeeMarks, [Own, Course, Course, Course, Course], Some(S::ReaperRead)),
        rule(P::Restore, [Own, Course, Course, Course, Course], Some(S::ReaperWrite)),
        rule(P::KeepAccount, [Own, Own, Own, No, Own], None),
        rule(P::KeepTokens, [Own, Own, Own, No, Own], None),
        rule(P::SeeCourse, [No, Course, Course, Course, Course], Some(S::ReaperRead)),
        rule(P::Announce, [No, Course, Course, No, Course], None),
        rule(P::RunOutages, [No, Course, Course, No, Course], None),
        rule(P::GrantExceptions, [No, Course, Course, No, Course], None),
        rule(P::RunReaper, [No, Course, Course, Course, Course], Some(S::ReaperWrite)),
        rule(P::SeePeople, [No, Course, Course, Course, Course], Some(S::PeopleRead)),
        rule(P::KeepRoster, [No, Course, Course, Course, Course], Some(S::PeopleWrite)),
        rule(P::LookAs, [No, Course, Course, No, Course], None),
        rule(P::SeeAudit, [No, Course, Course, Course, Course], Some(S::AuditRead)),
        rule(P::KeepMail, [No, Course, Course, No, Course], None),
        rule(P::AppointStaff, [No, No, Course, No, Course], None),
        rule(P::ErasePeople, [No, No, Course, No, Course], None),
    ]
};

impl Rule {
    /// How far it reaches for a role.
    pub fn of_role(&self, role: Role) -> Reach {
        match role {
            Role::Student => self.student,
            Role::Assistant => self.assistant,
            Role::Instructor => self.instructor,
            Role::Service => self.service,
        }
    }
}

impl Permission {
    /// Its row; nothing for what does not depend on the course.
    pub fn rule(self) -> Option<&'static Rule> {
        TABLE.iter().find(|rule| rule.permission == self)
    }

    /// How far it reaches for a person in the course. Who has dropped it keeps what a student has of their own, as long as
    /// there is something of theirs.
    pub fn reach(self, person: &Person) -> Reach {
        let Some(row) = self.rule() else { return Reach::Course };
        let as_admin = if person.admin { row.admin } else { Reach::No };
        let as_member = match person.role {
            Some(role) if person.enrolled => row.of_role(role),
            None | Some(Role::Service) => Reach::No,
            Some(Role::Student | Role::Assistant | Role::Instructor) => row.student,
        };
        as_admin.max(as_member)
    }

    /// Whether a person may do it to something that stands so to them.
    pub fn allows(self, person: &Person, relation: Relation) -> bool {
        self.reach(person).covers(relation)
    }
}

impl Reach {
    /// Whether it reaches so far.
    pub fn covers(self, relation: Relation) -> bool {
        match relation {
            Relation::Own => self >= Self::Own,
            Relation::Team => self >= Self::Team,
            Relation::Others => self == Self::Course,
        }
    }
}

impl Relation {
    /// How what is `owner`'s stands to `person`.
    pub fn of(person: &Person, owner: &Person) -> Self {
        if person.id == owner.id {
            Self::Own
        } else if person.enrolled && owner.enrolled && person.team.is_some() && person.team == owner.team {
            Self::Team
        } else {
            Self::Others
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PersonId;
    use crate::domain::person::Team;

    fn person(bits: u64, role: Role) -> Person {
        let net_id = "ff524".parse().unwrap();
        Person::new(PersonId::from_bits(bits), net_id, "Someone".to_owned(), String::new(), role)
    }

    #[test]
    fn every_permission_has_one_row() {
        for (at, rule) in TABLE.iter().enumerate() {
            let found = TABLE.iter().position(|other| other.permission == rule.permission);
            assert_eq!(found, Some(at), "{rule:?}");
        }
    }

    #[test]
    fn nobody_who_is_less_may_do_more() {
        for rule in TABLE {
            assert!(rule.student <= rule.assistant && rule.assistant <= rule.instructor, "{rule:?}");
        }
    }

    #[test]
    fn a_student_reaches_their_own_and_sees_their_teams_bookings() {
        let team = Some(Team { section: Some("a".to_owned()), name: "red".to_owned() });
        let me = Person { team: team.clone(), ..person(1, Role::Student) };
        let mate = Person { team, ..person(2, Role::Student) };
        let other = person(3, Role::Student);
        let sees = |owner| Permission::SeeBooking.allows(&me, Relation::of(&me, owner));
        let changes = |owner| Permission::ChangeBooking.allows(&me, Relation::of(&me, owner));
        assert_eq!((sees(&me), sees(&mate), sees(&other)), (true, true, false));
        assert_eq!((changes(&me), changes(&mate), changes(&other)), (true, false, false));
        let gone = Person { enrolled: false, ..mate.clone() };
        assert!(!sees(&gone));
    }

    #[test]
    fn who_is_in_no_team_is_nobodys_mate() {
        assert_eq!(Relation::of(&person(1, Role::Student), &person(2, Role::Student)), Relation::Others);
    }

    #[test]
    fn staff_who_left_are_staff_no_more_and_strangers_are_nothing() {
        let staff = person(1, Role::Assistant);
        assert!(Permission::RunReaper.allows(&staff, Relation::Others));
        let left = Person { enrolled: false, ..staff.clone() };
        assert!(!Permission::RunReaper.allows(&left, Relation::Own));
        let stranger = Person { role: None, enrolled: false, ..staff };
        assert_eq!(Permission::SeeLabs.reach(&stranger), Reach::No);
        let admin = Person { admin: true, ..stranger };
        assert_eq!(Permission::RunReaper.reach(&admin), Reach::Course);
    }

    #[test]
    fn a_scope_is_open_to_whoever_may_do_something_of_it() {
        let open = |role| {
            let person = person(1, role);
            Scope::ALL
                .into_iter()
                .filter(|scope| scope.is_open_to(&person))
                .map(Scope::word)
                .collect::<Vec<_>>()
        };
        let student =
            ["labs:read", "bookings:read", "bookings:write", "usage:read", "reaper:read", "reaper:write"];
        assert_eq!(open(Role::Student), student);
        assert_eq!(open(Role::Assistant).len(), Scope::ALL.len());
        assert!(!open(Role::Service).contains(&"bookings:write"), "a service has no servers to log in to");
        let stranger = Person { role: None, enrolled: false, ..person(1, Role::Student) };
        assert!(!Scope::ALL.into_iter().any(|scope| scope.is_open_to(&stranger)));
    }

    #[test]
    fn a_scope_is_written_as_it_is_read() {
        for scope in Scope::ALL {
            assert_eq!(Scope::from_word(scope.word()), Some(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.word());
        }
    }
}
