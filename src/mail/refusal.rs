//! What a mail server's refusal is about.

/// What was refused, and so whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// For now: the server is not there, is busy, does not let us in, or has a mailbox that is full. Later it may take the mail.
    Passing,
    /// This mail, for good: what is in it, or a policy. Another to the same address may be taken.
    Message,
    /// The address, for good: no mail gets there.
    Address,
}

/// Codes by which a server says that it wants something else of us first, such as a password. That is for whoever runs the
/// service to set right, and no reason to give mails up.
const NOT_LET_IN: [u16; 8] = [500, 502, 503, 521, 530, 534, 535, 538];

impl Refusal {
    /// By a reply's code (RFC 5321, section 4.2.3) and, if its words begin with one, by its enhanced code (RFC 3463): that says
    /// which it was where the code alone leaves it open.
    pub fn of(code: u16, words: &str) -> Self {
        if !(500..600).contains(&code) || NOT_LET_IN.contains(&code) {
            return Self::Passing;
        }
        match (code, enhanced(words)) {
            // Credentials; a full mailbox.
            (_, Some([5, 7, 8 | 9] | [5, 2, 2])) | (552, None) => Self::Passing,
            // The sender's address, not the recipient's.
            (_, Some([5, 1, 7 | 8])) => Self::Message,
            // The recipient's address; a mailbox that is closed.
            (_, Some([5, 1, _] | [5, 2, 1])) | (550 | 551 | 553, None) => Self::Address,
            _ => Self::Message,
        }
    }
}

/// The first enhanced code in the words.
fn enhanced(words: &str) -> Option<[u16; 3]> {
    words.split_whitespace().find_map(|word| {
        let mut parts = word.split('.').map(|part| part.parse().ok());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(class @ (2 | 4 | 5))), Some(Some(subject)), Some(Some(detail)), None) => {
                Some([class, subject, detail])
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_only_if_the_answer_says_so() {
        for (code, words, refused) in [
            (550, "5.1.1 no such mailbox", Refusal::Address),
            (550, "5.2.1 mailbox disabled", Refusal::Address),
            (550, "no such user here", Refusal::Address),
            (553, "5.1.3 bad destination address", Refusal::Address),
            (550, "5.7.1 looks like spam", Refusal::Message),
            (550, "5.1.8 bad sender", Refusal::Message),
            (554, "5.6.0 bad content", Refusal::Message),
            (554, "transaction failed", Refusal::Message),
            (552, "5.3.4 message too big", Refusal::Message),
            (552, "5.2.2 mailbox full", Refusal::Passing),
            (550, "5.2.2 over quota", Refusal::Passing),
            (552, "exceeded storage allocation", Refusal::Passing),
            (535, "5.7.8 authentication failed", Refusal::Passing),
            (530, "5.7.0 must issue a STARTTLS command first", Refusal::Passing),
            (451, "4.3.0 come back later", Refusal::Passing),
            (450, "4.2.1 mailbox busy", Refusal::Passing),
        ] {
            assert_eq!(Refusal::of(code, words), refused, "{code} {words}");
        }
    }
}
