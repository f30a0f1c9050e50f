//! Typed ids. A `LabId` can't be handed over where a `PoolId` is wanted, and each is checked once, where it enters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no id of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId {
    /// What kind of id was wanted.
    pub kind: &'static str,
    /// The text that was given.
    pub given: String,
    /// What would be right.
    pub expected: &'static str,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a {}: {}", self.given, self.kind, self.expected)
    }
}

impl std::error::Error for BadId {}

const SLUG: &str = "1 to 40 lower-case letters, digits or hyphens, with a letter or digit first";
const CODE: &str = "12 letters or digits, as shown on the page";
const NET_ID: &str = "2 to 16 letters or digits with a letter first, such as ff524";

fn is_slug(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(ok) && !text.starts_with('-')
}

/// Crockford's base 32: no i, l, o or u, so that a code read out over a telephone arrives.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CODE_LENGTH: u32 = 12;

fn is_code(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| ALPHABET.contains(&b))
}

/// The low 60 of `bits` as twelve base-32 digits.
fn code(bits: u64) -> String {
    (0..CODE_LENGTH)
        .rev()
        .filter_map(|place| {
            let digit = usize::try_from((bits >> (place * 5)) & 31).ok()?;
            ALPHABET.get(digit).map(|b| char::from(*b))
        })
        .collect()
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { kind: $kind, given: text.chars().take(60).collect(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! code_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        text_id!($(#[$doc])* $name, $kind, is_code, CODE);

        impl $name {
            /// The id made of the low 60 of `bits`, which are to be random.
            pub fn from_bits(bits: u64) -> Self {
                Self(code(bits))
            }
        }
    };
}

text_id!(
    /// A course, as `course.toml` names it.
    CourseId, "course id", is_slug, SLUG
);
text_id!(
    /// An assignment with a due date, as `course.toml` names it.
    LabId, "lab id", is_slug, SLUG
);
text_id!(
    /// One region of a cloud, as `course.toml` names it.
    SiteId, "site id", is_slug, SLUG
);
text_id!(
    /// Capacity at a site that labs draw on, as `course.toml` names it.
    PoolId, "pool id", is_slug, SLUG
);
text_id!(
    /// Who signs people in, as `identity.toml` names it. Stands in the addresses that the provider sends people back to.
    ProviderId, "provider id", is_slug, SLUG
);
text_id!(
    /// The name of one resource within its booking, such as `node1` or `network`.
    ResourceKey, "resource key", is_slug, SLUG
);
code_id!(
    /// A person, whatever the net ID becomes.
    PersonId, "person id"
);
code_id!(
    /// A booking. Also what people quote to staff.
    BookingId, "booking id"
);
code_id!(
    /// A personal exception.
    ExceptionId, "exception id"
);
code_id!(
    /// Something that the reaper leaves alone.
    ExemptionId, "exemption id"
);
code_id!(
    /// A student's place in line for a lab.
    WaitId, "wait id"
);
code_id!(
    /// What a decision was made from.
    ReceiptId, "receipt id"
);
code_id!(
    /// A time for which the reaper is stopped.
    PauseId, "pause id"
);
code_id!(
    /// An outage.
    OutageId, "outage id"
);
code_id!(
    /// A sweep of the reaper.
    SweepId, "sweep id"
);
code_id!(
    /// A session, as its person names it. It signs nobody in.
    SessionId, "session id"
);
code_id!(
    /// What a program signs in with, as people name it. It signs nobody in.
    TokenId, "token id"
);
code_id!(
    /// A roster that staff brought.
    ImportId, "import id"
);
code_id!(
    /// Something that staff have to say.
    AnnouncementId, "announcement id"
);
code_id!(
    /// Something that a site announced of its outages.
    HintId, "hint id"
);
code_id!(
    /// A message in the outbox.
    NoticeId, "notice id"
);
code_id!(
    /// This installation. Marks what it creates, so that two installations in one cloud project leave each other's alone.
    InstanceId, "instance id"
);
code_id!(
    /// A worker's right to act on a row for a while: the token that fences its writes.
    ClaimToken, "claim token"
);

fn is_net_id(text: &str) -> bool {
    (2..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

text_id!(
    /// The student's university id, such as `ff524`, in lower case.
    NetId, "net ID", is_net_id, NET_ID
);

impl NetId {
    /// Reads a net ID as a person types it: space around it and capitals are no mistake.
    pub fn typed(text: &str) -> Result<Self, BadId> {
        text.trim().to_lowercase().parse()
    }

    /// The final digit, if the id ends in one: it decides parity.
    pub fn final_digit(&self) -> Option<u32> {
        self.0.chars().last().and_then(|c| c.to_digit(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_bits_in_order() {
        assert_eq!(BookingId::from_bits(0).as_str(), "000000000000");
        assert_eq!(BookingId::from_bits(33).as_str(), "000000000011");
        assert_eq!(BookingId::from_bits(u64::MAX).as_str(), "zzzzzzzzzzzz");
        assert!(BookingId::from_bits(0x1234_5678_9abc_def0).as_str().parse::<BookingId>().is_ok());
    }

    #[test]
    fn net_ids_are_read_as_typed_and_refused_with_what_is_right() {
        assert_eq!(NetId::typed(" FF524 ").unwrap().as_str(), "ff524");
        assert_eq!(NetId::typed("ff524").unwrap().final_digit(), Some(4));
        assert_eq!(NetId::typed("abcd").unwrap().final_digit(), None);
        for bad in ["", "f", "5ff", "ff 524", "ff524; drop", "abcdefghijklmnopq", "é12"] {
            assert!(NetId::typed(bad).unwrap_err().to_string().contains("such as ff524"), "{bad}");
        }
    }
}
