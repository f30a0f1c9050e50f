//! `/components` of the demo: every part that pages are made of, in every state. All of it is drawn from the samples and
//! the templates of the pages themselves.

use askama::Template;

use super::booking::{ResourceState, Timeline};
use super::lab::{Cell, CellKind, Find, LabPage, List, Panel, Refused, Week};
use super::labs::LabCard;
use super::layout::{BookingLine, BookingState, Flash, FlashKind, Layout, Link, NearestStart, Section};
use super::spread::Spread;
use super::staff_lab::StaffLabPage;
use super::waiting::Offer;

/// The parts, and links to whole pages in each state.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "components.html")]
pub struct ComponentsPage {
    layout: Layout,
    flashes: Vec<Flash>,
    refused: Vec<Refused>,
    nearest: Vec<NearestStart>,
    lines: Vec<BookingLine>,
    offer: Offer,
    spread: Option<Spread>,
    cards: Vec<LabCard>,
    weeks: Vec<(&'static str, Week)>,
    lists: Vec<(&'static str, List)>,
    finds: Vec<(&'static str, Find)>,
    panels: Vec<(&'static str, Panel)>,
    timelines: Vec<(&'static str, Timeline)>,
    staff: Vec<(&'static str, StaffLabPage)>,
    pages: Vec<Link>,
}

impl ComponentsPage {
    /// All there is, in this frame.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let labs = LabPage::samples();
        Self {
            layout,
            flashes: FlashKind::ALL.into_iter().map(flash).collect(),
            refused: labs.iter().filter_map(|(_, page)| page.refused.clone()).collect(),
            nearest: NearestStart::samples(),
            lines: BookingLine::in_every_state(),
            offer: Offer::sample(),
            spread: Spread::sample(Some(5_200_000)),
            cards: LabCard::samples(),
            weeks: weeks(&labs),
            lists: labs.iter().filter_map(|(name, page)| Some((*name, page.list.clone()?))).collect(),
            finds: labs.iter().filter_map(|(name, page)| Some((*name, page.find.clone()?))).collect(),
            panels: labs.iter().filter_map(|(name, page)| Some((*name, page.panel.clone()?))).collect(),
            timelines: Timeline::samples(),
            staff: StaffLabPage::samples(),
            pages: super::samples().iter().map(|(name, _)| whole(name)).collect(),
        }
    }
}

fn flash(kind: FlashKind) -> Flash {
    let text = match kind {
        FlashKind::Done => "It is done: your SSH key is saved.",
        FlashKind::Note => "Something to know: the lab's due date has moved to Thu Dec 3, 23:59.",
        FlashKind::Trouble => "It did not happen: the cloud refused to make the servers.",
    };
    Flash { kind, text: text.to_owned() }
}

/// Each week once; the first one shows a start that the clock skips, too.
fn weeks(labs: &[(&'static str, LabPage)]) -> Vec<(&'static str, Week)> {
    let mut weeks: Vec<(&'static str, Week)> = Vec::new();
    for (name, page) in labs {
        if let Some(week) = &page.week
            && !weeks.iter().any(|(_, known)| known == week)
        {
            weeks.push((name, week.clone()));
        }
    }
    if let Some(cell) = weeks.first_mut().and_then(|(_, week)| week.hours.first_mut()?.cells.last_mut()) {
        *cell = Cell::of(CellKind::Skipped);
    }
    weeks
}

fn whole(name: &str) -> Link {
    Link::new(format!("/components/{name}"), name.replace('_', " "))
}

#[allow(
    clippy::inline_always,
    clippy::unnecessary_wraps,
    reason = "what askama makes of a filter, and asks of it"
)]
mod filters {
    use std::fmt::Display;

    use askama::filters::Safe;

    /// How the attributes begin that give or name an element's id.
    const NAMING: [&str; 7] = [
        " id=\"",
        " for=\"",
        " href=\"#",
        " aria-labelledby=\"",
        " aria-describedby=\"",
        " aria-controls=\"",
        " data-copy=\"",
    ];

    /// Puts `prefix` before every id, so that a page can hold the same part several times.
    #[askama::filter_fn]
    pub fn apart(html: impl Display, _: &dyn askama::Values, prefix: &str) -> askama::Result<Safe<String>> {
        Ok(Safe(renamed(&html.to_string(), prefix)))
    }

    fn renamed(html: &str, prefix: &str) -> String {
        NAMING.iter().fold(html.to_owned(), |html, naming| prefixed(&html, naming, prefix))
    }

    fn prefixed(html: &str, naming: &str, prefix: &str) -> String {
        let mut parts = html.split(naming);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (ids, rest) = part.split_once('"').unwrap_or((part, ""));
            let ids: Vec<_> = ids.split_whitespace().map(|id| format!("{prefix}-{id}")).collect();
            text.push_str(naming);
            text.push_str(&ids.join(" "));
            text.push('"');
            text.push_str(rest);
        }
        text
    }

    #[test]
    fn ids_and_what_names_them_stay_together() {
        let html =
            r##"<p id="x"><a href="#x" aria-labelledby="x y">x</a><a href="/x#x" title="x">x</a></p>"##;
        let expected = r##"<p id="a-x"><a href="#a-x" aria-labelledby="a-x a-y">x</a><a href="/x#x" title="x">x</a></p>"##;
        assert_eq!(renamed(html, "a"), expected);
    }
}
