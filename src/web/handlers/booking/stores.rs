//! Where a booking's data is.

use crate::domain::blueprint::Spec;
use crate::domain::resource::Resource;
use crate::web::pages::booking::{Command, StoreLine};

/// A line for each volume that is attached, each share and each bucket. What a server boots from needs none.
pub(super) fn lines(resources: &[Resource]) -> Vec<StoreLine> {
    resources.iter().filter_map(line).collect()
}

fn line(resource: &Resource) -> Option<StoreLine> {
    let (key, reached) = (&resource.key, resource.facts.address.clone()?);
    let (label, text) = match &resource.spec {
        Spec::Volume { attach_to: Some(server), .. } => {
            (format!("volume {key}: a disk of {server}"), reached)
        }
        Spec::Share { .. } => (
            format!("share {key}: mount it on any of the servers"),
            format!("sudo mount -t nfs {reached} /mnt"),
        ),
        Spec::Bucket => (format!("bucket {key}: its name at the site"), reached),
        _ => return None,
    };
    Some(StoreLine { label, reached: Command { server: key.to_string(), text } })
}
