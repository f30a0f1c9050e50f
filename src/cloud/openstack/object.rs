//! Swift, or what speaks as it does: buckets, which Swift calls containers. A bucket's name is its id.

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use serde::Deserialize;

use super::OpenStackCloud;
use super::identity::Service;
use super::time;
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::domain::blueprint::Kind;
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(default, deserialize_with = "time::optional")]
    pub(super) last_modified: Option<DateTime<Utc>>,
}

/// Objects that are deleted in one turn, so that a turn stays short; the next goes on.
const OBJECTS_AT_ONCE: usize = 200;
/// Of these how many at the same time.
const SIDE_BY_SIDE: usize = 8;

impl OpenStackCloud {
    /// To make one that is there changes nothing but what is written on it.
    pub(super) async fn ensure_bucket(&self, desired: &Desired) -> Result<Observed, CloudError> {
        let (booking, delete_at) = (desired.mark.booking.to_string(), time::iso(desired.delete_at));
        let headers = [
            ("X-Container-Meta-Fairlease-Booking", booking.as_str()),
            ("X-Container-Meta-Delete-At", &delete_at),
        ];
        self.session.put_bare(Service::Object, &[&desired.name], &headers).await?;
        let facts = SiteFacts { address: Some(desired.name.clone()), ..SiteFacts::default() };
        let object = SiteObject { kind: Kind::Bucket, site_ref: desired.name.clone(), facts };
        Ok(Observed { object, progress: Progress::Ready })
    }

    pub(super) async fn list_buckets(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let found = |bucket: Named| {
            let name = bucket.name;
            super::found(scope, Kind::Bucket, &name, name.clone(), name.clone(), bucket.last_modified)
        };
        Ok(self.object_pages(&[]).await?.into_iter().filter_map(found).collect())
    }

    /// All pages of the names under `path`.
    pub(super) async fn object_pages(&self, path: &[&str]) -> Result<Vec<Named>, CloudError> {
        let mut all: Vec<Named> = Vec::new();
        loop {
            let marker = all.last().map(|last| last.name.clone()).unwrap_or_default();
            let page = self.object_page(path, &marker).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    async fn object_page(&self, path: &[&str], marker: &str) -> Result<Vec<Named>, CloudError> {
        let limit = OBJECTS_AT_ONCE.to_string();
        let query = [("format", "json"), ("limit", &limit), ("marker", marker)];
        self.session
            .get::<Option<Vec<Named>>>(Service::Object, path, &query)
            .await
            .map(Option::unwrap_or_default)
    }

    /// A bucket goes once it is empty. What is in it goes with it.
    pub(super) async fn release_bucket(&self, bucket: &str) -> Result<Released, CloudError> {
        let objects = match self.object_page(&[bucket], "").await {
            Ok(objects) => objects,
            Err(CloudError::NotFound(_)) => return Ok(Released::Gone),
            Err(error) => return Err(error),
        };
        if objects.is_empty() {
            return self.delete_empty(bucket).await;
        }
        for some in objects.chunks(SIDE_BY_SIDE) {
            try_join_all(some.iter().map(|object| self.delete_object(bucket, &object.name))).await?;
        }
        Ok(Released::Going)
    }

    async fn delete_object(&self, bucket: &str, object: &str) -> Result<(), CloudError> {
        self.session.delete(Service::Object, &[bucket, object]).await.map(|_| ())
    }

    /// A listing may be behind: one that is not as empty as it says is looked at again.
    async fn delete_empty(&self, bucket: &str) -> Result<Released, CloudError> {
        match self.session.delete(Service::Object, &[bucket]).await {
            Ok(_) => Ok(Released::Gone),
            Err(CloudError::Conflict(_)) => Ok(Released::Going),
            Err(error) => Err(error),
        }
    }
}
