//! What a booking of a lab gets, in lines of words.

use std::collections::BTreeMap;

use crate::domain::blueprint::{Blueprint, Machine, ServerPlan};
use crate::domain::su::Su;
use crate::services::labs::LabView;

/// A line for each thing that a booking gets.
pub(super) fn gets(view: &LabView) -> Vec<String> {
    let blueprint = &view.setting.lab.blueprint;
    let mut lines: Vec<String> =
        blueprint.machines().iter().map(|(machine, count)| of(machine, *count)).collect();
    lines.extend(blueprint.containers.iter().map(|container| format!("a container, {}", container.image)));
    lines.extend(from_volumes(blueprint));
    lines.extend(
        blueprint
            .volumes
            .iter()
            .map(|volume| format!("a volume of {} GiB on {}", volume.size_gib, volume.server)),
    );
    lines
        .extend(blueprint.shares.iter().map(|share| format!("a shared directory of {} GiB", share.size_gib)));
    lines.extend(blueprint.buckets.iter().map(|bucket| format!("a bucket, {bucket}")));
    lines.extend(blueprint.networks.iter().map(|network| format!("a private network, {}", network.cidr)));
    lines.extend(public(blueprint));
    let rate = view.setting.lab.su_per_hour;
    lines.extend((rate > Su::ZERO).then(|| format!("{rate} an hour of the course's allocation")));
    lines
}

/// `3 servers, m1.medium`, or `1 node, gpu_p100`.
fn of(machine: &Machine, count: u32) -> String {
    let word = match (machine.is_bare_metal(), count) {
        (true, 1) => "node",
        (true, _) => "nodes",
        (false, 1) => "server",
        (false, _) => "servers",
    };
    format!("{count} {word}, {}", machine.name())
}

/// "a disk of 200 GiB for node1, node2": one line for each size.
fn from_volumes(blueprint: &Blueprint) -> impl Iterator<Item = String> {
    let mut by_size: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for ServerPlan { name, boot_volume_gib, .. } in &blueprint.servers {
        if let Some(size) = boot_volume_gib {
            by_size.entry(*size).or_default().push(name.as_str());
        }
    }
    by_size.into_iter().map(|(size, names)| format!("a disk of {size} GiB for {}", names.join(", ")))
}

/// "a public address on node1".
fn public(blueprint: &Blueprint) -> Option<String> {
    let servers = blueprint.servers.iter().filter(|it| it.floating_ip).map(|it| it.name.as_str());
    let containers = blueprint.containers.iter().filter(|it| it.floating_ip).map(|it| it.name.as_str());
    let names: Vec<&str> = servers.chain(containers).collect();
    (!names.is_empty()).then(|| format!("a public address on {}", names.join(", ")))
}
