"""Rescue of vehicles that cannot be repaired where they stand: people tow them off the bridge.

The side on whose ground the vehicle stands tows it, to the nearest free park of its own: its
people and tractors do not cross the line, and a park is off every lane. Nobody takes a vehicle away
under a crane that has a box of it in work, nor with a box that stands loose on it. Where it cannot
be towed for `WAIT_S`, mechanics come to it: it is repaired where it stands.

Each tow has a crew of its own. It passes others that stand on its way: the bridge is wider than
the lane.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial

import simpy

from twin.bridge.tow_ways import TowWays, along
from twin.clock import Clock
from twin.devices.igv import Igv
from twin.site_bridge import Cargo, Node
from twin.trace import Trace

TOW_M_S = 1.4
"""Walking speed, 5 km/h: somebody walks beside it (estimate)."""
STEP_S = 2.0
"""Its pose follows this often."""
WAIT_S = 600.0
"""So long the people wait, in all, for a free park and for the crane (estimate)."""
_LOOK_S = 20.0
"""It cannot be towed now: they look again."""
_NO_SITE_S, _NO_SITE_REPAIR_S = 1200.0, 3600.0
"""Without `[bridge.cargo.crossing]`: the acceptance limit of Phase 1, and an hour (estimate)."""

Process = Generator[simpy.Event, object, None]


@dataclass(slots=True)
class _Call:
    """One breakdown that somebody has been called for."""

    igv: Igv
    begun_s: float
    waited_s: float = 0.0
    record: int = -1
    """Of `tow.begin`."""
    way: list[Node] = field(default_factory=list)
    """Still to go; its last node is the park."""


class Towing:
    """Waits for breakdowns, and tows each vehicle after its time."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, igvs: Mapping[str, Igv], length_m: float,
        moved: Callable[[str], None], handing_over: Callable[[str], bool],
    ) -> None:  # fmt: skip
        """`length_m`: of the bridge, which the vehicle has left `tow_s` after its breakdown.

        `moved` is told of every step of a vehicle: it is looked at where it is now.
        `handing_over`: whether a vehicle's box is a crane's business now.
        """
        self._cargo, self._clock, self._trace = cargo, clock, trace
        self._length_m, self._moved, self._handing_over = length_m, moved, handing_over
        self._ways = TowWays(cargo, igvs)
        self._calls: dict[str, _Call] = {}
        for igv in igvs.values():
            igv.on_change(partial(self._attend, igv))

    @property
    def tow_s(self) -> float:
        """From a breakdown until the vehicle has left the bridge."""
        crossing = self._cargo.crossing
        if crossing is None:
            return _NO_SITE_S
        return crossing.tow_s[min(len(self._cargo.lanes), 2) - 1]

    @property
    def repair_s(self) -> float:
        """From a breakdown until a vehicle that was not towed is repaired where it stands."""
        crossing = self._cargo.crossing
        return _NO_SITE_REPAIR_S if crossing is None else crossing.repair_s

    def _attend(self, igv: Igv, what: str) -> None:
        if what != "safety":
            return
        call = self._calls.get(igv.id)
        if "breakdown" not in igv.faults:
            if call is not None and call.record < 0:  # called off; who is on the hook stays there
                del self._calls[igv.id]
        elif call is None:
            self._calls[igv.id] = call = _Call(igv, self._clock.now_s())
            self._clock.env.process(self._rescue(call))

    def _rescue(self, call: _Call) -> Process:
        x_m = call.igv.carrier.pose.x_m
        left_m = x_m if self._ways.home(x_m) else self._length_m - x_m
        yield self._clock.timeout(max(0.0, self.tow_s - max(0.0, left_m) / TOW_M_S))
        if not self._wanted(call):
            return
        towed = yield from self._hook(call)
        if towed:
            towed = yield from self._pull(call)
        if not towed and self._wanted(call):
            yield from self._repair(call)
        if self._wanted(call):
            self._end(call)

    def _wanted(self, call: _Call) -> bool:
        return self._calls.get(call.igv.id) is call

    # --- towed -----------------------------------------------------------------------------------

    def _hook(self, call: _Call) -> Generator[simpy.Event, object, bool]:
        """Take it on the hook as soon as it can be towed; False if that takes too long."""
        igv = call.igv
        while why := self._why_not(call):
            if not (yield from self._wait(call, why)):
                return False
        pose = igv.carrier.pose
        call.record = self._trace(
            "towing", "tow.begin", vehicle=igv.id, to=call.way[-1].id, x=round(pose.x_m, 3),
            y=round(pose.y_m, 3), boxes=[box.number for box in igv.carrier.boxes],
        )  # fmt: skip
        igv.hook(cause=call.record)
        return True

    def _pull(self, call: _Call) -> Generator[simpy.Event, object, bool]:
        """To the park, step by step; to another one when somebody else comes to that first."""
        igv = call.igv
        while True:
            pose, call.way = along(igv.carrier.pose, call.way, TOW_M_S * STEP_S)
            igv.move_by_hand(pose, cause=call.record)
            self._moved(igv.id)
            if not call.way:
                return True
            yield self._clock.timeout(STEP_S)
            while not self._ways.free(call.way[-1].id, igv) and (why := self._why_not(call)):
                if not (yield from self._wait(call, why)):
                    return False

    def _why_not(self, call: _Call) -> str:
        """Empty, and a way is found; or why it cannot be towed now."""
        igv = call.igv
        if igv.driving:
            return "it drives"
        if call.record < 0 and self._handing_over(igv.id):
            return "a box is handed over"
        others = (one for one in self._calls.values() if one is not call)
        way = self._ways.way(igv, {one.way[-1].id for one in others if one.way})
        if way is None:
            return "no free park"
        call.way = way
        return ""

    def _wait(self, call: _Call, why: str) -> Generator[simpy.Event, object, bool]:
        """A while; False if they have waited long enough, or nobody is wanted any more."""
        if call.waited_s >= WAIT_S:
            self._trace("towing", "tow.given_up", call.record, vehicle=call.igv.id, why=why)
            return False
        call.waited_s += _LOOK_S
        yield self._clock.timeout(_LOOK_S)
        return self._wanted(call)

    # --- repaired --------------------------------------------------------------------------------

    def _repair(self, call: _Call) -> Process:
        """Mechanics come to where it stands."""
        call.way = []
        left_s = call.begun_s + self.repair_s - self._clock.now_s()
        yield self._clock.timeout(max(0.0, left_s))

    def _end(self, call: _Call) -> None:
        """It is repaired, and in its own control again."""
        igv, pose = call.igv, call.igv.carrier.pose
        del self._calls[igv.id]
        towed = call.record >= 0
        kind = "tow.end" if towed else "tow.repaired"
        record = self._trace(
            "towing", kind, call.record, vehicle=igv.id, x=round(pose.x_m, 3), y=round(pose.y_m, 3)
        )
        igv.heal("breakdown")
        if towed:
            igv.unhook(cause=record)
