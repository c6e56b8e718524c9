"""The kit of a loop detector: detection, separation, counting, recovery."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hil.kits.lane_io.emulation import START_UP_S
from hil.kits.lane_io.kit import LaneIoKit
from hil.kits.lane_io.papers import LoopsPics, LoopsPixit
from hil.kits.lane_io.session import LaneIoSession, LaneIoView
from hil.papers import emulated_product, modbus_items
from twin.devices.loops import CHANNELS
from twin.trace import Record

from . import curves


class LoopsSession(LaneIoSession[LoopsPics, LoopsPixit]):
    """One run on one bench with a loop detector."""

    device = "loops"


class LoopsView(LaneIoView[LoopsPics, LoopsPixit]):
    """What a judge sees of a loop detector."""


class LoopsKit(LaneIoKit):
    """Everything that certification has to know of a loop detector."""

    device = "loops"
    help = "detection, separation, counting, recovery; behind an I/O module."
    modules = ("loops",)
    health = ("slow-detector", "hears-the-neighbour", "tunes-out")
    product = emulated_product("emulated loop detector", "GT-0000000003")
    pics_type = LoopsPics
    pixit_type = LoopsPixit
    session_type = LoopsSession
    needs = ("bodies",)

    def emulated_pics(self, profile: str) -> LoopsPics:
        """See `Kit`."""
        return LoopsPics(
            **modbus_items(self.device, profile),
            channels=[f"loop_{name}" for name in CHANNELS],
            high_bed=True,
            counters=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> LoopsPixit:
        """See `Kit`."""
        del profile
        return LoopsPixit(
            response_s=0.1,
            start_up_s=START_UP_S + 1.0,
            detect_s=0.2,
            release_s=0.3,
            presence_s=60.0,
            gap_s=0.2,
            poll_s=0.05,
        )

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: a passage in time, and how late each loop is shown."""
        return curves.curves(self.view(records, "single"), self.view(records, "passage"))


KIT: LaneIoKit = LoopsKit()
