//! The parts of Cinder, Manila, Swift and Zun in a survey.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::{belongs, found, told};
use crate::cloud::openstack::identity::Service;
use crate::cloud::openstack::object::Named;
use crate::cloud::openstack::session::Listed;
use crate::cloud::openstack::{OpenStackCloud, time};
use crate::cloud::port::{CloudError, Found};
use crate::domain::blueprint::Kind;
use crate::domain::survey::{Belongs, Condition, Hints, Survey};

#[derive(Debug, Deserialize)]
struct Volume {
    id: String,
    name: Option<String>,
    description: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "time::optional")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(rename = "os-vol-tenant-attr:tenant_id")]
    project: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Debug, Deserialize)]
struct Attachment {
    server_id: Option<String>,
    attachment_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Share {
    id: String,
    name: Option<String>,
    description: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
    project_id: Option<String>,
    #[serde(default)]
    is_public: bool,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Container {
    uuid: String,
    name: Option<String>,
    status: String,
    status_reason: Option<String>,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
    project_id: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    task_state: Option<String>,
}

impl Listed for Volume {
    fn marker(&self) -> &str {
        &self.id
    }
}

impl Listed for Container {
    fn marker(&self) -> &str {
        &self.uuid
    }
}

/// Shares whose rules are asked for at the same time.
const SIDE_BY_SIDE: usize = 8;

impl Volume {
    fn found(self, project: &str) -> Found {
        let condition = match self.status.as_str() {
            "available" if self.attachments.is_empty() => Condition::Idle,
            "available" | "in-use" => Condition::InUse,
            error if error.starts_with("error") => {
                Condition::Broken(format!("the volume's status is \"{error}\""))
            }
            _ => Condition::Changing,
        };
        let to =
            |attachment: Attachment| attachment.server_id.or(attachment.attachment_id).unwrap_or_default();
        let survey = Survey {
            belongs: belongs(self.project.as_deref(), project),
            hints: Hints {
                metadata: self.metadata.into_iter().collect(),
                creator: self.user_id.into_iter().collect(),
                description: told(self.description),
                ..Hints::default()
            },
            idle_since: self.updated_at.filter(|_| condition == Condition::Idle),
            condition: Some(condition),
            attached: Some(self.attachments.into_iter().map(to).collect()),
            ..Survey::default()
        };
        let name = self.name.unwrap_or_default();
        found(Kind::Volume, self.id, name.clone(), &name, self.created_at, survey)
    }
}

impl Share {
    /// What uses a share is not told, only from where it may be mounted.
    fn found(self, project: &str) -> Found {
        let condition = match self.status.as_str() {
            "available" => None,
            error if error.contains("error") => {
                Some(Condition::Broken(format!("the share's status is \"{error}\"")))
            }
            _ => Some(Condition::Changing),
        };
        let survey = Survey {
            belongs: if self.is_public {
                Belongs::Shared
            } else {
                belongs(self.project_id.as_deref(), project)
            },
            hints: Hints {
                metadata: self.metadata.into_iter().collect(),
                description: told(self.description),
                ..Hints::default()
            },
            condition,
            ..Survey::default()
        };
        let name = self.name.unwrap_or_default();
        found(Kind::Share, self.id, name.clone(), &name, self.created_at, survey)
    }
}

impl Container {
    /// A container that ended by itself or was stopped has no machine to keep.
    fn found(self, project: &str) -> Found {
        let condition = match (self.status.as_str(), &self.task_state) {
            ("Error" | "Dead", _) => Condition::Broken(self.status_reason.unwrap_or_default()),
            ("Running", None) => Condition::InUse,
            ("Created" | "Paused" | "Stopped", None) => Condition::Stopped,
            _ => Condition::Changing,
        };
        let survey = Survey {
            belongs: belongs(self.project_id.as_deref(), project),
            hints: Hints {
                metadata: self.labels.into_iter().flatten().collect(),
                creator: self.user_id.into_iter().collect(),
                ..Hints::default()
            },
            condition: Some(condition),
            ..Survey::default()
        };
        let name = self.name.unwrap_or_default();
        found(Kind::Container, self.uuid, name.clone(), &name, self.created_at, survey)
    }
}

fn is_ours(found: &Found) -> bool {
    found.survey.belongs != Belongs::Others
}

impl OpenStackCloud {
    pub(super) async fn survey_volumes(&self, project: &str) -> Result<Vec<Found>, CloudError> {
        let path = ["volumes", "detail"];
        let volumes: Vec<Volume> = self.session.pages(Service::Block, &path, &[], "volumes").await?;
        Ok(volumes.into_iter().map(|volume| volume.found(project)).filter(is_ours).collect())
    }

    pub(super) async fn survey_shares(&self, project: &str) -> Result<Vec<Found>, CloudError> {
        let shares: Vec<Share> = self.shares(&[]).await?;
        // Public ones of other projects may be in it.
        let ours = shares.into_iter().filter(|it| it.project_id.as_deref().is_none_or(|id| id == project));
        let with_rules = stream::iter(ours.map(|share| share.found(project))).map(|mut found| async move {
            if found.mark.is_none() {
                found.survey.attached = self.rules_of(&found.site_ref).await?;
            }
            Ok(found)
        });
        with_rules.buffered(SIDE_BY_SIDE).try_collect().await
    }

    /// Who uses a bucket is not told, nor who made it; and how much is in it only late.
    pub(super) async fn survey_buckets(&self) -> Result<Vec<Found>, CloudError> {
        let found = |bucket: Named| {
            let survey = Survey { belongs: Belongs::Project, ..Survey::default() };
            let name = bucket.name;
            found(Kind::Bucket, name.clone(), name.clone(), &name, bucket.last_modified, survey)
        };
        Ok(self.object_pages(&[]).await?.into_iter().map(found).collect())
    }

    pub(super) async fn survey_containers(&self, project: &str) -> Result<Vec<Found>, CloudError> {
        let path = ["containers"];
        let containers: Vec<Container> =
            self.session.pages(Service::Container, &path, &[], "containers").await?;
        Ok(containers.into_iter().map(|container| container.found(project)).filter(is_ours).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn volume(status: &str, attachments: &Value) -> Survey {
        let volume: Volume = serde_json::from_value(json!({
            "id": "v1", "name": "data-ff524", "description": null, "status": status, "attachments": attachments,
            "created_at": "2026-02-10T14:00:00.000000", "updated_at": "2026-02-11T14:00:00.000000",
            "os-vol-tenant-attr:tenant_id": "p", "user_id": "u1", "metadata": {"owner": "ff524"},
        }))
        .unwrap();
        volume.found("p").survey
    }

    #[test]
    fn a_volume_tells_what_it_is_attached_to() {
        let free = volume("available", &json!([]));
        assert_eq!((free.condition, free.attached), (Some(Condition::Idle), Some(Vec::new())));
        assert_eq!(free.idle_since, Some("2026-02-11T14:00:00Z".parse().unwrap()));
        assert_eq!((free.hints.creator, free.hints.metadata.len()), (vec!["u1".to_owned()], 1));
        let used = volume("in-use", &json!([{"server_id": "s1", "device": "/dev/vdb"}]));
        assert_eq!((used.condition, used.idle_since), (Some(Condition::InUse), None));
        assert_eq!(used.attached, Some(vec!["s1".to_owned()]));
        let by_a_host = volume("in-use", &json!([{"server_id": null, "attachment_id": "a1"}]));
        assert_eq!(by_a_host.attached, Some(vec!["a1".to_owned()]));
        assert_eq!(volume("detaching", &json!([])).condition, Some(Condition::Changing));
        assert!(matches!(volume("error", &json!([])).condition, Some(Condition::Broken(_))));
    }

    #[test]
    fn a_share_for_everyone_is_shared() {
        let share = |public: bool, project: &str| {
            let share = json!({"id": "s1", "name": "n", "status": "available", "is_public": public,
                               "project_id": project, "metadata": {}});
            let share: Share = serde_json::from_value(share).unwrap();
            share.found("p").survey.belongs
        };
        assert_eq!((share(false, "p"), share(true, "p")), (Belongs::Project, Belongs::Shared));
    }

    #[test]
    fn a_container_tells_whose_it_may_be_and_how_it_is() {
        let told = |status: &str, task: Option<&str>| {
            let container = json!({"uuid": "c1", "name": "edge-ff524", "status": status, "status_reason": "no such image",
                                   "project_id": "p", "user_id": "u1", "labels": {"owner": "ff524"}, "task_state": task});
            let container: Container = serde_json::from_value(container).unwrap();
            container.found("p").survey
        };
        let running = told("Running", None);
        assert_eq!((running.belongs, running.condition), (Belongs::Project, Some(Condition::InUse)));
        assert_eq!((running.hints.metadata.len(), running.hints.creator), (1, vec!["u1".to_owned()]));
        assert_eq!(told("Stopped", None).condition, Some(Condition::Stopped));
        assert_eq!(told("Running", Some("container_deleting")).condition, Some(Condition::Changing));
        assert_eq!(told("Error", None).condition, Some(Condition::Broken("no such image".to_owned())));
    }
}
