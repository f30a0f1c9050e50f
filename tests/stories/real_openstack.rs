//! The main job against real OpenStack services.

use std::cell::OnceCell;

use super::main_job::the_main_job;
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
