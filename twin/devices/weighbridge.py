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
from typing import ClassVar

from twin.clock import NS, Clock
from twin.devices.base import Device, FaultKind
from twin.devices.weighbridge_words import (
    FAULTS,
    PARTS,
    STATUS_BITS,
    Reading,
    WeighbridgeParameters,
)
from twin.hashed import normal
from twin.trace import Trace
from twin.world.lane import Lane
from twin.world.weather import Weather

__all__ = ["STATUS_BITS", "Reading", "Weighbridge", "WeighbridgeParameters"]

_BUCKET_NS = 100_000_000
"""The terminal's converter gives ten values a second; noise is constant within one."""

_MOTION_BUCKETS = 3
"""The motion flag stays for this many values after one that jumped by more than a division."""

_NOISE_MAX = 2 * math.sqrt(3.0)
"""Largest magnitude of the unit noise."""

_MOVING_M_S = 0.02
"""Slower wheels do not shake the platform."""

_ADJUSTED_AT_C = 20.0
"""Temperature at which the span was adjusted (estimate)."""


class Weighbridge(Device):
    """The scale of one lane between `from_m` and `to_m`, with its terminal."""

    kind = "weighbridge"
    PARTS = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = FAULTS

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
