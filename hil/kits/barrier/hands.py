"""Hands at a barrier: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands
from hil.roles import AnswerKind

from .roles import ForceRecord, Input


class BarrierTwinHands(TwinHands):
    """Plays stimulus, force gauge, power, inclinometer and operator."""

    uncertainty_deg = 0.5  # half a degree: the arm turns while the answer travels
    uncertainty_n = 0.0
    independent = True
    continuous = True

    async def place_obstacle(self, angle_deg: float) -> None:
        """See `Stimulus`."""
        await self.call("obstacle", angle_deg=angle_deg)

    async def remove_obstacle(self) -> None:
        """See `Stimulus`."""
        await self.call("obstacle", angle_deg=None)

    async def set_input(self, name: Input, active: bool) -> None:
        """See `Stimulus`."""
        await self.call("input", name=name, active=active)

    async def block_drive(self, blocked: bool) -> None:
        """See `Stimulus`."""
        await self.call("drive", blocked=blocked)

    async def place(self, angle_deg: float) -> None:
        """See `ForceGauge`."""
        await self.call("gauge", angle_deg=angle_deg)

    async def read(self) -> ForceRecord | None:
        """See `ForceGauge`."""
        content = await self.call("force")
        self.uncertainty_n = float(content["uncertainty_n"])
        record = content["record"]
        return None if record is None else ForceRecord(**record)

    async def remove(self) -> None:
        """See `ForceGauge`."""
        await self.call("gauge", angle_deg=None)

    async def angle_deg(self) -> float | None:
        """See `Inclinometer`."""
        return float((await self.call("angle"))["angle_deg"])

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """See `Operator`: the emulated person does what the prompt says."""
        up = "raise the arm by hand" in question
        answer = await self.call("hand", up=up)
        if not up:
            return True
        if not answer["gave"]:
            return False
        await self._clock.sleep(8.0)
        angle = await self.angle_deg()
        return angle is not None and angle > 60.0


class BarrierManualHands(ManualHands):
    """Stimulus, force gauge, power and inclinometer by prompts."""

    device = "barrier"
    uncertainty_deg = 1.0
    independent = True
    continuous = False
    uncertainty_n = 20.0  # 5 % of 400 N, the instrument's class at the limit

    async def place_obstacle(self, angle_deg: float) -> None:
        """See `Stimulus`."""
        await self.do(
            "obstacle",
            True,
            "Fix a rigid obstacle where the arm meets it at "
            f"{angle_deg:.0f} degrees from closed. Step back. Ready?",
        )

    async def remove_obstacle(self) -> None:
        """See `Stimulus`."""
        await self.do("obstacle", False, "Take the obstacle away and step back. Done?")

    async def set_input(self, name: Input, active: bool) -> None:
        """See `Stimulus`."""
        verb = "Activate" if active else "Release"
        await self.do(name, active, f"{verb} the input {name.replace('_', ' ')!r}. Done?")

    async def block_drive(self, blocked: bool) -> None:
        """See `Stimulus`."""
        question = (
            "Keep the drive from moving the arm: undo the coupling or pull the motor's plug. Done?"
            if blocked
            else "Let the drive move the arm again: coupling closed, motor's plug in. Done?"
        )
        await self.do("block", blocked, question)

    async def place(self, angle_deg: float) -> None:
        """See `ForceGauge`."""
        await self.do(
            "gauge",
            True,
            "Stand the force instrument where the arm meets it at "
            f"{angle_deg:.1f} degrees, start its record, step back. Ready?",
        )

    async def read(self) -> ForceRecord | None:
        """See `ForceGauge`."""
        if not await self._operator.ask(
            "Did the arm touch the instrument?", "confirm", ACTION_LIMIT_S
        ):
            return None
        names = ("Peak force, N?", "Highest force from 0.75 s on, N?", "Force after 5 s, N?")
        values = [await self._operator.ask(name, "number", ACTION_LIMIT_S) for name in names]
        peak_n, after_n, end_n = (float(value) for value in values)
        self.uncertainty_n = round(0.05 * peak_n, 1)
        return ForceRecord(peak_n, after_n, end_n)

    async def remove(self) -> None:
        """See `ForceGauge`."""
        await self.do("gauge", False, "Take the force instrument away and step back. Done?")

    async def angle_deg(self) -> float | None:
        """See `Inclinometer`: a person cannot read an angle ten times a second."""
        return None
