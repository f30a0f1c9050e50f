//! Which call of a booking's life this is, whatever the ids in it are.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::{Method, Url};

/// What the booking is about when the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It comes up.
    Making,
    /// It goes.
    Deleting,
}

/// A call, told by its service, its method and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) phase: Phase,
    pub(super) service: String,
    pub(super) method: String,
    /// The path, with `*` for each id, and the names of the filters.
    pub(super) about: String,
}

impl Step {
    pub(super) fn of(phase: Phase, service: &str, method: &Method, url: &Url) -> Self {
        let segments = url.path_segments().into_iter().flatten();
        let parts: Vec<_> = segments
            .filter(|part| !part.is_empty() && !is_version(part))
            .map(|part| if is_id(part) { "*" } else { part })
            .collect();
        let mut about = format!("/{}", parts.join("/"));
        let filters: BTreeSet<_> = url
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .filter(|name| !["limit", "marker", "fields", "project_id"].contains(&name.as_str()))
            .collect();
        if !filters.is_empty() {
            about.push('?');
            about.push_str(&filters.into_iter().collect::<Vec<_>>().join("&"));
        }
        Self { phase, service: service.to_owned(), method: method.to_string(), about }
    }

    /// Whether it can change something at the site.
    pub(super) fn changes(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it is the request for a token.
    pub(super) fn is_for_a_token(&self) -> bool {
        self.service == "identity"
    }

    /// Whether what it does can be done again from what went through: it changes something, or tells of ports, which Nova
    /// makes by itself.
    pub(super) fn is_worth_keeping(&self) -> bool {
        (self.changes() && !self.is_for_a_token()) || self.about.starts_with("/ports")
    }

    /// Whether it is the request for a server.
    pub(super) fn is_for_a_server(&self) -> bool {
        (self.method.as_str(), self.about.as_str()) == ("POST", "/servers")
    }

    /// A request that makes something.
    pub(super) fn making(service: &str, about: &str) -> Self {
        let (service, method, about) = (service.to_owned(), "POST".to_owned(), about.to_owned());
        Self { phase: Phase::Making, service, method, about }
    }

    /// For which of a booking's objects it is made, such as "router". Objects that are made or deleted at the same time
    /// have one name, and so have the listings of one look.
    pub(super) fn lane(&self) -> &str {
        let lists = !self.changes() && !self.about.contains('*') && !self.about.starts_with("/ports");
        if self.phase == Phase::Deleting && lists {
            return "look";
        }
        match self.about.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default() {
            "networks" if self.about.contains("router:external") => self.router(),
            "networks" | "security-groups" | "security-group-rules" | "os-keypairs" => "network and the like",
            "ports" if self.about.contains("network_id") => "floatingips",
            "ports" | "routers" => self.router(),
            "flavors" if !self.about.contains('*') => "leases",
            "flavors" | "images" | "" => "servers",
            other => other,
        }
    }

    /// A router is made while servers are, and deleted after them.
    fn router(&self) -> &'static str {
        match self.phase {
            Phase::Making => "servers",
            Phase::Deleting => "router",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.service, self.about)
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A site's own id, or a name with a mark in it.
fn is_id(part: &str) -> bool {
    part.contains("--") || (part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-'))
}

#[test]
fn a_step_is_the_same_for_every_id() {
    let step = |path: &str| {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        Step::of(Phase::Making, "network", &Method::GET, &url).to_string()
    };
    let router = "/v2.0/routers/9d2e7c0a-1c4f-4d52-8b3e-0c3f1c1d2e3f/add_router_interface";
    assert_eq!(step(router), "GET network /routers/*/add_router_interface");
    assert_eq!(
        step("/v2.0/ports?device_id=7&fields=id&network_id=8"),
        "GET network /ports?device_id&network_id"
    );
    assert_eq!(step("/v2.1/os-keypairs/keypair--k8s-ff524--0--1"), "GET network /os-keypairs/*");
    assert_eq!(step("/v2.1/"), "GET network /");
}
