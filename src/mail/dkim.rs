//! Signing mail for its domain (DKIM, RFC 6376 and 8463), so that receivers can tell it from what others send in its name.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::Message;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};

/// Signs mail.
pub struct Seal {
    config: DkimConfig,
    domain: String,
    selector: String,
}

/// Says whose it is and nothing of the key.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({}._domainkey.{})", self.selector, self.domain)
    }
}

/// Why mail can't be signed. Nothing of a key is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not there, or nobody may read it.
    #[error("the key {0} can't be read: {1}")]
    Unreadable(String, String),
    /// Others may read it.
    #[error("others than its owner may read the key {0}: run chmod 600 on it")]
    Open(String),
    /// It is something else.
    #[error(
        "{0} is not a private key in PEM, such as `openssl genpkey -algorithm ed25519` or `openssl genrsa 2048` writes"
    )]
    NoKey(String),
    /// Receivers trust none that is shorter than 1024 bits.
    #[error("the RSA key {0} is too short: make one of 2048 bits")]
    Short(String),
    /// A selector or domain that can't be in the DNS.
    #[error("\"{0}\" is not a name in the DNS such as fairlease or example.edu")]
    BadName(String),
}

/// What is signed beside the text, whether it is there or not: so nobody can add one of these to a mail that lacks it. The
/// headers that say how the text is written are its part's, which are put before it only as it leaves: they can't be here.
const SIGNED: [&str; 9] = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

impl Seal {
    /// Reads the key, which only its owner may read: RSA (PKCS #1 or #8) or Ed25519 (PKCS #8), in PEM.
    pub fn open(domain: &str, selector: &str, key_file: &Path) -> Result<Self, SealError> {
        let name = key_file.display().to_string();
        let unreadable = |error: std::io::Error| SealError::Unreadable(name.clone(), error.to_string());
        let mode = fs::metadata(key_file).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SealError::Open(name));
        }
        let pem = SecretString::from(fs::read_to_string(key_file).map_err(unreadable)?);
        Self::new(domain, selector, &name, &pem)
    }

    fn new(domain: &str, selector: &str, name: &str, pem: &SecretString) -> Result<Self, SealError> {
        for text in [domain, selector] {
            let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'.';
            if text.is_empty() || text.len() > 200 || !text.bytes().all(fits) {
                return Err(SealError::BadName(text.to_owned()));
            }
        }
        let relaxed = DkimCanonicalizationType::Relaxed;
        let config = DkimConfig::new(
            selector.to_owned(),
            domain.to_owned(),
            key(name, pem)?,
            SIGNED.map(HeaderName::new_from_ascii_str).to_vec(),
            DkimCanonicalization { header: relaxed, body: relaxed },
        );
        Ok(Self { config, domain: domain.to_owned(), selector: selector.to_owned() })
    }

    /// Adds the signature.
    pub fn sign(&self, message: &mut Message) {
        message.sign(&self.config);
    }
}

/// An Ed25519 key in PKCS #8 begins so; its 32 bytes follow.
const ED25519: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// What says in PKCS #8 that an RSA key follows: in a byte string with two bytes of length, as in PKCS #1.
const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0, 4, 0x82];

/// An RSA key of 1024 bits has about so many bytes in PKCS #1.
const SHORTEST_RSA: usize = 590;

fn key(name: &str, pem: &SecretString) -> Result<DkimSigningKey, SealError> {
    let no_key = || SealError::NoKey(name.to_owned());
    let pem = pem.expose_secret();
    let der = |label: &str| {
        let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
        let (inner, _) = rest.split_once("-----END")?;
        BASE64_STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
    };
    if let Some(seed) = der("PRIVATE KEY").as_deref().and_then(|der| der.strip_prefix(ED25519)) {
        let seed = seed.get(..32).ok_or_else(no_key)?;
        let read = DkimSigningKey::new(&BASE64_STANDARD.encode(seed), DkimSigningAlgorithm::Ed25519);
        return read.map_err(|_| no_key());
    }
    let rsa = der("RSA PRIVATE KEY").or_else(|| rsa_within(&der("PRIVATE KEY")?)).ok_or_else(no_key)?;
    if rsa.len() < SHORTEST_RSA {
        return Err(SealError::Short(name.to_owned()));
    }
    let pkcs1 = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        lines(&BASE64_STANDARD.encode(rsa))
    );
    DkimSigningKey::new(&pkcs1, DkimSigningAlgorithm::Rsa).map_err(|_| no_key())
}

/// The PKCS #1 in a PKCS #8.
fn rsa_within(der: &[u8]) -> Option<Vec<u8>> {
    let at = der.windows(RSA.len()).position(|part| part == RSA)?;
    let [_, _, inner @ ..] = der.get(at + RSA.len()..)? else { return None };
    Some(inner.to_vec())
}

/// In lines of 64, as PEM has it.
fn lines(base64: &str) -> String {
    let mut text = String::new();
    for (number, letter) in base64.chars().enumerate() {
        if number > 0 && number % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_without_a_word_of_it() {
        for pem in ["", "hello", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"] {
            let error = Seal::new("example.edu", "fairlease", "dkim.pem", &pem.into()).unwrap_err();
            assert_eq!(error, SealError::NoKey("dkim.pem".to_owned()));
            assert!(!error.to_string().contains("c2VjcmV0"));
        }
        let short = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----";
        let error = Seal::new("example.edu", "fairlease", "dkim.pem", &short.into()).unwrap_err();
        assert_eq!(error, SealError::Short("dkim.pem".to_owned()));
        let error = Seal::new("example edu", "fairlease", "dkim.pem", &short.into()).unwrap_err();
        assert_eq!(error, SealError::BadName("example edu".to_owned()));
    }
}
