"""The seam between an arm and what computes its motion.

An engine answers one question: from this state, with this move and this obstacle, what happens
until nothing changes any more? The answer is a plan: the state at every later instant and the
events on the way. When anything intervenes, the arm asks again from the state of that instant, so
physics costs nothing while nothing moves.
"""

from __future__ import annotations

import bisect
import hashlib
import importlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from twin.errors import HarnessError, UnknownName
from twin.physics.parameters import ArmParameters, ArmState, Obstacle
from twin.physics.profile import Reference

PRESSED_S = 0.25
"""An arm that presses on a body counts as standing still this long after the touch (estimate)."""

STEP_HZ = 240.0
"""Rate of the rigid-body engines where nothing touches: Bullet's own default."""

CONTACT_HZ = 4000.0
"""Rate while the edge is near or on a body. An explicit spring of 500 N/mm on a 4 m arm is +4 %
wrong at 2 kHz and +1.7 % at 4 kHz; 240 Hz is unstable."""


class EventKind(StrEnum):
    """What can happen to an arm on its way.

    ``overload``: the motor has pushed harder than it should for the detection time. ``blocked``:
    the drive goes on pushing, but the arm moves no more. ``rest``: the move is over.
    """

    LEFT_CLOSED = "left_closed"
    LEFT_OPEN = "left_open"
    AT_CLOSED = "at_closed"
    AT_OPEN = "at_open"
    CONTACT = "contact"
    OVERLOAD = "overload"
    BLOCKED = "blocked"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of a plan, `at_s` seconds after the plan's start."""

    at_s: float
    kind: EventKind


@dataclass(frozen=True, slots=True)
class Move:
    """What acts on the arm: its drive, its brake alone, or nothing.

    - ``drive``: the motor takes it to `goal_rad` at `speed` times the nominal speed. To go on with
      a move that an obstacle's coming or going interrupted, pass the `begun` reference and the
      `elapsed_s` of it.
    - ``brake``: the motor is off and the brake falls in.
    - ``coast``: neither holds it: gravity, the spring and friction decide.
    """

    kind: Literal["drive", "brake", "coast"]
    goal_rad: float = 0.0
    speed: float = 1.0
    begun: Reference | None = None
    elapsed_s: float = 0.0


class ArmPlan(Protocol):
    """A whole move ahead."""

    @property
    def duration_s(self) -> float:
        """After this time nothing changes."""

    @property
    def events(self) -> Sequence[PlannedEvent]:
        """What happens, in order of time."""

    @property
    def blocked(self) -> bool:
        """The drive ends pressing on an obstacle, or cannot reach its goal."""

    @property
    def reference(self) -> Reference | None:
        """The closed-form motion the drive follows; None when the motor is off."""

    def at(self, t_s: float) -> ArmState:
        """The arm's state `t_s` seconds after the plan's start."""


class ArmEngine(Protocol):
    """Computes plans; one engine serves every arm of a site. Never keeps state between plans."""

    @property
    def name(self) -> str:
        """What users call it: kinematic, ode, pybullet or mujoco."""

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> ArmPlan:
        """Everything that follows from `start` if nothing intervenes."""

    def close(self) -> None:
        """Give back what the engine holds; it plans no more."""


class SampledPlan:
    """A plan as a table of samples; between them the state is interpolated linearly."""

    __slots__ = ("angles_rad", "blocked", "events", "reference", "speeds_rad_s", "times_s")

    def __init__(
        self,
        times_s: list[float],
        angles_rad: list[float],
        speeds_rad_s: list[float],
        events: Sequence[PlannedEvent],
        *,
        blocked: bool,
        reference: Reference | None,
    ) -> None:
        self.times_s, self.angles_rad, self.speeds_rad_s = times_s, angles_rad, speeds_rad_s
        self.events, self.blocked, self.reference = events, blocked, reference

    @property
    def duration_s(self) -> float:
        """After this time nothing changes."""
        return self.times_s[-1]

    def at(self, t_s: float) -> ArmState:
        """The state at `t_s`; before the first and after the last sample it is theirs."""
        times = self.times_s
        if t_s >= times[-1]:
            return ArmState(self.angles_rad[-1], self.speeds_rad_s[-1])
        right = bisect.bisect_right(times, t_s)
        if right == 0:
            return ArmState(self.angles_rad[0], self.speeds_rad_s[0])
        left = right - 1
        share = (t_s - times[left]) / (times[right] - times[left])
        angles, speeds = self.angles_rad, self.speeds_rad_s
        return ArmState(
            angles[left] + share * (angles[right] - angles[left]),
            speeds[left] + share * (speeds[right] - speeds[left]),
        )

    def sha256(self) -> str:
        """A hash of every bit of every sample: equal on repeats and in other processes."""
        table = [*self.times_s, *self.angles_rad, *self.speeds_rad_s]
        return hashlib.sha256(struct.pack(f"<{len(table)}d", *table)).hexdigest()


_ENGINES = {
    "kinematic": ("twin.physics.kinematic", "KinematicEngine"),
    "ode": ("twin.physics.simulate", "OdeEngine"),
    "pybullet": ("twin.physics.pybullet_engine", "PyBulletEngine"),
    "mujoco": ("twin.physics.mujoco_engine", "MuJoCoEngine"),
}
ENGINE_NAMES = tuple(_ENGINES)
"""Every engine that `load_engine` knows; pybullet and mujoco need the extra `physics`."""


def import_extra(module: str, *, engine: str, hint: str) -> Any:
    """Import a package of the extra `physics`, or say what to do about its absence."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise HarnessError(
            f"the {engine} engine needs the package {module!r}, which cannot be imported "
            f"({error}). {hint} Next step: pip install 'gatetwin[physics]', or run with "
            f"--fidelity kinematic, which needs nothing"
        ) from error


def load_engine(name: str) -> ArmEngine:
    """The engine of that name; `HarnessError` with the next step if its package is absent."""
    if name not in _ENGINES:
        raise UnknownName("physics engine", name, _ENGINES)
    module, attribute = _ENGINES[name]
    factory: Callable[[], ArmEngine] = getattr(importlib.import_module(module), attribute)
    return factory()
