//! What blueprints can hold, from booking to the last deletion, on the simulated cloud.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fairlease::cloud::simulated::{Faults, Profile};
use fairlease::config::course_file::CourseFile;
use fairlease::domain::blueprint::{Kind, Reserved, Spec};
use fairlease::domain::booking::{Booking, EndReason};
use fairlease::domain::course::Course;
use fairlease::domain::person::Person;
use fairlease::services::booking as bookings;

use crate::world::{EXAMPLE, World, on_both_databases, slot};

const KUBERNETES: &str = include_str!("../docs/examples/kubernetes.toml");

fn checked(text: &str) -> Course {
    CourseFile::parse("course.toml", text).unwrap().check("course.toml").unwrap()
}

/// The example course with another blueprint.
fn with_blueprint(blueprint: &str) -> Course {
    let (before, _) = EXAMPLE.split_once("[lab.blueprint]").unwrap();
    checked(&format!("{before}[lab.blueprint]\nlogin = \"cc\"\n{blueprint}"))
}

const SERVER: &str = "[[lab.blueprint.server]]\nimage = \"CC-Ubuntu24.04\"\nflavor = \"m1.medium\"\n";

async fn active(world: &World) -> (Person, Booking) {
    let student = world.student("ff524").await;
    let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
    world.work_until(&student, &made.id, "active").await;
    (student, made)
}

async fn release(world: &World, student: &Person, made: &Booking) {
    bookings::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
    world.work_until(student, &made.id, "ended").await;
    assert!(world.held().is_empty(), "{:?}", world.held().keys());
}

fn user_data(world: &World) -> Vec<String> {
    let of = |spec: Spec| match spec {
        Spec::Server(server) => server.user_data,
        _ => None,
    };
    world.held().into_values().filter_map(|object| of(object.spec)).collect()
}

/// The token that the servers of a cluster know each other by.
fn token(user_data: &str) -> &str {
    let (_, after) = user_data.split_once("token: ").unwrap();
    after.split_once('\\').unwrap().0
}

on_both_databases! {
    async fn a_cluster_is_ready_once_its_api_server_answers(backend: Backend) {
        let profile = Profile { answering: TimeDelta::minutes(4), ..Profile::instant() };
        let world = World::with(backend, checked(KUBERNETES), profile).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "preparing").await;
        let began = world.app.now();
        world.work_until(&student, &made.id, "active").await;
        let took = world.app.now() - began;
        assert!((4..6).contains(&took.num_minutes()), "{took}");
        assert_eq!(world.view(&student, &made.id).await.booking.trouble, None);
        release(&world, &student, &made).await;
    }

    async fn a_cluster_has_one_secret_and_no_other_has_it(backend: Backend) {
        let world = World::with(backend, checked(KUBERNETES), Profile::instant()).await;
        let (student, made) = active(&world).await;
        let first = user_data(&world);
        let other = world.student("gg524").await;
        let second = world.book(&other, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&other, &second.id, "active").await;
        let all = user_data(&world);
        let tokens: BTreeSet<&str> = all.iter().map(|text| token(text)).collect();
        assert_eq!((all.len(), tokens.len()), (6, 2), "two clusters of three");
        for text in &first {
            assert!(text.starts_with("#cloud-config\n") && !text.contains("@@"), "{text}");
            serde_saphyr::from_str::<serde_json::Value>(text).expect("cloud-init reads YAML");
            assert_eq!(token(text).len(), 64);
        }
        assert!(first.iter().any(|text| text.contains("hostname: node3")));
        assert!(first.iter().all(|text| text.contains("https://192.168.1.11:6443")));
        bookings::release(&world.app, other, second.id).await.unwrap();
        release(&world, &student, &made).await;
    }

    async fn what_never_answers_is_handed_over_with_a_word(backend: Backend) {
        let profile = Profile { answering: TimeDelta::days(1), ..Profile::instant() };
        let world = World::with(backend, checked(KUBERNETES), profile).await;
        let (student, made) = active(&world).await;
        let trouble = world.view(&student, &made.id).await.booking.trouble.unwrap();
        assert!(trouble.contains("node1 is up, but does not answer (https:6443/readyz)"), "{trouble}");
        release(&world, &student, &made).await;
    }

    async fn everything_comes_up_and_goes(backend: Backend) {
        let course = with_blueprint(&format!(
            "reserve_floating_ips = true\nbuckets = [\"objects\"]\n\
             network = [{{ name = \"private\", cidr = \"192.168.1.0/24\", external = \"public\" }}, \
                        {{ name = \"back\", cidr = \"10.0.0.0/24\" }}]\n\
             {SERVER}name = \"web\"\nfloating_ip = true\nprobe = \"ssh\"\nboot_volume_gib = 200\n\
             {SERVER}name = \"worker\"\ncount = 2\nnetworks = [\"back\"]\n\
             {SERVER}name = \"gpu\"\nnode = {{ node_type = \"gpu_p100\" }}\nnetworks = [\"sharednet1\"]\n\
             [[lab.blueprint.container]]\nname = \"camera\"\nimage = \"python:3.12\"\nports = [80]\n\
             device = {{ machine_name = \"raspberrypi5\" }}\n\
             [[lab.blueprint.volume]]\nname = \"data\"\nsize_gib = 2\nserver = \"web\"\n\
             [[lab.blueprint.share]]\nname = \"home\"\nsize_gib = 10\n"
        ));
        let world = World::with(backend, course, Profile::instant()).await;
        let (student, made) = active(&world).await;
        let kinds: Vec<Kind> = world.held().into_values().map(|object| object.spec.kind()).collect();
        let count = |kind: Kind| kinds.iter().filter(|it| **it == kind).count();
        let counts = Kind::ALL.map(|kind| (kind.word(), count(kind)));
        let expected = [
            ("lease", 1), ("keypair", 1), ("network", 2), ("subnet", 2), ("router", 1), ("security group", 0),
            ("volume", 2), ("share", 1), ("bucket", 1), ("server", 4), ("container", 1), ("floating IP", 1),
        ];
        assert_eq!(counts, expected);
        let view = world.view(&student, &made.id).await;
        let told = |key: &str| view.resources.iter().find(|it| it.key.as_str() == key).unwrap().facts.address.clone();
        for key in ["data", "home", "objects", "ip-web", "camera"] {
            assert!(told(key).is_some(), "where {key} is");
        }
        release(&world, &student, &made).await;
    }

    async fn a_server_that_breaks_twice_is_made_on_another_machine(backend: Backend) {
        let world = World::with(backend, checked(KUBERNETES), Profile::instant()).await;
        let breaking = Faults::none().breaking("node2--").breaking("node2--");
        let world = world.with_faults(Profile::instant(), breaking, 2);
        let (student, made) = active(&world).await;
        let held = world.held();
        let on = |key: &str| match &held.values().find(|it| it.name.starts_with(key)).unwrap().spec {
            Spec::Server(server) => server.machine.flavor.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!((on("node1--"), on("node2--")), ("m1.medium".to_owned(), "m1.large".to_owned()));
        let reserved = held.values().any(|it| {
            matches!(&it.spec, Spec::Lease { reservations, .. }
                     if *reservations == [(Reserved::Flavor("m1.large".to_owned()), 1)])
        });
        assert!(reserved, "with a lease of its own");
        let log = world.view(&student, &made.id).await.events;
        assert!(log.iter().any(|event| event.what.contains("made on another machine")), "{log:?}");
        release(&world, &student, &made).await;
    }

    async fn a_machine_that_breaks_too_ends_the_booking(backend: Backend) {
        let world = World::with(backend, checked(KUBERNETES), Profile::instant()).await;
        let breaking = (0..4).fold(Faults::none(), |faults, _| faults.breaking("node2--"));
        let world = world.with_faults(Profile::instant(), breaking, 2);
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "ended").await;
        assert_eq!(world.state(&student, &made.id).await.reason(), Some(EndReason::Failed));
        assert!(world.held().is_empty(), "the leases are gone, too");
    }

    async fn a_site_makes_few_servers_on_bare_metal_at_once(backend: Backend) {
        let node = "node = { node_type = \"gpu_p100\" }\nnetworks = [\"sharednet1\"]\n";
        let course = with_blueprint(&format!("{SERVER}name = \"gpu\"\n{node}"));
        let profile = Profile { boot: TimeDelta::minutes(3), ..Profile::instant() };
        let world = World::with(backend, course, profile).await;
        let mut made = Vec::new();
        for number in 0..5 {
            let student = world.student(&format!("gg{}", number * 2)).await;
            made.push((student.clone(), world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await));
        }
        let booting = |world: &World| {
            let young = |created| world.app.now() - created < TimeDelta::minutes(3);
            let all = world.held().into_values();
            all.filter(|it| it.spec.kind() == Kind::Server && young(it.created_at)).count()
        };
        let mut most = 0;
        for _ in 0..3600 {
            if !fairlease::worker::step(&world.app).await.unwrap() {
                world.clock.advance(TimeDelta::seconds(1));
            }
            most = most.max(booting(&world));
        }
        assert_eq!(most, 2, "two at once, as long as there are two");
        for (student, booking) in &made {
            assert_eq!(world.state(student, &booking.id).await.word(), "active");
        }
    }

    async fn a_pool_draws_from_a_lease_that_staff_hold(backend: Backend) {
        let text = EXAMPLE.replace("lead_minutes = 30 ", "standing_lease = \"course-nodes\"\nlead_minutes = 30 ");
        let world = World::with(backend, checked(&text), Profile::instant()).await;
        world.cloud.put_lease("course-nodes", &slot("2025-02-08T00:00", "2025-02-15T00:00"), &[]).unwrap();
        let (student, made) = active(&world).await;
        let leases = || world.held().into_values().filter(|it| it.spec.kind() == Kind::Lease).map(|it| it.name);
        assert_eq!(leases().collect::<Vec<_>>(), ["course-nodes"]);
        bookings::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert_eq!(world.held().into_keys().collect::<Vec<_>>(), ["course-nodes"], "it stays");
    }
}

#[test]
fn what_is_wrong_with_a_blueprint_is_told_with_its_key() {
    let errors = |from: &str, to: &str| {
        assert!(KUBERNETES.contains(from), "{from}");
        let file = CourseFile::parse("course.toml", &KUBERNETES.replace(from, to)).unwrap();
        file.check("course.toml").unwrap_err().0.join("\n")
    };
    let told = |from: &str, to: &str, words: &[&str]| {
        let errors = errors(from, to);
        assert!(words.iter().all(|word| errors.contains(word)), "{errors}");
    };
    told(
        "@@secret@@",
        "@@password@@",
        &["lab.k8s.blueprint.user_data", "@@password@@ is none of the values"],
    );
    told(
        "https:6443/readyz",
        "udp:53",
        &["lab.k8s.blueprint.server.node1.probe", "such as https:6443/readyz"],
    );
    told("192.168.1.13", "192.168.2.13", &["server.node3.address", "not in 192.168.1.0/24"]);
    told("192.168.1.0/24", "192.168.1.1/24", &["network.private.cidr", "192.168.1.0/24 has none"]);
    told("\"node3\"", "\"lease\"", &["server.lease.name", "kept for another part"]);
    told("\"node3\"", "\"private\"", &["two parts of it are called private"]);
}
