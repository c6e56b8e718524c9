"""The plate camera: sees a front bumper pass its trigger line and reads the plate.

What it reads is a misreading of what is there (`twin.documents.ocr`), at a quality made of dirt,
night and rain. It never looks at who *should* come: a plate that it cannot read is `unknown`.
Nothing runs while no vehicle passes; pictures are drawn when somebody wants them.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from typing import ClassVar, Final, Protocol

from twin.clock import Clock
from twin.devices.base import Device, FaultKind
from twin.devices.camera_words import FAULTS, PARTS, UNKNOWN, CameraParameters, Reading, Sight
from twin.devices.wear import Part
from twin.documents import draw, ocr
from twin.documents.errors import DocumentError
from twin.documents.plates import check_plate
from twin.trace import Trace
from twin.world.vehicle import Vehicle
from twin.world.weather import Weather

__all__ = ["UNKNOWN", "Camera", "CameraParameters", "Reading", "Sight"]

KEPT: Final = 64
"""Readings that the camera remembers, for clients that poll."""

LEFT_AT_L70 = 0.7
"""By definition of L70: the share of its light that a LED still gives at the end of its life."""


class WatchedLane(Protocol):
    """The part of a lane that the camera looks at."""

    id: str

    def watch_front(self, at_m: float, callback: Callable[[Vehicle], None]) -> None:
        """Call back when a front bumper passes `at_m`."""

    def watch_zone(
        self, name: str, from_m: float, to_m: float, callback: Callable[[Vehicle, bool], None]
    ) -> None:
        """Call back when a vehicle's first part enters and its last part leaves the span."""


class Camera(Device):
    """One plate camera over one lane."""

    kind: ClassVar[str] = "camera"
    PARTS: ClassVar[Mapping[str, Part]] = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = FAULTS

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        lane: WatchedLane,
        weather: Weather | None = None,
        parameters: CameraParameters | None = None,
    ) -> None:
        super().__init__(id, clock, trace, rng)
        self.parameters = parameters = parameters or CameraParameters()
        self.weather = weather
        self.wear.run("leds", 0.5)
        self._weather_changed()
        if weather is not None:
            weather.on_change(self._weather_changed)
        self._zone = timezone(timedelta(hours=parameters.utc_offset_h))
        self.readings: deque[Reading] = deque(maxlen=KEPT)
        self._count = 0
        self._repeating = 0
        self._in_view: Vehicle | None = None
        self._subscribers: list[Callable[[Reading], None]] = []
        lane.watch_zone("camera", parameters.view_from_m, parameters.view_to_m, self._in_zone)
        lane.watch_front(parameters.trigger_m, self._passed)
        lane.watch_front(parameters.view_to_m, self._out_of_view)
        self.add_point("online", lambda: self.online, doc="reachable on its network")
        self.add_point("plate", lambda: self.last.plate if self.last else "", doc="last plate")
        self.add_point("confidence", lambda: self.last.confidence if self.last else 0, unit="%")
        self.add_point("reads", lambda: self._count, doc="readings since start")
        self.add_point("snap", lambda: False, self._snap_point, doc="write true: read now")

    # --- what the wires use ---------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Whether the camera has power and network."""
        return "offline" not in self.faults

    @property
    def frozen(self) -> bool:
        """Whether the camera's application hangs."""
        return "frozen" in self.faults

    @property
    def able(self) -> bool:
        """Whether the camera works and can be heard: neither offline nor frozen."""
        return self.online and not self.frozen

    @property
    def last(self) -> Reading | None:
        """The latest reading."""
        return self.readings[-1] if self.readings else None

    def on_reading(self, callback: Callable[[Reading], None]) -> None:
        """Call `callback(reading)` for every recognition, repeats included."""
        self._subscribers.append(callback)

    def business_time(self, *, of_ns: int | None = None) -> str:
        """The camera's own idea of civil time (ISO 8601, milliseconds), skew included."""
        t_ns = self.clock.now_ns() if of_ns is None else of_ns
        skew_s = float(self.faults.get("clock_skew", {}).get("skew_s", 0.0))
        instant = self.clock.day_start + timedelta(microseconds=t_ns // 1000, seconds=skew_s)
        return instant.astimezone(self._zone).isoformat(timespec="milliseconds")

    def snap(self, cause: int = -1) -> None:
        """Read whatever is in view now; the reading arrives after the usual latency."""
        number = self.trace(self.id, "device.command", cause, point="snap", value=True, via="wire")
        self._later(self._in_view, manual=True, cause=number)

    def sight(self) -> Sight:
        """What stands before the lens at this moment."""
        return self._sight(self._in_view)

    def scene(self, sight: Sight, caption: str = "") -> tuple[bytes, draw.Box]:
        """The whole picture as JPEG, and the box of the plate in it (x, y, width, height)."""
        plate = None if "blind" in self.faults else sight.plate
        image, box = draw.scene_image(plate, sight.view, colour=sight.colour, caption=caption)
        return draw.jpeg(image), box

    def crop(self, sight: Sight) -> bytes:
        """The plate alone as JPEG (a grey field where there is none)."""
        return draw.jpeg(draw.plate_image(sight.plate or "", sight.view), quality=85)

    # --- behaviour ------------------------------------------------------------------------

    def quality(self, vehicle: Vehicle) -> float:
        """How well the plate can be seen now, 0 to 1, before noise."""
        p, view = self.parameters, self._view(vehicle.plate_dirt)
        lost = p.dirt_weight * view.dirt**2
        lost += p.night_weight * (1.0 - view.daylight)
        lost += p.leds_weight * (1.0 - self.light()) * (1.0 - view.daylight)
        lost += p.glass_weight * self.wear.share("glass")
        lost += p.rain_weight * min(1.0, view.rain_mm_h / p.rain_worst_mm_h)
        lost += float(self.faults.get("dirty_lens", {}).get("amount", 0.0))
        return min(1.0, max(0.0, 1.0 - lost))

    def light(self) -> float:
        """What the infrared lamps still give, 0 to 1: it falls exponentially through L70."""
        return float(LEFT_AT_L70 ** self.wear.share("leds"))

    def _weather_changed(self) -> None:
        raining = self.weather is not None and self.weather.rain_mm_h > 0
        self.wear.run("glass", self.parameters.splash if raining else 1.0)

    def _view(self, dirt: float) -> draw.View:
        if self.weather is None:
            return draw.View(dirt)
        return draw.View(dirt, self.weather.daylight(), self.weather.rain_mm_h)

    def _sight(self, vehicle: Vehicle | None) -> Sight:
        if vehicle is None:
            return Sight(None, "white", self._view(0.0))
        return Sight(vehicle.plate, vehicle.colour, self._view(vehicle.plate_dirt))

    def _in_zone(self, vehicle: Vehicle, inside: bool) -> None:
        if inside:
            self._in_view = vehicle
        else:
            self._out_of_view(vehicle)

    def _out_of_view(self, vehicle: Vehicle) -> None:
        if self._in_view is vehicle:
            self._in_view = None

    def _passed(self, vehicle: Vehicle) -> None:
        if not self.able or "blind" in self.faults:
            self.trace(self.id, "device.state", state="missed", vehicle=vehicle.id)
            return
        self._later(vehicle, manual=False, cause=-1)

    def _later(self, vehicle: Vehicle | None, *, manual: bool, cause: int) -> None:
        p = self.parameters
        delay_s = max(0.05, self.rng.gauss(p.latency_s, p.latency_jitter_s))
        delay_s += float(self.faults.get("slow", {}).get("delay_s", 0.0))
        sight = self._sight(vehicle)
        plate, beliefs = self._read(vehicle)
        self.clock.call_later(
            delay_s, lambda: self._report(vehicle, sight, plate, beliefs, manual, cause)
        )

    def _read(self, vehicle: Vehicle | None) -> tuple[str, tuple[int, ...]]:
        """What the algorithm makes of the picture taken at this instant."""
        if vehicle is None or "blind" in self.faults:
            return UNKNOWN, ()
        quality = self.quality(vehicle) + self.rng.gauss(0.0, self.parameters.noise)
        text, beliefs = ocr.misread(vehicle.plate, self.rng, quality)
        misread, unreadable = self.faults.get("misread"), self.faults.get("unreadable")
        if misread and self.rng.random() < float(misread["probability"]):
            text, beliefs = ocr.force_error(text, beliefs, self.rng, int(misread["characters"]))
        if unreadable and self.rng.random() < float(unreadable["probability"]):
            return UNKNOWN, ()
        if quality < self.parameters.unreadable_below or len(text) < 4:
            return UNKNOWN, ()
        return text, tuple(beliefs)

    def _report(
        self,
        vehicle: Vehicle | None,
        sight: Sight,
        plate: str,
        beliefs: tuple[int, ...],
        manual: bool,
        cause: int,
    ) -> None:
        if not self.able:
            return
        self._count += 1
        record = self.trace(
            self.id,
            "device.state",
            cause,
            state="read",
            vehicle=vehicle.id if vehicle else None,
            plate=plate,
            confidences=list(beliefs),
            manual=manual,
        )
        now_ns = self.clock.now_ns()
        reading = Reading(
            number=self._count,
            uuid=self._uuid(),
            t_ns=now_ns,
            business_time=self.business_time(),
            plate=plate,
            confidences=beliefs,
            country=_country(plate),
            manual=manual,
            repeat=False,
            sight=sight,
            record=record,
        )
        self.readings.append(reading)
        self._tell(reading)
        self._begin_repeats(reading)

    def _tell(self, reading: Reading) -> None:
        for callback in self._subscribers:
            callback(reading)

    def _begin_repeats(self, reading: Reading) -> None:
        self._repeating += 1  # whatever was being repeated ends here
        self._plan_repeat(reading, 1, self._repeating)

    def _plan_repeat(self, reading: Reading, nth: int, run: int) -> None:
        fault = self.faults.get("resend_last_plate")
        if fault is None or nth > int(fault["count"]):
            return

        def repeat() -> None:
            if "resend_last_plate" not in self.faults or run != self._repeating or not self.able:
                return
            # Seen in the field: the repeat carries a fresh time stamp and a fresh UUID, so that
            # only the plate itself can tell a client that it has had this one.
            self._tell(
                Reading(
                    number=reading.number,
                    uuid=self._uuid(),
                    t_ns=self.clock.now_ns(),
                    business_time=self.business_time(),
                    plate=reading.plate,
                    confidences=reading.confidences,
                    country=reading.country,
                    manual=reading.manual,
                    repeat=True,
                    sight=reading.sight,
                    record=reading.record,
                )
            )
            self._plan_repeat(reading, nth + 1, run)

        self.clock.call_later(float(fault["period_s"]), repeat)

    def _uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _snap_point(self, value: bool | float, cause: int = -1, /) -> None:
        if value:
            self.snap(cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        if kind == "ghost" and kind in self.faults:
            plate = str(self.faults[kind]["plate"])
            beliefs = tuple(self.rng.randint(90, 99) for _ in plate)
            self._report(None, self._sight(None), plate, beliefs, False, cause)
        if kind == "resend_last_plate" and kind in self.faults and self.last is not None:
            self._begin_repeats(self.last)
        self.changed(kind)


def _country(plate: str) -> str:
    try:
        return check_plate(plate).country
    except DocumentError:
        return ""
