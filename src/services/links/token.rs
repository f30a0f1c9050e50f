//! The token in a link's address: what the link does, whose it is and up to when, and the installation's signature of that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::domain::blueprint::Kind;
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::link::Link;
use crate::domain::notice::Topic;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Whose it is.
    pub(super) person: PersonId,
    /// From when on it is refused; to the second.
    pub(super) expires_at: DateTime<Utc>,
    /// What it does; ends of bookings to the second.
    pub(super) link: Link,
}

/// Between the parts of what is signed. Only the last part, the site's id of an object, may hold it.
const SEPARATOR: char = '|';

/// The token of a ticket. The last of its letters is never a hyphen, which programs that make links of addresses leave out.
pub(super) fn write(key: &SecretString, ticket: &Ticket) -> String {
    let said = URL_SAFE_NO_PAD.encode(ticket.written());
    let signature = URL_SAFE_NO_PAD.encode(mac(key, &said).finalize().into_bytes());
    format!("{said}.{signature}")
}

/// What a token says, if this installation has signed just that.
pub(super) fn read(key: &SecretString, token: &str) -> Option<Ticket> {
    let (said, signature) = token.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    // The time that this takes does not depend on how much of it is right.
    mac(key, said).verify_slice(&signature).ok()?;
    let said = URL_SAFE_NO_PAD.decode(said).ok()?;
    Ticket::read(std::str::from_utf8(&said).ok()?)
}

fn mac(key: &SecretString, said: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes());
    mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")).chain_update(said)
}

impl Ticket {
    fn written(&self) -> String {
        let mut parts = vec![self.person.to_string(), self.expires_at.timestamp().to_string()];
        match &self.link {
            Link::Extend { booking, from, to } => parts.extend([
                "extend".to_owned(),
                booking.to_string(),
                from.timestamp().to_string(),
                to.timestamp().to_string(),
            ]),
            Link::Release { booking, end } => {
                parts.extend(["release".to_owned(), booking.to_string(), end.timestamp().to_string()]);
            }
            Link::Accept { booking, until } => parts.extend(offer("accept", booking, *until)),
            Link::Pass { booking, until } => parts.extend(offer("pass", booking, *until)),
            Link::Restore { site, kind, site_ref, warned_at } => parts.extend([
                "restore".to_owned(),
                site.to_string(),
                kind.word().to_owned(),
                warned_at.timestamp_micros().to_string(),
                site_ref.clone(),
            ]),
            Link::TurnOff { topic } => parts.extend(["turn-off".to_owned(), topic.word().to_owned()]),
        }
        parts.join(&SEPARATOR.to_string())
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, SEPARATOR);
        let person = parts.next()?.parse().ok()?;
        let expires_at = second(parts.next()?)?;
        let (what, rest) = parts.next()?.split_once(SEPARATOR)?;
        let link = match what {
            "extend" => {
                let (booking, ends) = rest.split_once(SEPARATOR)?;
                let (from, to) = ends.split_once(SEPARATOR)?;
                Link::Extend { booking: booking.parse().ok()?, from: second(from)?, to: second(to)? }
            }
            "release" => {
                let (booking, end) = rest.split_once(SEPARATOR)?;
                Link::Release { booking: booking.parse().ok()?, end: second(end)? }
            }
            "accept" | "pass" => {
                let (booking, until) = rest.split_once(SEPARATOR)?;
                let (booking, until) = (booking.parse().ok()?, microsecond(until)?);
                if what == "pass" { Link::Pass { booking, until } } else { Link::Accept { booking, until } }
            }
            "restore" => {
                let mut parts = rest.splitn(4, SEPARATOR);
                Link::Restore {
                    site: parts.next()?.parse().ok()?,
                    kind: Kind::from_word(parts.next()?)?,
                    warned_at: microsecond(parts.next()?)?,
                    site_ref: parts.next()?.to_owned(),
                }
            }
            "turn-off" => Link::TurnOff { topic: Topic::from_word(rest)? },
            _ => return None,
        };
        Some(Self { person, expires_at, link })
    }
}

fn offer(what: &str, booking: &BookingId, until: DateTime<Utc>) -> [String; 3] {
    [what.to_owned(), booking.to_string(), until.timestamp_micros().to_string()]
}

fn microsecond(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(text.parse().ok()?)
}

fn second(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(text.parse().ok()?, 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    fn key() -> SecretString {
        "the key of this installation".to_owned().into()
    }

    fn instant() -> impl Strategy<Value = DateTime<Utc>> {
        (0..4_000_000_000_i64).prop_map(|at| DateTime::from_timestamp(at, 0).unwrap())
    }

    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        (0..4_000_000_000_000_000_i64).prop_map(|at| DateTime::from_timestamp_micros(at).unwrap())
    }

    fn link() -> impl Strategy<Value = Link> {
        let booking = || any::<u64>().prop_map(BookingId::from_bits);
        let kind = prop::sample::select(Kind::ALL.to_vec());
        prop_oneof![
            (booking(), instant(), instant()).prop_map(|(booking, from, to)| Link::Extend {
                booking,
                from,
                to
            }),
            (booking(), instant()).prop_map(|(booking, end)| Link::Release { booking, end }),
            (booking(), moment()).prop_map(|(booking, until)| Link::Accept { booking, until }),
            (booking(), moment()).prop_map(|(booking, until)| Link::Pass { booking, until }),
            ("[a-z][a-z0-9-]{0,10}", kind, ".{0,40}", moment()).prop_map(
                |(site, kind, site_ref, warned_at)| Link::Restore {
                    site: site.parse().unwrap(),
                    kind,
                    site_ref,
                    warned_at,
                }
            ),
            prop::sample::select(Topic::ALL.to_vec()).prop_map(|topic| Link::TurnOff { topic }),
        ]
    }

    fn ticket() -> impl Strategy<Value = Ticket> {
        (any::<u64>(), instant(), link()).prop_map(|(person, expires_at, link)| Ticket {
            person: PersonId::from_bits(person),
            expires_at,
            link,
        })
    }

    proptest! {
        #[test]
        fn a_token_says_what_was_written(ticket in ticket()) {
            let token = write(&key(), &ticket);
            prop_assert!(token.bytes().all(|byte| byte == b'.' || LETTERS.contains(&byte)));
            prop_assert!(token.bytes().last().unwrap().is_ascii_alphanumeric());
            prop_assert_eq!(read(&key(), &token), Some(ticket));
        }

        #[test]
        fn an_altered_token_says_nothing(ticket in ticket(), at in any::<prop::sample::Index>(), letter in 0..65_usize) {
            let token = write(&key(), &ticket);
            let mut altered = token.clone().into_bytes();
            let place = at.index(altered.len());
            let letter = LETTERS.get(letter).copied().unwrap_or(b'.');
            prop_assume!(altered[place] != letter);
            altered[place] = letter;
            prop_assert_eq!(read(&key(), &String::from_utf8(altered).unwrap()), None);
        }

        #[test]
        fn what_is_cut_or_has_more_says_nothing(ticket in ticket(), at in any::<prop::sample::Index>(), more in "[A-Za-z0-9_.=-]{1,8}") {
            let token = write(&key(), &ticket);
            let cut = &token[..at.index(token.len())];
            for other in [cut.to_owned(), format!("{cut}{more}{}", &token[cut.len()..]), format!("{token}{more}")] {
                prop_assert_eq!(read(&key(), &other), None, "{}", other);
            }
        }

        #[test]
        fn what_another_key_signed_says_nothing(ticket in ticket(), key_text in ".{0,40}") {
            let other = SecretString::from(key_text);
            prop_assume!(other.expose_secret() != key().expose_secret());
            prop_assert_eq!(read(&key(), &write(&other, &ticket)), None);
        }

        #[test]
        fn the_signature_of_one_is_of_no_other(one in ticket(), other in ticket()) {
            prop_assume!(one != other);
            let (one, other) = (write(&key(), &one), write(&key(), &other));
            let mixed = format!("{}.{}", one.split('.').next().unwrap(), other.split('.').nth(1).unwrap());
            prop_assert_eq!(read(&key(), &mixed), None);
        }
    }

    #[test]
    fn nonsense_says_nothing() {
        for text in ["", ".", "..", "a.b", "AAAA", "e30.e30", "null", "%00.%00", "é.é", &".".repeat(10_000)]
        {
            assert_eq!(read(&key(), text), None, "{text}");
        }
    }
}
