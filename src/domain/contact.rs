//! How a person is reached and known elsewhere: addresses for mail, and accounts at sites.

use std::fmt;
use std::str::FromStr;

/// Whether it looks like one address for mail and nothing else.
pub fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c);
    let parts = text.split_once('@');
    parts.is_some_and(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(odd)
}

/// The longest name or id of an account at a site, in characters.
pub const MOST_OF_ACCOUNT: usize = 200;

/// Whether it can be the name or the id of an account at a site, without space around it.
pub fn is_account(text: &str) -> bool {
    (1..=MOST_OF_ACCOUNT).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

/// The part of a course's addresses after the "@", in lower case: who has an address there has their net ID before the "@".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDomain(String);

/// What is no domain for mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a domain for mail: letters, digits, \"-\" and \".\" are wanted, as example.edu")]
pub struct BadDomain(String);

impl FromStr for MailDomain {
    type Err = BadDomain;
    fn from_str(text: &str) -> Result<Self, BadDomain> {
        let domain = text.trim().trim_start_matches('@').to_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let parts_are_full = domain.split('.').all(|part| !part.is_empty());
        if domain.len() <= 200 && domain.contains('.') && parts_are_full && domain.chars().all(known) {
            Ok(Self(domain))
        } else {
            Err(BadDomain(text.chars().take(60).collect()))
        }
    }
}

impl fmt::Display for MailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl MailDomain {
    /// What an address there has before the "@"; nothing of an address elsewhere.
    pub fn before_at<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (before, domain) = address.rsplit_once('@')?;
        domain.eq_ignore_ascii_case(&self.0).then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_read_as_typed() {
        let domain: MailDomain = " @Example.EDU ".parse().unwrap();
        assert_eq!(domain.to_string(), "example.edu");
        assert_eq!(domain.before_at("ff524@EXAMPLE.edu"), Some("ff524"));
        assert_eq!(domain.before_at("ff524@mail.example.edu"), None);
        for bad in ["", "edu", "a..edu", "exa mple.edu", "a@b.edu", ".edu"] {
            assert!(bad.parse::<MailDomain>().unwrap_err().to_string().contains("example.edu"), "{bad}");
        }
    }
}
