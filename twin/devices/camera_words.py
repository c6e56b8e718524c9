"""The words, figures and faults of a plate camera, apart from what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twin.devices.base import FaultKind, Parameter, worn_fault
from twin.devices.wear import Part
from twin.documents import draw

UNKNOWN: Final = "unknown"
"""The plate text of a vehicle whose plate cannot be read."""

PARTS: Mapping[str, Part] = {
    "leds": Part("h", 50_000, "estimate: L70 of infrared LEDs, lit half of the time"),
    "glass": Part("h", 720, "estimate: a month between two cleanings"),
}
"""The infrared lamps, and the glass since it was cleaned last."""


@dataclass(frozen=True, slots=True)
class CameraParameters:
    """Where the camera looks (m along travel), how fast and how well it reads.

    Latency: makers of gate cameras state recognition within 0.2 to 0.5 s. The weights say how
    much quality is lost at the worst of each influence; they are estimates, set so that a day's
    mix of plates gives the 95 to 99 % of whole plates that gate operators report.
    """

    view_from_m: float = 1.0
    trigger_m: float = 4.0
    view_to_m: float = 8.0
    latency_s: float = 0.35
    latency_jitter_s: float = 0.08
    dirt_weight: float = 0.85
    night_weight: float = 0.12
    rain_weight: float = 0.25
    rain_worst_mm_h: float = 50.0
    noise: float = 0.03
    unreadable_below: float = 0.2
    utc_offset_h: float = 7.0
    glass_weight: float = 0.25
    """Lost to the dirt on the glass when a cleaning is due."""
    leds_weight: float = 0.8
    """Lost at night without any infrared light."""
    splash: float = 4.0
    """How many times faster the glass gets dirty in rain: spray of wheels, dried up."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What stood before the lens: true plate (None: nothing), its look and the light."""

    plate: str | None
    colour: str
    view: draw.View


@dataclass(frozen=True, slots=True)
class Reading:
    """One recognition, as the camera believes it.

    `confidences` has one value (0 to 99) for each character of `plate`; `confidence` is their
    mean, 0 for an unknown plate. `repeat` marks a reading that was sent before. `record` is the
    id of the trace record behind it.
    """

    number: int
    uuid: str
    t_ns: int
    business_time: str
    plate: str
    confidences: tuple[int, ...]
    country: str
    manual: bool
    repeat: bool
    sight: Sight
    record: int

    @property
    def confidence(self) -> int:
        """Mean belief, 0 to 99."""
        return sum(self.confidences) // len(self.confidences) if self.confidences else 0

    @property
    def known(self) -> bool:
        """Whether a plate was read at all."""
        return self.plate != UNKNOWN


FAULTS: Mapping[str, FaultKind] = {
    "blind": FaultKind("blind", "The lens is covered: vehicles pass unseen."),
    "slow": FaultKind(
        "slow",
        "Recognition takes longer.",
        {"delay_s": Parameter(3.0, "s", 0.0, 600.0, doc="added to every recognition")},
    ),
    "misread": FaultKind(
        "misread",
        "Look-alike characters replace right ones.",
        {
            "probability": Parameter(1.0, "", 0.0, 1.0, doc="share of readings hit"),
            "characters": Parameter(1.0, "", 1.0, 4.0, doc="characters replaced"),
        },
    ),
    "unreadable": FaultKind(
        "unreadable",
        "Plates come out as unknown.",
        {"probability": Parameter(1.0, "", 0.0, 1.0, doc="share of readings hit")},
    ),
    "dirty_lens": FaultKind(
        "dirty_lens",
        "The lens is dirty: quality is lost for every plate.",
        {"amount": Parameter(0.3, "", 0.0, 1.0, doc="quality lost")},
    ),
    "resend_last_plate": FaultKind(
        "resend_last_plate",
        "The last plate is sent again and again as if it were new.",
        {
            "period_s": Parameter(1.0, "s", 0.1, 3600.0, doc="time between repeats"),
            "count": Parameter(10.0, "", 1.0, 1000.0, doc="repeats of each reading"),
        },
    ),
    "ghost": FaultKind(
        "ghost",
        "A plate is reported that is not in the lane (a reflection, the next lane).",
        {"plate": Parameter("14C00000", doc="the plate reported, once")},
    ),
    "clock_skew": FaultKind(
        "clock_skew",
        "The camera's clock is wrong.",
        {"skew_s": Parameter(-3600.0, "s", -1e6, 1e6, doc="added to its time stamps")},
    ),
    "frozen": FaultKind(
        "frozen", "The camera's application hangs: connections stay open and say nothing."
    ),
    "offline": FaultKind("offline", "No power or no network: connections break."),
    "worn": worn_fault(PARTS),
}
"""The fault menu of every camera."""
