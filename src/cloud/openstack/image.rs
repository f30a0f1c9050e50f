//! Glance: from an image's name to its id.

use serde::Deserialize;

use super::OpenStackCloud;
use super::identity::Service;
use crate::cloud::port::CloudError;

#[derive(Debug, Deserialize)]
struct Image {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Images {
    images: Vec<Image>,
}

impl OpenStackCloud {
    /// The id of the image with this id, or of the newest with this name: a name means the latest, an id means that one.
    pub(super) async fn image_id(&self, image: &str) -> Result<String, CloudError> {
        if is_uuid(image) && self.session.find::<Image>(Service::Image, &["images", image]).await?.is_some() {
            return Ok(image.to_owned());
        }
        let query = [("name", image), ("status", "active"), ("sort", "created_at:desc"), ("limit", "1")];
        let found: Images = self.session.get(Service::Image, &["images"], &query).await?;
        let newest = found.images.into_iter().next();
        newest
            .map(|image| image.id)
            .ok_or_else(|| CloudError::NotFound(format!("no active image \"{image}\"")))
    }
}

/// Whether it is written as ids are.
pub(super) fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let fits = |(at, c): (usize, char)| if dashes.contains(&at) { c == '-' } else { c.is_ascii_hexdigit() };
    text.len() == 36 && text.chars().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        assert!(is_uuid("edd82bfd-adab-4dec-9eef-e22ba16c84ea"));
        for name in [
            "CC-Ubuntu24.04",
            "",
            "edd82bfd-adab-4dec-9eef-e22ba16c84e",
            "edd82bfdaadab-4dec-9eef-e22ba16c84ea",
        ] {
            assert!(!is_uuid(name), "{name}");
        }
    }
}
