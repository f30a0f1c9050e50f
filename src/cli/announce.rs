//! `fairlease announce`

use std::path::PathBuf;

use chrono::DateTime;
use clap::Args as ClapArgs;
use serde_json::json;

use super::by::By;
use super::{Failure, Options, assemble, output, slot};
use crate::domain::announcement::Audience;
use crate::domain::ids::LabId;
use crate::services::announcements::{self, NewAnnouncement, Release};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What it is about, in a line
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// The file with the text, in Markdown
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// About this lab, rather than about the course
    #[arg(long, conflicts_with = "section")]
    lab: Option<LabId>,
    /// To this section, rather than to the whole course
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// When it is to be published, rather than at once
    #[arg(long, value_name = "TIME", conflicts_with = "draft")]
    at: Option<String>,
    /// Keep it as a draft, which only staff see
    #[arg(long)]
    draft: bool,
    /// Send no mails about it
    #[arg(long)]
    no_mail: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options, args: Args) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let zone = slot::zone(&app.db).await?;
    let text = std::fs::read_to_string(&args.text)
        .map_err(|error| Failure(format!("{} can't be read: {error}", args.text.display())))?;
    let release = match (&args.at, args.draft) {
        (_, true) => Release::Draft,
        (Some(at), false) => Release::At(slot::read_instant(zone, at)?),
        // What is over is at once.
        (None, false) => Release::At(DateTime::UNIX_EPOCH),
    };
    let audience = match (args.lab, args.section) {
        (Some(lab), _) => Audience::Lab(lab),
        (None, Some(section)) => Audience::Section(section),
        (None, None) => Audience::Course,
    };
    let wanted = NewAnnouncement { title: args.title, text, audience, mailed: !args.no_mail, release };
    let (inner, doer) = (app.clone(), args.by.doer());
    let id =
        app.db.write("announce", move |conn| announcements::post_in(&inner, conn, &doer, &wanted)).await?;
    if args.json {
        return output::json(&json!({ "id": id }));
    }
    output::line(format_args!("announcement {id} is posted; fairlease worker sends its mails"))
}
