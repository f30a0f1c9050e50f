//! A course whose sweeps look at real sites, each through a proxy of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::{Clock as _, ManualClock, SystemClock};
use fairlease::cloud::openstack::{Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, Clouds};
use fairlease::db::{self, Db, DbError, Installation};
use fairlease::domain::course::{CloudName, Course};
use fairlease::domain::ids::{InstanceId, SiteId};
use fairlease::domain::person::Role;
use fairlease::entropy::{Entropy as _, OsEntropy};
use fairlease::mail::delivery::{CONNECTIONS, Sender, SmtpMailer};
use fairlease::policy::reaping::Plan;
use fairlease::services::health::Watch;
use fairlease::services::reaping::{self, Done};
use fairlease::services::{App, Wake, courses, delivery, people};

use super::proxy::Proxy;
use crate::support::bed::{self, Bed};
use crate::support::smtp::MailServer;
use crate::world::database::Database;
use crate::world::{Backend, course};

/// The course's own site; its pools are here.
pub(super) const HOME: &str = "kvm-tacc";

/// A net ID that no other run has, so that nothing is taken for what that has left behind.
pub(super) fn somebody() -> String {
    format!("rk{}", OsEntropy.bits() % 1_000_000)
}

/// A course, its sites and its mail.
pub(super) struct Reaped {
    pub(super) app: Arc<App>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) mail: MailServer,
    proxies: BTreeMap<SiteId, Proxy>,
    began: DateTime<Utc>,
    _database: Database,
}

/// The example's course with this table `reaper`, with these sites, and without anybody's days.
fn strict(reaper: &str, sites: &[(&str, &str)]) -> Course {
    let mut course = course(&[("[course]", &format!("[reaper]\n{reaper}\n\n[course]"))]);
    for (id, cloud) in sites.iter().filter(|(id, _)| *id != HOME) {
        let mut site = course.sites[0].clone();
        site.id = id.parse().unwrap();
        site.cloud = CloudName::OpenStack((*cloud).to_owned());
        course.sites.push(site);
    }
    course.sites[0].cloud = CloudName::OpenStack(bed::CLOUD.to_owned());
    for lab in &mut course.labs {
        (lab.policy.parity, lab.due, lab.term_end) = (None, None, None);
    }
    course
}

impl Reaped {
    /// With the sites that are reached as these clouds, the first of them [`HOME`]. By the course's clock it is now.
    pub(super) async fn set(bed: &Bed, sites: &[(&str, &str)], reaper: &str) -> Self {
        let began = SystemClock.now();
        let clock = Arc::new(ManualClock::at(began));
        let (mut proxies, mut clouds) = (BTreeMap::new(), Clouds::new());
        for (id, cloud) in sites {
            let mut entry = load(&[bed.clouds_yaml().to_owned()], cloud).unwrap();
            let proxy = Proxy::before(&entry.auth_url).await;
            entry.auth_url = proxy.auth_url();
            let cloud: Arc<dyn Cloud> =
                Arc::new(OpenStackCloud::new(entry, Limits::default(), clock.clone()).unwrap());
            let id: SiteId = id.parse().unwrap();
            clouds.insert(id.clone(), cloud);
            proxies.insert(id, proxy);
        }
        let database = Database::create(Backend::Sqlite);
        let db = Db::open(&database.url()).unwrap();
        db.migrate().unwrap();
        let course = strict(reaper, sites);
        db.write("apply", move |conn| courses::apply(conn, &course, began)).await.unwrap();
        let mail = MailServer::start().await;
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
        let own = Installation::new(InstanceId::from_bits(OsEntropy.bits()), OsEntropy.secret());
        let own = db.installation(&own).unwrap();
        let app = Arc::new(App {
            instance: own.id,
            link_key: own.link_key,
            db,
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            clouds,
            mailer: Arc::new(SmtpMailer::connect(&mail.url(), CONNECTIONS, sender).unwrap()),
            public_url: "https://fairlease.example.edu".to_owned(),
            claim: TimeDelta::seconds(120),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
            watch: Arc::new(Watch::new().unwrap()),
        });
        Self { app, clock, mail, proxies, began, _database: database }
    }

    /// Someone in the course.
    pub(super) async fn enrol(&self, net_id: &str, role: Role) {
        let (app, net_id) = (self.app.clone(), net_id.parse().unwrap());
        let made = self.app.db.write::<_, DbError, _>("person", move |conn| {
            people::ensure_person(&app, conn, &net_id, "Someone", role)
        });
        made.await.unwrap();
    }

    /// The proxy before a site.
    pub(super) fn proxy(&self, site: &str) -> &Proxy {
        &self.proxies[&site.parse::<SiteId>().unwrap()]
    }

    /// Sweeps so many minutes after the beginning, and sends what is to be told.
    pub(super) async fn sweep_at(&self, minutes: i64) -> (Plan, Vec<Done>) {
        self.clock.set(self.began + TimeDelta::minutes(minutes));
        self.sweep().await
    }

    /// Sweeps a minute later.
    pub(super) async fn sweep_again(&self) -> (Plan, Vec<Done>) {
        self.clock.advance(TimeDelta::minutes(1));
        self.sweep().await
    }

    async fn sweep(&self) -> (Plan, Vec<Done>) {
        let swept = reaping::sweep(&self.app).await.unwrap();
        while delivery::step(&self.app).await.unwrap() > 0 {}
        swept
    }

    /// Names of what is marked.
    pub(super) async fn marked(&self) -> Vec<String> {
        let marks = self.app.db.read("marks", db::marks).await.unwrap();
        marks.into_iter().map(|mark| mark.marked.target.name).collect()
    }
}
