//! `fairlease demo`: web and worker in one process, with an example course, the simulated cloud and a mailbox.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;

use super::options::default_data_dir;
use super::{Failure, Options, apply, assemble, metrics, output, presence, serve, signals};
use crate::clock::{Clock, SystemClock};
use crate::config::course_file::CourseFile;
use crate::db::DbError;
use crate::domain::audit::Doer;
use crate::domain::course::{CloudName, Course};
use crate::domain::person::Role;
use crate::services::{App, people};
use crate::web::{self, Demo, WebState};

mod crowd;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "FAIRLEASE_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A course of your own instead of the example
    #[arg(long, value_name = "FILE")]
    course: Option<PathBuf>,
    #[command(flatten)]
    proxies: serve::ProxyArgs,
    #[command(flatten)]
    metrics: metrics::MetricsArgs,
}

const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");
/// What the demo adds to it: something that is scarce.
const SCARCE: &str = include_str!("demo/scarce.toml");
/// The example's dates are moved so that there is at least this much time to its due date.
const DAYS_TO_DUE: u64 = 7;

/// Whom one can be: net ID, what to call them, what they are.
const PEOPLE: [(&str, &str, Role); 3] = [
    ("ff524", "Student with an even net ID", Role::Student),
    ("ab1237", "Student with an odd net ID", Role::Student),
    ("ta77", "Teaching assistant", Role::Assistant),
];

pub(super) async fn run(mut options: Options, args: Args) -> Result<(), Failure> {
    if options.data_dir.is_none() {
        options.data_dir = Some(default_data_dir("fairlease-demo")?);
    }
    let (listener, url) = serve::bind(args.listen, "--listen")?;
    let for_metrics = args.metrics.bind()?;
    let data_dir = options.data_dir()?;
    output::line(format_args!("Preparing the data directory {} ...", data_dir.display()))?;
    let example = args.course.is_none();
    let course = course(&args, SystemClock.now())?;
    let simulated = course.sites.iter().all(|site| site.cloud == CloudName::Simulated);
    apply::save(&assemble::database(&options)?, &Doer::command(), course).await?;
    let app = assemble::app(&options, &url).await?;
    seed(&app).await?;
    if example {
        crowd::seed(&app).await?;
    }
    let mailbox = options.smtp_url.is_none().then(|| data_dir.join(assemble::MAILBOX));
    greet(&app.public_url, simulated, mailbox.is_some())?;
    let stop = signals::stop()?;
    metrics::serve(for_metrics, &app, &stop);
    let state = WebState {
        demo: Some(Demo {
            mailbox,
            simulated,
            people: PEOPLE
                .iter()
                .map(|(net_id, name, _)| ((*net_id).to_owned(), (*name).to_owned()))
                .collect(),
        }),
        proxies: args.proxies.proxies(),
        ..WebState::new(app.clone(), stop.clone())
    };
    let _presence = presence::enter(&app.db).await?;
    let worker = tokio::spawn(crate::worker::run(app, stop));
    web::serve(listener, state).await?;
    Ok(worker.await??)
}

/// The course that was named, or the example with its dates moved to the present.
fn course(args: &Args, now: DateTime<Utc>) -> Result<Course, Failure> {
    if let Some(file) = &args.course {
        return apply::read(file);
    }
    let example = CourseFile::parse("course.toml", &format!("{EXAMPLE}{SCARCE}"))?;
    let fortnights = example.fortnights_behind(now, DAYS_TO_DUE);
    Ok(example.later_by_fortnights(fortnights).check("course.toml")?)
}

async fn seed(app: &Arc<App>) -> Result<(), DbError> {
    let inner = app.clone();
    let seeded = app
        .db
        .write("seed", move |conn| {
            for (net_id, name, role) in &PEOPLE {
                let net_id = net_id.parse().map_err(|error| DbError::Corrupt(format!("{error}")))?;
                people::ensure_person(&inner, conn, &net_id, name, *role)?;
            }
            Ok(())
        })
        .await;
    match seeded {
        // Another process that starts at the same moment was quicker.
        Err(DbError::Duplicate(_)) => Ok(()),
        other => other,
    }
}

fn greet(url: &str, simulated: bool, mailbox: bool) -> Result<(), Failure> {
    output::line(format_args!(
        "
Fairlease is ready. Open {url} and sign in as one of these; no password is asked for:
"
    ))?;
    for (net_id, name, _) in PEOPLE {
        output::line(format_args!("  {net_id:<8} {name}"))?;
    }
    let cloud = if simulated { "The cloud is simulated" } else { "The cloud is real" };
    let mail = if mailbox { format!("goes to {url}/mailbox") } else { "is really sent".to_owned() };
    output::line(format_args!(
        "
{cloud}, and mail {mail}. Stop it with Ctrl-C; what you did is still there at the next start.
"
    ))
}
