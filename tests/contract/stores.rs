//! The contract of what keeps data: volumes, shares and buckets.

use fairlease::cloud::port::{Progress, Released};
use fairlease::domain::blueprint::{HeldBy, Kind, Spec, VolumePlan};

use super::{Bench, assert_same, key};

/// A server boots from a volume that holds the image, and has another one. Neither goes while the server is there. Both
/// outlive it: a server that came up broken is replaced by one that gets the same. After that they go.
pub(crate) async fn a_servers_volumes_come_and_go(bench: &Bench) {
    let mut lab = bench.lab(11, 1);
    let mut blueprint = bench.one_server();
    blueprint.servers[0].boot_volume_gib = Some(3);
    blueprint.volumes = vec![VolumePlan {
        name: key("data"),
        size_gib: 2,
        volume_type: Some(bench.volume_type.clone()),
        server: key("node1"),
    }];
    let specs = lab.make_all(&blueprint, &HeldBy::Nothing).await;

    let device = lab.object("data").facts.address.as_deref().unwrap();
    assert!(device.starts_with("/dev/"), "{device}");
    for (key, spec) in &specs {
        let again = lab.ensure(key, spec).await.unwrap();
        assert_eq!((&again.object, again.progress), (&lab.made[key], Progress::Ready), "{key}");
    }
    assert_same(&lab.listed().await, &lab.made);

    let [disk, data] = ["disk-node1", "data"].map(|name| lab.object(name).site_ref.clone());
    for volume in [&disk, &data] {
        let refused = bench.cloud.release(Kind::Volume, volume).await.unwrap_err();
        assert_eq!(refused.class(), "conflict", "{refused}");
    }
    let first = lab.object("node1").site_ref.clone();
    lab.release(Kind::Server, &first).await;
    for (key, spec) in specs {
        lab.make(&key, &spec).await;
    }
    assert_ne!(lab.object("node1").site_ref, first);
    let kept = ["disk-node1", "data"].map(|name| lab.object(name).site_ref.clone());
    assert_eq!(kept, [disk.clone(), data.clone()]);
    lab.release(Kind::Server, &lab.object("node1").site_ref).await;
    for volume in [&disk, &data] {
        lab.release(Kind::Volume, volume).await;
        assert_eq!(bench.cloud.release(Kind::Volume, volume).await, Ok(Released::Gone));
    }
    lab.clear().await;
}

/// A bucket that is asked for twice is one, is listed as ours, and goes.
pub(crate) async fn a_bucket_comes_up_and_goes(bench: &Bench) {
    let mut lab = bench.lab(12, 1);
    let bucket = key("bucket");
    let made = lab.make(&bucket, &Spec::Bucket).await;
    assert!(made.facts.address.is_some(), "it has a name to be used by");
    assert_eq!(lab.make(&bucket, &Spec::Bucket).await, made);
    assert_same(&lab.listed().await, &lab.made);
    lab.release(Kind::Bucket, &made.site_ref).await;
    assert_eq!(bench.cloud.release(Kind::Bucket, &made.site_ref).await, Ok(Released::Gone));
    assert_eq!(lab.listed().await, []);
}

/// A share that is asked for twice is one, can be mounted, also from ranges that come later, is listed as ours, and goes.
pub(crate) async fn a_share_comes_up_and_goes(bench: &Bench) {
    let mut lab = bench.lab(13, 1);
    let share = key("share");
    let spec = |access_from: &[&str]| Spec::Share {
        size_gib: 1,
        share_type: None,
        access_from: access_from.iter().map(|range| (*range).to_owned()).collect(),
    };
    let made = lab.make(&share, &spec(&["10.0.0.0/24"])).await;
    let mounted = made.facts.address.as_deref().expect("it has an address to be mounted by");
    assert!(mounted.contains(":/"), "{mounted}");
    assert_eq!(lab.make(&share, &spec(&["10.0.0.0/24", "192.168.1.0/24"])).await, made);
    assert_same(&lab.listed().await, &lab.made);
    lab.release(Kind::Share, &made.site_ref).await;
    assert_eq!(bench.cloud.release(Kind::Share, &made.site_ref).await, Ok(Released::Gone));
    assert_eq!(lab.listed().await, []);
}
