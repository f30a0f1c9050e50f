//! Case 19 of the course's facts: two students race for one address or one node. One wins, none shares.

use chrono::TimeDelta;
use fairlease::cloud::port::{CloudError, Desired, Progress, Released, SiteObject};
use fairlease::domain::blueprint::{HeldBy, Kind, Reserved, Spec, sole_key};
use fairlease::domain::ids::ResourceKey;

use super::{Bench, Lab};

/// Asks on a thread of its own until the site has an answer that stays.
async fn asked(bench: &Bench, desired: Desired) -> Result<SiteObject, CloudError> {
    let bench = bench.clone();
    let asking = tokio::spawn(async move {
        let answer = bench.until(format!("an answer for {}", desired.name), async || {
            match bench.cloud.ensure(&desired).await {
                Ok(observed) if observed.progress == Progress::Working => None,
                Ok(observed) => Some(Ok(observed.object)),
                Err(error) if error.may_pass() && error.class() != "capacity" => None,
                Err(error) => Some(Err(error)),
            }
        });
        answer.await
    });
    asking.await.unwrap()
}

/// A server with all around it but its address. Says what the address is to be.
async fn without_address(lab: &mut Lab<'_>, bench: &Bench) -> (ResourceKey, Spec) {
    let mut blueprint = bench.blueprint();
    blueprint.servers.truncate(1);
    let mut address = None;
    for (key, spec) in bench.objects(&blueprint, &HeldBy::Nothing) {
        if spec.kind() == Kind::FloatingIp {
            address = Some((key, spec));
        } else {
            lab.make(&key, &spec).await;
        }
    }
    address.expect("the first server has an address")
}

/// Two want an address at the same time, round after round, while one that nobody has bound lies in the project: each gets
/// one of its own, and the one that lies there stays as it is. `look` sees what each has, and on which server.
pub(crate) async fn two_who_want_an_address_share_none(
    bench: &Bench,
    rounds: usize,
    unbound: &str,
    look: impl AsyncFn(&SiteObject, &SiteObject),
) {
    let [mut one, mut two] = [1, 2].map(|number| bench.lab(31, number));
    let (address, spec) = without_address(&mut one, bench).await;
    without_address(&mut two, bench).await;
    for round in 0..rounds {
        let ask = |lab: &Lab<'_>| asked(bench, lab.desired(&address, spec.clone()));
        let (first, second) = tokio::join!(ask(&one), ask(&two));
        let [first, second] =
            [first, second].map(|got| got.unwrap_or_else(|error| panic!("{round}: {error}")));
        assert_ne!(first.site_ref, second.site_ref, "round {round}");
        assert_ne!(first.facts.address, second.facts.address, "round {round}");
        for (lab, got) in [(&one, &first), (&two, &second)] {
            assert_ne!(got.site_ref, unbound, "round {round}: it is nobody's to take");
            look(got, lab.object("node1")).await;
            lab.release(Kind::FloatingIp, &got.site_ref).await;
        }
    }
    for lab in [one, two] {
        lab.clear().await;
    }
}

/// Two want the only node of its kind for the same time, round after round: one of them gets it, and the other hears that
/// there is no room. They ask at once, or one after the other.
pub(crate) async fn of_two_who_want_a_node_one_gets_it(
    bench: &Bench,
    rounds: u64,
    node: &Reserved,
    at_once: bool,
) {
    for round in 0..rounds {
        let labs = [1, 2].map(|number| bench.lab(32, 2 * round + number));
        // Long after everything that other cases reserve.
        let start = bench.clock.now() + TimeDelta::days(30);
        let end = start + TimeDelta::hours(3);
        let ask = |lab: &Lab<'_>| {
            let spec = Spec::Lease { start, end, reservations: vec![(node.clone(), 1)] };
            asked(bench, lab.desired(&sole_key(Kind::Lease), spec))
        };
        let (first, second) = if at_once {
            tokio::join!(ask(&labs[0]), ask(&labs[1]))
        } else {
            (ask(&labs[0]).await, ask(&labs[1]).await)
        };
        let (winner, refused) = match (first, second) {
            (Ok(_), Err(error)) => (0, error),
            (Err(error), Ok(_)) => (1, error),
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(refused.class(), "capacity", "round {round}: {refused}");
        assert_eq!(labs[1 - winner].listed().await, [], "round {round}: nothing is left of the one without");
        labs[winner].clear().await;
    }
}

/// Nobody has bound this address, and it is there until it is deleted here.
pub(crate) async fn is_unbound(bench: &Bench, address: &str) {
    let told = bench.cloud.survey(&bench.services).await.unwrap();
    let found = told.iter().find(|found| found.kind == Kind::FloatingIp && found.site_ref == address);
    let on = &found.unwrap_or_else(|| panic!("{address} is gone")).survey.attached;
    assert_eq!(on.as_deref(), Some(&[][..]), "nobody has bound it");
    assert_eq!(bench.cloud.release(Kind::FloatingIp, address).await, Ok(Released::Gone));
}
