//! Manila: shared directories, by NFS.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::compute::metadata;
use super::identity::Service;
use super::{OpenStackCloud, insert, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::domain::blueprint::Kind;
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
struct One {
    share: Share,
}

#[derive(Debug, Deserialize)]
struct Shares<T> {
    shares: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct Share {
    id: String,
    #[serde(default)]
    name: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct Rules {
    access_list: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    access_to: String,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Exports {
    export_locations: Vec<Export>,
}

#[derive(Debug, Deserialize)]
struct Export {
    path: String,
    #[serde(default)]
    preferred: bool,
}

impl Share {
    fn progress(&self) -> Progress {
        match self.status.as_str() {
            "available" => Progress::Ready,
            error if error.contains("error") => {
                Progress::Broken(format!("the share's status is \"{error}\""))
            }
            _ => Progress::Working,
        }
    }
}

impl Rules {
    fn progress(&self, wanted: &[String]) -> Progress {
        let state = |range: &String| self.access_list.iter().find(|rule| rule.access_to == *range);
        let states = wanted.iter().map(|range| state(range).map_or("", |rule| rule.state.as_str()));
        let mut not_yet = states.filter(|state| *state != "active");
        match not_yet.next() {
            None => Progress::Ready,
            Some("error") => Progress::Broken("the share's rules of access are in error".to_owned()),
            Some(_) => Progress::Working,
        }
    }
}

impl OpenStackCloud {
    /// A share is ready once it can be mounted from everywhere that it is to be.
    pub(super) async fn ensure_share(
        &self,
        desired: &Desired,
        size_gib: u32,
        share_type: Option<&str>,
        access_from: &[String],
    ) -> Result<Observed, CloudError> {
        let mut named: Vec<Share> = self.shares(&[("name", &desired.name)]).await?;
        named.retain(|share| share.name.as_ref() == Some(&desired.name));
        let share = match oldest(named, |share| share.created_at) {
            Some(share) => share,
            None => self.make_share(desired, size_gib, share_type).await?,
        };
        let (mut progress, mut facts) = (share.progress(), SiteFacts::default());
        if progress == Progress::Ready {
            progress = self.allow(&share.id, access_from).await?;
            facts.address = self.export(&share.id).await?;
        }
        Ok(Observed { object: SiteObject { kind: Kind::Share, site_ref: share.id, facts }, progress })
    }

    async fn make_share(
        &self,
        desired: &Desired,
        size_gib: u32,
        share_type: Option<&str>,
    ) -> Result<Share, CloudError> {
        let mut share = json!({"name": desired.name, "size": size_gib, "share_proto": "NFS",
                               "metadata": metadata(desired)});
        if let Some(share_type) = share_type {
            insert(&mut share, "share_type", json!(share_type));
        }
        let made: One = self.session.post(Service::Share, &["shares"], &json!({"share": share})).await?;
        Ok(made.share)
    }

    /// Asks for the rules that are missing, and says how far all are.
    async fn allow(&self, share: &str, access_from: &[String]) -> Result<Progress, CloudError> {
        let query = [("share_id", share)];
        let known: Rules = self.session.get(Service::Share, &["share-access-rules"], &query).await?;
        let missing =
            access_from.iter().filter(|range| known.access_list.iter().all(|it| it.access_to != **range));
        for range in missing {
            let body =
                json!({"allow_access": {"access_type": "ip", "access_to": range, "access_level": "rw"}});
            let path = ["shares", share, "action"];
            match self.session.post::<Value>(Service::Share, &path, &body).await {
                // Another worker was quicker.
                Ok(_) | Err(CloudError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(known.progress(access_from))
    }

    /// What is mounted.
    async fn export(&self, share: &str) -> Result<Option<String>, CloudError> {
        let path = ["shares", share, "export_locations"];
        let mut found: Exports = self.session.get(Service::Share, &path, &[]).await?;
        found.export_locations.sort_by_key(|export| !export.preferred);
        Ok(found.export_locations.into_iter().next().map(|export| export.path))
    }

    /// All pages. Manila counts from an offset.
    pub(super) async fn shares<T: DeserializeOwned>(
        &self,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, CloudError> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let (limit, offset) = (PAGE.to_string(), all.len().to_string());
            let page = [&[("limit", limit.as_str()), ("offset", &offset)], query].concat();
            let found: Shares<T> = self.session.get(Service::Share, &["shares", "detail"], &page).await?;
            let last = found.shares.len() < PAGE;
            all.extend(found.shares);
            if last {
                return Ok(all);
            }
        }
    }

    pub(super) async fn list_shares(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let found = |share: Share| {
            let name = share.name.unwrap_or_default();
            super::found(scope, Kind::Share, &name, share.id, name.clone(), share.created_at)
        };
        Ok(self.shares(&[]).await?.into_iter().filter_map(found).collect())
    }

    /// From where a share may be mounted; `None` if it is not there any more.
    pub(super) async fn rules_of(&self, share: &str) -> Result<Option<Vec<String>>, CloudError> {
        let query = [("share_id", share)];
        match self.session.get::<Rules>(Service::Share, &["share-access-rules"], &query).await {
            Ok(rules) => Ok(Some(rules.access_list.into_iter().map(|rule| rule.access_to).collect())),
            Err(CloudError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn release_share(&self, share: &str) -> Result<Released, CloudError> {
        let path = ["shares", share];
        match self.session.find::<One>(Service::Share, &path).await? {
            None => Ok(Released::Gone),
            Some(One { share }) if share.progress() == Progress::Working => Ok(Released::Going),
            Some(_) => self.delete_and_look(Service::Share, &path).await,
        }
    }
}

const PAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_waits_for_its_rules() {
        let rules = |states: &[(&str, &str)]| {
            let rule = |(to, state): &(&str, &str)| json!({"access_to": to, "state": state});
            let rules = json!({"access_list": states.iter().map(rule).collect::<Vec<_>>()});
            let wanted = ["10.0.0.0/24", "10.0.1.0/24"].map(str::to_owned);
            serde_json::from_value::<Rules>(rules).unwrap().progress(&wanted)
        };
        assert_eq!(rules(&[("10.0.0.0/24", "active")]), Progress::Working);
        assert_eq!(rules(&[("10.0.1.0/24", "applying"), ("10.0.0.0/24", "active")]), Progress::Working);
        assert_eq!(rules(&[("10.0.1.0/24", "active"), ("10.0.0.0/24", "active")]), Progress::Ready);
        let failed = rules(&[("10.0.1.0/24", "error"), ("10.0.0.0/24", "active")]);
        assert!(matches!(failed, Progress::Broken(_)));
    }
}
