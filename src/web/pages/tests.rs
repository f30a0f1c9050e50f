//! Draws every sample of every page and checks what must hold for each of them.
//!
//! With `FAIRLEASE_SAMPLES=DIR` in the environment of the build, the drawn pages are also written to `DIR`, to look at.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use askama::{DynTemplate, Template};
use scraper::{ElementRef, Html, Selector};

use super::booking::{BookingPage, Timeline};
use super::components::ComponentsPage;
use super::lab::{CellKind, LabPage};
use super::layout::{Layout, Section};
use super::samples;
use crate::web::statics;

const ICONS: &str = include_str!("../../../static/icons.svg");

fn all_pages() -> Vec<(&'static str, String)> {
    let components = ComponentsPage::new(Layout::sample("Components", Section::Elsewhere));
    let components: Box<dyn DynTemplate> = Box::new(components);
    let pages = samples().into_iter().chain([("components", components)]);
    pages.map(|(name, page)| (name, page.dyn_render().expect("a sample can be drawn"))).collect()
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("the selector is right");
    page.select(&selector).collect()
}

#[test]
fn samples_render() {
    let pages = all_pages();
    let names: HashSet<_> = pages.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), pages.len(), "each sample has a name of its own");
    for (name, text) in &pages {
        if let Some(directory) = option_env!("FAIRLEASE_SAMPLES") {
            fs::write(Path::new(directory).join(format!("{name}.html")), text)
                .expect("the sample can be written");
        }
        check_page(name, &Html::parse_document(text));
    }
}

/// What the content security policy and WCAG ask of every page.
fn check_page(name: &str, page: &Html) {
    assert_eq!(select(page, "h1").len(), 1, "{name}: one h1");
    assert_eq!(select(page, "html[lang=en]").len(), 1, "{name}: a language");
    let mut ids = HashSet::new();
    for element in select(page, "*") {
        for (attribute, _) in element.value().attrs() {
            assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: attribute {attribute}");
        }
        if let Some(id) = element.value().id() {
            assert!(ids.insert(id.to_owned()), "{name}: the id {id} is there twice");
        }
    }
    assert!(select(page, "style, script:not([src])").is_empty(), "{name}: nothing inline");
    for (selector, attribute) in [
        ("[for]", "for"),
        ("[aria-labelledby]", "aria-labelledby"),
        ("[aria-describedby]", "aria-describedby"),
    ] {
        for element in select(page, selector) {
            for id in element.attr(attribute).unwrap_or_default().split_whitespace() {
                assert!(ids.contains(id), "{name}: {attribute} names {id}, which is not there");
            }
        }
    }
    for icon in select(page, "use") {
        let (file, id) = icon.attr("href").and_then(|href| href.split_once('#')).unwrap_or_default();
        assert_eq!(file, statics::path("icons.svg"), "{name}: where icons are");
        assert!(ICONS.contains(&format!("<symbol id=\"{id}\"")), "{name}: there is no icon {id}");
    }
    for link in select(page, "a") {
        let href = link.attr("href").unwrap_or_default();
        assert!(!href.is_empty(), "{name}: a link leads nowhere");
        if let Some(id) = href.strip_prefix('#') {
            assert!(ids.contains(id), "{name}: a link leads to {id}, which is not there");
        }
    }
    for control in select(page, "input:not([type=hidden]), textarea, select") {
        let labelled = control
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|parent| parent.value().name() == "label")
            || control.value().id().is_some_and(|id| !select(page, &format!("label[for={id}]")).is_empty());
        assert!(labelled, "{name}: a control has no label");
    }
    check_ways(name, page);
    for form in select(page, "form") {
        let token = Selector::parse("input[name=csrf]").expect("the selector is right");
        // One without an address goes to that of its page, which is a secret then and permits it.
        let tokens = usize::from(form.attr("method") == Some("post") && form.attr("action").is_some());
        assert_eq!(
            form.select(&token).count(),
            tokens,
            "{name}: what changes something has a token, nothing else"
        );
    }
    let mut level = 0;
    for heading in select(page, "main h1, main h2, main h3, main h4") {
        let next =
            heading.value().name().trim_start_matches('h').parse::<u8>().expect("a heading has a level");
        assert!(
            next <= level + 1 || level == 0,
            "{name}: a heading of level {next} follows one of level {level}"
        );
        level = next;
    }
}

/// What is loaded and where forms go is here, which is all that the content security policy lets a browser do; a link leads
/// to what people know.
fn check_ways(name: &str, page: &Html) {
    let here = |address: &str| address.starts_with('/') && !address.starts_with("//");
    for attribute in ["action", "formaction", "hx-get", "hx-post", "sse-connect"] {
        for element in select(page, &format!("[{attribute}]")) {
            let address = element.attr(attribute).unwrap_or_default();
            assert!(here(address) || address.starts_with('?'), "{name}: {attribute} leads to {address}");
        }
    }
    for (selector, attribute) in [("script", "src"), ("link", "href"), ("img", "src")] {
        for element in select(page, selector) {
            let address = element.attr(attribute).unwrap_or_default();
            assert!(address.starts_with("/static/"), "{name}: {address} is loaded");
        }
    }
    assert!(select(page, "frame, object, embed, base").is_empty(), "{name}: nothing of elsewhere");
    for frame in select(page, "iframe") {
        let (address, sandbox) = (frame.attr("src").unwrap_or_default(), frame.attr("sandbox"));
        assert!(
            address.starts_with("/mailbox/"),
            "{name}: only the demo's mails are in a frame, not {address}"
        );
        assert_eq!(sandbox, Some("allow-top-navigation-by-user-activation"), "{name}: they may do nothing");
        assert!(
            frame.attr("title").is_some_and(|title| !title.is_empty()),
            "{name}: a frame says what it is"
        );
    }
    for link in select(page, "a[href]") {
        let address = link.attr("href").unwrap_or_default();
        let known = ["https://", "http://", "mailto:", "webcal://", "#", "?"];
        let leads = here(address) || known.iter().any(|it| address.starts_with(it));
        assert!(leads, "{name}: a link leads to {address}");
    }
}

#[test]
fn the_timeline_that_is_pushed_is_the_one_of_the_page() {
    for (name, page) in BookingPage::samples() {
        let part = page.timeline.render().expect("a timeline can be drawn");
        let whole = page.render().expect("a page can be drawn");
        assert!(whole.contains(&part), "{name}");
        let fragment = Html::parse_fragment(&part);
        assert_eq!(select(&fragment, "[aria-current=step]").len(), 1, "{name}: one present step");
    }
    assert!(Timeline::samples().len() > 6);
}

#[test]
fn every_kind_of_cell_is_among_the_components() {
    let page = ComponentsPage::new(Layout::sample("Components", Section::Elsewhere));
    let page = Html::parse_document(&page.render().expect("the page can be drawn"));
    for class in ["f1", "f2", "f3", "f4", "c", "x", "n", "p", "m", "due", "now"] {
        assert!(!select(&page, &format!(".grid td.{class}")).is_empty(), "no cell is {class}");
    }
}

#[test]
fn a_week_stays_small() {
    let mut pages = LabPage::samples();
    let mut open = pages.first().expect("there is a sample").1.clone();
    if let Some(week) = &mut open.week {
        let free = week
            .hours
            .iter()
            .flat_map(|hour| &hour.cells)
            .find(|cell| matches!(cell.kind, CellKind::Free(_)));
        let free = free.expect("something is free").clone();
        for cell in week.night.iter_mut().chain(&mut week.hours).flat_map(|hour| &mut hour.cells) {
            cell.clone_from(&free);
        }
    }
    pages.push(("every start is free", open));
    for (name, page) in pages {
        let size = page.render().expect("a page can be drawn").len();
        assert!(size < 60_000, "{name} has {size} bytes");
    }
}
