//! What is the same for every kind of Neutron object: looking for ours, making one with its marks, keeping them right.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::identity::Service;
use super::session::Listed;
use super::{OpenStackCloud, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Released, Scope};
use crate::domain::blueprint::Kind;

/// A Neutron collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Collection {
    kind: Kind,
    one: &'static str,
    pub(super) many: &'static str,
    /// The field that holds the object's name with the mark in it.
    named_by: &'static str,
}

impl Collection {
    pub(super) const NETWORKS: Self =
        Self { kind: Kind::Network, one: "network", many: "networks", named_by: "name" };
    pub(super) const SUBNETS: Self =
        Self { kind: Kind::Subnet, one: "subnet", many: "subnets", named_by: "name" };
    pub(super) const ROUTERS: Self =
        Self { kind: Kind::Router, one: "router", many: "routers", named_by: "name" };
    pub(super) const SECURITY_GROUPS: Self =
        Self { kind: Kind::SecurityGroup, one: "security_group", many: "security-groups", named_by: "name" };
    pub(super) const PORTS: Self = Self { kind: Kind::Port, one: "port", many: "ports", named_by: "name" };
    /// They have no name. A description can be given with the request that makes one, and looked for.
    pub(super) const FLOATING_IPS: Self =
        Self { kind: Kind::FloatingIp, one: "floatingip", many: "floatingips", named_by: "description" };

    /// The field that holds a listing's objects.
    fn key(self) -> String {
        self.many.replace('-', "_")
    }
}

/// A Neutron object: what all have, and what is its kind's own.
#[derive(Debug, Deserialize)]
pub(super) struct Object<T> {
    pub(super) id: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default, deserialize_with = "time::optional")]
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    pub(super) own: T,
}

impl<T: DeserializeOwned> Listed for Object<T> {
    fn marker(&self) -> &str {
        &self.id
    }
}

/// For kinds of which nothing more is read.
#[derive(Debug, Deserialize)]
pub(super) struct Plain {}

#[derive(Debug, Deserialize)]
struct Named {
    name: Option<String>,
    floating_ip_address: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Device {
    #[serde(default)]
    device_id: String,
}

impl OpenStackCloud {
    /// Looks for the object with the desired name in our project: what others share with us is not ours.
    pub(super) async fn find_marked<T: DeserializeOwned>(
        &self,
        collection: Collection,
        desired: &Desired,
    ) -> Result<Option<Object<T>>, CloudError> {
        let project = self.session.project().await?;
        let query = [(collection.named_by, desired.name.as_str()), ("project_id", project.as_str())];
        let found = self.neutron_pages::<Object<T>>(collection, &query).await?;
        Ok(oldest(found, |object| object.created_at))
    }

    /// Makes the object. It carries its mark from the first instant; tags come after.
    pub(super) async fn make_marked<T: DeserializeOwned>(
        &self,
        collection: Collection,
        desired: &Desired,
        mut fields: Value,
    ) -> Result<Object<T>, CloudError> {
        if let Value::Object(fields) = &mut fields {
            fields.insert("description".to_owned(), json!(description(collection, desired)));
            fields.insert(collection.named_by.to_owned(), json!(desired.name));
        }
        let body = json!({collection.one: fields});
        let made: BTreeMap<String, Object<T>> =
            self.session.post(Service::Network, &[collection.many], &body).await?;
        only(made)
    }

    /// Writes description and tags where they are not as they should be: tags can't be given when the object is made,
    /// and the end of a booking may move.
    pub(super) async fn keep_marks<T>(
        &self,
        collection: Collection,
        object: &Object<T>,
        desired: &Desired,
    ) -> Result<(), CloudError> {
        let wanted = tags(desired);
        let mut has = object.tags.clone();
        has.sort_unstable();
        if has != wanted {
            let path = [collection.many, &object.id, "tags"];
            self.session.put::<Value>(Service::Network, &path, &json!({"tags": wanted})).await?;
        }
        let description = description(collection, desired);
        if object.description.as_deref() != Some(&description) {
            let body = json!({collection.one: {"description": description}});
            self.session.put::<Value>(Service::Network, &[collection.many, &object.id], &body).await?;
        }
        Ok(())
    }

    pub(super) async fn list_neutron(
        &self,
        collection: Collection,
        scope: &Scope,
    ) -> Result<Vec<Found>, CloudError> {
        let project = self.session.project().await?;
        let mut query = vec![("project_id", project.as_str())];
        query.extend(["id", "description", "created_at"].map(|field| ("fields", field)));
        query.push((
            "fields",
            if collection.kind == Kind::FloatingIp { "floating_ip_address" } else { "name" },
        ));
        let objects: Vec<Object<Named>> = self.neutron_pages(collection, &query).await?;
        let found = |object: Object<Named>| {
            let name = object.own.name.or(object.own.floating_ip_address).unwrap_or_default();
            let marked = if collection.named_by == "name" { Some(name.clone()) } else { object.description };
            let marked = marked.unwrap_or_default();
            super::found(scope, collection.kind, &marked, object.id, name, object.created_at)
        };
        Ok(objects.into_iter().filter_map(found).collect())
    }

    /// A port that something has stays: it would lose its network.
    pub(super) async fn release_port(&self, port: &str) -> Result<Released, CloudError> {
        let path = [Collection::PORTS.many, port];
        let found: Option<BTreeMap<String, Object<Device>>> =
            self.session.find(Service::Network, &path).await?;
        let Some(found) = found else { return Ok(Released::Gone) };
        let Device { device_id } = only(found)?.own;
        if !device_id.is_empty() {
            return Err(CloudError::Conflict(format!("the port {port} is {device_id}'s")));
        }
        self.delete_and_look(Service::Network, &path).await
    }

    pub(super) async fn neutron_pages<T: Listed>(
        &self,
        collection: Collection,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, CloudError> {
        self.session.pages(Service::Network, &[collection.many], query, &collection.key()).await
    }
}

/// The object in an answer of the form `{"network": {...}}`.
pub(super) fn only<T>(answer: BTreeMap<String, T>) -> Result<T, CloudError> {
    answer
        .into_values()
        .next()
        .ok_or_else(|| CloudError::OutcomeUnknown("the answer has no object in it".to_owned()))
}

fn description(collection: Collection, desired: &Desired) -> String {
    if collection.named_by == "description" {
        return desired.name.clone();
    }
    format!("Fairlease booking {}, delete_at={}", desired.mark.booking, time::iso(desired.delete_at))
}

/// In the order in which they are compared.
fn tags(desired: &Desired) -> Vec<String> {
    vec![
        format!("delete_at={}", time::iso(desired.delete_at)),
        "fairlease".to_owned(),
        format!("fairlease:booking={}", desired.mark.booking),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::desired;
    use super::*;
    use crate::domain::blueprint::Spec;
    use crate::domain::resource::Mark;

    #[test]
    fn marks_are_in_what_each_kind_has() {
        let desired = desired("network", Spec::Network, &[]);
        assert_eq!(
            description(Collection::NETWORKS, &desired),
            "Fairlease booking 000000000033, delete_at=2026-02-10T22:00:00Z"
        );
        let of_address = description(Collection::FLOATING_IPS, &desired);
        assert_eq!(Mark::from_name(&of_address), Some(desired.mark.clone()));
        let tags = tags(&desired);
        assert!(tags.is_sorted(), "they are compared with sorted ones");
        assert!(tags.iter().all(|tag| tag.len() <= 60 && !tag.contains(',')), "older sites take no more");
    }

    #[test]
    fn an_object_is_read_with_its_own_fields() {
        let text = r#"{"id": "f1", "floating_ip_address": "203.0.113.5", "description": "d", "tags": ["b"],
                       "created_at": "2026-02-10T14:00:00Z", "qos": null}"#;
        let object: Object<Named> = serde_json::from_str(text).unwrap();
        assert_eq!(object.own.floating_ip_address.as_deref(), Some("203.0.113.5"));
        assert!(object.created_at.is_some() && object.own.name.is_none());
        assert_eq!(Collection::SECURITY_GROUPS.key(), "security_groups");
    }
}
