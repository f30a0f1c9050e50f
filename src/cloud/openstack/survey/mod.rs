//! All that a project holds, whoever made it, with what each service tells of it.
//!
//! One listing of each kind, with details, and one of all ports for what hangs on what. Shares are the exception: Manila
//! lists rules of access by share only, so each share that carries no mark takes a call. Accounts are told by their ids:
//! their names are for those who run the site.

mod compute;
mod data;
mod lease;
mod network;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::OpenStackCloud;
use super::reservation::Lease;
use crate::cloud::port::{CloudError, Found};
use crate::domain::blueprint::Kind;
use crate::domain::fitness::SiteService;
use crate::domain::resource::Mark;
use crate::domain::survey::{Belongs, Survey};

impl OpenStackCloud {
    pub(super) async fn survey_project(
        &self,
        needed: &BTreeSet<SiteService>,
    ) -> Result<Vec<Found>, CloudError> {
        let project = self.session.project().await?;
        let project = project.as_str();
        let compute = async { tokio::try_join!(self.survey_keypairs(), self.surveyed_servers(project)) };
        let data = async {
            tokio::try_join!(
                self.if_there(SiteService::Block, needed, self.survey_volumes(project)),
                self.if_there(SiteService::Share, needed, self.survey_shares(project)),
                self.if_there(SiteService::Object, needed, self.survey_buckets()),
                self.if_there(SiteService::Container, needed, self.survey_containers(project)),
            )
        };
        let (compute, network, leases, data) = tokio::try_join!(
            compute,
            self.surveyed_network(project),
            self.if_there(SiteService::Reservation, needed, self.leases()),
            data,
        )?;
        let (mut all, servers) = compute;
        let held = lease::Held::by(&leases);
        all.extend(servers.into_iter().map(|server| server.found(&held, &network)));
        all.extend(leases.into_iter().map(Lease::found));
        all.extend(network.found());
        let (volumes, shares, buckets, containers) = data;
        for some in [volumes, shares, buckets, containers] {
            all.extend(some);
        }
        Ok(all)
    }
}

/// An object of the survey. `marked` is the text that may carry its mark.
fn found(
    kind: Kind,
    site_ref: String,
    name: String,
    marked: &str,
    created_at: Option<DateTime<Utc>>,
    survey: Survey,
) -> Found {
    Found { kind, site_ref, name, mark: Mark::from_name(marked), created_at, survey }
}

/// Whether an object is the project's, by what the site says of its project.
fn belongs(to: Option<&str>, project: &str) -> Belongs {
    match to {
        None => Belongs::Untold,
        Some(id) if id == project => Belongs::Project,
        Some(_) => Belongs::Others,
    }
}

/// A text that says something.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
