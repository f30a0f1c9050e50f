//! Records of who did what. They name people and things by ids alone; what is said about them in words is kept apart, as
//! their details, which can go when a person is erased.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::ids::{
    AnnouncementId, BookingId, CourseId, ExceptionId, ExemptionId, ImportId, LabId, NoticeId, OutageId,
    PauseId, PersonId, SessionId, SiteId, SweepId, TokenId,
};

/// The actions with their words, and how each is told after whoever did it; `{about}` stands for whom it was about.
macro_rules! actions {
    ($($name:ident $word:literal $told:literal;)*) => {
        /// What someone did.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = concat!("Someone ", $told, ".")] $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The action as stored and as programs read it. A word stays what it is: records are never rewritten.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What people read after the name of whoever did it. `{about}` stands for whom it was about.
            pub fn told(self) -> &'static str {
                match self { $(Self::$name => $told,)* }
            }
        }
    };
}

actions! {
    SignedIn "signed_in" "signed in";
    RefusedSignIn "refused_sign_in" "tried to sign in and was refused";
    SignedOut "signed_out" "signed out";
    RevokedSession "revoked_session" "ended sessions of {about}";
    LinkedIdentity "linked_identity" "tied {about} to an account of the identity provider";
    UnlinkedIdentity "unlinked_identity" "untied {about} from an account of the identity provider";
    LookedAs "looked_as" "began to look at the pages as {about}";
    Viewed "viewed" "looked at a page as {about}";
    StoppedLooking "stopped_looking" "stopped looking at the pages as {about}";
    MadeToken "made_token" "made a token of {about}";
    RevokedToken "revoked_token" "revoked a token of {about}";
    MadeService "made_service" "made the service {about}";
    Enrolled "enrolled" "put {about} into the course";
    Dropped "dropped" "took {about} out of the course";
    SetContact "set_contact" "changed the name or the address of {about}";
    SetRole "set_role" "changed what {about} is in the course";
    SetAdmin "set_admin" "changed whether {about} runs the installation";
    SetAccounts "set_accounts" "set the accounts of {about} at the sites";
    SetKey "set_key" "changed the SSH key of {about}";
    EndedBookings "ended_bookings" "ended what {about} had booked";
    PreviewedRoster "previewed_roster" "looked at what a roster would change";
    ImportedRoster "imported_roster" "brought a roster";
    Placed "placed" "said where {about} stands among sections and teams";
    SetShares "set_shares" "set the shares of a section or a team";
    GrantedException "granted_exception" "granted {about} an exception";
    RevokedException "revoked_exception" "took back an exception of {about}";
    PausedReaper "paused_reaper" "paused the reaper";
    ResumedReaper "resumed_reaper" "ended a pause of the reaper";
    Exempted "exempted" "told the reaper to leave something alone";
    TookExemptionBack "took_exemption_back" "took back what the reaper was to leave alone";
    Restored "restored" "took back what the reaper had marked";
    DeclaredOutage "declared_outage" "declared an outage";
    ChangedOutage "changed_outage" "changed what is known of an outage";
    EndedOutage "ended_outage" "said that an outage is over";
    DeferredLab "deferred_lab" "put off when a lab is due";
    TriedAgain "tried_again" "had it tried again whether a site changes the ends of bookings";
    PostedAnnouncement "posted_announcement" "wrote an announcement";
    PublishedAnnouncement "published_announcement" "had an announcement published";
    EditedAnnouncement "edited_announcement" "edited an announcement";
    WithdrewAnnouncement "withdrew_announcement" "took an announcement back";
    RetriedMail "retried_mail" "had mail tried again that was given up";
    DismissedHint "dismissed_hint" "put aside what a site announced of an outage";
    AppliedCourse "applied_course" "made the course what its file says";
    ExportedPerson "exported_person" "took out what is kept of {about}";
    ErasedPerson "erased_person" "erased {about}";
    ExportedAudit "exported_audit" "took out this log";
}

impl Action {
    /// Reads what [`Action::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.word() == word)
    }
}

/// How someone came to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// On a page, or by a link in a mail.
    Page,
    /// With a program, by the API.
    Api,
    /// With a command of `fairlease`, at the machine that runs it.
    Command,
    /// Nobody: Fairlease did it by itself.
    Itself,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Page, Self::Api, Self::Command, Self::Itself];

    /// The way as stored and as programs read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Command => "command",
            Self::Itself => "itself",
        }
    }

    /// The way in words, after what was done.
    pub fn told(self) -> &'static str {
        match self {
            Self::Page => "on a page",
            Self::Api => "by the API",
            Self::Command => "by a command",
            Self::Itself => "by itself",
        }
    }

    /// Reads what [`Way::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }
}

/// Who does something, and how they came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Doer {
    /// How they came.
    pub way: Way,
    /// Who; nobody in particular if Fairlease does it by itself, or if a command was not told.
    pub actor: Option<PersonId>,
    /// As whom, if they look with someone else's eyes.
    pub behalf: Option<PersonId>,
    /// With which token, if a program came.
    pub token: Option<TokenId>,
    /// Whom a command was told that does it: a net ID or any other name.
    pub named: Option<String>,
    /// The request's id, which is in the log.
    pub request: Option<String>,
}

impl Doer {
    /// Someone who came this way.
    pub fn someone(way: Way, actor: PersonId) -> Self {
        Self { actor: Some(actor), ..Self::nobody(way) }
    }

    /// Nobody in particular, by this way.
    pub fn nobody(way: Way) -> Self {
        Self { way, actor: None, behalf: None, token: None, named: None, request: None }
    }

    /// Fairlease by itself.
    pub fn itself() -> Self {
        Self::nobody(Way::Itself)
    }

    /// A command.
    pub fn command() -> Self {
        Self::nobody(Way::Command)
    }

    /// The same, by whoever is called so: whose net ID it is will be the actor.
    pub fn named(self, name: &str) -> Self {
        Self { named: Some(name.to_owned()), ..self }
    }

    /// The same, by this person: for whoever is known only once they have signed in.
    pub fn being(self, actor: PersonId) -> Self {
        Self { actor: Some(actor), behalf: None, token: None, ..self }
    }
}

/// What something was done to, if not to a person. Ids and codes alone: no text that someone typed, nor what a site calls
/// its objects, since that may say whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// An announcement.
    Announcement(AnnouncementId),
    /// A booking.
    Booking(BookingId),
    /// The course.
    Course(CourseId),
    /// A personal exception.
    Exception(ExceptionId),
    /// Something that the reaper leaves alone.
    Exemption(ExemptionId),
    /// A roster.
    Import(ImportId),
    /// A lab.
    Lab(LabId),
    /// An outage.
    Outage(OutageId),
    /// A mail.
    Notice(NoticeId),
    /// A pause of the reaper.
    Pause(PauseId),
    /// A session.
    Session(SessionId),
    /// A site, or something there.
    Site(SiteId),
    /// A sweep of the reaper.
    Sweep(SweepId),
    /// A token.
    Token(TokenId),
}

impl Object {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Announcement(id) => ("announcement", id.as_str()),
            Self::Booking(id) => ("booking", id.as_str()),
            Self::Course(id) => ("course", id.as_str()),
            Self::Exception(id) => ("exception", id.as_str()),
            Self::Exemption(id) => ("exemption", id.as_str()),
            Self::Import(id) => ("import", id.as_str()),
            Self::Lab(id) => ("lab", id.as_str()),
            Self::Outage(id) => ("outage", id.as_str()),
            Self::Notice(id) => ("notice", id.as_str()),
            Self::Pause(id) => ("pause", id.as_str()),
            Self::Session(id) => ("session", id.as_str()),
            Self::Site(id) => ("site", id.as_str()),
            Self::Sweep(id) => ("sweep", id.as_str()),
            Self::Token(id) => ("token", id.as_str()),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.parts();
        write!(f, "{kind}:{id}")
    }
}

impl FromStr for Object {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no object such as booking:0123456789ab");
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        let object = match kind {
            "announcement" => id.parse().map(Self::Announcement),
            "booking" => id.parse().map(Self::Booking),
            "course" => id.parse().map(Self::Course),
            "exception" => id.parse().map(Self::Exception),
            "exemption" => id.parse().map(Self::Exemption),
            "import" => id.parse().map(Self::Import),
            "lab" => id.parse().map(Self::Lab),
            "outage" => id.parse().map(Self::Outage),
            "notice" => id.parse().map(Self::Notice),
            "pause" => id.parse().map(Self::Pause),
            "session" => id.parse().map(Self::Session),
            "site" => id.parse().map(Self::Site),
            "sweep" => id.parse().map(Self::Sweep),
            "token" => id.parse().map(Self::Token),
            _ => return Err(wrong()),
        };
        object.map_err(|_| wrong())
    }
}

/// A record as it is stored: text, so that also one that somebody has tampered with can be read and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the chain, from 1 on.
    pub number: i64,
    /// When, to the microsecond.
    pub at: DateTime<Utc>,
    /// The word of its [`Way`].
    pub way: String,
    /// Who.
    pub actor: Option<String>,
    /// As whom.
    pub behalf: Option<String>,
    /// With which token.
    pub token: Option<String>,
    /// The word of its [`Action`].
    pub action: String,
    /// The course.
    pub course: Option<String>,
    /// Whom it was about.
    pub about: Option<String>,
    /// What it was done to, as an [`Object`] is written.
    pub object: Option<String>,
    /// The request's id.
    pub request: Option<String>,
    /// The hash of its details.
    pub details_hash: String,
    /// The hash of the record before it; [`NOTHING`] for the first.
    pub previous_hash: String,
}

/// What stands for the hash of the record before the first.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The last record of the chain, or one that was it once: whoever notes it elsewhere can tell later whether the log still goes
/// through it. Written `NUMBER:HASH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The record's number.
    pub number: i64,
    /// Its hash.
    pub hash: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_hash =
            |hash: &&str| hash.len() == NOTHING.len() && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let read = || {
            let (number, hash) = text.trim().split_once(':')?;
            let number = number.parse().ok().filter(|number| *number > 0)?;
            Some(Self { number, hash: Some(hash).filter(is_hash)?.to_lowercase() })
        };
        read().ok_or_else(|| {
            format!("\"{text}\" is not NUMBER:HASH as `fairlease audit head` prints it, the hash in 64 hexadecimal digits")
        })
    }
}

/// What is hashed of a record begins so; another order or other fields get another name.
const RECORD: &str = "fairlease audit record 1";

/// What is hashed of a record's details begins so.
const DETAILS: &str = "fairlease audit details 1";

impl Record {
    /// What its hash is made from. `docs/audit.md` has the order of the fields.
    pub fn encoded(&self) -> String {
        let (number, at) = (self.number.to_string(), self.at.timestamp_micros().to_string());
        encoded(&[
            Some(RECORD),
            Some(&number),
            Some(&at),
            Some(&self.way),
            self.actor.as_deref(),
            self.behalf.as_deref(),
            self.token.as_deref(),
            Some(&self.action),
            self.course.as_deref(),
            self.about.as_deref(),
            self.object.as_deref(),
            self.request.as_deref(),
            Some(&self.details_hash),
            Some(&self.previous_hash),
        ])
    }
}

/// What is said of a record in words: apart from it, so that it can go when the person is erased whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Keeps its hash from telling what was there, once it is gone.
    pub salt: String,
    /// JSON: why, and what it was before and after.
    pub content: String,
}

impl Details {
    /// What its hash is made from.
    pub fn encoded(&self) -> String {
        encoded(&[Some(DETAILS), Some(&self.salt), Some(&self.content)])
    }
}

/// Fields one after the other, each as a netstring: how many bytes it has, a colon, the bytes, a comma. A field that is not
/// there is `-,`. So no two lists of fields are written alike.
fn encoded(fields: &[Option<&str>]) -> String {
    use fmt::Write as _;
    fields.iter().fold(String::new(), |mut text, field| {
        let _ = match field {
            Some(field) => write!(text, "{}:{field},", field.len()),
            None => text.write_str("-,"),
        };
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_they_are_read_and_are_words() {
        for action in Action::ALL {
            assert_eq!(Action::from_word(action.word()), Some(*action));
            assert!(action.word().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{action:?}");
        }
        for way in Way::ALL {
            assert_eq!(Way::from_word(way.word()), Some(way));
        }
    }

    #[test]
    fn an_object_is_written_as_it_is_read() {
        let code = "0123456789ab";
        for kind in [
            "announcement",
            "booking",
            "course",
            "exception",
            "exemption",
            "import",
            "lab",
            "pause",
            "session",
            "site",
            "sweep",
            "token",
        ] {
            let text = format!("{kind}:{code}");
            assert_eq!(text.parse::<Object>().unwrap().to_string(), text);
        }
        for bad in ["", "booking", "booking:", "person:0123456789ab", "lab:A Lab"] {
            assert!(bad.parse::<Object>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_head_is_written_as_it_is_read() {
        let text = format!("12:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Head>().unwrap().to_string(), text);
        for bad in ["", "12", "0:00", &format!("0:{NOTHING}"), &format!("1:{}", "x".repeat(64))] {
            assert!(bad.parse::<Head>().unwrap_err().contains("NUMBER:HASH"), "{bad}");
        }
    }

    #[test]
    fn no_two_lists_of_fields_are_written_alike() {
        let lists: [&[Option<&str>]; 8] = [
            &[Some("a"), Some("b")],
            &[Some("ab")],
            &[Some("ab"), Some("")],
            &[Some("a,1:b")],
            &[Some("a"), None, Some("b")],
            &[None, Some("a"), Some("b")],
            &[Some("-,")],
            &[None],
        ];
        for (at, one) in lists.iter().enumerate() {
            for other in lists.iter().skip(at + 1) {
                assert_ne!(encoded(one), encoded(other));
            }
        }
        assert_eq!(encoded(&[Some("\u{e9}"), None, Some("")]), "2:\u{e9},-,0:,");
    }
}
