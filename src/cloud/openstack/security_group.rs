//! Neutron: security groups with their rules.

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::neutron::{Collection, Object};
use super::{OpenStackCloud, ready};
use crate::cloud::port::{CloudError, Desired, Observed};
use crate::domain::blueprint::Kind;

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    security_group_rules: Vec<Rule>,
}

/// What of a rule decides whether it does what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Rule {
    direction: String,
    ethertype: String,
    protocol: Option<String>,
    port_range_min: Option<u16>,
    port_range_max: Option<u16>,
    remote_ip_prefix: Option<String>,
    remote_group_id: Option<String>,
}

const ANYWHERE: &str = "0.0.0.0/0";

impl Rule {
    fn any(direction: &str) -> Self {
        Self {
            direction: direction.to_owned(),
            ethertype: "IPv4".to_owned(),
            protocol: None,
            port_range_min: None,
            port_range_max: None,
            remote_ip_prefix: None,
            remote_group_id: None,
        }
    }

    fn open_to_the_world(port: u16) -> Self {
        Self {
            protocol: Some("tcp".to_owned()),
            port_range_min: Some(port),
            port_range_max: Some(port),
            remote_ip_prefix: Some(ANYWHERE.to_owned()),
            ..Self::any("ingress")
        }
    }

    fn within(group: &str) -> Self {
        Self { remote_group_id: Some(group.to_owned()), ..Self::any("ingress") }
    }

    /// No prefix and `0.0.0.0/0` mean the same.
    fn normal(mut self) -> Self {
        if self.remote_ip_prefix.as_deref() == Some(ANYWHERE) {
            self.remote_ip_prefix = None;
        }
        self
    }

    fn request(&self, group: &str) -> Value {
        let mut rule = json!({
            "security_group_id": group,
            "direction": self.direction,
            "ethertype": self.ethertype,
            "protocol": self.protocol,
            "port_range_min": self.port_range_min,
            "port_range_max": self.port_range_max,
            "remote_ip_prefix": self.remote_ip_prefix,
            "remote_group_id": self.remote_group_id,
        });
        if let Value::Object(fields) = &mut rule {
            fields.retain(|_, value| !value.is_null());
        }
        rule
    }
}

/// The rules that a group lacks. What it has beyond them stays: sites may give every group some of their own.
fn missing_rules(group: &str, has: &[Rule], open_tcp_ports: &[u16]) -> Vec<Rule> {
    let has: Vec<Rule> = has.iter().cloned().map(Rule::normal).collect();
    let mut missing: Vec<Rule> = Vec::new();
    let ports = open_tcp_ports.iter().map(|port| Rule::open_to_the_world(*port));
    for rule in ports.chain([Rule::within(group), Rule::any("egress")]) {
        let normal = rule.clone().normal();
        if !has.contains(&normal) && !missing.contains(&rule) {
            missing.push(rule);
        }
    }
    missing
}

impl OpenStackCloud {
    pub(super) async fn ensure_security_group(
        &self,
        desired: &Desired,
        open_tcp_ports: &[u16],
    ) -> Result<Observed, CloudError> {
        let of = Collection::SECURITY_GROUPS;
        let group: Object<Group> = match self.find_marked(of, desired).await? {
            Some(group) => group,
            None => self.make_marked(of, desired, json!({})).await?,
        };
        let missing = missing_rules(&group.id, &group.own.security_group_rules, open_tcp_ports);
        if !missing.is_empty() {
            let rules: Vec<Value> = missing.iter().map(|rule| rule.request(&group.id)).collect();
            let body = json!({"security_group_rules": rules});
            self.session.post::<Value>(Service::Network, &["security-group-rules"], &body).await?;
        }
        self.keep_marks(of, &group, desired).await?;
        Ok(ready(Kind::SecurityGroup, group.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_that_are_missing_are_asked_for() {
        let all = missing_rules("g", &[], &[22, 80, 22]);
        assert_eq!(
            all,
            [
                Rule::open_to_the_world(22),
                Rule::open_to_the_world(80),
                Rule::within("g"),
                Rule::any("egress")
            ]
        );
        assert_eq!(missing_rules("g", &all, &[22, 80]), []);
        let told_otherwise = Rule { remote_ip_prefix: None, ..Rule::open_to_the_world(22) };
        assert_eq!(missing_rules("g", &[told_otherwise, Rule::any("egress")], &[22]), [Rule::within("g")]);
    }

    #[test]
    fn a_rule_is_asked_for_without_what_does_not_apply() {
        assert_eq!(
            Rule::open_to_the_world(22).request("g"),
            json!({"security_group_id": "g", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
                   "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"})
        );
        assert_eq!(
            Rule::within("g").request("g"),
            json!({"security_group_id": "g", "direction": "ingress", "ethertype": "IPv4", "remote_group_id": "g"})
        );
    }

    #[test]
    fn a_rule_is_read_as_the_site_tells_it() {
        let told = json!({"id": "r", "direction": "egress", "ethertype": "IPv4", "protocol": null,
            "port_range_min": null, "port_range_max": null, "remote_ip_prefix": null, "remote_group_id": null});
        assert_eq!(serde_json::from_value::<Rule>(told).unwrap(), Rule::any("egress"));
    }
}
