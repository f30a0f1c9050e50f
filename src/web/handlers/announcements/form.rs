//! The form that writes an announcement, as it is typed.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::db::{self, Conn, DbError};
use crate::domain::announcement::{Announcement, Audience};
use crate::domain::calendar;
use crate::domain::ids::{LabId, SiteId};
use crate::domain::interval::Interval;
use crate::services::announcements::{AnnouncementError, Edit, LONGEST_TITLE, NewAnnouncement, Release};
use crate::web::handlers::staff::read_time;
use crate::web::pages::announcements::{AudienceOption, Choice, WriteForm};
use crate::web::pages::layout::{Field, Problem};

/// What was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    pub(super) act: String,
    revision: i32,
    title: String,
    pub(super) text: String,
    audience: String,
    lab: String,
    section: String,
    site: String,
    from: String,
    until: String,
    release: String,
    at: String,
    mailed: String,
}

/// What there is to choose from: labs and sites with their titles, and sections.
#[derive(Debug, Clone, Default)]
pub(super) struct Offered {
    labs: Vec<(LabId, String)>,
    sites: Vec<(SiteId, String)>,
    sections: Vec<String>,
}

impl Offered {
    pub(super) fn of(conn: &mut Conn<'_>) -> Result<Self, DbError> {
        let course = db::course(conn)?;
        let (labs, sites) = course.map(|course| (course.labs, course.sites)).unwrap_or_default();
        Ok(Self {
            labs: labs.into_iter().map(|lab| (lab.id, lab.title)).collect(),
            sites: sites.into_iter().map(|site| (site.id, site.title)).collect(),
            sections: db::sections(conn)?,
        })
    }
}

/// What is written when the form is of something that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A new one.
    New,
    /// One that is not published yet.
    Unpublished,
    /// One that is.
    Published,
}

/// What the form asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) audience: Option<Audience>,
    pub(super) release: Option<Release>,
    pub(super) mailed: bool,
    revision: i32,
}

impl Asked {
    pub(super) fn new_announcement(self) -> Option<NewAnnouncement> {
        let (audience, release) = (self.audience?, self.release?);
        Some(NewAnnouncement { title: self.title, text: self.text, audience, mailed: self.mailed, release })
    }

    /// An edit of this one, whose audience stays unless the form has another.
    pub(super) fn edit(self, of: &Announcement) -> Edit {
        Edit {
            seen_revision: self.revision,
            title: self.title,
            text: self.text,
            audience: self.audience.unwrap_or_else(|| of.audience.clone()),
            mailed: self.mailed,
        }
    }
}

impl Form {
    /// A form for something new.
    pub(super) fn blank() -> Self {
        Self {
            audience: "course".to_owned(),
            release: "now".to_owned(),
            mailed: "yes".to_owned(),
            ..Self::default()
        }
    }

    /// The title as it was typed.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// The form that would write what is there.
    pub(super) fn of(it: &Announcement, subject: Subject, zone: Tz) -> Self {
        let typed = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        let mut form = Self {
            revision: it.revision,
            title: it.title.clone(),
            text: it.text.clone(),
            audience: it.audience.word().to_owned(),
            lab: it.audience.lab().map(ToString::to_string).unwrap_or_default(),
            release: if it.publish_at.is_some() { "at".to_owned() } else { "draft".to_owned() },
            at: it.publish_at.map(typed).unwrap_or_default(),
            ..Self::default()
        };
        if subject == Subject::Unpublished && it.mailed {
            "yes".clone_into(&mut form.mailed);
        }
        match &it.audience {
            Audience::Course | Audience::Lab(_) => {}
            Audience::Section(section) => form.section.clone_from(section),
            Audience::Booked { site, span, .. } => {
                form.site = site.as_ref().map(ToString::to_string).unwrap_or_default();
                (form.from, form.until) = (typed(span.start()), typed(span.end()));
            }
        }
        form
    }

    /// What it asks for, or everything that is wrong with it.
    pub(super) fn read(&self, subject: Subject, zone: Tz) -> Result<Asked, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: Problem| problems.push(problem);
        if self.title.trim().is_empty() {
            keep(problem(zone, &AnnouncementError::NoTitle));
        }
        if self.text.trim().is_empty() {
            keep(problem(zone, &AnnouncementError::NoText));
        }
        let chooses = subject != Subject::Published;
        let audience = if chooses {
            self.read_audience(zone).map_err(|all| all.into_iter().for_each(&mut keep)).ok()
        } else {
            None
        };
        let release = if chooses { self.read_release(zone).map_err(&mut keep).ok() } else { None };
        if !problems.is_empty() {
            return Err(problems);
        }
        let (title, text) = (self.title.clone(), self.text.clone());
        Ok(Asked { title, text, audience, release, mailed: !self.mailed.is_empty(), revision: self.revision })
    }

    fn read_audience(&self, zone: Tz) -> Result<Audience, Vec<Problem>> {
        let one = |field: &str, text: &str| vec![Problem::with_field(field, text)];
        let lab = || -> Result<Option<LabId>, Vec<Problem>> {
            let chosen = Some(self.lab.as_str()).filter(|lab| !lab.is_empty());
            chosen.map(|lab| lab.parse().map_err(|_| one("lab", "Choose a lab."))).transpose()
        };
        match self.audience.as_str() {
            "course" => Ok(Audience::Course),
            "lab" => lab()?.map(Audience::Lab).ok_or_else(|| one("lab", "Choose the lab that it is about.")),
            "section" if self.section.is_empty() => Err(one("section", "Choose a section.")),
            "section" => Ok(Audience::Section(self.section.clone())),
            "booked" => {
                let site = Some(self.site.as_str()).filter(|site| !site.is_empty());
                let site =
                    site.map(|site| site.parse().map_err(|_| one("site", "Choose a site."))).transpose()?;
                Ok(Audience::Booked { lab: lab()?, site, span: self.read_span(zone)? })
            }
            _ => Err(one("audience", "Choose whom it is for.")),
        }
    }

    fn read_span(&self, zone: Tz) -> Result<Interval, Vec<Problem>> {
        let from = read_time(zone, "from", &self.from);
        let until = read_time(zone, "until", &self.until);
        match (from, until) {
            (Ok(from), Ok(until)) => Interval::new(from, until).ok_or_else(|| {
                vec![Problem::with_field("until", "Give a time after the one from which on bookings count.")]
            }),
            (from, until) => Err(from.err().into_iter().chain(until.err()).collect()),
        }
    }

    fn read_release(&self, zone: Tz) -> Result<Release, Problem> {
        match self.release.as_str() {
            // What is over is at once.
            "now" => Ok(Release::At(DateTime::UNIX_EPOCH)),
            "at" => Ok(Release::At(read_time(zone, "at", &self.at)?)),
            "draft" => Ok(Release::Draft),
            _ => Err(Problem::with_field("release", "Choose when it is to be published.")),
        }
    }

    /// The form as it is drawn, sent to `action`.
    pub(super) fn shown(
        &self,
        action: String,
        subject: Subject,
        offered: &Offered,
        zone_name: &str,
        problems: Vec<Problem>,
    ) -> WriteForm {
        let chooses = subject != Subject::Published;
        let field = |id, kind, label, hint: String, value: &str| Field {
            id,
            kind,
            label,
            hint,
            value: value.to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required: id == "title",
        };
        let time = |id, label, what: &str, value: &str| {
            field(id, Some("datetime-local"), label, format!("{what} {zone_name}."), value)
        };
        let title_hint = format!(
            "What people see in lists, and the subject of the mail. At most {LONGEST_TITLE} characters."
        );
        WriteForm {
            action,
            revision: self.revision,
            title: field("title", None, "Title", title_hint, &self.title),
            text: self.text.clone(),
            audiences: if chooses { self.audiences(offered) } else { Vec::new() },
            labs: choices(
                Some("any lab"),
                &self.lab,
                offered.labs.iter().map(|(id, title)| (id.to_string(), title.clone())),
            ),
            sections: self.sections(offered),
            sites: choices(
                Some("any site"),
                &self.site,
                offered.sites.iter().map(|(id, title)| (id.to_string(), title.clone())),
            ),
            from: time("from", "From", "Of those who have something booked.", &self.from),
            until: time("until", "Until", "Of those who have something booked.", &self.until),
            releases: if chooses { self.releases() } else { Vec::new() },
            at: time("at", "Time", "If it is to be published at a time.", &self.at),
            mailed: !self.mailed.is_empty(),
            mail_label: if chooses { "Send it by mail, too" } else { "Tell everyone again by mail" },
            save: if subject == Subject::New { "Post" } else { "Save" },
            problems,
        }
    }

    fn sections(&self, offered: &Offered) -> Vec<Choice> {
        if offered.sections.is_empty() {
            return Vec::new();
        }
        choices(Some("choose one"), &self.section, offered.sections.iter().map(|it| (it.clone(), it.clone())))
    }

    fn audiences(&self, offered: &Offered) -> Vec<AudienceOption> {
        let mut ways =
            vec![("course", "Everyone in the course"), ("lab", "Everyone in the course, about a lab")];
        if !offered.sections.is_empty() {
            ways.push(("section", "A section"));
        }
        ways.push(("booked", "Those who have something booked in a time"));
        options(&self.audience, &ways)
    }

    fn releases(&self) -> Vec<AudienceOption> {
        options(
            &self.release,
            &[("now", "At once"), ("at", "At a time"), ("draft", "Not yet: keep it as a draft")],
        )
    }
}

fn options(chosen: &str, ways: &[(&'static str, &str)]) -> Vec<AudienceOption> {
    ways.iter()
        .map(|(key, text)| AudienceOption { key, text: (*text).to_owned(), chosen: *key == chosen })
        .collect()
}

fn choices(first: Option<&str>, chosen: &str, all: impl Iterator<Item = (String, String)>) -> Vec<Choice> {
    let first = first.map(|text| (String::new(), text.to_owned()));
    let choice = |(key, text): (String, String)| Choice { chosen: key == chosen, key, text };
    first.into_iter().chain(all).map(choice).collect()
}

/// What stands against an announcement, at the field that it is about.
pub(super) fn problem(zone: Tz, error: &AnnouncementError) -> Problem {
    let field = match error {
        AnnouncementError::NoTitle | AnnouncementError::TitleTooLong(_) => "title",
        AnnouncementError::NoText
        | AnnouncementError::TextTooLong(_)
        | AnnouncementError::Edited
        | AnnouncementError::Published
        | AnnouncementError::Withdrawn
        | AnnouncementError::NoSuchAnnouncement(_)
        | AnnouncementError::Db(_) => "text",
        AnnouncementError::NoSuchLab(_) => "lab",
        AnnouncementError::NoSuchSite(_) => "site",
        AnnouncementError::NoSuchSection { .. } => "section",
        AnnouncementError::AudienceStays => "audience",
        AnnouncementError::NoTime(at) => {
            let text =
                format!("{} is no time at which it can be published.", calendar::date_and_time(zone, *at));
            return Problem::with_field("at", text);
        }
    };
    Problem::with_field(field, crate::web::handlers::reaper::sentence(&error.to_string()))
}
