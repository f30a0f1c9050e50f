"""An ML2 mechanism driver for a cloud that has no network agents.

Nothing forwards a packet on the test bed, so nobody would ever report a port as wired. This driver
binds every port on every host as soon as it is asked, and sets the states that an L3 agent would set:
floating IPs ACTIVE or DOWN, a router's ports ACTIVE.
"""

from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import constants as plugins
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api

ROUTER_PORTS = [constants.DEVICE_OWNER_ROUTER_INTF, constants.DEVICE_OWNER_ROUTER_GW]


class InstantMechanismDriver(api.MechanismDriver):
    """Binds ports at once and plays the L3 agent's part."""

    def initialize(self):
        """Ask to be told what an L3 agent would be told."""
        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(self.settle_floating_ip, resources.FLOATING_IP, event)
        for port_kind in (resources.ROUTER_INTERFACE, resources.ROUTER_GATEWAY):
            registry.subscribe(self.settle_router_ports, port_kind, events.AFTER_CREATE)

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        """Take the first segment there is."""
        details = {
            portbindings.CAP_PORT_FILTER: True,
            portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
        }
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OVS,
                details,
                status=constants.PORT_STATUS_ACTIVE,
            )

    def settle_floating_ip(self, resource, event, trigger, payload):
        """A floating IP with a port works, one without is down."""
        floating_ip = payload.latest_state
        status = (
            constants.FLOATINGIP_STATUS_ACTIVE
            if floating_ip.get("port_id")
            else constants.FLOATINGIP_STATUS_DOWN
        )
        directory.get_plugin(plugins.L3).update_floatingip_status(
            payload.context.elevated(), payload.resource_id, status
        )
        floating_ip["status"] = status

    def settle_router_ports(self, resource, event, trigger, payload):
        """The ports of a router have no host to be bound on: report them wired."""
        admin = neutron_context.get_admin_context()
        core = directory.get_plugin()
        ports = core.get_ports(
            admin, {"device_id": [payload.resource_id], "device_owner": ROUTER_PORTS}
        )
        for port in ports:
            if port["status"] != constants.PORT_STATUS_ACTIVE:
                core.update_port_status(admin, port["id"], constants.PORT_STATUS_ACTIVE)
