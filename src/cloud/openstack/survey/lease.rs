//! Blazar's part of a survey: leases with what they reserve.

use serde_json::Value;

use super::found;
use crate::cloud::openstack::reservation::{ADDRESSES, HOSTS, Lease, Reservation};
use crate::cloud::port::Found;
use crate::domain::blueprint::Kind;
use crate::domain::interval::Interval;
use crate::domain::survey::{Belongs, Condition, Hints, Survey};

/// What matters of all leases to those who may draw on them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Whether hosts are reserved: a server on one need not show it.
    pub(super) hosts: bool,
}

impl Held {
    pub(super) fn by(leases: &[Lease]) -> Self {
        let mut reservations = leases.iter().flat_map(|lease| &lease.reservations);
        Self { hosts: reservations.any(|reservation| reservation.resource_type == HOSTS) }
    }
}

impl Reservation {
    /// What the site charges for it, and how many of that. One that nothing names is called by its type, which has no price.
    /// Addresses are free.
    fn charged(&self) -> Option<(String, u32)> {
        if self.resource_type == ADDRESSES {
            return None;
        }
        let asked: Option<Value> = self.properties();
        let name = asked.as_ref().and_then(|asked| flavor(asked).or_else(|| node_type(asked)));
        let count = self.amount.or(self.max).unwrap_or(1);
        Some((name.unwrap_or(&self.resource_type).to_owned(), count))
    }
}

fn flavor(asked: &Value) -> Option<&str> {
    asked.get("name").and_then(Value::as_str)
}

/// The type of node that an expression such as `["and", ["==", "$node_type", "gpu_p100"], ...]` asks for.
fn node_type(asked: &Value) -> Option<&str> {
    let parts = asked.as_array()?;
    match parts.iter().map(Value::as_str).collect::<Vec<_>>()[..] {
        [Some("=" | "=="), Some("$node_type"), Some(name)] => Some(name),
        [Some("and"), ..] => parts.iter().find_map(node_type),
        _ => None,
    }
}

impl Lease {
    fn condition(&self) -> Condition {
        let failed = self.reservations.iter().any(|reservation| reservation.status == "error");
        match self.status.as_str() {
            "ERROR" => Condition::Broken("the lease is in ERROR".to_owned()),
            "ACTIVE" if failed => Condition::Broken("a reservation of the lease is in error".to_owned()),
            "ACTIVE" => Condition::InUse,
            "PENDING" | "TERMINATED" => Condition::Idle,
            _ => Condition::Changing,
        }
    }

    /// One of the project's leases, as a survey tells it.
    pub(super) fn found(self) -> Found {
        let survey = Survey {
            belongs: self.project_id.as_ref().map_or(Belongs::Untold, |_| Belongs::Project),
            hints: Hints { creator: self.user_id.iter().cloned().collect(), ..Hints::default() },
            condition: Some(self.condition()),
            span: self.start_date.and_then(|start| Interval::new(start, self.end_date)),
            charged: self.reservations.iter().filter_map(Reservation::charged).collect(),
            reservations: self.reservations.into_iter().map(|reservation| reservation.id).collect(),
            ..Survey::default()
        };
        found(Kind::Lease, self.id, self.name.clone(), &self.name, self.created_at, survey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lease(status: &str, reservations: &Value) -> Lease {
        serde_json::from_value(json!({
            "id": "l1", "name": "lease2_cloud_ff524", "status": status, "project_id": "p", "user_id": "u1",
            "start_date": "2026-02-10T14:00:00.000000", "end_date": "2026-02-10T22:00:00.000000",
            "created_at": "2026-02-10 13:00:00", "degraded": false, "events": [], "reservations": reservations,
        }))
        .unwrap()
    }

    fn asked(id: &str, of: &str, properties: &str) -> Value {
        json!({"id": id, "status": "active", "resource_type": of, "resource_properties": properties})
    }

    #[test]
    fn a_lease_tells_its_span_and_what_it_costs() {
        let mut flavors = asked("r1", "flavor:instance", r#"{"id": "3", "name": "m1.medium"}"#);
        flavors["amount"] = json!(2);
        let two = r#"["and", ["==", "$node_name", "liqid01"], ["==", "$node_type", "compute_liqid"]]"#;
        let mut hosts = asked("r2", HOSTS, two);
        (hosts["min"], hosts["max"]) = (json!(1), json!(1));
        let addresses = json!({"id": "r3", "resource_type": ADDRESSES, "amount": 1});
        let one = lease("ACTIVE", &json!([flavors, hosts, addresses]));
        assert!(Held::by(std::slice::from_ref(&one)).hosts);
        let found = one.found();
        assert_eq!(found.survey.reservations, ["r1", "r2", "r3"]);
        assert_eq!(found.survey.charged, [("m1.medium".to_owned(), 2), ("compute_liqid".to_owned(), 1)]);
        assert_eq!(found.survey.span.unwrap().length().num_hours(), 8);
        assert_eq!(
            (found.survey.hints.creator, found.name.as_str()),
            (vec!["u1".to_owned()], "lease2_cloud_ff524")
        );
    }

    #[test]
    fn what_nothing_names_has_no_price() {
        let any = lease("ACTIVE", &json!([asked("r1", "virtual:instance", ""), asked("r2", HOSTS, "")]));
        let charged = any.found().survey.charged;
        assert_eq!(charged, [("virtual:instance".to_owned(), 1), (HOSTS.to_owned(), 1)]);
    }

    #[test]
    fn every_state_is_told_as_what_it_is_for_the_reaper() {
        let condition = |status, reservations: Value| lease(status, &reservations).condition();
        assert_eq!(condition("ACTIVE", json!([])), Condition::InUse);
        assert_eq!(condition("PENDING", json!([])), Condition::Idle);
        assert_eq!(condition("TERMINATED", json!([])), Condition::Idle);
        for status in ["STARTING", "UPDATING", "DELETING"] {
            assert_eq!(condition(status, json!([])), Condition::Changing, "{status}");
        }
        let failed = json!([{"id": "r1", "status": "error"}]);
        for broken in [condition("ERROR", json!([])), condition("ACTIVE", failed)] {
            assert!(matches!(broken, Condition::Broken(_)), "{broken:?}");
        }
    }
}
