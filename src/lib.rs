//! Fairlease lets the students of a course book time on cloud resources that the course shares, keeps the course's rules,
//! provisions what was booked, and deletes it when its time is over.
//!
//! # The map
//!
//! The core decides and touches nothing; the shell around it reads, writes and calls, and decides nothing.
//!
//! - [`domain`] has the nouns: typed ids, [`Interval`](domain::interval::Interval), local time
//!   ([`calendar`](domain::calendar)), courses with their sites, pools and labs, blueprints, and the booking with its
//!   states. It knows std, chrono and serde.
//! - [`policy`] has the decisions, as pure functions: may this person have this slot
//!   ([`admission`](policy::admission)), which starts are there ([`availability`](policy::availability)), who has used less
//!   than a fair share ([`fair_share`](policy::fair_share)), whose turn it is ([`waitlist`](policy::waitlist)), what is next
//!   for a booking ([`reconcile`](policy::reconcile)), what may be deleted ([`reaping`](policy::reaping)), whose turn it
//!   is in line ([`waitlist`](policy::waitlist)), whether a site
//!   has what a course needs ([`fitness`](policy::fitness)). The present instant, the occupancy and everything else that
//!   they weigh is handed to them.
//! - [`clock`] is the only reader of time and [`entropy`] the only source of chance. `clippy.toml` bans the rest.
//! - [`db`] is storage, and the only home of diesel. One schema and one set of queries serve SQLite and PostgreSQL; what
//!   differs is in `db::dialect`, and the column types in `db::types`.
//! - [`cloud`] is what we ask of a site: the trait [`Cloud`](cloud::port::Cloud), and two adapters behind it,
//!   [`openstack`](cloud::openstack) and [`simulated`](cloud::simulated).
//! - [`auth`] asks those who know who someone is: OpenID Connect providers ([`auth::openid`]).
//! - [`metrics`] holds the figures of a process for Prometheus.
//! - [`mail`] writes messages and calendar objects, and hands them to a mail server or a directory.
//! - [`markdown`] makes HTML and plain text of what staff write.
//! - [`services`] are the use cases: load, decide, save. [`App`](services::App) holds what they work with.
//! - [`worker`] runs by itself: it fulfils bookings, sweeps, reminds and sends mail, by calling services.
//! - [`web`] and [`cli`] are the two ways in for people and programs. Both call services.
//! - [`config`] reads `course.toml` and `identity.toml` into the domain's types and tells all their errors at once.
//! - [`roster`] reads the rosters that Canvas, Brightspace and Gradescope export, the same way;
//!   [`policy::roster`] says what a roster changes.
//!
//! # Direction
//!
//! ```text
//!   cli ----> web, worker ----> services ----> policy ----> domain
//!    |                             |                          ^
//!    |                             +-> db, cloud, mail, auth -+
//!    +----> config, and every adapter: only here are they built
//! ```
//!
//! Imports follow the arrows and skip steps where that is shorter: `web` takes the domain's types and asks `db` for what
//! it only shows. Nothing points back. `tests/architecture.rs` reads the sources and checks it, module by module, and
//! also that diesel, actix-web, lettre and their like stay in their homes.
//!
//! # Who calls whom
//!
//! **A student books.** `web::handlers::lab` or `web::api` reads the form and calls
//! [`services::booking::book`]. One closure on one transaction loads the lab, the person's bookings and the pool's
//! occupancy; [`policy::admission::judge`] names every rule that is broken; if there is none, the closure takes units
//! and a seat (the database refuses what would be too much, whatever the code above thought), writes the booking, its
//! planned resources, a line of its log and perhaps a notice, and commits. Then it wakes the worker of this process,
//! if there is one.
//!
//! **A student waits.** [`services::waitlist::join`] puts them in line. Whatever gives units back notes it; each second
//! [`worker::offer`] goes through the lines of such pools ([`services::waitlist::step`]): [`policy::waitlist`] says whose turn
//! it is, by what everyone has used ([`services::fair_share`]), and they get an offer, which is a booking that they take or pass.
//!
//! **Someone signs in.** [`services::sign_in`] remembers what was begun and says where to go ([`auth::openid`]); who comes
//! back with that is exchanged for an identity, the identity for a person of the roster, and they get a session
//! ([`services::sessions`]).
//!
//! **A booking comes up.** [`worker::fulfil`] claims bookings whose next step is due. For each,
//! [`services::fulfil::advance`] goes in turns: a transaction renews the claim, records what came of the calls before,
//! asks [`policy::reconcile::next`] and writes the intent; the calls to the cloud follow, outside of any transaction. If
//! the claim does not stand any more, nothing is written. A worker that takes over after a crash sees what is stored and
//! decides the same.
//!
//! **A booking ends.** Each minute [`worker::cron`] claims the tick and runs [`services::reaping::sweep`]: it surveys
//! the sites, plans with [`policy::reaping::plan`], and acts: it ends bookings that are over, deletes objects of ours that no
//! booking holds, and marks, stops and deletes what people made by hand. What of that is a student's counts as their usage
//! ([`policy::fair_share::by_hand`]). The objects of a booking go through `fulfil` again, in reverse order, until the site says of
//! each that it is not there.
//!
//! **A site fails.** [`cloud::metered`] tells each call to [`services::health::Watch`]; [`policy::health`] says what it comes
//! to, and the database keeps it for all processes. [`worker::look`] looks at each site twice a minute. What a site that is
//! down has to do rests until a look is answered.
//!
//! **A lease that staff hold is renewed.** Each hour [`services::renewal`] looks at it, asks [`policy::renewal`] and moves its
//! end, or writes to staff.
//!
//! **Something is recorded.** What staff, programs and commands do, and who signs in, is written down by
//! [`services::audit::record`] in the transaction that does it: ids alone in a chain of hashes, words apart from it. `docs/audit.md`
//! has what and how.
//!
//! **Staff announce something.** [`services::announcements`] writes it down with its time, and pages show it from then on. A worker
//! claims its mailing ([`worker::announce`]) and writes a notice to each person whom it is for, batch by batch.
//!
//! **Something is away.** Staff declare an outage, with what it does shown before ([`services::outages`]). It closes the labs that it
//! hits: [`db`] gives them to everyone with it, and with due dates that are put off. A worker deals with its bookings one by one
//! ([`worker::outage`]) by [`policy::outage`], then with its students, then with everyone.
//!
//! **Mail leaves.** A notice is a row, written in the transaction of what it tells. [`worker::deliver`] has
//! [`services::delivery`] claim rows, the urgent first, and hand several at once to the [`Mailer`](mail::delivery::Mailer);
//! [`policy::mail`] says which are out of date or too many. What its reader wants in one mail a day waits for
//! [`services::digest`]. Staff see what did not leave in [`services::outbox`].
//!
//! # Where to begin
//!
//! To change a rule: [`policy::admission`], and its sentence beside it. To add a kind of cloud object:
//! [`domain::blueprint`], then both adapters, and the contract suite in `tests/contract/`. To add a page: `web::pages`
//! for what it holds, `web::handlers` for what it does. `docs/architecture.md` says why things are as they are.
pub mod auth;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod db;
pub mod domain;
pub mod entropy;
pub mod mail;
pub mod markdown;
pub mod metrics;
pub mod policy;
pub mod roster;
pub mod services;
pub mod web;
pub mod worker;
