//! What an answer, or the lack of one, means for the caller: everything that a service says becomes a [`CloudError`].

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::cloud::port::CloudError;

/// Whether a call can change something at the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only reads, so losing its answer loses nothing.
    None,
    /// It may have taken effect even if no answer came.
    Possible,
}

/// A refusal, as far as its classification depends on it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) request_id: Option<String>,
}

const LONGEST_MESSAGE: usize = 400;

/// The site has no room. Blazar says this with 500, some versions with 400 or 409.
const NO_ROOM: [&str; 7] = [
    "not enough hosts",
    "not enough resources",
    "not enough floating ips",
    "not enough networks",
    "not enough devices",
    "no more ip addresses available",
    "conflicting reservation types",
];
/// The project has used up what it may have: quotas, and the allocation that the site charges.
const USED_UP: [&str; 9] = [
    "quota exceeded",
    "exceedsavailablequota",
    "limitexceeded",
    "quota_exceeded",
    "exceeded for resources",
    "would spend",
    "user budget",
    "project expiration date",
    "maximum number of",
];
/// Neutron's names for the two above.
const NEUTRON_USED_UP: [&str; 1] = ["OverQuota"];
const NEUTRON_NO_ROOM: [&str; 2] = ["IpAddressGenerationFailure", "ExternalIpAddressExhausted"];

impl Refusal {
    /// What it means.
    pub(super) fn classify(&self, effect: Effect) -> CloudError {
        let (message, kind) = told(&self.body);
        let message = message.unwrap_or_else(|| self.status.to_string());
        let kind = kind.as_deref().unwrap_or_default();
        let says = |words: &[&str]| contains_any(&message, words);
        let text = self.with_request_id(&message);
        if says(&NO_ROOM) || NEUTRON_NO_ROOM.contains(&kind) {
            return CloudError::Capacity(text);
        }
        if self.status.is_client_error() && (says(&USED_UP) || NEUTRON_USED_UP.contains(&kind)) {
            return CloudError::Quota(text);
        }
        match self.status.as_u16() {
            // Manila says so of a share that is on its way, and of a rule of access that there is already.
            400 | 403 if says(&["invalid share: "]) || (says(&["share access "]) && says(&[" exists"])) => {
                CloudError::Conflict(text)
            }
            401 | 403 => CloudError::Unauthorised(text),
            404 => CloudError::NotFound(text),
            409 if says(&["not yet supported"]) => CloudError::Unsupported(text),
            409 => CloudError::Conflict(text),
            // A lease in transition, an address that a server in deletion still has, a volume that is on its way.
            400 | 500 if says(&["invalid lease status", "already in use", "invalid volume"]) => {
                CloudError::Conflict(text)
            }
            // The minute went by between our clock and the site's: asked again, the lease starts at once.
            400 if says(&["start date must be later than current date"]) => self.transient(text),
            408 | 413 | 425 | 429 | 503 => self.transient(text),
            500..=599 if effect == Effect::Possible => CloudError::OutcomeUnknown(text),
            500..=599 => self.transient(text),
            _ => CloudError::Permanent(text),
        }
    }

    fn transient(&self, message: String) -> CloudError {
        CloudError::Transient { message, retry_after: self.retry_after }
    }

    /// A failure inside the service is looked up there by the request's id.
    fn with_request_id(&self, message: &str) -> String {
        match &self.request_id {
            Some(id) if self.status.is_server_error() => format!("{message} [{id}]"),
            _ => message.to_owned(),
        }
    }
}

/// What it means that no answer came, or not all of it.
pub(super) fn no_answer(error: &reqwest::Error, effect: Effect) -> CloudError {
    let message = chain(error);
    if error.is_builder() {
        CloudError::Permanent(message)
    } else if error.is_connect() || effect == Effect::None {
        CloudError::Transient { message, retry_after: None }
    } else {
        CloudError::OutcomeUnknown(message)
    }
}

/// What it means that an answer said yes, but not in the form that the API has.
pub(super) fn unreadable(what: &str, error: &serde_json::Error, effect: Effect) -> CloudError {
    let message = format!("{what}: the answer is not what the API says: {error}");
    match effect {
        Effect::None => CloudError::Transient { message, retry_after: None },
        Effect::Possible => CloudError::OutcomeUnknown(message),
    }
}

/// The seconds that a `Retry-After` header asks for. Its other form, a date, is left aside: no service sends it.
pub(super) fn retry_after(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs)
}

/// An error with its causes: reqwest's own text stops before what matters.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

fn contains_any(message: &str, words: &[&str]) -> bool {
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// The message of an error body, and Neutron's name of the error. Nova, Keystone and Neutron nest it under a name that
/// varies, Blazar gives `error_message`, Zun lists `errors`, Glance and proxies give text.
fn told(body: &str) -> (Option<String>, Option<String>) {
    let Ok(Value::Object(fields)) = serde_json::from_str(body) else {
        return (first_words(body), None);
    };
    if let Some(Value::Array(errors)) = fields.get("errors") {
        let words = |error: &Value| error.get("detail").and_then(text);
        return (errors.iter().find_map(words), None);
    }
    if let Some(message) = fields.get("error_message").or_else(|| fields.get("message")) {
        return (text(message), None);
    }
    let Some(inner) = fields.values().next() else { return (None, None) };
    match inner.get("message") {
        Some(message) => (text(message), inner.get("type").and_then(text)),
        None => (text(inner), None),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => first_words(text),
        Value::Null => None,
        other => first_words(&other.to_string()),
    }
}

/// `body` without markup and on one line, cut to what fits a message.
fn first_words(body: &str) -> Option<String> {
    let mut inside_tag = false;
    let plain: String = body
        .chars()
        .filter_map(|c| match c {
            '<' => {
                inside_tag = true;
                Some(' ')
            }
            '>' if inside_tag => {
                inside_tag = false;
                None
            }
            _ => (!inside_tag).then_some(c),
        })
        .collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| line.chars().take(LONGEST_MESSAGE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str, effect: Effect) -> &'static str {
        refusal(status, body).classify(effect).class()
    }

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.to_owned(),
            retry_after: None,
            request_id: Some("req-1".to_owned()),
        }
    }

    #[test]
    fn what_a_site_says_decides_before_its_status_does() {
        let cases = [
            (
                500,
                r#"{"error_code":500,"error_message":"Not enough hosts available","error_name":500}"#,
                "capacity",
            ),
            (400, r#"{"error_message":"Not enough floating IPs available"}"#, "capacity"),
            (409, r#"{"error_message":"Conflicting reservation types found for type instance"}"#, "capacity"),
            (500, r#"{"error_message":"Invalid lease status."}"#, "conflict"),
            (500, r#"{"error_message":"Not enough resources available with query {}"}"#, "capacity"),
            (
                409,
                r#"{"NeutronError":{"type":"IpAddressGenerationFailure","message":"No more IP addresses"}}"#,
                "capacity",
            ),
            (
                403,
                r#"{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1"}}"#,
                "quota",
            ),
            (
                409,
                r#"{"NeutronError":{"type":"OverQuota","message":"Quota exceeded for resources: ['router']."}}"#,
                "quota",
            ),
            (
                400,
                r#"{"error_message":"Reservation for project P would spend 60.00 SUs, only 29.00 left"}"#,
                "quota",
            ),
            (403, r#"{"forbidden":{"message":"Policy doesn't allow it"}}"#, "unauthorised"),
            (
                401,
                r#"{"error":{"code":401,"message":"The request you have made requires authentication."}}"#,
                "unauthorised",
            ),
            (404, r#"{"itemNotFound":{"code":404,"message":"Instance x could not be found."}}"#, "not_found"),
            (409, r#"{"NeutronError":{"type":"NetworkInUse","message":"Unable to complete"}}"#, "conflict"),
            (
                409,
                r#"{"error_message":"Updating leases for 'flavor:instance' is not yet supported."}"#,
                "unsupported",
            ),
            (400, r#"{"error_message":"Start date must be later than current date"}"#, "transient"),
            (400, r#"{"badRequest":{"message":"Invalid input"}}"#, "permanent"),
            (
                400,
                r#"{"badRequest":{"message":"Fixed IP address 10.0.0.1 is already in use on instance x."}}"#,
                "conflict",
            ),
            (400, r#"{"badRequest":{"message":"Share access ip:10.0.0.0/24 exists."}}"#, "conflict"),
            (
                403,
                r#"{"forbidden":{"message":"Invalid share: Share status must be 'available'."}}"#,
                "conflict",
            ),
            (429, "", "transient"),
            (413, r#"{"overLimit":{"message":"slow down"}}"#, "transient"),
            (503, "<html><body>No server</body></html>", "transient"),
            (302, "", "permanent"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(class(status, body, Effect::Possible), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_failure_inside_the_service_leaves_a_change_in_doubt_but_not_a_reading() {
        for status in [500, 502, 504] {
            assert_eq!(class(status, "", Effect::Possible), "outcome_unknown");
            assert_eq!(class(status, "", Effect::None), "transient");
        }
    }

    #[test]
    fn the_message_is_the_sites_own() {
        let body =
            r#"{"NeutronError":{"type":"SubnetInUse","message":"One or more ports have an IP","detail":""}}"#;
        assert_eq!(
            refusal(409, body).classify(Effect::Possible),
            CloudError::Conflict("One or more ports have an IP".to_owned())
        );
        let page = "<html>\n<head><title>504 Gateway Time-out</title></head></html>";
        assert_eq!(
            refusal(504, page).classify(Effect::Possible),
            CloudError::OutcomeUnknown("504 Gateway Time-out [req-1]".to_owned())
        );
        let zun = r#"{"errors":[{"status":400,"code":"container.","title":"Invalid","detail":"no name"}]}"#;
        let refused = refusal(400, zun).classify(Effect::Possible);
        assert_eq!(refused, CloudError::Permanent("no name".to_owned()));
        assert!(matches!(
            refusal(418, "").classify(Effect::None),
            CloudError::Permanent(message) if message.contains("418")
        ));
    }

    #[test]
    fn a_site_may_say_how_long_to_wait() {
        let mut busy = refusal(503, "");
        busy.retry_after = retry_after(" 7 ");
        assert!(matches!(
            busy.classify(Effect::Possible),
            CloudError::Transient { retry_after: Some(wait), .. } if wait.as_secs() == 7
        ));
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
