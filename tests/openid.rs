//! Sign-in with a certified provider's implementation, as `auth::openid` does it: what is right is taken, and what is
//! wrong is refused for the right reason. What is wrong is wrong in one thing, and the same without it is taken.

use std::sync::Arc;

use chrono::{SubsecRound as _, TimeDelta};
use fairlease::auth::openid::{
    Answer, Begun, ClaimFault, OpenIdError, Pending, Providers, SignedInAs, WrongToken,
};
use fairlease::clock::{Clock, ManualClock, SystemClock};
use fairlease::domain::identity::{ClaimMap, Provider as Described};
use fairlease::domain::ids::ProviderId;
use fairlease::entropy::OsEntropy;
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::provider::{CLIENT, Cookies, Provider, SECRET, through_the_provider};

const SERVICE: &str = "http://127.0.0.1:9";
const CALLBACK: &str = "http://127.0.0.1:9/sign-in/nyu/callback";

fn id() -> ProviderId {
    "nyu".parse().unwrap()
}

/// A provider, and ourselves as it knows us.
struct Scene {
    provider: Provider,
    ours: Providers,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|provider| provider, Arc::new(SystemClock)).await
    }

    async fn with(change: impl Fn(Described) -> Described, clock: Arc<dyn Clock>) -> Self {
        let provider = Provider::start().await;
        provider.knows(SERVICE, "nyu").await;
        provider.account("ff524", json!({})).await;
        let described = Described {
            id: id(),
            name: "NYU".to_owned(),
            issuer: provider.issuer.clone(),
            client_id: CLIENT.to_owned(),
            scopes: ["profile", "email"].map(str::to_owned).to_vec(),
            claims: ClaimMap::default(),
            net_id_domain: None,
            required_groups: Vec::new(),
            admin_groups: Vec::new(),
        };
        let ours = Providers::new(vec![(change(described), SECRET.into())], &clock).unwrap();
        Self { provider, ours }
    }

    async fn begin(&self) -> Result<Begun, OpenIdError> {
        self.ours.begin(&id(), CALLBACK, &OsEntropy).await
    }

    async fn finish(&self, begun: &Begun, back: &Url) -> Result<SignedInAs, OpenIdError> {
        let pending = Pending { callback: CALLBACK, nonce: &begun.nonce, verifier: &begun.verifier };
        let (code, issuer) = (query(back, "code"), query(back, "iss"));
        self.ours.finish(&id(), pending, Answer { code: &code.unwrap(), issuer: issuer.as_deref() }).await
    }

    /// All of it, by someone who was not there before.
    async fn sign_in(&self, login: &str) -> Result<SignedInAs, OpenIdError> {
        let begun = self.begin().await?;
        let back = through_the_provider(&self.provider, &Cookies::default(), begun.to.clone(), login).await;
        assert_eq!(query(&back, "state").as_deref(), Some(begun.state.as_str()));
        self.finish(&begun, &back).await
    }

    /// All of it, with a token that has `fault`.
    async fn sign_in_with(&self, fault: Value) -> Result<SignedInAs, OpenIdError> {
        self.provider.fault(fault).await;
        self.sign_in("ff524").await
    }
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn wrong(result: Result<SignedInAs, OpenIdError>) -> WrongToken {
    match result {
        Err(OpenIdError::WrongToken { why, .. }) => why,
        other => panic!("the token is to be refused: {other:?}"),
    }
}

#[tokio::test]
async fn someone_signs_in_and_out() {
    let scene = Scene::new().await;
    let SignedInAs { identity, id_token } = scene.sign_in("ff524").await.unwrap();
    assert_eq!((identity.issuer, identity.subject.as_str()), (scene.provider.issuer.clone(), "sub-ff524"));
    assert_eq!((identity.net_id.as_str(), identity.name.as_str()), ("ff524", "Name of ff524"));
    assert_eq!((identity.mail.as_str(), identity.session.is_some()), ("ff524@example.edu", true));
    let out = scene.ours.logout_url(&id(), &id_token, "http://127.0.0.1:9/sign-in").await.unwrap().unwrap();
    assert!(out.as_str().starts_with(&scene.provider.issuer), "{out}");
    assert_eq!(query(&out, "post_logout_redirect_uri").as_deref(), Some("http://127.0.0.1:9/sign-in"));
    assert_eq!(query(&out, "id_token_hint").as_deref(), Some(id_token.expose_secret()));
}

#[tokio::test]
async fn what_goes_to_the_provider_has_proofs_and_no_secret() {
    let scene = Scene::new().await;
    let begun = scene.begin().await.unwrap();
    let sent = |name| query(&begun.to, name).unwrap();
    assert_eq!((sent("response_type").as_str(), sent("client_id").as_str()), ("code", CLIENT));
    assert_eq!((sent("code_challenge_method").as_str(), sent("redirect_uri").as_str()), ("S256", CALLBACK));
    assert_eq!((sent("state"), sent("nonce")), (begun.state.clone(), begun.nonce.clone()));
    assert_eq!(sent("scope"), "openid profile email");
    for secret in [SECRET, begun.verifier.expose_secret()] {
        assert!(!begun.to.as_str().contains(secret), "{}", begun.to);
    }
}

#[tokio::test]
async fn a_token_that_says_who_someone_is_stays_out_of_addresses() {
    let scene = Scene::new().await;
    scene.provider.claims_in_token(true).await;
    let signed_in = scene.sign_in("ff524").await.unwrap();
    let out = scene.ours.logout_url(&id(), &signed_in.id_token, SERVICE).await.unwrap().unwrap();
    assert_eq!(query(&out, "client_id").as_deref(), Some(CLIENT));
    assert_eq!(query(&out, "id_token_hint"), None);
}

#[tokio::test]
async fn tokens_that_are_wrong_are_refused_for_the_right_reason() {
    let scene = Scene::new().await;
    for (fault, why) in [
        (json!({"claims": {"nonce": "another"}}), WrongToken::Nonce),
        (json!({"claims": {"nonce": null}}), WrongToken::Nonce),
        (json!({"claims": {"aud": "another"}}), WrongToken::Audience),
        (json!({"claims": {"aud": [CLIENT, "another"]}}), WrongToken::Audience),
        (json!({"claims": {"azp": "another"}}), WrongToken::Party),
        (json!({"claims": {"iss": "https://another.example.edu"}}), WrongToken::Issuer),
        (json!({"claims": {"sub": "another"}}), WrongToken::Subject),
        (json!({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}), WrongToken::AccessToken),
        (json!({"claims": {"exp": null}}), WrongToken::Unreadable),
        (json!({"from_now": {"iat": -3600, "exp": -600}}), WrongToken::Expired),
        (json!({"from_now": {"exp": -75}}), WrongToken::Expired),
        (json!({"from_now": {"iat": 90}}), WrongToken::TooNew),
        (json!({"from_now": {"iat": -690}}), WrongToken::TooOld),
        (json!({"sign": "another key"}), WrongToken::Signature),
        (json!({"sign": "unknown key"}), WrongToken::Signature),
        (json!({"sign": "broken"}), WrongToken::Signature),
        (json!({"sign": "changed after"}), WrongToken::Signature),
        (json!({"sign": "none"}), WrongToken::Unsigned),
        (json!({"sign": "HS256"}), WrongToken::Algorithm),
    ] {
        assert_eq!(wrong(scene.sign_in_with(fault.clone()).await), why, "{fault}");
    }
    scene.sign_in("ff524").await.unwrap();
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_no_more() {
    let clock = Arc::new(ManualClock::at(SystemClock.now().trunc_subsecs(0)));
    let scene = Scene::with(|provider| provider, clock.clone()).await;
    let now = clock.now().timestamp();
    for (claims, why) in [
        (json!({"iat": now, "exp": now - 59}), None),
        (json!({"iat": now, "exp": now - 60}), Some(WrongToken::Expired)),
        (json!({"iat": now + 60}), None),
        (json!({"iat": now + 61}), Some(WrongToken::TooNew)),
        (json!({"iat": now - 660}), None),
        (json!({"iat": now - 661}), Some(WrongToken::TooOld)),
        (json!({"iat": now, "azp": CLIENT, "aud": [CLIENT]}), None),
    ] {
        let signed_in = scene.sign_in_with(json!({ "claims": claims })).await;
        match why {
            Some(why) => assert_eq!(wrong(signed_in), why, "{claims}"),
            None => assert!(signed_in.is_ok(), "{claims}: {signed_in:?}"),
        }
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_for_who_began() {
    let scene = Scene::new().await;
    let (begun, other) = (scene.begin().await.unwrap(), scene.begin().await.unwrap());
    let cookies = Cookies::default();
    let back = through_the_provider(&scene.provider, &cookies, begun.to.clone(), "ff524").await;
    let elsewhere = through_the_provider(&scene.provider, &cookies, other.to.clone(), "ff524").await;
    let refused = |result: Result<SignedInAs, OpenIdError>| match result {
        Err(OpenIdError::Refused { code, .. }) => code,
        other => panic!("the code is to be refused: {other:?}"),
    };
    assert_eq!(refused(scene.finish(&begun, &elsewhere).await), "invalid_grant", "another's verifier");
    scene.finish(&begun, &back).await.unwrap();
    assert_eq!(refused(scene.finish(&begun, &back).await), "invalid_grant", "used before");
}

#[tokio::test]
async fn whoever_says_no_is_told_by_their_code_alone() {
    let scene = Scene::new().await;
    let begun = scene.begin().await.unwrap();
    let back = through_the_provider(&scene.provider, &Cookies::default(), begun.to.clone(), "nobody").await;
    assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
    let error = scene.ours.refused(&id(), "access_denied<script>");
    assert_eq!(error.to_string(), "NYU refused: access_deniedscript");
}

#[tokio::test]
async fn another_issuers_answer_is_not_taken() {
    let scene = Scene::new().await;
    let begun = scene.begin().await.unwrap();
    let back = through_the_provider(&scene.provider, &Cookies::default(), begun.to.clone(), "ff524").await;
    let mixed = Url::parse(&back.as_str().replace("iss=", "iss=https%3A%2F%2Fanother")).unwrap();
    assert_eq!(wrong(scene.finish(&begun, &mixed).await), WrongToken::Issuer);
    scene.finish(&begun, &back).await.unwrap();
}

#[tokio::test]
async fn new_keys_are_followed() {
    let scene = Scene::new().await;
    scene.sign_in("ff524").await.unwrap();
    let begun = scene.begin().await.unwrap();
    scene.provider.rotate().await;
    let back = through_the_provider(&scene.provider, &Cookies::default(), begun.to.clone(), "ff524").await;
    scene.finish(&begun, &back).await.unwrap();
    assert_eq!(wrong(scene.sign_in_with(json!({"sign": "another key"})).await), WrongToken::Signature);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_and_tried_again() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let scene = Scene::with(|provider| provider, clock.clone()).await;
    let unreachable = |error| matches!(error, OpenIdError::Unreachable { .. });
    scene.provider.goes_down().await;
    assert!(unreachable(scene.begin().await.unwrap_err()));
    scene.provider.comes_up().await;
    let begun = scene.begin().await.unwrap();
    let back = through_the_provider(&scene.provider, &Cookies::default(), begun.to.clone(), "ff524").await;
    scene.provider.goes_down().await;
    assert!(unreachable(scene.finish(&begun, &back).await.unwrap_err()));
    clock.advance(TimeDelta::minutes(1));
    assert!(unreachable(scene.begin().await.unwrap_err()), "what was known a minute ago is not enough");
    scene.provider.comes_up().await;
    scene.finish(&begun, &back).await.unwrap();
}

#[tokio::test]
async fn claims_are_asked_for_if_the_token_has_them_not() {
    let scene = Scene::with(
        |provider| Described {
            required_groups: vec!["students".to_owned()],
            claims: ClaimMap { name: "nickname".to_owned(), ..ClaimMap::default() },
            ..provider
        },
        Arc::new(SystemClock),
    )
    .await;
    let fault = |result: Result<SignedInAs, OpenIdError>| match result {
        Err(OpenIdError::Claim { claim, why, .. }) => (claim, why),
        other => panic!("a claim is to be missed: {other:?}"),
    };
    for in_token in [false, true] {
        scene.provider.claims_in_token(in_token).await;
        assert_eq!(fault(scene.sign_in("ff524").await), ("nickname".to_owned(), ClaimFault::Missing));
    }
    let with_nickname = json!({"claims": {"nickname": "Fraida"}});
    assert_eq!(scene.sign_in_with(with_nickname.clone()).await.unwrap().identity.groups, ["students"]);
    scene.provider.account("ff524", json!({"email_verified": false})).await;
    let unverified = fault(scene.sign_in_with(with_nickname.clone()).await);
    assert_eq!(unverified, ("email".to_owned(), ClaimFault::Unverified));
    scene.provider.account("ff524", json!({"groups": ["others"]})).await;
    let outside = scene.sign_in_with(with_nickname).await.unwrap_err();
    assert!(matches!(outside, OpenIdError::NotInGroups { .. }), "{outside}");
}

#[tokio::test]
async fn who_is_not_the_configured_issuer_is_not_used() {
    let scene = Scene::with(
        |provider| Described { issuer: provider.issuer.replace("127.0.0.1", "localhost"), ..provider },
        Arc::new(SystemClock),
    )
    .await;
    let error = scene.begin().await.unwrap_err();
    assert!(matches!(error, OpenIdError::Unfit { .. }), "{error}");
}

#[tokio::test]
async fn an_ended_session_is_believed_only_from_the_provider() {
    let scene = Scene::new().await;
    for (changes, why) in [
        (json!({"sub": "a"}), None),
        (json!({"sid": "s"}), None),
        (json!({"sub": "a", "header": {"typ": "JWT"}}), None),
        (json!({"sub": "a", "exp": null}), None),
        (json!({}), Some(WrongToken::NoLogout)),
        (json!({"sub": "a", "nonce": "n"}), Some(WrongToken::NoLogout)),
        (json!({"sub": "a", "events": {}}), Some(WrongToken::NoLogout)),
        (json!({"sub": "a", "events": null}), Some(WrongToken::NoLogout)),
        (json!({"sub": "a", "header": {"typ": "at+jwt"}}), Some(WrongToken::NoLogout)),
        (json!({"sub": "a", "iss": "https://another.example.edu"}), Some(WrongToken::Issuer)),
        (json!({"sub": "a", "aud": "another"}), Some(WrongToken::Audience)),
        (json!({"sub": "a", "fault": {"from_now": {"exp": -90}}}), Some(WrongToken::Expired)),
        (json!({"sub": "a", "fault": {"from_now": {"iat": 90}}}), Some(WrongToken::TooNew)),
        (json!({"sub": "a", "fault": {"from_now": {"iat": -900}}}), Some(WrongToken::TooOld)),
        (json!({"sub": "a", "fault": {"sign": "none"}}), Some(WrongToken::Unsigned)),
        (json!({"sub": "a", "fault": {"sign": "HS256"}}), Some(WrongToken::Algorithm)),
        (json!({"sub": "a", "fault": {"sign": "another key"}}), Some(WrongToken::Signature)),
        (json!({"sub": "a", "fault": {"sign": "broken"}}), Some(WrongToken::Signature)),
    ] {
        let token = scene.provider.logout_token(changes.clone()).await;
        match (scene.ours.ended(&id(), &token).await, why) {
            (Ok(ended), None) => {
                assert_eq!(ended.subject.as_deref(), changes["sub"].as_str());
                assert_eq!(ended.session.as_deref(), changes["sid"].as_str());
            }
            (Err(OpenIdError::WrongToken { why, .. }), Some(wanted)) => assert_eq!(why, wanted, "{changes}"),
            (other, _) => panic!("{changes}: {other:?}"),
        }
    }
    for no_token in ["", ".", "a.b", "a.b.c", "e30.e30."] {
        assert!(scene.ours.ended(&id(), no_token).await.is_err(), "{no_token}");
    }
    let signed_in = scene.sign_in("ff524").await.unwrap();
    let not_a_logout = scene.ours.ended(&id(), signed_in.id_token.expose_secret()).await.unwrap_err();
    assert!(
        matches!(not_a_logout, OpenIdError::WrongToken { why: WrongToken::NoLogout, .. }),
        "{not_a_logout}"
    );
}
