//! Bookings of real OpenStack services: the main job, and a lab that has all that they offer.

use std::cell::OnceCell;

use super::main_job::{books_two_hours, gives_it_back, the_main_job};
use super::steps::{adds_a_key, watches_until};
use crate::support::bed::{self, Bed, Objects, ids};
use crate::support::course::Course;
use crate::support::demo::Setup;

#[tokio::test]
async fn the_main_job_on_real_openstack() {
    let bed = Bed::given().await;
    let course = Course::example().on_cloud(bed::CLOUD);
    let demo = Setup::of(course).with_clouds(bed.clouds_yaml()).with_mail_server().start().await;
    let (booking, held) = (OnceCell::new(), OnceCell::new());
    the_main_job(&demo, async |id| {
        let objects = bed.objects_of(id).await;
        is_all_there(id, &objects);
        held.set(ids(&objects)).unwrap();
        booking.set(id.to_owned()).unwrap();
    })
    .await;

    let left = bed.objects_of(booking.get().unwrap()).await;
    assert!(left.values().all(Vec::is_empty), "nothing bears the booking's mark any more: {left:#?}");
    let there = ids(&bed.objects().await);
    let left: Vec<_> = held.get().unwrap().intersection(&there).collect();
    assert!(left.is_empty(), "what the booking held is gone, whatever it is called now: {left:?}");
}

/// Three servers and all that they need, in force, marked with the booking.
fn is_all_there(booking: &str, objects: &Objects) {
    let counts: Vec<_> = objects.iter().map(|(kind, list)| (*kind, list.len())).collect();
    for kind in ["keypair", "network", "subnet", "router", "security group", "floating IP", "lease"] {
        assert_eq!(objects[kind].len(), 1, "{kind}: {counts:?}");
    }
    assert_eq!(objects["server"].len(), 3, "{counts:?}");
    for server in &objects["server"] {
        assert_eq!(server["status"], "ACTIVE", "{server:#}");
        assert_eq!(server["metadata"]["fairlease_booking"], booking, "{server:#}");
        assert!(server["metadata"]["delete_at"].is_string(), "{server:#}");
    }
    assert_eq!(objects["lease"][0]["status"], "ACTIVE", "{:#}", objects["lease"][0]);
}

/// A server on a whole node, one that boots from a volume and has another, an address for each that the lease reserves, a
/// bucket and a share.
const ALL_KINDS: &str = r#"
login = "cc"
open_tcp_ports = [22]
reserve_floating_ips = true
network = [{ name = "private", cidr = "192.168.1.0/24", external = "public" }]
volume = [{ name = "data", size_gib = 2, type = "ceph-ssd", server = "node1" }]
share = [{ name = "models", size_gib = 1, access_from = ["192.168.1.0/24"] }]
buckets = ["datasets"]

[[server]]
name = "gpu"
image = "CC-Ubuntu24.04"
flavor = "baremetal"
node = { hypervisor_hostname = "bm2" }
networks = ["sharednet1"]
floating_ip = true

[[server]]
name = "node1"
image = "CC-Ubuntu24.04"
flavor = "m1.medium"
boot_volume_gib = 3
floating_ip = true
"#;

#[tokio::test]
async fn a_lab_of_all_kinds_on_real_openstack() {
    let (bed, operator) = (Bed::given().await, Bed::as_operator().await);
    let course = Course::example().on_cloud(bed::CLOUD).with_blueprint(ALL_KINDS);
    let demo = Setup::of(course).with_clouds(bed.clouds_yaml()).start().await;
    let student = demo.visitor().await;
    student.sign_in("ff524").await;
    adds_a_key(&student).await;
    let booking = books_two_hours(&student).await;
    watches_until(&student, "Your servers are ready until").await;

    let objects = bed.objects_of(&booking).await;
    let counts: Vec<_> = objects.iter().map(|(kind, list)| (*kind, list.len())).collect();
    let counted =
        [("server", 2), ("volume", 2), ("floating IP", 2), ("lease", 1), ("share", 1), ("bucket", 1)];
    for (kind, count) in counted {
        assert_eq!(objects[kind].len(), count, "{kind}: {counts:?}");
    }
    for volume in &objects["volume"] {
        assert_eq!(volume["status"], "in-use", "{volume:#}");
    }
    for address in &objects["floating IP"] {
        let tags = address["tags"].as_array().unwrap();
        assert!(tags.iter().any(|tag| tag == "blazar") && address["port_id"].is_string(), "{address:#}");
    }
    let on_metal = |server: &&serde_json::Value| server["name"].as_str().unwrap().starts_with("gpu--");
    let on_metal = objects["server"].iter().find(on_metal).unwrap();
    let path = format!("servers/{}", on_metal["id"].as_str().unwrap());
    let told = operator.get("compute", &path).await;
    assert_eq!(told["server"]["OS-EXT-SRV-ATTR:hypervisor_hostname"], "bm2", "{told:#}");

    gives_it_back(&student).await;
    let left = bed.objects_of(&booking).await;
    assert!(left.values().all(Vec::is_empty), "nothing bears the booking's mark any more: {left:#?}");
    let there = ids(&bed.objects().await);
    let held = ids(&objects);
    let left: Vec<_> = held.intersection(&there).collect();
    assert!(left.is_empty(), "what the booking held is gone: {left:?}");
    assert_eq!(student.console_errors().await, [""; 0]);
}
