//! OpenStack sites, such as Chameleon's: Keystone, Nova, Neutron, Glance and, where the site has them, Blazar, Cinder, Manila,
//! Swift and Zun.
//!
//! Every object carries its mark in its name from the request that makes it on; a floating IP, which has no name, in its
//! description. So a lost answer leaves nothing behind that looking by name does not find. Metadata and tags repeat the
//! mark and tell `delete_at`, for people and for other reapers.

mod block;
mod clouds_yaml;
mod compute;
mod container;
mod errors;
mod examine;
mod floating_ip;
mod http;
mod identity;
mod image;
mod network;
mod neutron;
mod object;
mod power;
mod probe;
mod reservation;
mod router;
mod security_group;
mod session;
mod share;
mod survey;
mod time;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::de::IgnoredAny;
use serde_json::Value;

pub use self::clouds_yaml::{CloudEntry, CloudsYamlError, Credential, Interface, Trust, load, parse, places};
pub use self::http::Limits;

use self::block::VolumeWish;
use self::identity::Service;
use self::neutron::Collection;
use self::probe::Prober;
use self::session::Session;
use super::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::clock::Clock;
use crate::domain::blueprint::{Kind, Probe, Spec};
use crate::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use crate::domain::ids::ResourceKey;
use crate::domain::reaper::StopBy;
use crate::domain::renewal::HeldLease;
use crate::domain::resource::{Mark, SiteFacts};
use crate::domain::survey::Survey;

/// One project at one OpenStack site.
#[derive(Debug)]
pub struct OpenStackCloud {
    session: Session,
    prober: Prober,
}

impl OpenStackCloud {
    /// The project that `entry` leads to. Makes no call yet; refuses an entry whose certificates can't be read.
    pub fn new(entry: CloudEntry, limits: Limits, clock: Arc<dyn Clock>) -> Result<Self, CloudError> {
        Ok(Self { session: Session::new(entry, limits, clock)?, prober: Prober::new()? })
    }

    /// An error that may pass if the site does not show one of these services.
    async fn require(&self, needed: &BTreeSet<SiteService>) -> Result<(), CloudError> {
        let services: Vec<Service> = needed.iter().map(|of| examine::service(*of)).collect();
        self.session.require(&services).await
    }

    /// A listing of a service. Nothing if the catalog lacks it, unless it is `needed`: then the listing is tried, and fails.
    async fn if_there<T>(
        &self,
        of: SiteService,
        needed: &BTreeSet<SiteService>,
        listing: impl Future<Output = Result<Vec<T>, CloudError>>,
    ) -> Result<Vec<T>, CloudError> {
        let tried = needed.contains(&of) || self.session.has(examine::service(of)).await?;
        if tried { listing.await } else { Ok(Vec::new()) }
    }

    /// Asks for a deletion, and looks whether it has happened: that the request was taken is not yet absence.
    async fn delete_and_look(&self, service: Service, path: &[&str]) -> Result<Released, CloudError> {
        let was_there = self.session.delete(service, path).await?;
        let is_there = was_there && self.session.find::<IgnoredAny>(service, path).await?.is_some();
        Ok(if is_there { Released::Going } else { Released::Gone })
    }
}

#[async_trait]
impl Cloud for OpenStackCloud {
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.require(needed).await?;
        let collections = [
            Collection::NETWORKS,
            Collection::SUBNETS,
            Collection::ROUTERS,
            Collection::SECURITY_GROUPS,
            Collection::FLOATING_IPS,
        ];
        // All are read to their end, whatever befalls one of them: a request that is under way is not abandoned.
        let (network, keypairs, servers, leases, volumes, shares, buckets, containers) = tokio::join!(
            join_all(collections.map(|collection| self.list_neutron(collection, scope))),
            self.list_keypairs(scope),
            self.list_servers(scope),
            self.if_there(SiteService::Reservation, needed, self.list_leases(scope)),
            self.if_there(SiteService::Block, needed, self.list_volumes(scope)),
            self.if_there(SiteService::Share, needed, self.list_shares(scope)),
            self.if_there(SiteService::Object, needed, self.list_buckets(scope)),
            self.if_there(SiteService::Container, needed, self.list_containers(scope)),
        );
        let others = [keypairs, servers, leases, volumes, shares, buckets, containers];
        let listings: Vec<_> = network.into_iter().chain(others).collect::<Result<_, _>>()?;
        Ok(listings.concat())
    }

    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.require(needed).await?;
        Box::pin(self.survey_project(needed)).await
    }

    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError> {
        match &desired.spec {
            Spec::Lease { start, end, reservations } => {
                self.ensure_lease(desired, *start, *end, reservations).await
            }
            Spec::Keypair { public_key } => self.ensure_keypair(desired, public_key).await,
            Spec::Network => self.ensure_network(desired).await,
            Spec::Subnet { network, cidr } => self.ensure_subnet(desired, network, cidr).await,
            Spec::Router { subnet, external } => self.ensure_router(desired, subnet, external).await,
            Spec::SecurityGroup { open_tcp_ports } => {
                self.ensure_security_group(desired, open_tcp_ports).await
            }
            Spec::Volume { size_gib, volume_type, image, attach_to } => {
                let wanted = VolumeWish {
                    size_gib: *size_gib,
                    volume_type: volume_type.as_deref(),
                    image: image.as_deref(),
                };
                self.ensure_volume(desired, wanted, attach_to.as_ref()).await
            }
            Spec::Share { size_gib, share_type, access_from } => {
                self.ensure_share(desired, *size_gib, share_type.as_deref(), access_from).await
            }
            Spec::Bucket => self.ensure_bucket(desired).await,
            Spec::Server(server) => self.ensure_server(desired, server).await,
            Spec::Container(container) => self.ensure_container(desired, container).await,
            Spec::FloatingIp { external, server, network, reserved, .. } => {
                let port = self.port_of(desired, server, network.as_ref()).await?;
                match reserved {
                    Some(number) => self.ensure_reserved_ip(desired, external, &port, *number).await,
                    None => self.ensure_floating_ip(desired, external, &port).await,
                }
            }
        }
    }

    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError> {
        self.look_at_lease(site_ref).await
    }

    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        self.look_for_lease(name).await
    }

    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        self.move_end_later(site_ref, end).await
    }

    async fn answers(&self, address: &str, probe: &Probe) -> Result<bool, CloudError> {
        Ok(self.prober.answers(address, probe).await)
    }

    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError> {
        let (service, collection) = match kind {
            Kind::Router => return self.release_router(site_ref).await,
            Kind::FloatingIp => return self.release_floating_ip(site_ref).await,
            Kind::Port => return self.release_port(site_ref).await,
            Kind::Volume => return self.release_volume(site_ref).await,
            Kind::Bucket => return self.release_bucket(site_ref).await,
            Kind::Container => return self.release_container(site_ref).await,
            Kind::Share => return self.release_share(site_ref).await,
            Kind::Lease => (Service::Reservation, "leases"),
            Kind::Keypair => (Service::Compute, "os-keypairs"),
            Kind::Server => (Service::Compute, "servers"),
            Kind::Network => (Service::Network, Collection::NETWORKS.many),
            Kind::Subnet => (Service::Network, Collection::SUBNETS.many),
            Kind::SecurityGroup => (Service::Network, Collection::SECURITY_GROUPS.many),
        };
        self.delete_and_look(service, &[collection, site_ref]).await
    }

    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError> {
        self.stop_server(server, by).await
    }

    async fn start(&self, server: &str) -> Result<Progress, CloudError> {
        self.start_server(server).await
    }

    async fn health(&self) -> Result<(), CloudError> {
        let (identity, compute) = ((Service::Identity, ["auth", "catalog"]), [("limit", "1")]);
        tokio::try_join!(
            self.session.get::<IgnoredAny>(identity.0, &identity.1, &[]),
            self.session.get::<IgnoredAny>(Service::Compute, &["servers"], &compute),
            self.network_answers(),
        )?;
        Ok(())
    }

    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        self.report(needs).await
    }
}

/// Another object of the booking, which has to be there first.
fn made<'d>(desired: &'d Desired, key: &ResourceKey) -> Result<&'d SiteObject, CloudError> {
    let missing = || CloudError::Conflict(format!("the booking's {key} is to be made first"));
    desired.others.get(key).ok_or_else(missing)
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), value);
    }
}

/// Of several objects with one mark, which a late effect of a lost call can leave, everyone takes the same.
fn oldest<T>(objects: Vec<T>, created: impl Fn(&T) -> Option<DateTime<Utc>>) -> Option<T> {
    objects.into_iter().min_by_key(|object| created(object).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

fn ready(kind: Kind, site_ref: String) -> Observed {
    let object = SiteObject { kind, site_ref, facts: SiteFacts::default() };
    Observed { object, progress: Progress::Ready }
}

/// A listing's entry, if the mark that `marked` carries is in scope.
fn found(
    scope: &Scope,
    kind: Kind,
    marked: &str,
    site_ref: String,
    name: String,
    created_at: Option<DateTime<Utc>>,
) -> Option<Found> {
    let mark = Mark::from_name(marked).filter(|mark| scope.covers(mark))?;
    Some(Found { kind, site_ref, name, mark: Some(mark), created_at, survey: Survey::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{BookingId, InstanceId};

    /// An object as the core would ask for it, with others of its booking that exist already.
    pub(super) fn desired(key: &str, spec: Spec, others: &[(Kind, &str)]) -> Desired {
        let mark = Mark {
            instance: InstanceId::from_bits(7),
            booking: BookingId::from_bits(99),
            key: key.parse().unwrap(),
        };
        let others = others.iter().map(|(kind, site_ref)| {
            let key = crate::domain::blueprint::sole_key(*kind);
            (key, ready(*kind, (*site_ref).to_owned()).object)
        });
        Desired {
            name: mark.name("k8s-ff524"),
            mark,
            delete_at: "2026-02-10T22:00:00Z".parse().unwrap(),
            spec,
            others: others.collect(),
        }
    }

    #[test]
    fn a_listing_has_only_what_is_marked_and_in_scope() {
        let ours = desired("network", Spec::Network, &[]);
        let instance = Scope::Instance(ours.mark.instance.clone());
        let other_booking = Scope::Booking(ours.mark.instance.clone(), BookingId::from_bits(1));
        let listed = |scope: &Scope, name: &str| {
            found(scope, Kind::Network, name, "id".to_owned(), name.to_owned(), None).is_some()
        };
        assert!(listed(&instance, &ours.name));
        assert!(!listed(&other_booking, &ours.name));
        assert!(!listed(&Scope::Instance(InstanceId::from_bits(8)), &ours.name));
        assert!(!listed(&instance, "private-net-ff524"));
    }

    #[test]
    fn of_several_the_oldest_is_taken() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let objects = vec![("b", at(2)), ("none", None), ("a", at(1))];
        assert_eq!(oldest(objects, |object| object.1).unwrap().0, "a");
    }
}
