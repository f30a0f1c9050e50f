//! Since when nothing uses an object. A listing shows only that nothing does now, so what earlier ones showed is remembered.

use chrono::{DateTime, Utc};

use super::given::Situation;
use super::sight::Sight;
use crate::domain::blueprint::Kind;
use crate::domain::marked::Idle;
use crate::domain::resource::Found;
use crate::domain::survey::{Belongs, Condition};

/// What nothing uses at a site whose listing is trusted, and since when. What is used is not among it: if it is left again,
/// its time begins anew. What is on its way to another state stays as it is remembered.
pub(super) fn since(given: &Situation<'_>, sight: &Sight<'_>) -> Idle {
    let remembered = |found: &Found| {
        given.idle.get(sight.site).and_then(|idle| idle.get(&(found.kind, found.site_ref.clone()))).copied()
    };
    let each = sight.objects.iter().filter(|found| may_be_idle(found)).filter_map(|found| {
        let since = if found.survey.condition == Some(Condition::Changing) {
            remembered(found)
        } else if is_unused(given, sight, found) {
            // The listing before this one had it in use, or did not have it.
            let seen = remembered(found).or(sight.view.last_whole.map(|last| last.at));
            seen.into_iter().chain([told(found)?]).max()
        } else {
            None
        };
        Some(((found.kind, found.site_ref.clone()), since?))
    });
    each.collect()
}

/// What a booking's objects do is for the booking to say, and of others' nothing is ever done.
fn may_be_idle(found: &Found) -> bool {
    found.mark.is_none() && found.survey.belongs == Belongs::Project
}

/// Since when at most, as its site tells.
fn told(found: &Found) -> Option<DateTime<Utc>> {
    let began = found.survey.span.map(|span| span.start());
    [found.created_at, began, found.survey.idle_since].into_iter().flatten().max()
}

/// Whether nothing uses an object of which that can be said.
fn is_unused(given: &Situation<'_>, sight: &Sight<'_>, found: &Found) -> bool {
    let survey = &found.survey;
    let attached = survey.attached.as_deref();
    match found.kind {
        Kind::Lease => survey.span.is_some_and(|span| {
            let told = span.contains(given.now) && !survey.reservations.is_empty();
            told && !sight.is_used(found, span.start())
        }),
        Kind::FloatingIp => {
            let reserved = survey.tags.iter().any(|tag| tag == "blazar" || tag.starts_with("reservation:"));
            let free = attached.is_none_or(<[String]>::is_empty);
            !reserved && free && survey.condition == Some(Condition::Idle)
        }
        Kind::Router => attached.is_some_and(|subnets| sight.leads_nowhere(subnets)),
        Kind::Network => sight.is_bare(&found.site_ref),
        Kind::Port | Kind::Volume | Kind::Share | Kind::Bucket => {
            attached.is_some_and(<[String]>::is_empty) && survey.condition != Some(Condition::InUse)
        }
        Kind::Server | Kind::Container | Kind::Subnet | Kind::SecurityGroup | Kind::Keypair => false,
    }
}
