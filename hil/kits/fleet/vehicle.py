"""One vehicle of the bench: the twin's, with faults that a script switches on."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec

from hil.emulation import Forget
from twin.clock import Clock
from twin.devices.igv import Igv, IgvParameters, Mode, StopKind
from twin.physics import Pose, load_drive
from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.records import ZoneSet
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.world.bays import Bays
from twin.world.carrier import Carrier

from .layout import Layout

STATE_S = 15.0
"""Between two states while nothing happens; half of what the standard allows."""
BOOT_S = 3.0
STATES_BEFORE = 5000
"""headerId of the first state: the vehicle has been on for a day, so a restart shows."""
ZONE_SET = "bench-zones"
ZONE_HALF_M = 8.0
"""Half width of the RELEASE zone beside the lane."""


class _Scripted(Vehicle):
    """The twin's vehicle; what the script says comes between it and the broker."""

    def script(self) -> None:
        """Nothing is wrong yet."""
        self.lose_orders = 0
        self.lose_actions = 0
        self.mute = False
        self.refuse = False
        self.said: set[bytes] = set()
        """Every message of its own, to be known from foreign ones."""
        self.last_state = b""

    def receive(self, topic: str, payload: bytes) -> None:
        """Lose or refuse it, if the script says so."""
        name = topic.rpartition("/")[2]
        if name == "order" and self.lose_orders > 0:
            self.lose_orders -= 1
        elif name == "instantActions" and self.lose_actions > 0:
            self.lose_actions -= 1
        elif name == "order" and self.refuse:
            self._refused(payload)
        else:
            super().receive(topic, payload)

    def _refused(self, payload: bytes) -> None:
        try:
            order = json.loads(payload)
            about = {"orderId": str(order["orderId"])}
        except (ValueError, KeyError, TypeError):
            about = {}
        self._problem("no_route", "the script refuses every order", about)
        self._after()

    def _publish(self, name: str, payload: bytes) -> None:
        if self.mute and name in ("state", "visualization"):
            return
        if name == "state":
            self.last_state = payload
        self.said.add(payload)
        super()._publish(name, payload)


class BenchVehicle:
    """A vehicle at its home node, and what can go wrong with it."""

    def __init__(
        self, clock: Clock, serial: str, manufacturer: str, dialect: Dialect, prefix: str,
        layout: Layout, home: str,
    ) -> None:  # fmt: skip
        self.serial = serial
        trace = Forget(clock)
        parameters = IgvParameters(boot_s=BOOT_S)
        x, y = layout.nodes[home]
        # It looks along the lane.
        heading = (
            0.0
            if x <= sum(one for one, _ in layout.nodes.values()) / len(layout.nodes)
            else 3.14159
        )
        self.carrier = Carrier(
            f"{serial}.body", clock, trace, load_drive("kinematic"), parameters.vehicle,
            parameters.energy, pose=Pose(x, y, heading),
        )  # fmt: skip
        self.igv = Igv(
            serial, clock, trace, random.Random(1), carrier=self.carrier, handover=Bays(trace),
            map_id=layout.map_id, parameters=parameters,
        )  # fmt: skip
        self.wire = _Scripted(
            self.igv, clock, trace, random.Random(2), manufacturer=manufacturer,
            serial_number=serial, dialect=dialect, prefix=prefix, record=False,
            timing=Timing(state_s=STATE_S, visualization_s=0.0),
        )  # fmt: skip
        self.wire.script()
        self.wire.writer.header_ids["state"] = STATES_BEFORE
        self.wire.logic.standing_on(home)
        if dialect.instant_states and layout.zone:
            self._enable(layout)

    def _enable(self, layout: Layout) -> None:
        """A RELEASE zone around the exclusive nodes is on board and enabled (3.0)."""
        places = [layout.nodes[name] for name in sorted(layout.zone)]
        west, east = min(x for x, _ in places), max(x for x, _ in places)
        south, north = min(y for _, y in places), max(y for _, y in places)
        corners = [
            (west, south - ZONE_HALF_M), (east, south - ZONE_HALF_M),
            (east, north + ZONE_HALF_M), (west, north + ZONE_HALF_M),
        ]  # fmt: skip
        zone = {
            "zoneId": "lane", "zoneType": "RELEASE", "releaseLossBehavior": "STOP",
            "vertices": [{"x": x, "y": y} for x, y in corners],
        }  # fmt: skip
        zones = self.wire.zones
        made = {"mapId": layout.map_id, "zoneSetId": ZONE_SET, "zones": [zone]}
        zones.store(msgspec.convert(made, ZoneSet))
        zones.enable(ZONE_SET)

    # --- what the script does ---------------------------------------------------------------------

    def power(self, on: bool) -> None:
        """Cut its power, or give it back; it counts its headerIds anew."""
        if not on:
            self.wire.writer.header_ids.clear()
        self._fault("battery_dead", not on)

    def radio(self, on: bool) -> None:
        """Cut its radio: the broker says its will."""
        self._fault("network_silence", not on)

    def broken(self, on: bool) -> None:
        """Its drive fails, or is mended and started again."""
        self._fault("motor_fault", on)
        if not on:
            self.igv.restart()

    def blocked(self, on: bool) -> None:
        """Something stands on its path."""
        self._fault("blocked_path", on)

    def low(self) -> None:
        """Its battery is nearly empty."""
        self.igv.inject("battery_low", charge=0.12)

    def full(self) -> None:
        """Its battery is charged by other hands."""
        self.carrier.drain(0.95)
        self._fault("battery_low", False)

    def mode(self, name: str) -> None:
        """Turn the key switch."""
        self.igv.set_mode(Mode(name))

    def stop_button(self, pressed: bool) -> None:
        """Its emergency stop; released, a person also acknowledges."""
        if pressed:
            self.igv.press_stop(StopKind.MANUAL)
        else:
            self.igv.release_stop(StopKind.MANUAL)
            self.igv.acknowledge()

    def _fault(self, kind: str, on: bool) -> None:
        if on != (kind in self.igv.faults):
            (self.igv.inject if on else self.igv.heal)(kind)

    def truth(self) -> dict[str, Any]:
        """Where it really is."""
        pose = self.carrier.pose
        return {
            "serial": self.serial,
            "x_m": round(pose.x_m, 3),
            "y_m": round(pose.y_m, 3),
            "speed_m_s": round(self.carrier.speed_m_s, 3),
        }
