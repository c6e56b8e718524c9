# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken loop detector for each MUST."""

from __future__ import annotations

from typing import Any

from hil.kits.lane_io.emulation import LaneIoVariant
from hil.variant import Maker
from twin.devices.loops import Loops
from twin.devices.remote_io import RemoteIO
from twin.wires.modbus import ModbusServer

from .remote_io import CountsBothEdges, DeniesCoils


class Filtered(Loops):
    """Shows a state only when it has lasted."""

    rise_s = 0.0
    fall_s = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._last: dict[str, tuple[bool, float]] = {}
        super().__init__(*arguments, **options)

    def occupied(self, channel: str) -> bool:
        real, now_s = super().occupied(channel), self.clock.now_s()
        before, since_s = self._last.get(channel, (False, -9.0))
        if before != real:
            since_s = now_s
            self._last[channel] = (real, now_s)
        return real if now_s - since_s >= (self.rise_s if real else self.fall_s) else not real


class SlowDetector(Filtered):
    """Averages: a vehicle is shown after 0.45 s."""

    rise_s = 0.45


class SlowRelease(Filtered):
    """A free loop is shown after 0.6 s."""

    fall_s = 0.6


class BridgesGaps(Filtered):
    """Holds for 0.28 s, within its papers, but longer than the gap that they promise."""

    fall_s = 0.28


class SeesGhosts(Loops):
    """Every twenty seconds the exit loop is shown for half a second."""

    def occupied(self, channel: str) -> bool:
        ghost = channel == "exit" and self.clock.now_s() % 20.0 < 0.5
        return super().occupied(channel) or ghost


class ThreeAtMost(Loops):
    """Scans three channels; the fourth is shown only while another is free."""

    def occupied(self, channel: str) -> bool:
        others = all(super(ThreeAtMost, self).occupied(c) for c in ("approach", "arm_a", "arm_b"))
        return super().occupied(channel) and not (channel == "exit" and others)


class OneOfTheArmPair(Loops):
    """While the first channel of the arm pair is covered the second is not looked at."""

    def occupied(self, channel: str) -> bool:
        pair = channel == "arm_b" and super().occupied("arm_a") and not self.occupied("approach")
        return super().occupied(channel) and not pair


class TunesOut(Loops):
    """Tunes itself when its power returns: what stands there becomes the new normal."""

    _tuned: frozenset[str] = frozenset()

    def power_returned(self) -> None:
        self._tuned = frozenset(c for c in ("approach", "arm_a", "arm_b", "exit")
                                if super(TunesOut, self).occupied(c))  # fmt: skip

    def occupied(self, channel: str) -> bool:
        real = super().occupied(channel)
        if not real:
            self._tuned -= {channel}
        return real and channel not in self._tuned


class ComesUpOccupied(Loops):
    """After a power cut it shows all loops covered for ten seconds."""

    _until_s = -1.0

    def power_returned(self) -> None:
        self._until_s = self.clock.now_s() + 10.0

    def occupied(self, channel: str) -> bool:
        return super().occupied(channel) or self.clock.now_s() < self._until_s


class Unpowered(RemoteIO):
    """Its inputs fall to 0 without power, and a second supply lets the module say so."""

    def _see(self, channel: Any) -> bool:
        return super()._see(channel) and "power_cut" not in self.faults

    @property
    def online(self) -> bool:
        return True


_loops = Maker(LaneIoVariant, "", Loops)
_io = Maker(LaneIoVariant, "", RemoteIO)
_server = Maker(LaneIoVariant, "", ModbusServer)


MUTANTS: list[LaneIoVariant] = [
    _server("denies-coils", "LOP-DOC-01", DeniesCoils),
    _loops("slow-detector", "LOP-DET-01", SlowDetector),
    _loops("slow-release", "LOP-DET-02", SlowRelease),
    LaneIoVariant(
        "hears-the-neighbour", "LOP-DET-03", "Two of its loops run on one frequency.",
        faults=(("loops", "crosstalk", {"channel": "arm_b", "heard": "exit"}),),
    ),
    _loops("sees-ghosts", "LOP-DET-04", SeesGhosts),
    _loops("three-at-most", "LOP-DET-05", ThreeAtMost),
    LaneIoVariant(
        "drops-who-stands", "LOP-DET-06", "Retunes after 40 s, its papers say 60 s.",
        faults=(("loops", "max_presence", {"channel": "arm_a", "after_s": 40.0}),),
    ),
    _loops("one-of-the-arm-pair", "LOP-DET-07", OneOfTheArmPair),
    _loops("bridges-gaps", "LOP-DET-08", BridgesGaps),
    LaneIoVariant(
        "damp-loops", "LOP-DET-09", "Loops near the end of their life no longer reach a high bed.",
        faults=(("loops", "worn", {"share": 1.0}),),
    ),
    _io("counts-both-edges", "LOP-CNT-01", CountsBothEdges),
    _loops("comes-up-occupied", "LOP-REC-01", ComesUpOccupied),
    _loops("tunes-out", "LOP-REC-02", TunesOut),
    _io("says-free-unpowered", "LOP-REC-03", Unpowered, serves_unpowered=True),
]  # fmt: skip
