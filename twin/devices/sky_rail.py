"""The controller of a sky-rail's carrier: it hangs from a rail and lifts its box itself.

It takes the same missions as a vehicle on the ground: ways, a place up to which it may go, jobs. It
cannot leave its rail: a node that is not on it, or to which no rail leads, is unreachable. Besides
what it is released it obeys the signals of its line (`RailLine`). Without current, in a gale, or
with its hoist down it does not move.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import FaultKind
from twin.devices.igv import Igv
from twin.devices.igv_words import Alarm, Build, Way
from twin.devices.rail_line import RailLine
from twin.devices.sky_rail_jobs import HoistJobs, TableHandover
from twin.devices.sky_rail_rescue import Rescue
from twin.devices.sky_rail_wear import PARTS, hoist_share, lift, worn_body, worn_energy
from twin.devices.sky_rail_words import FAULTS, SkyRailParameters
from twin.physics import BrakeKind, Pose, SpeedLimit
from twin.trace import Trace
from twin.world.carrier import CarrierEvent
from twin.world.rail import RailNode
from twin.world.rail_carrier import RailCarrier
from twin.world.yard import Box

_MARGIN_M = 2.0
"""Between a block's end and a tail that counts as out of it (estimate)."""
_ON_NODE_M = 0.5
"""This near a node it stands on it (estimate)."""

BUILD = Build(
    series="gatetwin sky-rail carrier",
    description=(
        "hangs from an overhead rail, one direction per rail; own hoist and spreader for one box; "
        "current collector, no battery"
    ),
    kinematics=("DIFF", "RAIL"),
    localization=("RFID",),
    navigation=("PHYSICAL_LINE_GUIDED",),
    steered=False,
)
"""VDA 5050 2.x knows no rail; DIFF is the nearest of its three kinds: it moves along its own axis.
In 3.0 the list may be extended."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """A way as it was asked for, and as it lies along the rail."""

    asked: Way
    way: Way
    node: RailNode


class SkyCarrier(Igv):
    """One carrier of a sky-rail."""

    kind: ClassVar[str] = "sky-rail"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = FAULTS
    build: ClassVar[Build] = BUILD
    PARTS = PARTS
    has_battery: ClassVar[bool] = False

    def __init__(
        self, id: str, clock: Clock, trace: Trace, rng: random.Random, *, carrier: RailCarrier,
        handover: TableHandover, line: RailLine, map_id: str = "bridge",
        parameters: SkyRailParameters | None = None,
    ) -> None:  # fmt: skip
        self.sky = parameters or SkyRailParameters()
        self.body, self.line = carrier, line
        self.hoist_is_down = False
        self._blocks: list[tuple[str, float]] = []
        """Nodes whose blocks it has, with their places on its way, in order."""
        self._laid: dict[int, _Laid] = {}
        """What is laid along the rail, by the key of its node."""
        super().__init__(
            id, clock, trace, rng, carrier=carrier, handover=handover, map_id=map_id,
            parameters=self.sky,
        )  # fmt: skip
        self.jobs = HoistJobs(self, handover)
        self.rescue = Rescue(self)
        self._aged = (0.0, 0)
        """Odometer, m, and emergency brakings that wear has been told of."""
        line.join(self)
        self._claim_here()
        self.add_point("sway_m", lambda: round(carrier.sway_m, 4), unit="m", doc="of its box")
        for part in PARTS:
            self.add_point(
                f"{part}_life_percent", partial(self._life_percent, part), unit="%",
                doc="of the rated life that is left",
            )  # fmt: skip
        self.add_point("current", lambda: carrier.powered, doc="its collector has current")
        self.line_changed(-1)

    # --- ways along the rail ---------------------------------------------------------------------

    def set_ways(self, ways: Sequence[Way]) -> None:
        """The ways ahead, laid along the rail; what no rail leads to is not laid."""
        placed = self.router.placed
        kept = {one.way.key: self._laid[one.way.key] for one in placed}
        begun = placed and ways and placed[0].way.key == ways[0].key
        laid, why, before = [], "", None if begun else self._here()
        for way in ways:
            known = kept.get(way.key)
            if known is None or known.asked != way:
                known, why = self._along_rail(before, way)
            if known is None:
                break
            self._laid[way.key] = known
            laid.append(known.way)
            before = known.node
        self.router.set(laid)
        if why:
            self._alarm(Alarm.NODE_UNREACHABLE, why)
        else:
            self._clear(Alarm.NODE_UNREACHABLE)

    def _here(self) -> RailNode | None:
        pose = self.carrier.end_pose
        return self.line.rail.at(pose.x_m, pose.y_m)

    def _along_rail(self, origin: RailNode | None, way: Way) -> tuple[_Laid | None, str]:
        """The rail from a node, or from where it stands between two, to the end of `way`."""
        rail, pose, (x_m, y_m) = self.line.rail, self.carrier.end_pose, way.points[-1]
        target = rail.at(x_m, y_m)
        if target is None:
            return None, f"no rail at ({x_m:.2f}, {y_m:.2f})"
        if origin is not None and origin.id != target.id:
            if (origin.id, target.id) not in rail.pieces:
                return None, f"no rail leads from {origin.id} to {target.id}"
            course = origin.course_rad
        else:
            course = pose.heading_rad
        if math.hypot(target.x_m - pose.x_m, target.y_m - pose.y_m) < _ON_NODE_M:
            on_rail = Way(way.key, ((pose.x_m, pose.y_m),))
        else:
            on_rail = Way(
                way.key, ((target.x_m, target.y_m),), (course, target.course_rad),
                speed_m_s=way.speed_m_s, travel_rad=0.0,
            )  # fmt: skip
        return _Laid(way, on_rail, target), ""

    def drop_ways(self) -> None:
        """Forget the ways ahead; it comes to rest, and gives back the blocks beyond that."""
        super().drop_ways()
        self._laid.clear()
        self._clear(Alarm.NODE_UNREACHABLE)
        rest_m = self.carrier.way_m + self.carrier.braking_m()
        ahead = [one for one in self._blocks if one[1] > rest_m + _ON_NODE_M]
        on_node = any(abs(place - rest_m) <= _ON_NODE_M for _, place in self._blocks)
        for one in ahead if on_node else ahead[1:]:  # between two nodes it is in the next block
            self._give_back(one)

    def move_by_hand(self, pose: Pose, *, cause: int = -1) -> None:
        """It is towed along the rail; its blocks go with it."""
        super().move_by_hand(pose, cause=cause)
        for one in list(self._blocks):
            self._give_back(one)
        self._claim_here()

    # --- signals ---------------------------------------------------------------------------------

    def _claim_here(self) -> None:
        here = self._here()
        if here is not None and self.line.claim(self.id, here.id):
            self._blocks.append((here.id, self.carrier.way_m))

    def line_changed(self, cause: int) -> None:
        """Current, wind, a switch or a signal has changed."""
        line, body = self.line, self.body
        powered = line.powered and "collector_lost" not in self.faults
        if powered != body.powered:
            body.feed(powered)
            self._current(powered, cause)
        if line.wind_stop:
            self._alarm(Alarm.WIND, "gusts beyond the limit")
        else:
            self._clear(Alarm.WIND)
        self.jobs.fault_changed()
        self._drive(cause)

    def _current(self, on: bool, cause: int) -> None:
        if on:
            self._clear(Alarm.POWER_LOST)
            if not self.online:
                self._power_on(cause)
        else:
            self.needs_restart = True  # no automatic restart after an interruption of power
            self.carrier.brake(BrakeKind.EMERGENCY, cause=cause)
            self._alarm(Alarm.POWER_LOST, "no current")
            self.clock.call_later(self.sky.buffer_s + 1.0, self._buffer_over)
        self.changed("safety")

    def _buffer_over(self) -> None:
        self.check_battery()

    def _drive(self, cause: int = -1) -> None:
        wanted, switch = self._until_m, False
        if wanted is not None and self._may_drive():
            self._until_m, switch = self._cleared(wanted)
        super()._drive(cause)
        self._until_m = wanted
        if switch:
            self._alarm(Alarm.PATH_BLOCKED, "a switch has no end position")
        elif self._obstacle_m is None:
            self._clear(Alarm.PATH_BLOCKED)

    def _cleared(self, until_m: float) -> tuple[float, bool]:
        """How far the line lets it go, and whether that is because of a switch."""
        clear_m = self.carrier.way_m
        for one in self.router.placed:
            node = self._laid[one.way.key].node.id
            if not self.line.claim(self.id, node):
                if self.line.switch_fails(node):
                    return min(until_m, max(clear_m, one.at_m - self.sky.gap_m)), True
                break
            if all(name != node for name, _ in self._blocks):
                self._blocks.append((node, one.at_m))
            clear_m = one.at_m
            if one.at_m >= until_m:
                break
        return min(until_m, clear_m), False

    def _pass(self, key: int) -> None:
        """A node is passed: blocks that its tail has left are given back."""
        super()._pass(key)
        tail_m = self.carrier.way_m - self.sky.vehicle.length_m - _MARGIN_M
        for one in [one for one in self._blocks[:-1] if one[1] < tail_m]:
            self._give_back(one)

    def _give_back(self, block: tuple[str, float]) -> None:
        self._blocks.remove(block)
        self.line.give_back(self.id, block[0])

    # --- what else holds it ----------------------------------------------------------------------

    def _may_drive(self) -> bool:
        stopping = {Alarm.POWER_LOST, Alarm.WIND}
        return not self.hoist_is_down and not stopping & self.alarms.keys() and super()._may_drive()

    def hoist_down(self, on: bool) -> None:
        """The spreader leaves its place below the car, or is back there and locked."""
        self.hoist_is_down = on
        if not on:
            self._drive()

    @property
    def stuck(self) -> bool:
        """Jobs do not come to an end: no current, a gale, a tripped hoist."""
        lame = {Alarm.POWER_LOST, Alarm.WIND, Alarm.HOIST_FAULT} & self.alarms.keys()
        return bool(lame) or super().stuck

    def no_room_for(self, box: Box) -> str:
        """Empty if its spreader is free and carries `box`, else why not."""
        if self.carrier.boxes:
            return f"{self.carrier.boxes[0].number} hangs on its spreader"
        limit = self.sky.vehicle.payload_kg
        return "" if box.mass_kg <= limit else f"{box.mass_kg:.0f} kg; it carries {limit:.0f} kg"

    def _check_track(self) -> None:
        """It cannot leave its rail."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        match kind:
            case "collector_lost":
                self.line_changed(cause)
            case "breakdown":
                super()._fault_changed(kind, cause)
                if not on:
                    self._clear(Alarm.BACKUP_DRIVE)
                self.rescue.changed(cause)
            case "worn":
                self._age()
            case "hoist_fault":
                if on:
                    self._alarm(Alarm.HOIST_FAULT, "the hoist's drive has tripped")
                else:
                    self._clear(Alarm.HOIST_FAULT)
                self.jobs.fault_changed()
            case "lock_fault":
                if on:
                    self._alarm(Alarm.LOCK_FAULT, "a twist-lock does not turn")
                else:
                    self._clear(Alarm.LOCK_FAULT)
            case _:
                super()._fault_changed(kind, cause)

    # --- a drive that fails for good -------------------------------------------------------------

    def rescue_engaged(self, cause: int) -> None:
        """The back-up drive takes it on; whoever has engaged it has looked before."""
        if "motor_fault" not in self.faults:
            self._clear(Alarm.DRIVE_FAULT)
        self._alarm(Alarm.BACKUP_DRIVE, "driven by the back-up drive")
        self.restart(cause=cause)

    def _limits(self) -> list[SpeedLimit]:
        limits = super()._limits()
        if self.rescue.engaged:
            here, end = self.carrier.way_m, self.carrier.end_m
            limits.append(SpeedLimit(here, end, self.sky.rescue_m_s))
        return limits

    def _carrier_event(self, event: CarrierEvent) -> None:
        super()._carrier_event(event)
        if not self.driving:
            self._age()
        self.rescue.looked_at()

    # --- wear ------------------------------------------------------------------------------------

    @property
    def hoist_share(self) -> float:
        """What is left of the hoist's efficiency and of its speed with a load."""
        return hoist_share(round(self.wear.share("ropes"), 2))

    def lifted(self, mass_kg: float) -> None:
        """The hoist has lifted so much."""
        rated_kg = self.sky.vehicle.payload_kg + self.sky.spreader_kg
        self.wear.use("ropes", lift(mass_kg, rated_kg))

    def _age(self) -> None:
        """Count what was driven and braked, and let the body be as old as it is."""
        body, (driven_m, braked) = self.body, self._aged
        self._aged = body.odometer_m, body.emergency_brakings
        self.wear.use("tyres", (body.odometer_m - driven_m) / 1000)
        self.wear.use("brakes", body.emergency_brakings - braked)
        # rounded, so that a new one is a new one: nothing changes within a run by its own use
        body.parameters = body.rail = worn_body(
            self.sky.vehicle, round(self.wear.share("brakes"), 2)
        )
        body.energy = worn_energy(self.sky.energy, round(self.wear.share("tyres"), 2))

    def _life_percent(self, part: str) -> float:
        return round(max(0.0, 100.0 * (1 - self.wear.share(part))), 6)

    def _power_on(self, cause: int = -1) -> None:
        self._clear(Alarm.LOW_BATTERY)
        super()._power_on(cause)
