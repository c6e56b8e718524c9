"""A session on a weighbridge: loads, indications, and its safe state: an empty platform at zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hil.drivers.raw import RawLink
from hil.errors import BenchError
from hil.mbap import write_one
from hil.modbus_session import ModbusSession
from hil.session import Roles, Session
from twin.clock import Clock
from twin.profiles import Row
from twin.trace import Trace

from .metrology import EXTRA_E, EXTRA_STEPS, majority_kg
from .papers import WeighbridgePics, WeighbridgePixit
from .roles import Thermometer, Weights
from .wire import ModbusScaleWire, ScaleWire

READY_TRIES = 3
READS = 10
"""Indications of which the most common one counts."""

DROP_LIMIT_S = 60.0
"""How long a load may take from the word to the platform."""

BY_HAND_S = 30.0
"""How long a load that a person lets down, or drives on, may be on its way (estimate)."""

ROLL_LIMIT_S = 45.0
"""How long a truck may take to roll on, and to roll off again."""

LOADED_E = 25
"""The start position `loaded`: enough to see a zero or a tare that nobody ordered, and within the
range in which a zero command works."""


@dataclass(frozen=True, slots=True)
class WeighbridgeRoles(Roles):
    """Who plays which part at a weighbridge."""

    weights: Weights | None = None
    thermometer: Thermometer | None = None


class WeighbridgeSession(Session[WeighbridgePics, WeighbridgePixit]):
    """One run on one bench with a weighbridge, whatever its wire."""

    device = "weighbridge"
    safe_start = "empty"
    safe_text = "platform empty, zero shown"
    unsafe_text = "ATTENTION: take the weights off by hand and set the scale to zero"

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: ScaleWire,
        roles: WeighbridgeRoles,
        pics: WeighbridgePics,
        pixit: WeighbridgePixit,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.scale: ScaleWire = wire
        self.state: dict[str, Any] = {}
        """What the wire said last."""
        self.roles = roles
        self.load_kg: float | None = None
        """What lies on the platform, as far as somebody knows."""
        self._lying: tuple[float, float, float] | None = None

    def instruments(self) -> dict[str, Any]:
        """Whether loads change at known instants."""
        return {"timed_loads": bool(getattr(self.roles.weights, "timed", False))}

    def boot_limit_s(self) -> float:
        """Twice what its papers say, and a little."""
        return 2 * self.pixit.start_up_s + 2.0

    async def sample(self) -> None:
        """Read the wire and the true load once; both are recorded."""
        self.state = await self.scale.read_state()
        await self.look()

    async def while_silent(self) -> None:
        """The true load is still to be had."""
        await self.look()

    async def look(self) -> None:
        """Read the true load once."""
        if self.roles.weights is not None:
            self.load_kg = await self.roles.weights.load_kg()
            if self.load_kg is not None:
                self.trace("instrument", "truth", load_kg=self.load_kg)

    # -- loads

    @property
    def patience_s(self) -> float:
        """How much longer than the scale itself a load may need to come to rest."""
        return 0.0 if getattr(self.roles.weights, "timed", False) else BY_HAND_S

    async def load(
        self, name: str, mass_kg: float, *, at: float = 0.5, extra_kg: float = 0.0
    ) -> None:
        """Let this lie on the platform; what lies there is recorded under `name`."""
        weights: Weights = self.require("weights")
        self._lying = None
        self.trace("stimulus", "weights", mass_kg=mass_kg, extra_kg=extra_kg, at=at)
        lying = await weights.place(mass_kg, at, extra_kg)
        self._lying = (mass_kg, at, extra_kg)
        self.trace(
            "instrument",
            "load",
            name=name,
            mass_kg=lying.mass_kg,
            extra_kg=lying.extra_kg,
            uncertainty_kg=round(lying.uncertainty_kg, 4),
            at=at,
        )

    async def drop(self, mass_kg: float) -> bool:
        """Let a load come down in one go; True as soon as the wire shows motion."""
        self._lying = None
        self.trace("stimulus", "drop", mass_kg=mass_kg)
        self.mark("dropped")
        await self.require("weights").drop(mass_kg)
        return await self.watch(DROP_LIMIT_S, lambda: bool(self.state["motion"]))

    async def roll(self, mass_kg: float) -> None:
        """Let a truck roll over the platform, and watch until it is off again."""
        self._lying = None
        self.trace("stimulus", "roll", mass_kg=mass_kg)
        self.mark("rolling")
        await self.require("weights").roll(mass_kg)
        await self.watch(ROLL_LIMIT_S, lambda: self.load_kg is not None and self.load_kg > 0)
        await self.watch(ROLL_LIMIT_S, lambda: self.load_kg == 0)
        self.mark("over")

    async def indication(self) -> float | None:
        """Wait for the declared settling time, read, and say what was shown most of the time."""
        await self.clock.sleep(self.pixit.settling_s)
        seen: list[float] = []
        for _ in range(2 * READS):
            await self.sample()
            if self.settled():
                seen.append(float(self.state["shown_kg"]))
            if len(seen) == READS:
                break
            await self.clock.sleep(self.pixit.poll_s)
        return majority_kg(seen) if seen else None

    def settled(self) -> bool:
        """The wire shows a settled weight within the range."""
        return bool(self.state) and not self.state["motion"] and not self.state["out_of_range"]

    async def weigh(self, name: str, mass_kg: float, *, at: float = 0.5) -> None:
        """Put a load down and find, with additional weights, where the indication changes."""
        await self.load(name, mass_kg, at=at)
        shown_kg = await self.indication()
        if shown_kg is None:
            return
        e_kg = self.pics.e_kg
        low, high, tried = 0, EXTRA_STEPS, False
        while high - low > 1 or not tried:
            middle = (low + high) // 2 if high - low > 1 else high
            await self.load(name, mass_kg, at=at, extra_kg=round(middle * EXTRA_E * e_kg, 6))
            now_kg = await self.indication()
            if now_kg is None:
                return
            if now_kg >= shown_kg + e_kg / 2:
                high, tried = middle, True
            elif middle == high:
                return
            else:
                low = middle

    # -- leaving out the time in which nothing is to be seen

    async def pause(self, seconds: float) -> None:
        """Let time pass without a connection: servers close those that say nothing for long."""
        self.scale.close()
        await self.clock.sleep(seconds)
        await self.connected(5.0)

    # -- start positions

    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Bring the device to the start of a case: powered, no tare, zero set, then its load.

        `insist` sets the zero even if the right weight is shown already.
        """
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        await self.connected(2 * self.pixit.start_up_s + 5.0)
        if self.roles.thermometer is not None:
            degrees = await self.roles.thermometer.temperature_c()
            self.trace("instrument", "temperature", temperature_c=degrees)
        if start == "any" or self.roles.weights is None:
            return
        mass_kg = LOADED_E * self.pics.e_kg if start == "loaded" else 0.0
        for attempt in range(READY_TRIES):
            wanted = self._lying == (mass_kg, 0.5, 0.0) and not (insist and attempt == 0)
            if wanted and await self._shows(mass_kg):
                return
            await self._to_zero()
            if attempt > 0 and self.roles.power is not None and not await self._shows(0.0):
                await self.restart()  # a zero that no command takes away goes with the power
            if mass_kg:
                await self.load("start", mass_kg)
        if not await self._shows(mass_kg):
            raise BenchError(
                f"weighbridge: shows {self.state.get('shown_kg')} kg and not {mass_kg:g} kg after "
                f"it was emptied and set to zero {READY_TRIES} times; the case cannot begin"
            )

    async def _shows(self, mass_kg: float) -> bool:
        """The weight settles at this load, and no tare is in use."""

        def good() -> bool:
            away_kg = abs(float(self.state["shown_kg"]) - mass_kg)
            return self.settled() and not self.state["net"] and away_kg <= self.pics.e_kg / 2

        return await self.watch(2 * self.pixit.settling_s + 1.0, good)

    async def _to_zero(self) -> None:
        """Empty, without tare, zero set."""
        await self.load("empty", 0.0)
        await self.watch(2 * self.pixit.settling_s + 1.0, self.settled)
        if self.state.get("net"):
            await self.clear_tare()
        await self.scale.command("zero")
        await self.clock.sleep(self.pixit.poll_s)

    async def restart(self) -> None:
        """Power off and on."""
        await self.power(False)
        self.scale.close()
        await self.clock.sleep(1.0)
        await self.power(True)
        await self.connected(2 * self.pixit.start_up_s + 5.0)

    async def clear_tare(self) -> None:
        """Forget the tare: by the wire's command, else by switching the power off and on."""
        if self.scale.can("clear"):
            await self.scale.command("clear")
        elif self.roles.power is not None:
            await self.restart()
        else:
            raise BenchError(
                "weighbridge: a tare is in use, the wire cannot clear it and nobody plays the "
                "role power; clear it at the terminal"
            )

    async def collect(self, label: str, seconds: float, *, send: bytes = b"") -> RawLink:
        """A fresh connection whose bytes are collected for `seconds`; it stays open."""
        link = await self.scale.link(label)
        if send:
            await link.send(send)
        await link.receive(0, seconds)
        return link


class ModbusWeighbridgeSession(
    WeighbridgeSession, ModbusSession[WeighbridgePics, WeighbridgePixit]
):
    """A weighbridge behind Modbus TCP, for the cases that every Modbus device shares."""

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: ModbusScaleWire,
        roles: WeighbridgeRoles,
        pics: WeighbridgePics,
        pixit: WeighbridgePixit,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire: ModbusScaleWire = wire

    def acting_coil(self) -> Row | None:
        """No scale of ours has coils."""
        return None

    def acting_order(self) -> bytes | None:
        """The tare."""
        row, value = self.wire.command_row("tare")
        return write_one(6, row.address, value)

    def read_only_row(self) -> Row:
        """The weight."""
        return next(row for row in self.wire.profile.rows if row.key == "gross_kg")
