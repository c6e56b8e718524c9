"""The kit of a traffic light: lamps, luminous intensity, silence, power."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hil.kits.lane_io.emulation import INTENSITY_CD, START_UP_S, WATCHDOG_S
from hil.kits.lane_io.kit import LaneIoKit
from hil.kits.lane_io.papers import LightPics, LightPixit
from hil.kits.lane_io.session import LaneIoSession, LaneIoView
from hil.papers import emulated_product, modbus_items
from twin.devices.light import LAMPS
from twin.trace import Record

from . import curves

DARK_CD = 4.0
"""A lamp below this is dark: about a hundredth of a signal lamp's intensity (estimate)."""


class LightSession(LaneIoSession[LightPics, LightPixit]):
    """One run on one bench with a traffic light."""

    device = "light"


class LightView(LaneIoView[LightPics, LightPixit]):
    """What a judge sees of a traffic light."""

    @property
    def light_uncertainty_cd(self) -> float:
        """Expanded uncertainty of the photometer."""
        return float(self.info.get("light_uncertainty_cd", 0.0))

    def lit(self, start: str, end: str | None = None) -> list[tuple[float, set[str]]]:
        """Which lamps gave light, at each look between two marks."""
        seen = self.between(self.of("light"), start, end)
        return [(r.t_s, {k for k, cd in r.payload.items() if cd > DARK_CD}) for r in seen]


class LightKit(LaneIoKit):
    """Everything that certification has to know of a traffic light."""

    device = "light"
    help = "lamps, luminous intensity, silence, power; behind an I/O module."
    modules = ("light",)
    health = ("red-is-out", "dim-green", "no-watchdog")
    product = emulated_product("emulated traffic light", "GT-0000000004")
    pics_type = LightPics
    pixit_type = LightPixit
    session_type = LightSession
    needs = ("photometer",)

    def emulated_pics(self, profile: str) -> LightPics:
        """See `Kit`."""
        return LightPics(
            **modbus_items(self.device, profile),
            lamps=[f"lamp_{name}" for name in LAMPS],
            watchdog=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> LightPixit:
        """See `Kit`."""
        del profile
        return LightPixit(
            response_s=0.1,
            start_up_s=START_UP_S + 1.0,
            switch_s=0.2,
            watchdog_s=WATCHDOG_S,
            intensity_cd_min=INTENSITY_CD / 2,
            poll_s=0.05,
        )

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: luminous intensity, and what silence does."""
        return curves.curves(self.view(records, "lamps"), self.view(records, "silence"))


KIT: LaneIoKit = LightKit()
