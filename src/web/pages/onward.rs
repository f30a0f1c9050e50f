//! The page between ours and a provider's: it leads on by itself, also without JavaScript.

use askama::Template;

use super::layout::{Layout, Section};

/// Says where the browser goes, and sends it there.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "onward.html")]
pub struct OnwardPage {
    /// The frame.
    pub layout: Layout,
    /// The page's heading.
    pub title: String,
    /// What happens there.
    pub what: String,
    /// Where. Its query is a secret of this browser.
    pub to: String,
}

impl OnwardPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let page = |what: &str| Self {
            layout: Layout { viewer: None, demo: None, ..Layout::sample("On to NYU", Section::Elsewhere) },
            title: "On to NYU".to_owned(),
            what: what.to_owned(),
            // One that led away could not be looked at.
            to: "#main".to_owned(),
        };
        vec![
            ("onward_sign_in", page("You sign in at NYU and come back.")),
            ("onward_sign_out", page("You are signed out here. NYU is asked to sign you out there, too.")),
        ]
    }
}
