//! `/sign-in`: where one can sign in.

use askama::Template;

use super::layout::{Layout, Section};

/// The page to sign in on, with a button for each identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "sign_in_providers.html")]
pub struct ProvidersPage {
    /// The frame.
    pub layout: Layout,
    /// At least one; the first stands out.
    pub buttons: Vec<ProviderButton>,
    /// Where to go afterwards.
    pub return_to: Option<String>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderButton {
    /// Where its form goes.
    pub action: String,
    /// What it is called.
    pub name: String,
}

impl ProvidersPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let layout = Layout { viewer: None, demo: None, ..Layout::sample("Sign in", Section::Elsewhere) };
        let button =
            |id: &str, name: &str| ProviderButton { action: format!("/sign-in/{id}"), name: name.to_owned() };
        let one =
            Self { layout, buttons: vec![button("nyu", "NYU")], return_to: Some("/labs/k8s".to_owned()) };
        let two = Self {
            buttons: vec![button("nyu", "NYU"), button("guests", "Guest accounts")],
            return_to: None,
            ..one.clone()
        };
        vec![("sign_in_one_provider", one), ("sign_in_two_providers", two)]
    }
}
