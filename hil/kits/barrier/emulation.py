"""An emulated barrier on a test bench: the twin's arm, controller and wire, and hands to move it.

It plays stimulus, force gauge, power and inclinometer itself.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import msgspec

from hil.emulation import PoweredBench, Verb
from hil.roles import AnswerKind
from hil.variant import ModbusVariant
from twin import profiles
from twin.clock import Clock
from twin.devices.barrier import Barrier, BarrierParameters
from twin.devices.base import Device
from twin.devices.remote_io import RemoteIO, RemoteIoParameters
from twin.physics import ArmParameters, EventKind, Obstacle, edge_force, load_engine
from twin.profiles import Profile
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.world.arm import Arm, ArmEvent

from .papers import PAD_SHARE
from .roles import ForceRecord, Input

T = TypeVar("T")


def load_profile(name: str) -> Profile:
    """The wire map of a barrier by its short name, or of the I/O module that drives one."""
    return profiles.load("remote-io" if name == "remote-io" else f"barrier.{name}")


START_UP_S = 2.0
"""From power to the first answer of the emulated controller (estimate)."""

WATCHDOG_S = 5.0
"""Silence of the master after which the emulated I/O module falls back (estimate)."""

ARM = ArmParameters(length_m=4.0, open_s=3.0, close_s=3.0)
"""The arm of a truck lane: 4 m, 3 s drive variant (site file of Bắc Luân II)."""

RECORD_HZ = 200.0
"""Rate of the force record in the trace: what the norm asks for."""

GAUGE_UNCERTAINTY = 0.05
"""Share of the reading: instruments are specified to ±5 %."""


@dataclass(frozen=True)
class BarrierVariant(ModbusVariant):
    """How an emulated barrier differs from the good one; the good one is `BarrierVariant()`."""

    arm: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    barrier: type[Barrier] = Barrier
    response_s: float = 0.0
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    start_up_s: float = START_UP_S
    fallback: tuple[str, ...] = ()
    """Relays that a remote I/O module closes when its master is silent."""


class EmulatedBarrier(PoweredBench[BarrierVariant, ModbusServer]):
    """One barrier and everything that hands and instruments at a bench can do with it.

    Satisfies the roles stimulus, force gauge, power and inclinometer of `hil.kits.barrier.roles`.
    """

    uncertainty_deg = 0.2
    independent = True
    continuous = True

    def __init__(
        self,
        clock: Clock,
        profile: Profile,
        variant: BarrierVariant | None = None,
        *,
        trace: Trace | None = None,
        engine: str = "kinematic",
        seed: int = 0,
    ) -> None:
        self.variant = variant or BarrierVariant()
        self.clock = clock
        self.trace = trace or Trace(clock)
        self.profile = msgspec.structs.replace(profile, **self.variant.profile)
        self.parameters = _changed(ARM, self.variant.arm)
        self.arm = Arm("bench.arm", clock, self.trace, load_engine(engine), self.parameters)
        self.barrier = self.variant.barrier(
            "bench.barrier",
            clock,
            self.trace,
            random.Random(seed),
            arm=self.arm,
            parameters=_changed(BarrierParameters(), self.variant.parameters),
        )
        self.server = self.variant.server(
            self._served(),
            self.profile,
            clock=clock,
            trace=self.trace,
            response_s=self.variant.response_s,
        )
        for kind, values in self.variant.faults:
            self.barrier.inject(kind, **values)
        self._gauge: tuple[float, float] | None = None
        self._rng = random.Random(seed)
        self._touched: tuple[float, float, float | None] | None = None
        self._record: ForceRecord | None = None
        self.arm.on_event(self._arm_event)

    def _served(self) -> Device:
        """What the wire serves: the controller, or an I/O module that is wired to it."""
        if self.profile.device != "remote-io":
            return self.barrier
        orders = {f"barrier_{name}": (self.barrier, name) for name in ("open", "close", "stop")}
        switches = {name: (self.barrier, name) for name in ("limit_open", "limit_closed")}
        parameters = RemoteIoParameters(
            watchdog_s=WATCHDOG_S, fallback=dict.fromkeys(self.variant.fallback, True)
        )
        return RemoteIO(
            "bench.io",
            self.clock,
            self.trace,
            random.Random(0),
            inputs=switches,
            outputs=orders,
            parameters=parameters,
        )

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `BarrierTwinHands`."""
        return {
            "obstacle": self._obstacle,
            "input": lambda body: self.set_input(body["name"], bool(body["active"])),
            "drive": lambda body: self.block_drive(bool(body["blocked"])),
            "gauge": self._place_gauge,
            "power": lambda body: self.switch(bool(body["on"])),
            "hand": self._hand,
            "angle": self._angle,
            "force": self._force,
        }

    async def _obstacle(self, body: dict[str, Any]) -> None:
        if body["angle_deg"] is None:
            await self.remove_obstacle()
        else:
            await self.place_obstacle(float(body["angle_deg"]))

    async def _place_gauge(self, body: dict[str, Any]) -> None:
        if body["angle_deg"] is None:
            await self.remove()
        else:
            await self.place(float(body["angle_deg"]))

    async def _hand(self, body: dict[str, Any]) -> Any:
        return {"gave": await self.raise_by_hand()} if body["up"] else await self.put_back()

    async def _angle(self, _: dict[str, Any]) -> Any:
        return {"angle_deg": await self.angle_deg()}

    async def _force(self, _: dict[str, Any]) -> Any:
        record = await self.read()
        body = None if record is None else msgspec.to_builtins(record)
        return {"record": body, "uncertainty_n": self.uncertainty_n}

    # -- stimulus

    async def place_obstacle(self, angle_deg: float) -> None:
        """Something rigid that the arm meets at `angle_deg`, half-way along the arm."""
        self.arm.set_obstacle(self._standing("obstacle", 0.5 * self.parameters.length_m, angle_deg))

    async def remove_obstacle(self) -> None:
        """Clear the lane."""
        self._gauge = None
        self.arm.set_obstacle(None)

    async def set_input(self, name: Input, active: bool) -> None:
        """The photocell's contact, or the stop chain."""
        if name == "safety":
            self.barrier.set_safety_input(active)
        else:
            self.barrier.contact("stop", active)

    async def block_drive(self, blocked: bool) -> None:
        """Block the arm mechanically, or free it."""
        self.arm.jam(blocked)

    def _standing(self, name: str, radius_m: float, angle_deg: float) -> Obstacle:
        angle_rad = math.radians(angle_deg)
        near_m = radius_m * math.cos(angle_rad)
        height_m = self.parameters.pivot_height_m + radius_m * math.sin(angle_rad)
        return Obstacle(name, height_m, near_m, near_m + 0.08)

    # -- force gauge

    @property
    def uncertainty_n(self) -> float:
        """Expanded uncertainty of the latest reading."""
        peak_n = self._record.peak_n if self._record is not None else 0.0
        return round(GAUGE_UNCERTAINTY * peak_n, 1)

    async def place(self, angle_deg: float) -> None:
        """Stand the instrument near the tip."""
        radius_m = PAD_SHARE * self.parameters.length_m
        self._record, self._touched, self._gauge = None, None, (radius_m, angle_deg)
        self.arm.set_obstacle(self._standing("gauge", radius_m, angle_deg))

    async def read(self) -> ForceRecord | None:
        """The record of the hit, as the norm's instrument shows it."""
        if self._touched is not None:
            # Computed when it is read: at the instant of the hit the wire has to be served.
            self._record = self._as_read(_hit(self.parameters, *self._touched))
            self._touched = None
        return self._record

    async def remove(self) -> None:
        """Take the instrument away."""
        await self.remove_obstacle()

    def _as_read(self, hit: ForceRecord) -> ForceRecord:
        """An instrument of class 5 % never shows the same number twice."""
        gain = 1.0 + self._rng.uniform(-0.25, 0.25) * GAUGE_UNCERTAINTY
        return ForceRecord(
            round(gain * hit.peak_n, 1),
            round(gain * hit.after_750ms_n, 1),
            round(gain * hit.end_n, 1),
            hit.rate_hz,
            [round(gain * force, 1) for force in hit.samples_n],
        )

    def _arm_event(self, event: ArmEvent) -> None:
        if event.kind is EventKind.CONTACT and self._gauge is not None and self._touched is None:
            self._touched = (*self._gauge, self.arm.reversal_s)

    # -- power, inclinometer, the hand release

    def power_fails(self) -> None:
        """See `PoweredBench`."""
        self.barrier.power(False)
        self.server.inject("link_down")

    def power_returns(self) -> None:
        """See `PoweredBench`."""
        self.barrier.power(True)

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.server.heal("link_down")

    async def angle_deg(self) -> float | None:
        """The true angle."""
        return self.arm.angle_deg()

    async def raise_by_hand(self) -> bool:
        """Pull the hand release and lift; True if the arm gave."""
        self.barrier.release(True)
        return self.arm.push(90.0)

    async def put_back(self) -> None:
        """Put the hand release back."""
        self.barrier.release(False)


@cache
def _hit(
    parameters: ArmParameters, radius_m: float, angle_deg: float, reversal_s: float | None
) -> ForceRecord:
    """The instrument's record of a closing arm; the same hit has the same record."""
    hit = edge_force(
        parameters, radius_m=radius_m, angle_rad=math.radians(angle_deg), reversal_s=reversal_s
    )
    # One value per 5 ms: the norm asks for 200 Hz at least, the bundle for not too much.
    step = max(1, round(hit.rate_hz / RECORD_HZ))
    force_n = hit.force_n
    samples = [round(float(max(force_n[i : i + step])), 1) for i in range(0, len(force_n), step)]
    return ForceRecord(
        round(hit.peak_n, 1), round(hit.static_n, 1), round(hit.end_n, 1), RECORD_HZ, samples
    )


def _changed(parameters: T, changes: Mapping[str, Any]) -> T:
    return dataclasses.replace(parameters, **changes)  # type: ignore[type-var]


class EmulatedOperator:
    """The person at an emulated bench: does what a prompt asks, and answers truthfully."""

    def __init__(self, bench: EmulatedBarrier) -> None:
        self._bench = bench

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """Raise the arm, or put the release back; True if it worked."""
        if "raise the arm by hand" not in question:
            await self._bench.put_back()
            return True
        if not await self._bench.raise_by_hand():
            return False
        await self._bench.clock.sleep(8.0)
        return self._bench.arm.angle_deg() > 60.0
