//! Cinder: volumes, attached to a server or booted from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::compute::metadata;
use super::identity::Service;
use super::session::Listed;
use super::{OpenStackCloud, insert, made, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::domain::blueprint::Kind;
use crate::domain::ids::ResourceKey;
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
struct One {
    volume: Volume,
}

#[derive(Debug, Deserialize)]
struct Volume {
    id: String,
    #[serde(default)]
    name: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Attachment {
    server_id: String,
    device: Option<String>,
}

impl Listed for Volume {
    fn marker(&self) -> &str {
        &self.id
    }
}

impl Volume {
    fn on(&self, server: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.server_id == server)
    }

    fn progress(&self) -> Progress {
        match self.status.as_str() {
            "available" | "in-use" => Progress::Ready,
            error if error.starts_with("error") => {
                Progress::Broken(format!("the volume's status is \"{error}\""))
            }
            _ => Progress::Working,
        }
    }

    fn observed(self, attached_to: Option<&str>) -> Observed {
        let attachment = attached_to.map(|server| self.on(server));
        let progress = match (self.progress(), attachment) {
            (Progress::Ready, Some(None)) => Progress::Working,
            (progress, _) => progress,
        };
        let address = attachment.flatten().and_then(|attachment| attachment.device.clone());
        let facts = SiteFacts { address, ..SiteFacts::default() };
        Observed { object: SiteObject { kind: Kind::Volume, site_ref: self.id, facts }, progress }
    }
}

/// What a volume is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct VolumeWish<'a> {
    pub(super) size_gib: u32,
    pub(super) volume_type: Option<&'a str>,
    pub(super) image: Option<&'a str>,
}

impl OpenStackCloud {
    pub(super) async fn ensure_volume(
        &self,
        desired: &Desired,
        wish: VolumeWish<'_>,
        attach_to: Option<&ResourceKey>,
    ) -> Result<Observed, CloudError> {
        let server = attach_to.map(|server| made(desired, server)).transpose()?;
        let server = server.map(|server| server.site_ref.as_str());
        let named = self.volumes(&[("name", &desired.name)]).await?;
        let exact = named.into_iter().filter(|volume| volume.name.as_ref() == Some(&desired.name));
        let Some(volume) = oldest(exact.collect(), |volume| volume.created_at) else {
            return Ok(self.make_volume(desired, wish).await?.observed(server));
        };
        self.keep_volume_metadata(&volume, desired).await?;
        if let Some(server) = server.filter(|_| volume.status == "available") {
            self.attach(&volume.id, server).await?;
        }
        Ok(volume.observed(server))
    }

    async fn make_volume(&self, desired: &Desired, wish: VolumeWish<'_>) -> Result<Volume, CloudError> {
        let mut volume = json!({"name": desired.name, "size": wish.size_gib, "metadata": metadata(desired)});
        if let Some(volume_type) = wish.volume_type {
            insert(&mut volume, "volume_type", json!(volume_type));
        }
        if let Some(image) = wish.image {
            insert(&mut volume, "imageRef", json!(self.image_id(image).await?));
        }
        let made: One = self.session.post(Service::Block, &["volumes"], &json!({"volume": volume})).await?;
        Ok(made.volume)
    }

    /// Asks Nova, which asks Cinder. What is on its way already is refused as a conflict and looked at again.
    async fn attach(&self, volume: &str, server: &str) -> Result<(), CloudError> {
        let path = ["servers", server, "os-volume_attachments"];
        let body = json!({"volumeAttachment": {"volumeId": volume}});
        self.session.post::<Value>(Service::Compute, &path, &body).await.map(|_| ())
    }

    /// The end of a booking may move.
    async fn keep_volume_metadata(&self, volume: &Volume, desired: &Desired) -> Result<(), CloudError> {
        let wanted = metadata(desired);
        if wanted.iter().all(|(key, value)| volume.metadata.get(*key) == Some(value)) {
            return Ok(());
        }
        let path = ["volumes", &volume.id, "metadata"];
        self.session.post::<Value>(Service::Block, &path, &json!({"metadata": wanted})).await.map(|_| ())
    }

    async fn volumes(&self, query: &[(&str, &str)]) -> Result<Vec<Volume>, CloudError> {
        self.session.pages(Service::Block, &["volumes", "detail"], query, "volumes").await
    }

    pub(super) async fn list_volumes(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let found = |volume: Volume| {
            let name = volume.name.unwrap_or_default();
            super::found(scope, Kind::Volume, &name, volume.id, name.clone(), volume.created_at)
        };
        Ok(self.volumes(&[]).await?.into_iter().filter_map(found).collect())
    }

    /// A volume goes once it is free. Its server goes before it and sets it free, a little after it is gone itself.
    pub(super) async fn release_volume(&self, id: &str) -> Result<Released, CloudError> {
        let path = ["volumes", id];
        let Some(One { volume }) = self.session.find(Service::Block, &path).await? else {
            return Ok(Released::Gone);
        };
        match volume.status.as_str() {
            "deleting" | "detaching" | "attaching" | "creating" | "downloading" => Ok(Released::Going),
            "in-use" => Err(CloudError::Conflict(format!(
                "the volume {id} is still attached to {}",
                volume.attachments.first().map_or("a server", |attachment| &attachment.server_id)
            ))),
            _ => self.delete_and_look(Service::Block, &path).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(status: &str, server: Option<&str>) -> Volume {
        let attachments: Vec<Value> =
            server.into_iter().map(|id| json!({"server_id": id, "device": "/dev/vdb"})).collect();
        let volume = json!({"id": "v1", "name": "n", "status": status, "attachments": attachments,
                            "created_at": "2026-02-10T14:00:00.000000", "metadata": {}});
        serde_json::from_value(volume).unwrap()
    }

    #[test]
    fn a_volume_is_ready_once_it_is_where_it_belongs() {
        let progress = |status, on, wanted| volume(status, on).observed(wanted).progress;
        assert_eq!(progress("downloading", None, None), Progress::Working);
        assert_eq!(progress("available", None, None), Progress::Ready);
        assert_eq!(progress("available", None, Some("s1")), Progress::Working);
        assert_eq!(progress("in-use", Some("s2"), Some("s1")), Progress::Working);
        let attached = volume("in-use", Some("s1")).observed(Some("s1"));
        assert_eq!(attached.progress, Progress::Ready);
        assert_eq!(attached.object.facts.address.as_deref(), Some("/dev/vdb"));
        for status in ["error", "error_managing"] {
            assert!(matches!(progress(status, None, None), Progress::Broken(_)), "{status}");
        }
    }
}
