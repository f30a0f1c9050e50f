"""Data that a booking may keep: volumes, buckets and shares."""

from .lab import Lab, expect

VOLUMES = "/volumes"
# Without it Manila answers as ten years ago.
MANILA = {"X-OpenStack-Manila-API-Version": "2.60"}


def volume(lab: Lab) -> None:
    """One more disk for a server: attached, in use, detached, deleted."""
    path = _volume(lab, {"size": 1})
    identifier = path.rpartition("/")[2]
    server = lab.server({"flavorRef": "1", "imageRef": lab.image()})
    attachments = f"{server}/os-volume_attachments"
    lab.call("POST", "compute", attachments, {"volumeAttachment": {"volumeId": identifier}})
    in_use = lab.await_field("block-storage", path, "volume", "in-use", "error")
    expect("attached to", [f"/servers/{a['server_id']}" for a in in_use["attachments"]], [server])
    lab.call("DELETE", "block-storage", path, want=400)
    lab.call("DELETE", "compute", f"{attachments}/{identifier}", want=202)
    lab.await_field("block-storage", path, "volume", "available", "error")
    lab.call("DELETE", "block-storage", path, want=202)
    lab.gone("block-storage", path)
    lab.call("DELETE", "block-storage", path, want=404)


def root(lab: Lab) -> None:
    """A server whose disk is a volume that was made from an image, and that goes with the server."""
    path = _volume(lab, {"size": 10, "imageRef": lab.image()})
    disk = {"uuid": path.rpartition("/")[2], "source_type": "volume", "destination_type": "volume"}
    disk |= {"boot_index": 0, "delete_on_termination": True}
    server = lab.server({"flavorRef": "1", "block_device_mapping_v2": [disk]})
    made = lab.await_field("block-storage", path, "volume", "in-use", "error")
    expect("bootable", made["bootable"], "true")
    lab.call("DELETE", "compute", server, want=204)
    lab.gone("compute", server)
    lab.gone("block-storage", path)


def _volume(lab: Lab, values: dict) -> str:
    values = {"name": lab.name, "metadata": {"booking": lab.name}} | values
    made = lab.create("block-storage", VOLUMES, "volume", values, 202)
    path = f"{VOLUMES}/{made['id']}"
    available = lab.await_field("block-storage", path, "volume", "available", "error")
    expect("metadata", available["metadata"], {"booking": lab.name})
    found = lab.call("GET", "block-storage", f"{VOLUMES}?name={lab.name}")["volumes"]
    expect("found by name", [item["id"] for item in found], [made["id"]])
    return path


def bucket(lab: Lab) -> None:
    """Objects are put, listed and deleted; a bucket that holds some is not."""
    store, path = "object-store", f"/{lab.name}"
    lab.call("PUT", store, path, want=201, headers={"X-Container-Meta-Booking": lab.name})
    lab.made.append(("bucket", store, path))
    lab.call("PUT", store, path, want=202)
    for name in ("results/one", "two"):
        lab.call("PUT", store, f"{path}/{name}", b"some bytes", 201)
        lab.made.append(("object", store, f"{path}/{name}"))
    listed = lab.call("GET", store, f"{path}?format=json")
    expect("objects", [item["name"] for item in listed], ["results/one", "two"])
    lab.call("DELETE", store, path, want=409)
    for item in listed:
        lab.call("DELETE", store, f"{path}/{item['name']}", want=204)
        lab.gone(store, f"{path}/{item['name']}")
    lab.call("DELETE", store, path, want=204)
    lab.gone(store, path)
    lab.call("DELETE", store, path, want=404)


def share(lab: Lab) -> None:
    """An NFS share that some addresses may reach, and where it is to be had."""
    service, paths = "sharev2", "/shares"
    values = {"name": lab.name, "size": 1, "share_proto": "NFS", "metadata": {"booking": lab.name}}
    made = lab.call("POST", service, paths, {"share": values}, headers=MANILA)["share"]
    path = f"{paths}/{made['id']}"
    lab.made.append(("share", service, path))
    lab.await_field(service, path, "share", "available", "error")
    found = lab.call("GET", service, f"{paths}?name={lab.name}", headers=MANILA)["shares"]
    expect("found by name", [item["id"] for item in found], [made["id"]])
    rule = {"access_type": "ip", "access_to": "10.0.0.0/24", "access_level": "rw"}
    body = {"allow_access": rule}
    lab.call("POST", service, f"{path}/action", body, headers=MANILA)
    query = f"/share-access-rules?share_id={made['id']}"
    [listed] = lab.call("GET", service, query, headers=MANILA)["access_list"]
    expect("reachable from", listed["access_to"], rule["access_to"])
    places = lab.call("GET", service, f"{path}/export_locations", headers=MANILA)["export_locations"]
    expect("preferred places", len([place for place in places if place["preferred"]]), 1)
    lab.call("DELETE", service, path, want=202)
    lab.gone(service, path)
    lab.call("DELETE", service, path, want=404)
