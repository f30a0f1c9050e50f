//! Blazar: leases with reservations of flavors, hosts, devices and floating IPs.
//!
//! Blazar counts in minutes. A lease covers the span that was asked for: its start is rounded down, its end up.
//!
//! The end of a lease in force can be moved. To move that of a lease which has not begun is **never tried**: Blazar
//! answers 404, since it does not yet let itself see the reserved flavor, and leaves the lease in ERROR.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::identity::Service;
use super::{OpenStackCloud, insert, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Scope, SiteObject};
use crate::domain::blueprint::{HeldBy, Kind, Reserved};
use crate::domain::fitness::LeaseFacts;
use crate::domain::renewal::{HeldLease, Phase};
use crate::domain::resource::SiteFacts;

/// Beyond it Blazar answers 500 and no more.
const LONGEST_NAME: usize = 80;

#[derive(Debug, Deserialize)]
struct Leases {
    leases: Vec<Lease>,
}

#[derive(Debug, Deserialize)]
struct OneLease {
    lease: Lease,
}

/// As Blazar tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Lease {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: String,
    #[serde(default, deserialize_with = "time::optional")]
    pub(super) start_date: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "time::required")]
    pub(super) end_date: DateTime<Utc>,
    #[serde(default, deserialize_with = "time::optional")]
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) project_id: Option<String>,
    pub(super) user_id: Option<String>,
    #[serde(default)]
    pub(super) reservations: Vec<Reservation>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reservation {
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) resource_type: String,
    /// For flavors: the flavor that was asked for, as JSON in a text. For hosts and devices: the expression, likewise.
    resource_properties: Option<String>,
    /// How many flavors or addresses.
    pub(super) amount: Option<u32>,
    /// How many hosts or devices at most.
    pub(super) max: Option<u32>,
}

/// The type of a reservation of hosts.
pub(super) const HOSTS: &str = "physical:host";
/// The type of one of floating IPs.
pub(super) const ADDRESSES: &str = "virtual:floatingip";

#[derive(Debug, Deserialize)]
struct AskedFlavor {
    id: String,
    name: String,
}

impl Reservation {
    pub(super) fn properties<T: DeserializeOwned>(&self) -> Option<T> {
        self.resource_properties.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    fn is_of(&self, of: &Reserved) -> bool {
        let asked = match of {
            Reserved::Flavor(flavor) => {
                let asked: Option<AskedFlavor> = self.properties();
                asked.is_some_and(|asked| asked.name == *flavor || asked.id == *flavor)
            }
            Reserved::Host(wanted) | Reserved::Device(wanted) => {
                self.properties::<Value>().is_some_and(|asked| asked == expression(wanted))
            }
            // A lease has those of one network at most.
            Reserved::FloatingIp(_) => true,
        };
        asked && self.resource_type == resource_type(of)
    }
}

type Reservations = [(Reserved, u32)];

fn resource_type(of: &Reserved) -> &'static str {
    match of {
        Reserved::Flavor(_) => "flavor:instance",
        Reserved::Host(_) => HOSTS,
        Reserved::Device(_) => "device",
        Reserved::FloatingIp(_) => ADDRESSES,
    }
}

/// What Blazar takes for "has all of these properties". All of its parts have to be texts.
fn expression(properties: &BTreeMap<String, String>) -> Value {
    let one = |(name, value): (&String, &String)| json!(["==", format!("${name}"), value]);
    let mut all: Vec<Value> = properties.iter().map(one).collect();
    if all.len() == 1 {
        return all.remove(0);
    }
    all.insert(0, json!("and"));
    Value::Array(all)
}

impl Lease {
    /// The site's id of each reservation; `None` if one is not there.
    fn ids(&self, of: &Reservations) -> Option<Vec<(Reserved, String)>> {
        of.iter().map(|(of, _)| Some((of.clone(), self.reservation(of)?.id.clone()))).collect()
    }

    /// The reservation of something. A sole one of its type is it, however the site tells what it is of.
    fn reservation(&self, of: &Reserved) -> Option<&Reservation> {
        let same_type = || self.reservations.iter().filter(|it| it.resource_type == resource_type(of));
        let mut sole = same_type();
        match (sole.next(), sole.next()) {
            (Some(sole), None) => Some(sole),
            _ => same_type().find(|reservation| reservation.is_of(of)),
        }
    }

    /// Whether the site has accepted it.
    fn accepted(&self) -> Progress {
        match self.status.as_str() {
            "PENDING" | "STARTING" | "ACTIVE" | "UPDATING" => Progress::Ready,
            _ => self.in_force(),
        }
    }

    /// Whether servers can be made from it.
    fn in_force(&self) -> Progress {
        let failed = self.reservations.iter().any(|reservation| reservation.status == "error");
        match self.status.as_str() {
            "ACTIVE" if failed => Progress::Broken("a reservation of the lease is in error".to_owned()),
            "ACTIVE" => Progress::Ready,
            "ERROR" => Progress::Broken("the site could not keep the lease: it is in ERROR".to_owned()),
            "TERMINATED" | "TERMINATING" => Progress::Broken("the lease is over".to_owned()),
            _ => Progress::Working,
        }
    }

    /// How it is for those who hold it.
    fn held(self) -> HeldLease {
        let phase = match (self.in_force(), self.status.as_str()) {
            (Progress::Ready, _) => Phase::InForce,
            (_, "TERMINATED" | "TERMINATING" | "DELETING") => Phase::Over,
            (Progress::Broken(_), _) => Phase::Broken,
            (_, "UPDATING") => Phase::Changing,
            (Progress::Working, _) => Phase::Ahead,
        };
        HeldLease { site_ref: self.id, phase, status: self.status, ends: self.end_date }
    }

    fn observed(self, of: &Reservations) -> Observed {
        let reservations = self.ids(of);
        let progress = match (self.accepted(), &reservations) {
            (Progress::Ready, None) => {
                Progress::Broken("the lease lacks a reservation that was asked for".to_owned())
            }
            (progress, _) => progress,
        };
        let facts = SiteFacts {
            in_force: self.in_force() == Progress::Ready,
            reservations: reservations.unwrap_or_default(),
            lease_end: Some(self.end_date),
            ..SiteFacts::default()
        };
        Observed { object: SiteObject { kind: Kind::Lease, site_ref: self.id, facts }, progress }
    }
}

impl OpenStackCloud {
    pub(super) async fn ensure_lease(
        &self,
        desired: &Desired,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        reservations: &Reservations,
    ) -> Result<Observed, CloudError> {
        let mut leases = self.leases().await?;
        leases.retain(|lease| lease.name == desired.name);
        let end = time::minute_after(end);
        let lease = match oldest(leases, |lease| lease.created_at) {
            None => self.make_lease(desired, start, end, reservations).await?,
            Some(lease) if lease.end_date != end => self.move_end(lease, end).await?,
            Some(lease) => lease,
        };
        Ok(lease.observed(reservations))
    }

    async fn make_lease(
        &self,
        desired: &Desired,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        reservations: &Reservations,
    ) -> Result<Lease, CloudError> {
        if desired.name.len() > LONGEST_NAME {
            let message =
                format!("Blazar takes names of up to {LONGEST_NAME} characters, and not {}", desired.name);
            return Err(CloudError::Permanent(message));
        }
        let mut asked = Vec::new();
        for (of, amount) in reservations {
            asked.push(self.asked(of, *amount).await?);
        }
        let body = lease_request(&desired.name, start, end, &asked, self.session.clock().now());
        let made: OneLease = self.session.post(Service::Reservation, &["leases"], &body).await?;
        Ok(made.lease)
    }

    /// A reservation as a request has it.
    async fn asked(&self, of: &Reserved, amount: u32) -> Result<Value, CloudError> {
        let resource_type = resource_type(of);
        let with_properties = |properties| {
            let (least, most) = (amount, amount);
            let wanted = expression(properties).to_string();
            json!({"resource_type": resource_type, "min": least, "max": most, "resource_properties": wanted})
        };
        Ok(match of {
            Reserved::Flavor(flavor) => {
                let id = self.flavor_id(flavor).await?;
                // Without `affinity` Blazar refuses; null means that servers may share hosts or not.
                json!({"resource_type": resource_type, "flavor_id": id, "amount": amount, "affinity": null})
            }
            Reserved::Host(node) => {
                let mut host = with_properties(node);
                insert(&mut host, "hypervisor_properties", json!(""));
                host
            }
            Reserved::Device(device) => with_properties(device),
            Reserved::FloatingIp(external) => {
                let network = self.external_network(external).await?;
                json!({"resource_type": resource_type, "network_id": network, "amount": amount})
            }
        })
    }

    /// The id of the reservation of something, where `held_by` says that there is one to use.
    pub(super) async fn reservation(
        &self,
        desired: &Desired,
        held_by: &HeldBy,
        of: &Reserved,
    ) -> Result<Option<String>, CloudError> {
        let none_of = |leases: &str| {
            CloudError::Conflict(format!("{leases} that is in force has a reservation of {of}"))
        };
        match held_by {
            HeldBy::Nothing => Ok(None),
            HeldBy::OwnLease => {
                let leases = desired.others.values().filter(|other| other.kind == Kind::Lease);
                let mut ids = leases.flat_map(|lease| &lease.facts.reservations).filter(|(it, _)| it == of);
                ids.next().map(|(_, id)| Some(id.clone())).ok_or_else(|| none_of("no lease"))
            }
            HeldBy::StandingLease(name) => {
                let leases = self.leases().await?.into_iter();
                let mut standing = leases.filter(|it| it.name == *name && it.in_force() == Progress::Ready);
                let id = standing.find_map(|lease| Some(lease.reservation(of)?.id.clone()));
                id.map(Some).ok_or_else(|| none_of(&format!("no lease \"{name}\"")))
            }
        }
    }

    /// Moves a lease's end. A site that can't says so in words that come back as they are.
    async fn move_end(&self, lease: Lease, end: DateTime<Utc>) -> Result<Lease, CloudError> {
        match lease.status.as_str() {
            "ACTIVE" => {}
            "PENDING" => {
                let message =
                    "the end of a lease that has not begun can't be moved: release it and make a new one";
                return Err(CloudError::Permanent(message.to_owned()));
            }
            // The site is at work on it, or it is over.
            _ => return Ok(lease),
        }
        let body = json!({"end_date": time::minute(end)});
        let path = ["leases", lease.id.as_str()];
        let moved: OneLease = self.session.put(Service::Reservation, &path, &body).await?;
        Ok(moved.lease)
    }

    /// Every lease of the project: Blazar has no pages and no filter.
    /// The project's leases. Blazar has no pages and no filter.
    pub(super) async fn leases(&self) -> Result<Vec<Lease>, CloudError> {
        let project = self.session.project().await?;
        let found: Leases = self.session.get(Service::Reservation, &["leases"], &[]).await?;
        let ours = |lease: &Lease| lease.project_id.as_ref().is_none_or(|id| *id == project);
        Ok(found.leases.into_iter().filter(ours).collect())
    }

    /// The project's leases, as far as it matters to those who draw on them.
    pub(super) async fn lease_facts(&self) -> Result<Vec<LeaseFacts>, CloudError> {
        let facts = |lease: Lease| LeaseFacts {
            in_force: lease.in_force() == Progress::Ready,
            name: lease.name,
            status: lease.status,
            ends: lease.end_date,
        };
        Ok(self.leases().await?.into_iter().map(facts).collect())
    }

    pub(super) async fn list_leases(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let found = |lease: Lease| {
            super::found(scope, Kind::Lease, &lease.name, lease.id, lease.name.clone(), lease.created_at)
        };
        Ok(self.leases().await?.into_iter().filter_map(found).collect())
    }

    pub(super) async fn look_for_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        let same = self.leases().await?.into_iter().filter(|lease| lease.name == name);
        Ok(HeldLease::of_several(same.map(Lease::held)))
    }

    pub(super) async fn move_end_later(&self, id: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        let found: OneLease = self.session.get(Service::Reservation, &["leases", id], &[]).await?;
        let end = time::minute_of(end);
        let lease = found.lease;
        Ok(if lease.end_date < end { self.move_end(lease, end).await? } else { lease }.held())
    }

    pub(super) async fn look_at_lease(&self, id: &str) -> Result<Progress, CloudError> {
        let found: OneLease = self.session.get(Service::Reservation, &["leases", id], &[]).await?;
        Ok(found.lease.in_force())
    }
}

fn lease_request(
    name: &str,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    reservations: &[Value],
    now: DateTime<Utc>,
) -> Value {
    let begins = time::minute_of(start);
    let start_date = if begins <= time::minute_of(now) { "now".to_owned() } else { time::minute(begins) };
    json!({
        "name": name,
        "start_date": start_date,
        "end_date": time::minute(end),
        "events": [],
        "reservations": reservations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn lease(status: &str, reservations: &[(&str, &str)]) -> Lease {
        let reservations: Vec<Value> = reservations
            .iter()
            .map(|(id, flavor)| {
                let flavor = json!({"id": "3", "name": flavor, "ram": 4096}).to_string();
                let of = "flavor:instance";
                json!({"id": id, "status": "active", "resource_type": of, "resource_properties": flavor})
            })
            .collect();
        serde_json::from_value(json!({
            "id": "l1", "name": "lease--x", "status": status, "project_id": "p",
            "end_date": "2026-02-10T22:00:00.000000", "created_at": "2026-02-10 13:00:00",
            "reservations": reservations,
        }))
        .unwrap()
    }

    fn flavor(name: &str) -> Reserved {
        Reserved::Flavor(name.to_owned())
    }

    fn flavors(names: &[&str]) -> Vec<(Reserved, u32)> {
        names.iter().map(|name| (flavor(name), 1)).collect()
    }

    #[test]
    fn a_lease_covers_the_span_and_begins_now_if_its_start_has_come() {
        let body = |start: &str| {
            let (start, now) = (at(start), at("2026-02-10T14:05:30Z"));
            lease_request("n", start, at("2026-02-10T22:00:00Z"), &[json!({"flavor_id": "3"})], now)
        };
        assert_eq!(body("2026-02-10T14:06:59Z")["start_date"], "2026-02-10 14:06");
        assert_eq!(body("2026-02-10T14:05:59Z")["start_date"], "now");
        assert_eq!(body("2026-02-10T13:00:00Z")["start_date"], "now");
        let whole = body("2026-02-10T15:00:00Z");
        assert_eq!(whole["end_date"], "2026-02-10 22:00");
        assert_eq!(whole["reservations"], json!([{"flavor_id": "3"}]));
    }

    #[test]
    fn a_reservation_is_found_by_the_flavor_that_was_asked_for() {
        let two = lease("PENDING", &[("r1", "m1.small"), ("r2", "m1.medium")]);
        assert_eq!(
            two.observed(&flavors(&["m1.medium", "m1.small"])).object.facts.reservations,
            [(flavor("m1.medium"), "r2".to_owned()), (flavor("m1.small"), "r1".to_owned())]
        );
        let other = lease("PENDING", &[("r1", "m1.small"), ("r2", "m1.medium")]);
        assert!(matches!(other.observed(&flavors(&["m1.large", "m1.small"])).progress, Progress::Broken(_)));
        let sole = lease("ACTIVE", &[("r1", "g1.h100")]).observed(&flavors(&["m1.medium"]));
        assert_eq!(sole.object.facts.reservations, [(flavor("m1.medium"), "r1".to_owned())]);
        assert!(sole.object.facts.in_force);
        assert_eq!(sole.object.facts.lease_end, Some(at("2026-02-10T22:00:00Z")));
    }

    #[test]
    fn nodes_and_devices_are_found_by_their_properties() {
        let node = |kind: &str| BTreeMap::from([("node_type".to_owned(), kind.to_owned())]);
        let told = |id: &str, kind: &str| {
            let properties = format!(r#"["==", "$node_type", "{kind}"]"#);
            json!({"id": id, "resource_type": "physical:host", "resource_properties": properties})
        };
        let lease: Lease = serde_json::from_value(json!({
            "id": "l1", "name": "n", "status": "ACTIVE", "project_id": "p",
            "end_date": "2026-02-10T22:00:00.000000",
            "reservations": [told("r1", "gpu_p100"), told("r2", "gpu_v100"),
                             {"id": "r3", "resource_type": "virtual:floatingip", "network_id": "public-id"}],
        }))
        .unwrap();
        let id = |of: &Reserved| lease.reservation(of).map(|found| found.id.as_str());
        assert_eq!(id(&Reserved::Host(node("gpu_v100"))), Some("r2"));
        assert_eq!(id(&Reserved::Host(node("compute_liqid"))), None);
        assert_eq!(id(&Reserved::FloatingIp("public".to_owned())), Some("r3"));
        assert_eq!(id(&Reserved::Device(node("gpu_v100"))), None);
        let two = BTreeMap::from([
            ("node_name".to_owned(), "liqid01".to_owned()),
            ("node_type".to_owned(), "compute_liqid".to_owned()),
        ]);
        assert_eq!(
            expression(&two),
            json!(["and", ["==", "$node_name", "liqid01"], ["==", "$node_type", "compute_liqid"]])
        );
    }

    #[test]
    fn accepted_is_not_yet_in_force() {
        let both = |status| {
            let lease = lease(status, &[("r", "f")]);
            (lease.accepted(), lease.in_force())
        };
        assert_eq!(both("PENDING"), (Progress::Ready, Progress::Working));
        assert_eq!(both("STARTING"), (Progress::Ready, Progress::Working));
        assert_eq!(both("ACTIVE"), (Progress::Ready, Progress::Ready));
        assert_eq!(both("CREATING"), (Progress::Working, Progress::Working));
        for over in ["ERROR", "TERMINATED"] {
            assert!(matches!(both(over), (Progress::Broken(_), Progress::Broken(_))), "{over}");
        }
    }

    #[test]
    fn each_state_is_a_phase_for_those_who_hold_a_lease() {
        for (phase, states) in [
            (Phase::InForce, &["ACTIVE"][..]),
            (Phase::Changing, &["UPDATING"]),
            (Phase::Ahead, &["PENDING", "CREATING", "STARTING"]),
            (Phase::Broken, &["ERROR"]),
            (Phase::Over, &["TERMINATED", "TERMINATING", "DELETING"]),
        ] {
            for state in states {
                let held = lease(state, &[("r", "f")]).held();
                assert_eq!((held.phase, held.status.as_str()), (phase, *state));
            }
        }
        let mut failed = lease("ACTIVE", &[("r", "f")]);
        failed.reservations[0].status = "error".to_owned();
        assert_eq!(failed.held().phase, Phase::Broken);
    }
}
