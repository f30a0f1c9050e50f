//! What a file gives to one person that is another's already.

use std::collections::BTreeMap;

use super::{Member, Plan, Row};
use crate::domain::ids::NetId;

/// A row that can't be applied, whatever else is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The line of the file.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Accounts that would be two people's: an object that is made by hand would be nobody's then.
pub(super) fn find(rows: &[&Row], known: &BTreeMap<&NetId, &Member>) -> Vec<Clash> {
    let given = |net_id: &NetId| {
        let row = rows.binary_search_by(|row| row.net_id.cmp(net_id)).ok().and_then(|at| rows.get(at));
        row.and_then(|row| row.cloud_users.as_ref())
    };
    let mut owner: BTreeMap<String, &NetId> = BTreeMap::new();
    for (net_id, member) in known {
        // A net ID is an account of its own.
        owner.insert(net_id.to_string(), net_id);
        if given(net_id).is_none() {
            owner.extend(member.held.cloud_users.iter().map(|account| (account.to_lowercase(), *net_id)));
        }
    }
    owner.extend(rows.iter().map(|row| (row.net_id.to_string(), &row.net_id)));
    let mut clashes = Vec::new();
    for row in rows {
        for account in row.cloud_users.iter().flatten() {
            if let Some(other) = owner.get(&account.to_lowercase()).filter(|other| ***other != row.net_id) {
                let what =
                    format!("the account \"{account}\" is {other}'s already; one of their own is wanted");
                clashes.push(Clash { line: row.line, what });
            }
        }
    }
    clashes
}

/// People who are new with an address that somebody else has: it may be one person with a new net ID.
pub(super) fn same_person(plan: &Plan, known: &BTreeMap<&NetId, &Member>) -> Vec<String> {
    let addresses: BTreeMap<String, &NetId> =
        known.iter().map(|(net_id, member)| (member.held.mail.to_lowercase(), *net_id)).collect();
    let pairs = plan.added.iter().filter_map(|it| Some((it, addresses.get(&it.held.mail.to_lowercase())?)));
    pairs
        .map(|(added, other)| {
            format!(
                "{} in line {} has the address of {other}: is it one person with a new net ID?",
                added.net_id, added.line
            )
        })
        .collect()
}
