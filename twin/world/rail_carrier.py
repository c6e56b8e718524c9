"""A car that hangs from an overhead rail: its box swings, and a current collector feeds it.

It moves along its paths as every carrier does. What hangs below is a pendulum that its acceleration
drives (`twin.world.pendulum`); it swings on after the car has stopped, and a hoist has to wait for
it. There is no battery: without current a buffer keeps the control and its radio alive for a while.
"""

from __future__ import annotations

import math

from twin.clock import NS, Clock
from twin.physics import BrakeKind, Conditions, DriveEngine, EnergyParameters, Motion, Pose
from twin.physics.rail_parameters import RailCarrierParameters
from twin.trace import Trace
from twin.world import pendulum
from twin.world.carrier import Carrier
from twin.world.pendulum import Swing

STEP_S = 0.1
"""The acceleration is taken as constant for so long: 1/40 of the pendulum's period."""


class RailCarrier(Carrier):
    """One car's body."""

    def __init__(
        self, id: str, clock: Clock, trace: Trace, engine: DriveEngine,
        parameters: RailCarrierParameters, energy: EnergyParameters, *, pose: Pose,
        buffer_s: float = 1800.0, conditions: Conditions | None = None,
    ) -> None:  # fmt: skip
        """`buffer_s`: how long the control lives without current."""
        super().__init__(
            id, clock, trace, engine, parameters, energy, pose=pose, charge=1.0,
            conditions=conditions,
        )  # fmt: skip
        self.rail = parameters
        self.buffer_s = buffer_s
        self.emergency_brakings = 0
        self._off_ns: int | None = None
        self._swing, self._swing_ns = Swing(), clock.now_ns()

    # --- current ---------------------------------------------------------------------------------

    @property
    def powered(self) -> bool:
        """Whether its collector has current."""
        return self._off_ns is None

    def feed(self, on: bool) -> None:
        """Current comes or goes."""
        if on == self.powered:
            return
        self._count_energy()
        self._off_ns = None if on else self.clock.now_ns()

    @property
    def charge(self) -> float:
        """1 with current; without it the share that is left of the buffer's time."""
        if self._off_ns is None:
            return 1.0
        return max(0.0, 1.0 - (self.clock.now_ns() - self._off_ns) / NS / self.buffer_s)

    def _count_energy(self) -> None:
        used, _ = self._since_counted()
        if self.powered:
            self.throughput_kwh += used
        self._charge_ns = self.clock.now_ns()

    def swap_battery(self, charge: float = 1.0, *, cause: int = -1) -> None:
        """There is none."""

    def brake(self, kind: BrakeKind, *, cause: int = -1) -> None:
        """As of every carrier; emergency brakings are counted."""
        before = self._braking
        super().brake(kind, cause=cause)
        if self._braking is BrakeKind.EMERGENCY is not before:
            self.emergency_brakings += 1

    def work(self, kwh: float) -> None:
        """Something else than driving has taken energy: the hoist."""
        self.throughput_kwh += kwh

    # --- how its box swings ----------------------------------------------------------------------

    @property
    def swing(self) -> Swing:
        """The swing of what hangs below it, along its way; positive where the box is ahead."""
        elapsed_s = (self.clock.now_ns() - self._swing_ns) / NS
        return self._swung(elapsed_s)

    @property
    def sway_m(self) -> float:
        """Half the width of the box's swing now, by the envelope of a free damped pendulum."""
        swing, damping, natural = self.swing, self.rail.sway_damping, self._natural
        rate = (swing.rate_rad_s + damping * natural * swing.angle_rad) / natural
        across = rate / math.sqrt(1 - damping * damping)
        return self.rail.pivot_m * math.hypot(swing.angle_rad, across)

    def settle_s(self, limit_m: float) -> float:
        """How long, at rest, until the box swings less than `limit_m` (s)."""
        sway_m = self.sway_m
        if sway_m <= limit_m:
            return 0.0
        return math.log(sway_m / limit_m) / (self.rail.sway_damping * self._natural)

    @property
    def _natural(self) -> float:
        return math.sqrt(pendulum.GRAVITY_M_S2 / self.rail.pivot_m)

    def _swung(self, elapsed_s: float) -> Swing:
        rail, swing, motion = self.rail, self._swing, self._motion
        if motion is None:
            return pendulum.after(swing, elapsed_s, rail.pivot_m, 0.0, rail.sway_damping)
        began_s = max(0.0, self._elapsed_s() - elapsed_s)
        moving_s = min(elapsed_s, max(0.0, motion.duration_s - began_s))
        steps = math.ceil(moving_s / STEP_S)
        for number in range(steps):
            from_s = number * STEP_S
            span_s = min(STEP_S, moving_s - from_s)
            gain = motion.at(began_s + from_s + span_s / 2).acceleration_m_s2
            swing = pendulum.after(swing, span_s, rail.pivot_m, gain, rail.sway_damping)
        rest_s = elapsed_s - moving_s
        return pendulum.after(swing, rest_s, rail.pivot_m, 0.0, rail.sway_damping)

    def _keep_swing(self) -> None:
        self._swing, self._swing_ns = self.swing, self.clock.now_ns()

    def _begin(self, motion: Motion, cause: int, *, new: bool, braking: str = "") -> None:
        self._keep_swing()
        super()._begin(motion, cause, new=new, braking=braking)

    def _halt(self) -> None:
        self._keep_swing()
        super()._halt()
