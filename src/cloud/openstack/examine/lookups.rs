//! What a site has under the names that a course uses, looked for as the rest of the adapter looks for it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cloud::openstack::OpenStackCloud;
use crate::cloud::openstack::identity::Service;
use crate::cloud::openstack::image::is_uuid;
use crate::cloud::openstack::session::Listed;
use crate::cloud::port::CloudError;
use crate::domain::fitness::{FlavorFacts, ImageFacts, Named, NetworkFacts, SiteNeeds};

const GIB: u64 = 1 << 30;

/// What was found under each name.
type Found<T> = Result<BTreeMap<String, Option<T>>, CloudError>;

#[derive(Debug, Deserialize)]
struct Flavor {
    id: String,
    name: String,
    vcpus: u64,
    ram: u64,
    disk: u64,
}

impl Listed for Flavor {
    fn marker(&self) -> &str {
        &self.id
    }
}

#[derive(Debug, Deserialize)]
struct Images {
    images: Vec<Image>,
}

#[derive(Debug, Deserialize)]
struct Image {
    status: String,
    visibility: String,
    #[serde(default)]
    min_disk: u64,
    #[serde(default)]
    min_ram: u64,
    virtual_size: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Networks {
    networks: Vec<Network>,
}

#[derive(Debug, Deserialize)]
struct Network {
    #[serde(rename = "router:external", default)]
    external: bool,
}

/// Something that has a name and an id.
#[derive(Debug, Deserialize)]
struct Item {
    id: String,
    name: String,
}

impl Item {
    fn is(&self, wanted: &str) -> bool {
        self.name == wanted || self.id == wanted
    }
}

impl OpenStackCloud {
    pub(super) async fn find_flavors(&self, wanted: &Named) -> Found<FlavorFacts> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let path = ["flavors", "detail"];
        let all: Vec<Flavor> = self.session.pages(Service::Compute, &path, &[], "flavors").await?;
        let look = |name: &String| {
            let by_id = all.iter().find(|flavor| flavor.id == *name);
            let flavor = by_id.or_else(|| all.iter().find(|flavor| flavor.name == *name));
            let facts = |it: &Flavor| FlavorFacts { cores: it.vcpus, memory_mib: it.ram, disk_gib: it.disk };
            (name.clone(), flavor.map(facts))
        };
        Ok(wanted.keys().map(look).collect())
    }

    pub(super) async fn find_images(&self, wanted: &Named) -> Found<ImageFacts> {
        let mut found = BTreeMap::new();
        for name in wanted.keys() {
            found.insert(name.clone(), self.image(name).await?.map(Image::facts));
        }
        Ok(found)
    }

    async fn image(&self, name: &str) -> Result<Option<Image>, CloudError> {
        if is_uuid(name)
            && let Some(image) = self.session.find(Service::Image, &["images", name]).await?
        {
            return Ok(Some(image));
        }
        let query = [("name", name), ("sort", "created_at:desc"), ("limit", "100")];
        let mut found: Images = self.session.get(Service::Image, &["images"], &query).await?;
        // The newest stays first of those that are alike in this.
        found.images.sort_by_key(|image| image.status != "active");
        Ok(found.images.into_iter().next())
    }

    /// The existing networks and the external ones.
    pub(super) async fn find_networks(&self, needs: &SiteNeeds) -> Found<NetworkFacts> {
        let mut found = BTreeMap::new();
        for name in needs.networks.keys().chain(needs.external_networks.keys()) {
            found.insert(name.clone(), self.network_facts(name).await?);
        }
        Ok(found)
    }

    async fn network_facts(&self, name: &str) -> Result<Option<NetworkFacts>, CloudError> {
        for by in ["name", "id"] {
            let query = [(by, name), ("fields", "router:external")];
            let found: Networks = self.session.get(Service::Network, &["networks"], &query).await?;
            if !found.networks.is_empty() {
                let external = found.networks.iter().any(|network| network.external);
                return Ok(Some(NetworkFacts { external }));
            }
        }
        Ok(None)
    }

    pub(super) async fn find_groups(&self, wanted: &Named) -> Found<()> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let project = self.session.project().await?;
        let query = [("project_id", project.as_str()), ("fields", "id"), ("fields", "name")];
        let (path, key) = (["security-groups"], "security_groups");
        let all: Vec<Item> = self.listing(Service::Network, &path, &query, key).await?;
        Ok(there(wanted, &all))
    }

    /// Types of volumes or shares.
    pub(super) async fn find_types(&self, service: Service, key: &str, wanted: &Named) -> Found<()> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let all: Vec<Item> = self.listing(service, &["types"], &[], key).await?;
        Ok(there(wanted, &all))
    }

    /// A listing that comes as a whole.
    async fn listing<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &[&str],
        query: &[(&str, &str)],
        key: &str,
    ) -> Result<Vec<T>, CloudError> {
        let mut answer: BTreeMap<String, serde_json::Value> = self.session.get(service, path, query).await?;
        let list = answer.remove(key).unwrap_or_default();
        serde_json::from_value(list).map_err(|error| CloudError::Transient {
            message: format!("{key}: the answer is not what the API says: {error}"),
            retry_after: None,
        })
    }
}

fn there(wanted: &Named, all: &[Item]) -> BTreeMap<String, Option<()>> {
    let look = |name: &String| (name.clone(), all.iter().any(|item| item.is(name)).then_some(()));
    wanted.keys().map(look).collect()
}

impl Image {
    fn facts(self) -> ImageFacts {
        let own = self.virtual_size.unwrap_or(0).div_ceil(GIB);
        ImageFacts {
            status: self.status,
            visibility: self.visibility,
            needs_disk_gib: self.min_disk.max(own),
            needs_memory_mib: self.min_ram,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_needs_a_disk_for_all_that_it_holds() {
        let text = r#"{"status": "active", "visibility": "public", "min_disk": 10, "min_ram": 512,
                       "virtual_size": 21474836481, "size": 1}"#;
        let facts = serde_json::from_str::<Image>(text).unwrap().facts();
        assert_eq!((facts.needs_disk_gib, facts.needs_memory_mib), (21, 512));
        let text = r#"{"status": "active", "visibility": "public", "virtual_size": null}"#;
        assert_eq!(serde_json::from_str::<Image>(text).unwrap().facts().needs_disk_gib, 0);
    }
}
