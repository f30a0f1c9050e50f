//! Builds what use cases work with from the options: the database, the clouds of the course, the mailer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use directories::BaseDirs;

use super::{Failure, Options};
use crate::auth::openid::Providers;
use crate::clock::{Clock, SystemClock};
use crate::cloud::metered::Metered;
use crate::cloud::openstack::{self, Limits, OpenStackCloud};
use crate::cloud::port::{Cloud, Clouds};
use crate::cloud::simulated::{Fault, Faults, Profile, SimulatedCloud};
use crate::config::identity_file;
use crate::db::{self, Db, DbError, Installation};
use crate::domain::course::{CloudName, Site};
use crate::domain::ids::InstanceId;
use crate::entropy::{Entropy, OsEntropy};
use crate::mail::delivery::{FileMailer, Mailer, Sender, SmtpMailer};
use crate::mail::dkim::Seal;
use crate::services::health::Watch;
use crate::services::{App, Wake};

/// The directory into which mail goes where there is no mail server.
pub const MAILBOX: &str = "mailbox";

/// Opens the database and brings its schema up to date.
pub fn database(options: &Options) -> Result<Db, Failure> {
    let url = options.database_url()?;
    let db = Db::open(&url).map_err(|error| Failure(format!("{url}: {error}")))?;
    db.migrate().map_err(|error| Failure(format!("{url}: {error}")))?;
    Ok(db)
}

/// Everything that use cases need. `public_url` is where the pages are if the options do not say.
pub async fn app(options: &Options, public_url: &str) -> Result<Arc<App>, Failure> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let db = database(options)?;
    let fresh = Installation::new(InstanceId::from_bits(entropy.bits()), entropy.secret());
    let Installation { id: instance, link_key } = db.installation(&fresh)?;
    let sites = db.read::<_, DbError, _>("sites", db::sites).await?;
    let watch = Arc::new(Watch::new()?);
    let clouds = clouds(options, &sites, &clock, &entropy, &watch)?;
    let public_url = options.public_url.as_deref().unwrap_or(public_url).trim_end_matches('/').to_owned();
    Ok(Arc::new(App {
        db,
        clock,
        entropy,
        clouds,
        watch,
        mailer: mailer(options)?,
        instance,
        link_key,
        public_url,
        claim: TimeDelta::seconds(i64::from(options.claim_seconds)),
        wake: Wake::default(),
        sweeping: tokio::sync::Mutex::default(),
    }))
}

/// Those who sign people in, as `file` describes them. A secret's file is looked for beside it.
pub fn providers(file: Option<&Path>, clock: &Arc<dyn Clock>) -> Result<Providers, Failure> {
    let Some(file) = file else { return Ok(Providers::none()) };
    let unreadable = |error| Failure(format!("{} can't be read: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let beside = file.parent().unwrap_or(Path::new("."));
    let secret = |name: &Path| fs::read_to_string(beside.join(name));
    let described = identity_file::parse(&file.display().to_string(), &text, secret)?;
    Ok(Providers::new(described, clock)?)
}

fn mailer(options: &Options) -> Result<Arc<dyn Mailer>, Failure> {
    let mut sender = Sender::parse(&options.mail_from)?;
    if let Some((selector, key_file)) = options.dkim.given() {
        let domain = options.dkim.domain.clone().unwrap_or_else(|| sender.domain().to_owned());
        sender = sender.sealing(Seal::open(&domain, selector, key_file)?);
    }
    Ok(match &options.smtp_url {
        Some(url) => Arc::new(SmtpMailer::connect(url, options.mail_connections, sender)?),
        None => Arc::new(FileMailer::open(options.data_dir()?.join(MAILBOX), sender)?),
    })
}

fn clouds(
    options: &Options,
    sites: &[Site],
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    watch: &Arc<Watch>,
) -> Result<Clouds, Failure> {
    let mut clouds = Clouds::new();
    for site in sites {
        let cloud = cloud(options, site, clock, entropy)?;
        let metered = Metered::new(site.id.clone(), cloud, clock.clone(), watch.clone());
        clouds.insert(site.id.clone(), Arc::new(metered));
    }
    Ok(clouds)
}

/// The adapter of one site.
pub fn cloud(
    options: &Options,
    site: &Site,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Arc<dyn Cloud>, Failure> {
    Ok(match &site.cloud {
        CloudName::Simulated => Arc::new(simulated(options, site, clock, entropy)?),
        CloudName::OpenStack(entry) => Arc::new(openstack(options, entry, clock)?),
    })
}

fn openstack(options: &Options, entry: &str, clock: &Arc<dyn Clock>) -> Result<OpenStackCloud, Failure> {
    let config_home = BaseDirs::new().map(|directories| directories.config_dir().to_owned());
    let places = openstack::places(options.clouds_file.as_deref(), config_home.as_deref());
    Ok(OpenStackCloud::new(openstack::load(&places, entry)?, Limits::default(), clock.clone())?)
}

fn simulated(
    options: &Options,
    site: &Site,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<SimulatedCloud, Failure> {
    let directory = options.data_dir()?.join("cloud").join(site.id.as_str());
    let profile = if options.simulate_instantly { Profile::instant() } else { Profile::default() };
    let faults = match &options.simulate_hang {
        Some(text) => {
            hang(text).ok_or_else(|| Failure(format!("\"{text}\" is not a fault such as 7:after=FILE")))?
        }
        None => Faults::none(),
    };
    SimulatedCloud::on_disk(directory.clone(), profile, faults, clock.clone(), entropy.clone())
        .map_err(|error| Failure(format!("{} can't be used: {error}", directory.display())))
}

fn hang(text: &str) -> Option<Faults> {
    let (call, rest) = text.split_once(':')?;
    let (when, marker) = rest.split_once('=')?;
    let marker = Some(Path::new(marker).to_owned());
    let fault = match when {
        "before" => Fault::HangBefore(marker),
        "after" => Fault::HangAfter(marker),
        _ => return None,
    };
    Some(Faults::at(call.parse().ok()?, fault))
}
