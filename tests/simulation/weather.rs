//! What befalls the whole site in a run: it answers nobody for a while, or its catalog lacks a service.

use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults};
use fairlease::domain::fitness::SiteService;
use fairlease::entropy::SeededEntropy;

use super::simulator::Chance;

/// What the site is like between two steps of a run; before and after, it does its part.
pub(super) struct Weather {
    what: What,
    begins: usize,
    ends: usize,
    is_bad: bool,
}

enum What {
    Fine,
    /// Every call and look fails with this.
    Outage(CloudError),
    /// The catalog lacks this service.
    Hidden(SiteService),
}

impl Weather {
    /// What the seed makes of a run of so many steps. It has chance of its own, so that it changes nothing else.
    pub(super) fn of(seed: u64, steps: usize) -> Self {
        let chance = Chance(SeededEntropy::new(seed ^ 0x5EA));
        let silent = CloudError::Transient { message: "503 for everyone".to_owned(), retry_after: None };
        let services = [SiteService::Reservation, SiteService::Compute, SiteService::Network];
        let what = match chance.below(8) {
            0..=2 => What::Outage(silent),
            3 => What::Outage(CloudError::Unauthorised("401 for everyone".to_owned())),
            4 | 5 => What::Hidden(services[chance.below(services.len())]),
            _ => What::Fine,
        };
        let begins = chance.below(steps * 3 / 4);
        Self { what, begins, ends: begins + 10 + chance.below(steps / 2), is_bad: false }
    }

    /// Brings it about, and says what changes with this step.
    pub(super) fn change(&mut self, step: usize, site: &Faults) -> Option<String> {
        if step == self.ends && self.is_bad {
            self.clear(site);
            return Some("the site does its part again".to_owned());
        }
        if step != self.begins {
            return None;
        }
        match &self.what {
            What::Fine => return None,
            What::Outage(error) => site.suffer(Some(Fault::Refuse(error.clone()))),
            What::Hidden(service) => site.hide([*service]),
        }
        self.is_bad = true;
        Some(match &self.what {
            What::Hidden(service) => format!("the site hides {}", service.words()),
            _ => "the site answers nobody".to_owned(),
        })
    }

    /// Whether the site does not do its part now.
    pub(super) fn is_bad(&self) -> bool {
        self.is_bad
    }

    /// The site does its part from now on.
    pub(super) fn clear(&mut self, site: &Faults) {
        self.is_bad = false;
        site.suffer(None);
        site.hide([]);
    }
}
