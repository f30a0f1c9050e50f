//! The command line: one file a subcommand. Only here are adapters built.

mod announce;
mod apply;
mod assemble;
mod audit;
mod book;
mod bookings;
mod by;
mod course;
mod demo;
mod doctor;
mod exception;
mod exemption;
mod explain;
mod fairshare;
mod find;
mod leave;
mod mail;
mod metrics;
mod migrate;
mod offer;
mod options;
mod outage;
mod output;
mod person;
mod presence;
mod privacy;
mod reap;
mod reaper;
mod role;
mod roster;
mod serve;
mod service;
mod shares;
mod signals;
mod slot;
mod token;
mod wait;
mod waitlist;
mod worker;

use clap::{Parser, Subcommand};

pub use options::Options;

/// Book time on a course's shared cloud resources.
#[derive(Debug, Parser)]
#[command(name = "fairlease", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: everything embedded, with an example course, on <http://127.0.0.1:8080>
    Demo(demo::Args),
    /// Serve the pages and the API
    Serve(serve::Args),
    /// Provision, reap, remind and send mail
    Worker(worker::Args),
    /// Bring the database's schema up to date
    Migrate,
    /// Make the course what a course.toml says
    Apply(apply::Args),
    /// Say something to the course or to a part of it
    Announce(announce::Args),
    /// Look at a course file
    Course(course::Args),
    /// Check whether the sites have what the course needs
    Doctor(doctor::Args),
    /// Say what the rules make of a slot for a person, or why something was decided as it was
    Explain(explain::Args),
    /// End what is over and delete what nobody owns, once
    Reap(reap::Args),
    /// Pause the reaper, see what it has marked and done, and take things back
    Reaper(reaper::Args),
    /// Have the reaper leave something alone, and take that back
    Exemption(exemption::Args),
    /// Say that a site or a service is away, and that it is back
    Outage(outage::Args),
    /// Book a slot for a person
    Book(book::Args),
    /// List a person's bookings
    Bookings(bookings::Args),
    /// Find the first slots that a person could book
    Find(find::Args),
    /// Say who has had less than a fair share, as Slurm's sshare does
    Fairshare(fairshare::Args),
    /// Say where students stand in sections and teams, and what shares they have
    Shares(shares::Args),
    /// List who waits for a place, who comes next first
    Waitlist(waitlist::Args),
    /// Wait for a place, or say what the chances are
    Wait(wait::Args),
    /// Wait no more
    Leave(leave::Args),
    /// Answer what is offered to who waited
    Offer(offer::Args),
    /// Grant someone other rules, and take that back
    Exception(exception::Args),
    /// Say who takes the course
    Person(person::Args),
    /// See who did what, and check that the log of it is whole
    Audit(audit::Args),
    /// See what mail was not sent, and have it tried again
    Mail(mail::Args),
    /// Tell what is kept of a person, and erase them
    Privacy(privacy::Args),
    /// Say who is staff
    Role(role::Args),
    /// Say which programs are in the course by themselves
    Service(service::Args),
    /// Make, list and revoke what programs sign in with
    Token(token::Args),
    /// Bring the course's roster as a file, and list it
    Roster(roster::Args),
}

/// Why a command did not do what it was asked: a sentence for the person who typed it.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs the command. The exit code is 0 if it did what it was asked, 1 if it was refused or failed; clap exits with 2 for
/// wrong words.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let options = cli.options;
    match cli.command {
        Command::Demo(args) => demo::run(options, args).await,
        Command::Serve(args) => serve::run(&options, &args).await,
        Command::Worker(args) => worker::run(&options, &args).await,
        Command::Migrate => migrate::run(&options),
        Command::Apply(args) => apply::run(&options, &args).await,
        Command::Announce(args) => announce::run(&options, args).await,
        Command::Course(args) => course::run(&args),
        Command::Doctor(args) => doctor::run(&options, &args).await,
        Command::Explain(args) => explain::run(&options, &args).await,
        Command::Reap(args) => reap::run(&options, &args).await,
        Command::Reaper(args) => reaper::run(&options, args).await,
        Command::Exemption(args) => exemption::run(&options, args).await,
        Command::Outage(args) => outage::run(&options, args).await,
        Command::Book(args) => book::run(&options, args).await,
        Command::Bookings(args) => bookings::run(&options, &args).await,
        Command::Find(args) => find::run(&options, args).await,
        Command::Fairshare(args) => fairshare::run(&options, &args).await,
        Command::Shares(args) => shares::run(&options, args).await,
        Command::Waitlist(args) => waitlist::run(&options, &args).await,
        Command::Wait(args) => wait::run(&options, args).await,
        Command::Leave(args) => leave::run(&options, &args).await,
        Command::Offer(args) => offer::run(&options, args).await,
        Command::Exception(args) => exception::run(&options, args).await,
        Command::Person(args) => person::run(&options, args).await,
        Command::Audit(args) => audit::run(&options, args).await,
        Command::Mail(args) => mail::run(&options, args).await,
        Command::Privacy(args) => privacy::run(&options, args).await,
        Command::Role(args) => role::run(&options, args).await,
        Command::Service(args) => service::run(&options, args).await,
        Command::Token(args) => token::run(&options, args).await,
        Command::Roster(args) => roster::run(&options, args).await,
    }
}

impl Cli {
    /// How the process is to log.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether the command goes on until it is stopped: then it logs what it does, where others speak only of trouble.
    pub fn is_service(&self) -> bool {
        matches!(self.command, Command::Demo(_) | Command::Serve(_) | Command::Worker(_))
    }
}
