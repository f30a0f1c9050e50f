//! What covers servers that people made by hand.

use super::*;

/// Case 4: of 22:00 to 09:00 three hours count where nights are free; without that it is overdue. Eight hours are not.
#[test]
fn case_4_hours_are_counted_by_the_labs_window() {
    let night = || Scene::new("2025-02-09T09:00", vec![server(NAME, "2025-02-08T22:00")]);
    assert_eq!(night().with_free_nights().does(), Vec::<String>::new());
    assert_eq!(night().does(), ["warn ff524 of server node1-cloud-ff524 at kvm: over_cap"]);
    assert_eq!(
        night().plan().actions[0].reason(),
        "it has been there since Sat Feb 8, 22:00, for 11 h; Kubernetes allows 8 h"
    );
    let day = |now: &str| Scene::new(now, vec![server(NAME, "2025-02-08T10:00")]);
    assert_eq!(day("2025-02-08T18:00").does(), Vec::<String>::new(), "exactly eight hours");
    let mut over = day("2025-02-08T18:00");
    over.now += TimeDelta::seconds(1);
    assert_eq!(over.does().len(), 1);
    let mut long = day("2025-02-09T17:00").with_free_nights();
    assert!(long.does()[0].ends_with("over_cap"));
    long.lab().policy.parity = None;
    assert!(
        long.plan().actions[0]
            .reason()
            .contains("of which 23 h lie between 08:00 and 24:00; Kubernetes allows 8 h"),
        "{:?}",
        long.plan().actions
    );
}

/// Case 5, of the reaper: the night on which clocks go forward has seven hours, and a day's cap is of hours that pass.
#[test]
fn case_5_hours_are_hours_that_pass() {
    let scene = |now: &str| {
        let mut scene = Scene::new(now, vec![server(NAME, "2025-03-08T23:00")]);
        scene.lab().policy.parity = None;
        scene.does().len()
    };
    assert_eq!((scene("2025-03-09T08:00"), scene("2025-03-09T08:01")), (0, 1));
}

#[test]
fn a_wrong_day_is_its_owners_and_is_known_as_soon_as_it_counts() {
    let sunday = |name: &str| Scene::new("2025-02-09T12:00", vec![server(name, "2025-02-09T10:00")]);
    let scene = sunday(NAME);
    assert_eq!(scene.does(), ["warn ff524 of server node1-cloud-ff524 at kvm: wrong_day"]);
    assert_eq!(
        scene.plan().actions[0].reason(),
        "it has been there since Sun Feb 9, 10:00, and Sun Feb 9 is none of its owner's days: Kubernetes allows even net \
         IDs Sat, Mon or Wed that week"
    );
    assert_eq!(sunday("node1-cloud-gg777").does(), Vec::<String>::new());
    assert_eq!(sunday("node1").does(), Vec::<String>::new(), "nobody has no day");
    assert_eq!(sunday("node1").reported(), []);
    let night = Scene::new("2025-02-09T07:00", vec![server(NAME, "2025-02-09T05:00")]);
    assert_eq!(night.with_free_nights().does(), Vec::<String>::new());
}

#[test]
fn the_lab_that_allows_most_judges() {
    let mut scene = Scene::new("2025-02-08T20:00", vec![server(NAME, "2025-02-08T10:00")]);
    let mut long = scene.lab().clone();
    (long.id, long.policy.cap_minutes) = ("project-week".parse().unwrap(), 24 * 60);
    scene.view.labs.push(long.clone());
    assert_eq!(scene.does(), Vec::<String>::new(), "the other lab allows it");
    scene.policy.judged_by = vec!["k8s".parse().unwrap()];
    assert_eq!(scene.does().len(), 1);
    let own = Lab { id: "k8s".parse().unwrap(), ..long };
    scene.people[0].terms = vec![Terms { lab: own.clone(), parity: Some(Parity::Even) }];
    assert_eq!(scene.does(), Vec::<String>::new(), "the person's own terms");
    scene.people[0].terms = vec![Terms { lab: own, parity: Some(Parity::Odd) }];
    let wrong = "warn ff524 of server node1-cloud-ff524 at kvm: wrong_day";
    assert_eq!(scene.does(), [wrong], "the parity that staff set in it");
    scene.people[0].terms.clear();
    scene.exemptions = vec![exemption(Exempt::Lab("k8s".parse().unwrap()), "2025-02-09T00:00")];
    assert_eq!(scene.does(), Vec::<String>::new(), "the lab is exempt");
    scene.view.labs.clear();
    scene.exemptions.clear();
    assert_eq!(scene.does(), Vec::<String>::new(), "no lab is there to judge");
}

/// Case 16: a broken server is told to its owner and to staff, then goes; its lease stays until it is judged by itself.
#[test]
fn case_16_a_broken_server_goes_and_its_lease_stays() {
    let mut broken = server(NAME, "2025-02-08T10:00");
    broken.survey.condition = Some(Condition::Broken(String::new()));
    broken.survey.backing = Backing::Reservation("r-l-ff524".into());
    let found = vec![lease("l-ff524", "2025-02-08T10:00", "2025-02-09T10:00"), broken];
    let mut scene = Scene::new("2025-02-08T10:30", found);
    let plan = scene.plan();
    let [Action::Warn { staff: true, reason, mark, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(reason, "it is broken (the site does not say why); it was made Sat Feb 8, 10:00");
    assert_eq!(mark.predicate, Predicate::BrokenServer);
    scene.carry_out();
    let does = scene.at("2025-02-08T20:00").carry_out();
    assert_eq!(does, ["delete server node1-cloud-ff524 at kvm: broken_server"]);
    scene.found.truncate(1);
    scene.found[0].survey.idle_since = Some(local("2025-02-08T20:01"));
    assert_eq!(scene.at("2025-02-08T20:05").carry_out(), ["unmark server node1-cloud-ff524 at kvm: Gone"]);
    assert_eq!(
        scene.at("2025-02-09T02:01").does(),
        ["warn ff524 of lease l-ff524 at kvm: lease_without_server"]
    );
}

#[test]
fn a_server_without_a_lease_is_judged_where_the_site_needs_one_and_tells() {
    let mut scene = Scene::new("2025-02-08T10:30", vec![server(NAME, "2025-02-08T10:00")]);
    assert_eq!(scene.does(), Vec::<String>::new());
    scene.view.needs_leases = true;
    assert_eq!(scene.does(), ["warn ff524 of server node1-cloud-ff524 at kvm: server_without_lease"]);
    scene.found[0].survey.backing = Backing::Untold;
    assert_eq!(scene.does(), Vec::<String>::new());
}

/// Case 17: a project's server and its address have the project's own hours; `project0` is spared.
#[test]
fn case_17_projects_have_their_own_hours() {
    let mut idle = address("2025-02-07T09:00");
    idle.survey.hints.description = Some("node1-project51".into());
    let mut bare = server("gpu-project51", "2025-02-08T02:00");
    bare.survey.bare_metal = true;
    let found = vec![
        server("node1-project51", "2025-02-07T09:00"),
        server("node2-project51", "2025-02-08T02:00"),
        server("node1-project0", "2025-01-07T09:00"),
        bare,
        idle,
    ];
    let mut scene = Scene::new("2025-02-08T09:00", found);
    assert_eq!(
        (scene.does(), scene.reported()),
        (vec![], vec![]),
        "left alone unless staff say what they may do"
    );
    scene.policy.project = Some(ProjectRule { minutes: 1440, bare_metal_minutes: 360 });
    assert_eq!(scene.does(), ["tell staff of server gpu-project51 at kvm: over_project_hours"]);
    assert_eq!(scene.reported()[0].0, "idle_floating_ip", "nobody's, so it is reported");
    scene.policy.nobodys = vec![Kind::FloatingIp];
    scene.at("2025-02-08T09:01");
    assert_eq!(
        scene.does(),
        [
            "tell staff of floating IP 203.0.113.7 at kvm: idle_floating_ip",
            "tell staff of server gpu-project51 at kvm: over_project_hours",
            "tell staff of server node1-project51 at kvm: over_project_hours",
        ]
    );
}
