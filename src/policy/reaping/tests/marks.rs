//! A mark's life.

use super::*;

#[test]
fn a_server_is_told_once_then_stopped_then_deleted() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.found[0].survey.charged = vec![("m1.medium".into(), 1)];
    let plan = scene.plan();
    let [Action::Warn { next, staff: false, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(*next, Some((NextStep::Stop, local("2025-02-08T21:00"))));
    scene.carry_out();
    for quiet in ["2025-02-08T19:01", "2025-02-08T20:59"] {
        assert_eq!(scene.at(quiet).does(), Vec::<String>::new(), "told once");
    }
    assert_eq!(scene.at("2025-02-08T21:00").carry_out(), ["stop server node1-cloud-ff524 at kvm: over_cap"]);
    scene.found[0].survey.condition = Some(Condition::Stopped);
    assert_eq!(scene.at("2025-02-09T20:59").does(), Vec::<String>::new());
    let plan = scene.at("2025-02-09T21:00").plan();
    let [Action::Delete { saved, mark, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!((saved.server_minutes, saved.su), (7 * 24 * 60, Su::from_number(6.72)));
    let warned_at = local("2025-02-08T19:00");
    assert_eq!(mark.stage, Stage::Deleting { warned_at, at: scene.now });
}

#[test]
fn shelving_is_for_virtual_machines_where_the_site_can() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.policy.stop_by = StopBy::Shelve;
    scene.carry_out();
    let stops = |scene: &Scene| scene.does()[0].split(' ').next().unwrap().to_owned();
    scene.at("2025-02-08T21:00");
    assert_eq!(stops(&scene), "stop");
    scene.view.can_shelve = true;
    assert_eq!(stops(&scene), "shelve");
    scene.found[0].survey.bare_metal = true;
    assert_eq!(stops(&scene), "stop");
    scene.found[0].survey.bare_metal = false;
    scene.found[0].survey.condition = Some(Condition::Shelved);
    assert_eq!(scene.does(), ["unmark server node1-cloud-ff524 at kvm: InOrder"], "its owner shelved it");
    scene.found[0].survey.condition = Some(Condition::InUse);
    scene.carry_out();
    scene.found[0].survey.condition = Some(Condition::Shelved);
    assert_eq!(scene.at("2025-02-08T21:01").does(), Vec::<String>::new());
    assert!(scene.at("2025-02-09T21:00").does()[0].starts_with("delete server"), "the reaper shelved it");
}

#[test]
fn what_is_extended_exempted_restored_or_staffs_is_kept() {
    let stopped = || {
        let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
        scene.carry_out();
        scene.at("2025-02-08T21:00").carry_out();
        scene.at("2025-02-09T21:00");
        assert!(scene.does()[0].starts_with("delete"));
        scene
    };
    let mut extended = stopped();
    extended.lab().policy.cap_minutes = 48 * 60;
    assert_eq!(extended.carry_out(), ["unmark server node1-cloud-ff524 at kvm: InOrder"]);
    assert_eq!(extended.marked, []);
    for what in [
        Exempt::Object(site(), format!("ref-{NAME}")),
        Exempt::NamesFrom("node1-cloud".into()),
        Exempt::Person("ff524".parse().unwrap()),
    ] {
        let mut exempt = stopped();
        exempt.exemptions = vec![exemption(what.clone(), "2025-02-09T21:00")];
        assert!(exempt.does()[0].starts_with("delete"), "it is over: {what:?}");
        exempt.exemptions = vec![exemption(what, "2025-02-09T21:01")];
        assert_eq!(exempt.does(), ["unmark server node1-cloud-ff524 at kvm: Exempt"]);
        let kept = exempt.plan().kept.remove(0);
        assert!(kept.reason.ends_with("; tt1 has exempted it: demo on Friday"), "{kept:?}");
    }
    let mut nothing = stopped();
    nothing.exemptions = vec![exemption(Exempt::NamesFrom(String::new()), "2026-01-01T00:00")];
    assert!(nothing.does()[0].starts_with("delete"), "every name begins with nothing");
    let mut restored = stopped();
    restored.marked[0].stage = Stage::Restored { until: local("2025-02-10T05:00") };
    assert_eq!(restored.at("2025-02-10T04:59").does(), Vec::<String>::new());
    assert!(restored.plan().kept[0].reason.ends_with("took it back until Mon Feb 10, 05:00"));
    assert!(restored.at("2025-02-10T05:00").does()[0].starts_with("warn ff524"), "told anew");
    let mut staffs = stopped();
    staffs.people[0].staff = true;
    assert_eq!(staffs.does(), ["unmark server node1-cloud-ff524 at kvm: NotTheirs"]);
    let mut report = stopped();
    report.policy.by_hand = ByHand::Report;
    assert_eq!(
        (report.does(), report.reported().len()),
        (vec![format!("unmark server {NAME} at kvm: ReportOnly")], 1)
    );
    let mut warn = stopped();
    warn.policy.by_hand = ByHand::Warn;
    assert_eq!(warn.carry_out(), Vec::<String>::new());
    warn.marked.clear();
    let plan = warn.plan();
    assert!(matches!(&plan.actions[..], [Action::Warn { next: None, .. }]), "{plan:?}");
}
