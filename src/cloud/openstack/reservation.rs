//! Blazar: leases with flavor reservations.
//!
//! Blazar counts in minutes. A lease covers the span that was asked for: its start is rounded down, its end up.
//!
//! The end of a lease in force can be moved. To move that of a lease which has not begun is **never tried**: Blazar
//! answers 404, since it does not yet let itself see the reserved flavor, and leaves the lease in ERROR.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::{OpenStackCloud, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Scope, SiteObject};
use crate::domain::blueprint::Kind;
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

#[derive(Debug, Deserialize)]
struct Lease {
    id: String,
    name: String,
    status: String,
    #[serde(deserialize_with = "time::required")]
    end_date: DateTime<Utc>,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
    project_id: Option<String>,
    #[serde(default)]
    reservations: Vec<Reservation>,
}

#[derive(Debug, Deserialize)]
struct Reservation {
    id: String,
    #[serde(default)]
    status: String,
    /// For a flavor reservation: the flavor that was asked for, as JSON in a text.
    resource_properties: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AskedFlavor {
    id: String,
    name: String,
}

impl Reservation {
    fn is_for(&self, flavor: &str) -> bool {
        let asked = self.resource_properties.as_deref().and_then(|text| serde_json::from_str(text).ok());
        asked.is_some_and(|asked: AskedFlavor| asked.name == flavor || asked.id == flavor)
    }
}

type Flavors = [(String, u32)];

impl Lease {
    /// The reservation for each flavor; `None` if one has none.
    fn reservations_for(&self, flavors: &Flavors) -> Option<Vec<(String, String)>> {
        if let ([(flavor, _)], [sole]) = (flavors, self.reservations.as_slice()) {
            return Some(vec![(flavor.clone(), sole.id.clone())]);
        }
        let reservation = |flavor: &String| {
            let found = self.reservations.iter().find(|reservation| reservation.is_for(flavor))?;
            Some((flavor.clone(), found.id.clone()))
        };
        flavors.iter().map(|(flavor, _)| reservation(flavor)).collect()
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

    fn observed(self, flavors: &Flavors) -> Observed {
        let reservations = self.reservations_for(flavors);
        let progress = match (self.accepted(), &reservations) {
            (Progress::Ready, None) => {
                Progress::Broken("the lease has no reservation for one of the flavors".to_owned())
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
        flavors: &Flavors,
    ) -> Result<Observed, CloudError> {
        let mut leases = self.leases().await?;
        leases.retain(|lease| lease.name == desired.name);
        let end = time::minute_after(end);
        let lease = match oldest(leases, |lease| lease.created_at) {
            None => self.make_lease(desired, start, end, flavors).await?,
            Some(lease) if lease.end_date != end => self.move_end(lease, end).await?,
            Some(lease) => lease,
        };
        Ok(lease.observed(flavors))
    }

    async fn make_lease(
        &self,
        desired: &Desired,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        flavors: &Flavors,
    ) -> Result<Lease, CloudError> {
        if desired.name.len() > LONGEST_NAME {
            let message =
                format!("Blazar takes names of up to {LONGEST_NAME} characters, and not {}", desired.name);
            return Err(CloudError::Permanent(message));
        }
        let mut asked = Vec::new();
        for (flavor, amount) in flavors {
            asked.push((self.flavor_id(flavor).await?, *amount));
        }
        let body = lease_request(&desired.name, start, end, &asked, self.session.clock().now());
        let made: OneLease = self.session.post(Service::Reservation, &["leases"], &body).await?;
        Ok(made.lease)
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
    async fn leases(&self) -> Result<Vec<Lease>, CloudError> {
        let project = self.session.project().await?;
        let found: Leases = self.session.get(Service::Reservation, &["leases"], &[]).await?;
        let ours = |lease: &Lease| lease.project_id.as_ref().is_none_or(|id| *id == project);
        Ok(found.leases.into_iter().filter(ours).collect())
    }

    pub(super) async fn list_leases(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        if !self.session.has(Service::Reservation).await? {
            return Ok(Vec::new());
        }
        let found = |lease: Lease| {
            super::found(scope, Kind::Lease, &lease.name, lease.id, lease.name.clone(), lease.created_at)
        };
        Ok(self.leases().await?.into_iter().filter_map(found).collect())
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
    flavors: &[(String, u32)],
    now: DateTime<Utc>,
) -> Value {
    let begins = time::minute_of(start);
    let start_date = if begins <= time::minute_of(now) { "now".to_owned() } else { time::minute(begins) };
    let reservations: Vec<Value> = flavors
        .iter()
        .map(|(flavor, amount)| {
            // Without `affinity` Blazar refuses; null means that servers may share hosts or not.
            json!({"resource_type": "flavor:instance", "flavor_id": flavor, "amount": amount, "affinity": null})
        })
        .collect();
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
                json!({"id": id, "status": "active", "resource_properties": flavor})
            })
            .collect();
        serde_json::from_value(json!({
            "id": "l1", "name": "lease--x", "status": status, "project_id": "p",
            "end_date": "2026-02-10T22:00:00.000000", "created_at": "2026-02-10 13:00:00",
            "reservations": reservations,
        }))
        .unwrap()
    }

    fn flavors(names: &[&str]) -> Vec<(String, u32)> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    }

    #[test]
    fn a_lease_covers_the_span_and_begins_now_if_its_start_has_come() {
        let body = |start: &str| {
            let (start, now) = (at(start), at("2026-02-10T14:05:30Z"));
            lease_request("n", start, at("2026-02-10T22:00:00Z"), &[("3".to_owned(), 2)], now)
        };
        assert_eq!(body("2026-02-10T14:06:59Z")["start_date"], "2026-02-10 14:06");
        assert_eq!(body("2026-02-10T14:05:59Z")["start_date"], "now");
        assert_eq!(body("2026-02-10T13:00:00Z")["start_date"], "now");
        let whole = body("2026-02-10T15:00:00Z");
        assert_eq!(whole["end_date"], "2026-02-10 22:00");
        assert_eq!(
            whole["reservations"],
            json!([{"resource_type": "flavor:instance", "flavor_id": "3", "amount": 2, "affinity": null}])
        );
    }

    #[test]
    fn a_reservation_is_found_by_the_flavor_that_was_asked_for() {
        let two = lease("PENDING", &[("r1", "m1.small"), ("r2", "m1.medium")]);
        assert_eq!(
            two.observed(&flavors(&["m1.medium", "m1.small"])).object.facts.reservations,
            [("m1.medium".to_owned(), "r2".to_owned()), ("m1.small".to_owned(), "r1".to_owned())]
        );
        let other = lease("PENDING", &[("r1", "m1.small"), ("r2", "m1.medium")]);
        assert!(matches!(other.observed(&flavors(&["m1.large", "m1.small"])).progress, Progress::Broken(_)));
        let sole = lease("ACTIVE", &[("r1", "g1.h100")]).observed(&flavors(&["m1.medium"]));
        assert_eq!(sole.object.facts.reservations, [("m1.medium".to_owned(), "r1".to_owned())]);
        assert!(sole.object.facts.in_force);
        assert_eq!(sole.object.facts.lease_end, Some(at("2026-02-10T22:00:00Z")));
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
}
