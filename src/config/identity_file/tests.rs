//! What is read from identity files, and what is said of those that are wrong.

use super::*;

const EXAMPLE: &str = include_str!("../../../docs/examples/identity.toml");

fn read(text: &str) -> Result<Vec<(Provider, SecretString)>, Vec<String>> {
    let secret = |file: &Path| match file.to_str() {
        Some("/run/secrets/nyu") => Ok("s3cret\n".to_owned()),
        Some("/run/secrets/empty") => Ok("\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    parse("identity.toml", text, secret).map_err(|errors| errors.0)
}

const LEAST: &str = "[[provider]]\nid = \"nyu\"\nname = \"NYU\"\nissuer = \"https://sso.example.edu\"\n\
                     client_id = \"fairlease\"\nclient_secret_file = \"/run/secrets/nyu\"\n";

#[test]
fn the_example_names_two_providers() {
    let providers = parse("identity.toml", EXAMPLE, |_| Ok("secret".to_owned())).unwrap();
    let ids: Vec<_> = providers.iter().map(|(provider, _)| provider.id.as_str()).collect();
    assert_eq!(ids, ["nyu", "guests"]);
}

#[test]
fn what_is_left_out_has_defaults() {
    let [(provider, secret)] = <[_; 1]>::try_from(read(LEAST).unwrap()).unwrap();
    assert_eq!(provider.scopes, ["profile", "email"]);
    assert_eq!(provider.claims, ClaimMap::default());
    assert_eq!((provider.net_id_domain.clone(), provider.asks_for_groups()), (None, false));
    assert_eq!(secret.expose_secret(), "s3cret");
}

#[test]
fn all_of_it_can_be_said() {
    let more = "scopes = [\"openid\", \"groups\"]\nclaims = { net_id = \"upn\", mail = \"m\", name = \"n\", groups = \"g\" }\n\
                net_id_domain = \"@nyu.edu\"\nrequired_groups = [\"course\"]\nadmin_groups = [\"staff\"]\n";
    let [(provider, _)] = <[_; 1]>::try_from(read(&format!("{LEAST}{more}")).unwrap()).unwrap();
    assert_eq!(provider.scopes, ["groups"]);
    let claims = provider.claims.clone();
    assert_eq!([claims.net_id, claims.mail, claims.name, claims.groups], ["upn", "m", "n", "g"]);
    assert_eq!(provider.net_id_domain.as_deref(), Some("@nyu.edu"));
    assert!(provider.makes_admin(&["staff".to_owned()]) && !provider.makes_admin(&["course".to_owned()]));
}

#[test]
fn every_error_is_told_at_once_with_its_line() {
    let text = LEAST
        .replace("https://", "http://")
        .replace("\"fairlease\"", "\" \"")
        .replace("/run/secrets/nyu", "/run/secrets/none")
        + "net_id_domain = \"nyu.edu\"\n";
    let errors = read(&text).unwrap_err();
    for (error, told) in errors.iter().zip([
        "identity.toml:4: provider.nyu.issuer: \"http://sso.example.edu\" is not",
        "identity.toml:5: provider.nyu.client_id: it is empty",
        "identity.toml:6: provider.nyu.client_secret_file: /run/secrets/none can't be read",
        "identity.toml:7: provider.nyu.net_id_domain: it begins with @",
    ]) {
        assert!(error.starts_with(told), "{error}");
    }
    assert_eq!(errors.len(), 4, "{errors:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_key() {
    let replaced = |old, new| LEAST.replacen(old, new, 1);
    for (text, told) in [
        (replaced("issuer", "isuer"), "provider.nyu.isuer: there is no such key; is issuer meant?"),
        (replaced("\"NYU\"", "7"), "provider.nyu.name: it is a whole number; text is wanted"),
        (replaced("\"nyu\"", "\"N Y\""), "provider.N Y.id: \"N Y\" is not a provider id"),
        (replaced("client_secret_file", "client_secret"), ""),
        (replaced("secrets/nyu", "secrets/empty"), "client_secret_file: /run/secrets/empty is empty"),
        (replaced("client_secret_file = \"/run/secrets/nyu\"\n", ""), "client_secret_file: it is missing"),
        (format!("{LEAST}client_secret = \"x\"\n"), "client_secret: there is a client_secret_file, too"),
        (format!("{LEAST}{LEAST}"), "provider.2: there is another \"nyu\" before it"),
        (
            format!("{LEAST}claims = {{ netid = \"x\" }}\n"),
            "claims.netid: there is no such key; is net_id meant?",
        ),
        (replaced("edu\"", "edu?x=1\""), "issuer: \"https://sso.example.edu?x=1\" is not the address"),
        (String::new(), "there is no [[provider]]"),
    ] {
        match read(&text) {
            Ok(_) => assert_eq!(told, "", "{text}"),
            Err(errors) => assert!(!told.is_empty() && errors.iter().any(|e| e.contains(told)), "{errors:?}"),
        }
    }
}

#[test]
fn without_tls_an_issuer_is_on_this_machine() {
    for (issuer, good) in [
        ("http://127.0.0.1:8080", true),
        ("http://localhost:8080", true),
        ("http://[::1]:8080", true),
        ("http://127.0.0.1.example.edu", false),
        ("http://10.0.0.1", false),
        ("ftp://localhost", false),
        ("sso.example.edu", false),
    ] {
        assert_eq!(read(&LEAST.replace("https://sso.example.edu", issuer)).is_ok(), good, "{issuer}");
    }
}
