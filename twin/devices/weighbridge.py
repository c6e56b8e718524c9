"""A road weighbridge: axles roll on, the platform swings out, the terminal shows steps of 20 kg.

Nothing runs between events. The platform with the terminal's filter is a damped oscillator whose
load changes only when an axle rolls on or off, so its state at any later instant has a closed
form; noise is a function of the instant. What is read therefore never depends on how often, or by
how many, it is read.

Default scale: Max 80 t, d = 20 kg (4,000 divisions, class III of OIML R 76-1), platform 18 m.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from twin.clock import NS, Clock
from twin.devices.base import Device, FaultKind, Parameter, worn_fault
from twin.devices.wear import Part
from twin.hashed import normal
from twin.trace import Trace
from twin.world.lane import Lane
from twin.world.weather import Weather

_BUCKET_NS = 100_000_000
"""The terminal's converter gives ten values a second; noise is constant within one."""

_MOTION_BUCKETS = 3
"""The motion flag stays for this many values after one that jumped by more than a division."""

_NOISE_MAX = 2 * math.sqrt(3.0)
"""Largest magnitude of the unit noise."""

_MOVING_M_S = 0.02
"""Slower wheels do not shake the platform."""


PARTS: Mapping[str, Part] = {
    "cells": Part(
        "loadings",
        1_000_000,
        "estimate: ten years of 270 trucks a day; OIML R 76-1 tests endurance with 100,000",
    ),
}
"""A loading is one vehicle on an empty platform."""

_ADJUSTED_AT_C = 20.0
"""Temperature at which the span was adjusted (estimate)."""


@dataclass(frozen=True, slots=True)
class CellWear:
    """Errors of the load cells, as shares of the load; `worn_…` comes on top at the end of life.

    A new scale has the temperature effect and the creep of a class C3 cell (OIML R 60, 3,000
    divisions). What wear adds is an estimate, set so that a scale leaves the tolerance of
    OIML R 76-1 in service (3 e for a load of 40 t) within its rated life: why they are verified
    every year.
    """

    temperature_1_k: float = 1e-5
    """Span lost or gained with each kelvin off the temperature of adjustment."""
    creep: float = 1e-4
    """What a load that stays gains in the end; it gets there with `creep_s`."""
    worn_creep: float = 4e-4
    creep_s: float = 600.0
    worn_span: float = -3e-3
    worn_corner: float = 2e-3
    """Difference from the middle of the platform to its end: cells that aged unevenly."""


@dataclass(frozen=True, slots=True)
class WeighbridgeParameters:
    """The scale's own data. Sources: OIML R 76-1 for divisions, zero and overload; others are
    estimates for a truck scale with a 1-2 s filter.
    """

    capacity_kg: int = 80_000
    division_kg: int = 20
    frequency_hz: float = 1.4
    """Of the filtered platform; with the damping a step of 40 t is within half a d in 1.6 s."""
    damping: float = 0.6
    roll_noise: float = 0.004
    """Shaking by rolling wheels, as a share of the load (peak about three times this)."""
    roll_decay_s: float = 0.4
    """How fast the shaking dies away once the wheels stand."""
    rest_noise_kg: float = 2.5
    """Standard deviation of wind and electronics on a quiet platform."""
    drift_kg: float = 30.0
    """Largest slow change of the empty scale (temperature, dirt); zero tracking takes it away."""
    drift_period_s: float = 6 * 3600.0
    zero_range: float = 0.02
    """Share of the capacity within which the zero command works (R 76-1, 4.5.1: 4 % in all)."""
    wear: CellWear = CellWear()

    @property
    def overload_kg(self) -> int:
        """Above Max + 9 e nothing may be shown as valid (R 76-1, 4.2.3)."""
        return self.capacity_kg + 9 * self.division_kg


@dataclass(frozen=True, slots=True)
class Reading:
    """What the terminal shows at one instant, kilograms in whole divisions."""

    gross_kg: int
    tare_kg: int
    motion: bool
    overload: bool
    underload: bool
    at_zero: bool
    net_rounding_kg: int = 0
    """Net is rounded from the exact difference, so it may be a division off gross less tare."""

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg + self.net_rounding_kg

    @property
    def out_of_range(self) -> bool:
        """No valid weight: above Max + 9 e or below -20 e."""
        return self.overload or self.underload


_DRIFT = FaultKind(
    "drift",
    "the empty scale wanders off: mud under the platform, a binding edge, a wet load cell; zero "
    "tracking does not follow, the zero command helps for a while",
    {
        "rate_kg_h": Parameter(1200.0, "kg/h", -100_000.0, 100_000.0, doc="speed of wandering"),
        "offset_kg": Parameter(0.0, "kg", -50_000.0, 50_000.0, doc="jump at the beginning"),
    },
)
_NOISY = FaultKind(
    "noisy",
    "a broken shield or a damaged cell: the weight jumps about and rarely settles",
    {"sigma_kg": Parameter(200.0, "kg", 0.0, 20_000.0, doc="standard deviation")},
)
_MOTION_STUCK = FaultKind(
    "motion_stuck",
    "the motion flag is constant, whatever the platform does",
    {"value": Parameter(False, doc="the constant; false claims a settled weight at all times")},
)
STATUS_BITS = (
    "motion", "net", "overload", "underload", "at_zero", "zero_refused", "tare_refused",
    "zero_lost",
)  # fmt: skip
"""Bits of the point `status`, lowest first."""


class Weighbridge(Device):
    """The scale of one lane between `from_m` and `to_m`, with its terminal."""

    kind = "weighbridge"
    PARTS = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            _DRIFT,
            FaultKind("stuck", "the terminal froze: it repeats its last reading and flags"),
            _NOISY,
            _MOTION_STUCK,
            FaultKind(
                "overload_dead",
                "no overload and no out-of-range flag; the weight ends at the highest valid one",
            ),
            FaultKind("offline", "the terminal has no power: its wires answer nothing"),
            worn_fault(PARTS),
        )
    }

    def __init__(
        self, id: str, clock: Clock, trace: Trace, rng: random.Random, lane: Lane,
        from_m: float, to_m: float, parameters: WeighbridgeParameters | None = None,
        weather: Weather | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id, clock, trace, rng)
        self.weather = weather
        self.parameters = parameters or WeighbridgeParameters()
        self._lane, self._from_m, self._to_m = lane, from_m, to_m
        self._salt = rng.getrandbits(64)
        self._drift_phase = rng.uniform(0, 2 * math.pi)
        natural = 2 * math.pi * self.parameters.frequency_hz
        self._decay = self.parameters.damping * natural
        self._swing = natural * math.sqrt(1 - self.parameters.damping**2)
        self._stiffness = natural * natural
        # The oscillator at the last change of load: instant, load, displacement, speed.
        self._since_ns = self._loaded_ns = clock.now_ns()
        self._load_kg = lane.axle_load_kg(from_m, to_m)
        self._offset_kg, self._rate_kg_s = 0.0, 0.0
        self._zero_kg = self._slow_drift_kg(self._since_ns)
        self._zero_command_kg = 0.0
        self._fault_drift_kg = 0.0
        self._fault_drift_since_ns = 0
        self._tare_kg = 0.0
        self._refused = {"zero": False, "tare": False}
        self._zero_lost = False
        self._frozen: Reading | None = None
        lane.watch_axles(from_m, to_m, self._load_changed)
        self._add_points()

    def _add_points(self) -> None:
        point = self.add_point
        point("gross_kg", lambda: self.read().gross_kg, unit="kg", doc="weight without tare")
        point("net_kg", lambda: self.read().net_kg, unit="kg", doc="gross less tare")
        point("tare_kg", lambda: self.read().tare_kg, unit="kg", doc="tare in use, 0 if none")
        point("motion", lambda: self.read().motion, doc="the weight has not settled")
        point("overload", lambda: self.read().overload, doc="above Max + 9 e")
        point("underload", lambda: self.read().underload, doc="below -20 e")
        point("at_zero", lambda: self.read().at_zero, doc="within a quarter of e of zero")
        point("zero", lambda: self.read().at_zero, self._command_zero, doc="at_zero; true zeroes")
        point("zero_drift_kg", self.zero_drift_kg, unit="kg", doc="engineering: error of the zero")
        point("status", self.status, doc="bits: " + ", ".join(STATUS_BITS))
        point("cmd_zero", lambda: False, self._command_zero, doc="true: take the present as zero")
        point("cmd_tare", lambda: False, self._command_tare, doc="true: take the present as tare")
        point("cmd_clear", lambda: False, self._command_clear, doc="true: forget the tare")

    # --- what is shown --------------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Whether the terminal has power; its wires serve nobody without."""
        return "offline" not in self.faults

    def read(self) -> Reading:
        """What the terminal shows now."""
        return self._frozen or self._reading(self.clock.now_ns())

    def status(self) -> int:
        """The flags of `STATUS_BITS` as one number."""
        reading = self.read()
        flags = (
            reading.motion, reading.tare_kg != 0, reading.overload, reading.underload,
            reading.at_zero, self._refused["zero"], self._refused["tare"], self._zero_lost,
        )  # fmt: skip
        return sum(1 << bit for bit, flag in enumerate(flags) if flag)

    @property
    def zero_lost(self) -> bool:
        """Whether the terminal came up with a load and has no captured zero since."""
        return self._zero_lost

    def zero_drift_kg(self) -> float:
        """What the scale would show now with nothing on it, kg."""
        return round(self._zero_error_kg(self.clock.now_ns()), 1)

    def _reading(self, t_ns: int) -> Reading:
        p, division = self.parameters, self.parameters.division_kg
        settling_kg, envelope_kg = self._response(t_ns)
        shaking_kg = self._shaking_kg(t_ns)
        noise_kg = math.hypot(p.rest_noise_kg, shaking_kg)
        if "noisy" in self.faults:
            noise_kg = math.hypot(noise_kg, float(self.faults["noisy"]["sigma_kg"]))
        bucket = t_ns // _BUCKET_NS
        error_kg = self._zero_error_kg(t_ns) + noise_kg * self._noise(bucket)
        error_kg += self._load_error_kg(t_ns)
        exact_kg = self._load_kg + settling_kg + error_kg
        gross_kg = self._rounded(exact_kg)
        overload, underload = gross_kg > p.overload_kg, gross_kg < -20 * division
        if "overload_dead" in self.faults:
            overload = underload = False
            gross_kg = min(gross_kg, p.overload_kg)
        # Converters of truck scales end at about 125 % of Max.
        gross_kg = min(gross_kg, p.capacity_kg * 5 // 4)
        motion = max(envelope_kg, 3 * shaking_kg) > division / 2 or (
            # quiet noise cannot jump by a division, whatever its values
            2 * _NOISE_MAX * noise_kg > division
            and any(
                noise_kg * abs(self._noise(earlier) - self._noise(earlier - 1)) > division
                for earlier in range(bucket, bucket - _MOTION_BUCKETS, -1)
            )
        )
        if "motion_stuck" in self.faults:
            motion = bool(self.faults["motion_stuck"]["value"])
        at_zero = abs(exact_kg) <= division / 4 + 3 * p.rest_noise_kg and not motion
        tare_kg = self._rounded(self._tare_kg)
        if self._tare_kg:
            tare_kg = max(division, tare_kg)  # a tare in use is never hidden
        rounding_kg = self._rounded(exact_kg - self._tare_kg) - (gross_kg - tare_kg)
        if abs(rounding_kg) > division or not self._tare_kg:
            rounding_kg = 0  # the converter is at its end
        return Reading(gross_kg, tare_kg, motion, overload, underload, at_zero, rounding_kg)

    def _rounded(self, mass_kg: float) -> int:
        division = self.parameters.division_kg
        return math.floor(mass_kg / division + 0.5) * division

    # --- the platform ---------------------------------------------------------------------

    def _response(self, t_ns: int) -> tuple[float, float]:
        """Distance from the load that lies on it, and the most that it can still swing, kg."""
        t_s = (t_ns - self._since_ns) / NS
        fade = math.exp(-self._decay * t_s)
        sine = (self._rate_kg_s + self._decay * self._offset_kg) / self._swing
        angle = self._swing * t_s
        value = fade * (self._offset_kg * math.cos(angle) + sine * math.sin(angle))
        return value, fade * math.hypot(self._offset_kg, sine)

    def _response_rate(self, t_ns: int) -> float:
        t_s = (t_ns - self._since_ns) / NS
        angle = self._swing * t_s
        pull = (self._decay * self._rate_kg_s + self._stiffness * self._offset_kg) / self._swing
        return math.exp(-self._decay * t_s) * (
            self._rate_kg_s * math.cos(angle) - pull * math.sin(angle)
        )

    def _load_changed(self) -> None:
        now = self.clock.now_ns()
        load_kg = self._lane.axle_load_kg(self._from_m, self._to_m)
        if load_kg == self._load_kg:
            return
        if self._load_kg == 0:
            self._zero_kg = self._tracked_zero_kg(now)
        settling_kg, rate = self._response(now)[0], self._response_rate(now)
        self._offset_kg = self._load_kg + settling_kg - load_kg
        self._rate_kg_s = rate
        began, ended = self._load_kg == 0, load_kg == 0
        self._since_ns, self._load_kg = now, load_kg
        if began:
            self._loaded_ns = now
            self.wear.use("cells")
        if began or ended:
            state = "empty" if ended else "loaded"
            self.trace(self.id, "device.state", state=state)
            self.changed("load")

    def _shaking_kg(self, t_ns: int) -> float:
        """Standard deviation of what rolling wheels and swaying cargo add, kg."""
        strongest = 0.0
        for mover in self._lane.movers:
            front_m, speed_m_s = mover.motion.at(t_ns)
            if not self._from_m < front_m < self._to_m + mover.vehicle.length_m:
                continue
            if speed_m_s > _MOVING_M_S:
                return self._load_kg * self.parameters.roll_noise
            still_s = max(0, t_ns - mover.motion.end_ns) / NS
            strongest = max(strongest, math.exp(-still_s / self.parameters.roll_decay_s))
        return self._load_kg * self.parameters.roll_noise * strongest

    def _noise(self, bucket: int) -> float:
        """About normal, within ±`_NOISE_MAX`: hashed from the instant."""
        return normal(self._salt, bucket)

    def _at_rest_kg(self, t_ns: int) -> float:
        """What the terminal's long average is: the load and its errors, without noise, kg."""
        return self._load_kg + self._zero_error_kg(t_ns) + self._load_error_kg(t_ns)

    def _load_error_kg(self, t_ns: int) -> float:
        """What temperature, creep and wear make of the load that lies there, kg."""
        if self._load_kg == 0:
            return 0.0
        p, share = self.parameters.wear, self.wear.share("cells")
        warmth_k = 0.0 if self.weather is None else self.weather.temperature_c() - _ADJUSTED_AT_C
        stood_s = (t_ns - self._loaded_ns) / NS
        crept = (p.creep + p.worn_creep * share) * (1 - math.exp(-stood_s / p.creep_s))
        error = p.temperature_1_k * warmth_k + crept + p.worn_span * share
        corner_kg = 0.0
        if share > 1e-3:  # who is new is level: not worth finding out where the axles stand
            corner_kg = p.worn_corner * share * self._off_middle_kg()
        return error * self._load_kg + corner_kg

    def _off_middle_kg(self) -> float:
        """Each axle's load times its place: -1 at the entry, 0 in the middle, 1 at the exit."""
        middle_m, half_m = (self._from_m + self._to_m) / 2, (self._to_m - self._from_m) / 2
        return sum(
            load_kg * (place_m - middle_m) / half_m
            for place_m, load_kg in self._lane.axles_between(self._from_m, self._to_m)
        )

    # --- zero -----------------------------------------------------------------------------

    def _slow_drift_kg(self, t_ns: int) -> float:
        angle = 2 * math.pi * t_ns / NS / self.parameters.drift_period_s
        return self.parameters.drift_kg * math.sin(angle + self._drift_phase)

    def _tracked_zero_kg(self, t_ns: int) -> float:
        """The reference of the terminal: it follows the slow drift while the platform is empty."""
        return self._slow_drift_kg(t_ns) if self._load_kg == 0 else self._zero_kg

    def _zero_error_kg(self, t_ns: int) -> float:
        wandered = self._fault_drift_kg
        if "drift" in self.faults:
            hours = (t_ns - self._fault_drift_since_ns) / NS / 3600
            wandered += float(self.faults["drift"]["rate_kg_h"]) * hours
        slow = self._slow_drift_kg(t_ns) - self._tracked_zero_kg(t_ns)
        return slow + wandered - self._zero_command_kg

    # --- commands -------------------------------------------------------------------------

    def _command_zero(self, value: bool | float, cause: int = -1) -> None:
        """Take the present weight as zero: settled, no tare, within 2 % of Max (R 76-1, 4.5)."""
        if not value:
            return
        reading = self.read()
        limit_kg = self.parameters.capacity_kg * self.parameters.zero_range
        lawful = not reading.motion and reading.tare_kg == 0 and abs(reading.gross_kg) <= limit_kg
        self._refused["zero"] = not lawful
        if lawful and self._frozen is None:
            self._zero_command_kg += self._at_rest_kg(self.clock.now_ns())
            self._zero_lost = False
        self._note("zero", lawful, cause)

    def _command_tare(self, value: bool | float, cause: int = -1) -> None:
        """Take the present weight as tare: settled, above zero and in range.

        What is taken is the filtered weight, not its indication: a tare leaves no more than a
        quarter of e (R 76-1, 4.6.3).
        """
        if not value:
            return
        reading = self.read()
        lawful = not reading.motion and reading.gross_kg > 0 and not reading.out_of_range
        self._refused["tare"] = not lawful
        if lawful and self._frozen is None:
            self._tare_kg = self._at_rest_kg(self.clock.now_ns())
        self._note("tare", lawful, cause)

    def _command_clear(self, value: bool | float, cause: int = -1) -> None:
        """Forget the tare."""
        if not value:
            return
        if self._frozen is None:
            self._tare_kg = 0.0
        self._refused["tare"] = False
        self._note("clear", True, cause)

    def _note(self, command: str, taken: bool, cause: int) -> None:
        self.trace(self.id, "device.command", cause, point=f"cmd_{command}", value=taken)

    # --- faults ---------------------------------------------------------------------------

    def _fault_changed(self, kind: str, cause: int) -> None:
        now = self.clock.now_ns()
        active = kind in self.faults
        if kind == "drift":
            # A repaired scale is also zeroed by those who repaired it.
            if active:
                self._fault_drift_since_ns = now
                self._fault_drift_kg += float(self.faults["drift"]["offset_kg"])
            else:
                self._fault_drift_kg = 0.0
                self._zero_command_kg = 0.0
        elif kind == "stuck":
            self._frozen = self._reading(now) if active else None
        elif kind == "offline":
            if not active:
                self._power_up(now)
            self.changed("offline")
        state = "offline" if not self.online else "online"
        if kind == "offline":
            self.trace(self.id, "device.state", cause, state=state)

    def _power_up(self, now: int) -> None:
        """A terminal forgets its tare, and takes its zero only from an empty platform."""
        self._tare_kg = 0.0
        self._refused = {"zero": False, "tare": False}
        self._zero_lost = self._load_kg != 0
        if not self._zero_lost:
            self._zero_command_kg = 0.0
            self._zero_command_kg = self._zero_error_kg(now)
