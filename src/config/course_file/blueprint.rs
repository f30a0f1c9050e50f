//! The tables of a course file that say what a booking gets.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlueprintTable {
    /// The account to which the image gives the student's key.
    pub(super) login: String,
    /// TCP ports open to the world, by a security group of the booking. Left out, it has none.
    pub(super) open_tcp_ports: Option<Vec<u16>>,
    /// Security groups that the project has, by name, for each server.
    #[serde(default)]
    pub(super) security_groups: Vec<String>,
    /// The external network of floating IPs, if not that of the first network.
    pub(super) external: Option<String>,
    /// Whether floating IPs are reserved in the booking's lease.
    #[serde(default)]
    pub(super) reserve_floating_ips: bool,
    /// For cloud-init, for each server that has none of its own.
    pub(super) user_data: Option<String>,
    /// What user data can name beside the values of the booking.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    /// Private networks.
    #[serde(default)]
    pub(super) network: Vec<NetworkTable>,
    /// Servers.
    #[serde(default)]
    pub(super) server: Vec<ServerTable>,
    /// Containers.
    #[serde(default)]
    pub(super) container: Vec<ContainerTable>,
    /// Volumes that are attached to servers.
    #[serde(default)]
    pub(super) volume: Vec<VolumeTable>,
    /// Shared directories.
    #[serde(default)]
    pub(super) share: Vec<ShareTable>,
    /// Buckets of the object store, by name.
    #[serde(default)]
    pub(super) buckets: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    /// Its name within the booking.
    pub(super) name: String,
    /// The subnet's range, such as 192.168.1.0/24.
    pub(super) cidr: String,
    /// The external network that its router leads to, such as public. Left out, it has no router.
    pub(super) external: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerTable {
    /// Its host name; of several, what each number is put behind.
    pub(super) name: String,
    /// How many there are, 1 to 100.
    #[serde(default = "one")]
    pub(super) count: u16,
    /// The image, by name or id.
    pub(super) image: String,
    /// The flavor, by name or id.
    pub(super) flavor: String,
    /// For bare metal: properties of the node, such as `node_type`.
    #[serde(default)]
    pub(super) node: BTreeMap<String, String>,
    /// What it is made on if it comes up broken twice, in order of preference.
    #[serde(default)]
    pub(super) alternative: Vec<MachineTable>,
    /// Networks by name: of the blueprint or of the site. Left out, all of the blueprint.
    #[serde(default)]
    pub(super) networks: Vec<String>,
    /// Its address on its first network; of several, that of the first.
    pub(super) address: Option<Ipv4Addr>,
    /// Whether it gets a public address.
    #[serde(default)]
    pub(super) floating_ip: bool,
    /// How it is seen that it can be used: `ssh`, `tcp:6443`, `http:80/path` or `https:6443/path`.
    pub(super) probe: Option<String>,
    /// The size of the volume that it boots from, in GiB. Left out, it boots from its own disk.
    pub(super) boot_volume_gib: Option<u32>,
    /// For cloud-init. `@@net_id@@` becomes the student's net ID; see the list of such names.
    pub(super) user_data: Option<String>,
}

fn one() -> u16 {
    1
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MachineTable {
    /// The flavor, by name or id.
    pub(super) flavor: String,
    /// For bare metal: properties of the node, such as `node_type`.
    #[serde(default)]
    pub(super) node: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContainerTable {
    /// Its name.
    pub(super) name: String,
    /// The image, as a registry names it.
    pub(super) image: String,
    /// The command, if not the image's own.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// Variables of its environment, with names to be filled in as in user data.
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    /// TCP ports that it offers.
    #[serde(default)]
    pub(super) ports: Vec<u16>,
    /// Networks by name: of the blueprint or of the site. Left out, the site's usual one.
    #[serde(default)]
    pub(super) networks: Vec<String>,
    /// Properties of the device that it runs on, such as `machine_name`, if it is to be a reserved one.
    pub(super) device: Option<BTreeMap<String, String>>,
    /// Whether it gets a public address.
    #[serde(default)]
    pub(super) floating_ip: bool,
    /// How it is seen that it can be used, as for a server.
    pub(super) probe: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VolumeTable {
    /// Its name within the booking.
    pub(super) name: String,
    /// Its size in GiB.
    pub(super) size_gib: u32,
    /// Its type, if not the site's usual one.
    #[serde(rename = "type")]
    pub(super) volume_type: Option<String>,
    /// The server that it is attached to.
    pub(super) server: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareTable {
    /// Its name within the booking.
    pub(super) name: String,
    /// Its size in GiB.
    pub(super) size_gib: u32,
    /// Its type, if not the site's usual one.
    #[serde(rename = "type")]
    pub(super) share_type: Option<String>,
    /// Ranges of addresses that may mount it. Left out, those of the blueprint's networks.
    #[serde(default)]
    pub(super) access_from: Vec<String>,
}
