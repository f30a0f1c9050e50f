//! What covers leases, floating IPs and other things that nothing uses.

use super::*;

/// Case 10: the servers are gone and the lease goes on. It says how much that costs.
#[test]
fn case_10_a_lease_without_servers_is_told_and_deleted_sooner_in_a_class_slot() {
    let slot = || lease("lease1_cloud_ff524", "2025-02-08T10:00", "2025-02-08T18:00");
    let mut scene = Scene::new("2025-02-08T11:59", vec![slot()]);
    assert_eq!(scene.does(), Vec::<String>::new());
    let told = scene.at("2025-02-08T12:00").plan();
    assert_eq!(
        told.actions[0].reason(),
        "no server is on it since Sat Feb 8, 10:00, for 2 h, and it is charged until Sat Feb 8, 18:00: 0.12 SU an hour, \
         0.24 SU so far and 0.72 SU more"
    );
    assert_eq!(scene.carry_out(), ["warn ff524 of lease lease1_cloud_ff524 at kvm: lease_without_server"]);
    assert_eq!(scene.at("2025-02-08T12:59").does(), Vec::<String>::new());
    let waiting = scene.plan().waiting;
    assert_eq!((waiting[0].next, waiting[0].at), (NextStep::Delete, local("2025-02-08T13:00")));
    assert!(waiting[0].reason.ends_with("; it is deleted at Sat Feb 8, 13:00"), "{waiting:?}");
    let plan = scene.at("2025-02-08T13:00").plan();
    let [Action::Delete { saved, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(
        (saved.server_minutes, saved.su, saved.until),
        (0, Su::from_number(0.6), local("2025-02-08T18:00"))
    );
    let mut used = server("node1", "2025-02-08T12:30");
    used.survey.backing = Backing::Reservation("r-lease1_cloud_ff524".into());
    scene.found.push(used);
    assert_eq!(scene.does(), ["unmark lease lease1_cloud_ff524 at kvm: InOrder"], "it is used again");
}

#[test]
fn a_long_lease_without_servers_has_six_and_nine_hours() {
    let found = lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00");
    let mut scene = Scene::new("2025-02-08T15:59", vec![found]);
    assert_eq!(scene.does(), Vec::<String>::new());
    assert_eq!(scene.at("2025-02-08T16:00").carry_out().len(), 1);
    assert_eq!(scene.at("2025-02-08T18:59").does(), Vec::<String>::new());
    assert!(scene.at("2025-02-08T19:00").does()[0].starts_with("delete lease"));
    scene.marked.clear();
    scene.found[0].survey.idle_since = Some(local("2025-02-08T14:00"));
    assert_eq!(scene.does(), Vec::<String>::new(), "idle for five hours only");
}

#[test]
fn a_lease_is_judged_only_by_what_is_told() {
    let change = |change: fn(&mut Scene)| {
        let found = lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00");
        let mut scene = Scene::new("2025-02-08T20:00", vec![found]);
        change(&mut scene);
        scene.does().len()
    };
    assert_eq!(change(|_| {}), 1);
    assert_eq!(change(|it| it.found[0].survey.reservations.clear()), 0);
    assert_eq!(change(|it| it.found[0].survey.span = None), 0);
    assert_eq!(change(|it| it.found[0].survey.condition = Some(Condition::Changing)), 0);
    assert_eq!(change(|it| it.view.standing_leases.push("x-ff524".into())), 0, "staff hold it");
    let pending = |it: &mut Scene| {
        it.found[0].survey.span = Interval::new(local("2025-02-08T20:30"), local("2025-02-09T10:00"));
    };
    assert_eq!(change(pending), 0);
    let untold = |created: &'static str| {
        move |it: &mut Scene| {
            let mut server = server("node1", created);
            server.survey.backing = Backing::Untold;
            it.found.push(server);
        }
    };
    let with = |untold: &dyn Fn(&mut Scene)| {
        let mut scene =
            Scene::new("2025-02-08T20:00", vec![lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00")]);
        untold(&mut scene);
        scene.does().len()
    };
    assert_eq!(with(&untold("2025-02-08T19:00")), 0, "it may be on the lease");
    assert_eq!(with(&untold("2025-02-08T09:00")), 1, "it is older than the lease");
}

/// Case 12: 6 d 23 h 59 min passes, 7 d 1 min does not.
#[test]
fn case_12_a_lease_may_be_bounded() {
    let long = |to: &str| {
        let mut scene = Scene::new("2025-02-01T12:00", vec![lease("x-ff524", "2025-02-01T10:00", to)]);
        scene.policy.leases.longest_minutes = Some(7 * 24 * 60);
        scene.does()
    };
    assert_eq!(long("2025-02-08T09:59"), Vec::<String>::new());
    assert_eq!(long("2025-02-08T10:00"), Vec::<String>::new());
    assert_eq!(long("2025-02-08T10:01"), ["warn ff524 of lease x-ff524 at kvm: long_lease"]);
}

/// Case 18: what is tagged, in use or young is kept; else it goes, to its owner's knowledge, or without one if staff say so.
#[test]
fn case_18_a_floating_ip_is_reaped_when_idle_for_a_week() {
    let with = |change: fn(&mut Survey)| {
        let mut address = address("2025-02-01T10:00");
        change(&mut address.survey);
        Scene::new("2025-02-08T10:00", vec![address])
    };
    let does = |change| with(change).does().len();
    assert_eq!(with(|_| {}).does(), ["warn ff524 of floating IP 203.0.113.7 at kvm: idle_floating_ip"]);
    assert_eq!(does(|it| it.tags.push("blazar".into())), 0);
    assert_eq!(does(|it| it.tags.push("reservation:1".into())), 0);
    assert_eq!(does(|it| it.condition = Some(Condition::InUse)), 0);
    assert_eq!(does(|it| it.condition = None), 0, "not told");
    assert_eq!(does(|it| it.attached = Some(vec!["port".into()])), 0);
    assert_eq!(does(|it| it.idle_since = Some(local("2025-02-01T10:01"))), 0);
    let young = Scene::new("2025-02-08T09:59", vec![address("2025-02-01T10:00")]);
    assert_eq!(young.does(), Vec::<String>::new());
    let mut nobodys = with(|it| it.hints = Hints::default());
    let (code, reason) = nobodys.reported().remove(0);
    assert_eq!(code, "idle_floating_ip");
    assert!(reason.ends_with("; nothing says whose it is"), "{reason}");
    assert_eq!(nobodys.does(), Vec::<String>::new());
    nobodys.policy.nobodys = vec![Kind::FloatingIp];
    assert_eq!(nobodys.carry_out(), ["tell staff of floating IP 203.0.113.7 at kvm: idle_floating_ip"]);
    assert!(nobodys.at("2025-02-08T12:00").does()[0].starts_with("delete floating IP"));
}

/// Case 20: what is gone already is forgotten, and a network that still has ports is not tried.
#[test]
fn case_20_what_is_gone_is_forgotten_and_a_network_in_use_is_left() {
    let created = local("2025-01-01T10:00");
    let mut network = made(Kind::Network, "private_cloud_net_ff524", created);
    network.survey.ports = Some(1);
    let mut subnet = made(Kind::Subnet, "subnet-ff524", created);
    subnet.survey.attached = Some(vec![network.site_ref.clone()]);
    let mut router = made(Kind::Router, "router-ff524", created);
    router.survey.attached = Some(vec![subnet.site_ref.clone()]);
    let mut port = made(Kind::Port, "port-ff524", created);
    port.survey.attached = Some(Vec::new());
    let mut scene = Scene::new("2025-02-08T10:00", vec![subnet, network, router, port]);
    assert_eq!(scene.does(), ["warn ff524 of port port-ff524 at kvm: leftover"]);
    scene.found[1].survey.ports = None;
    assert_eq!(scene.does().len(), 1, "how many ports there are is not told");
    scene.found[1].survey.ports = Some(0);
    let leftover = [
        "warn ff524 of port port-ff524 at kvm: leftover",
        "warn ff524 of router router-ff524 at kvm: leftover",
        "warn ff524 of network private_cloud_net_ff524 at kvm: leftover",
    ];
    assert_eq!(scene.carry_out(), leftover);
    let deleted = leftover.map(|line| line.replace("warn ff524 of", "delete"));
    assert_eq!(scene.at("2025-02-09T12:00").carry_out(), deleted);
    assert_eq!(scene.at("2025-02-09T12:01").does(), deleted, "asked for again until it is gone");
    scene.found.retain(|it| it.kind == Kind::Network || it.kind == Kind::Subnet);
    let forgotten = ["router router-ff524", "port port-ff524"].map(|it| format!("unmark {it} at kvm: Gone"));
    let rest = "delete network private_cloud_net_ff524 at kvm: leftover".to_owned();
    assert_eq!(scene.carry_out(), [forgotten[0].clone(), forgotten[1].clone(), rest]);
    assert_eq!(scene.marked.len(), 1);
}

#[test]
fn what_holds_data_is_reported_unless_staff_set_a_time() {
    let mut volume = made(Kind::Volume, "data-ff524", local("2025-01-01T10:00"));
    volume.survey.attached = Some(Vec::new());
    let mut scene = Scene::new("2025-02-08T10:00", vec![volume]);
    assert_eq!(scene.does(), Vec::<String>::new());
    let (_, reason) = scene.reported().remove(0);
    let told =
        "nothing uses it since Wed Jan 1, 10:00, for 38 d; 14 d is the limit; such things are only reported";
    assert_eq!(reason, told);
    scene.policy.idle.data_minutes = Some(39 * 1440);
    assert_eq!((scene.does().len(), scene.reported().len()), (0, 0));
    scene.policy.idle.data_minutes = Some(38 * 1440);
    assert_eq!(scene.does(), ["warn ff524 of volume data-ff524 at kvm: leftover"]);
    scene.found[0].survey.attached = Some(vec!["server".into()]);
    assert_eq!(scene.does(), Vec::<String>::new());
}
