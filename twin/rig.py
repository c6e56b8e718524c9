"""A gate in virtual time that ordinary, synchronous code drives step by step.

This is what tests use: let a truck come, break a device, let time pass, look at the verdict.
Every step is noted, so a failing example is a short program that can be saved and played again::

    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle("in-1", why="channel_red")
        rig.wait(120)
        assert rig.judge().held
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from msgspec import Struct

from twin import site as sites
from twin import stacks
from twin.devices.base import Faulty
from twin.errors import GateTwinError, HarnessError, UnknownName
from twin.gate import Fidelity, Gate, engine_of
from twin.judge import Judgement, judge
from twin.site import Site
from twin.steps import SavedProgram, StepRig, load_saved, within
from twin.trace import Trace
from twin.world import traffic
from twin.world.vehicle import Temper

SETTLE_S = 1.0
"""Virtual seconds that the stack gets to connect before the first step."""


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a program."""

    do: Literal["vehicle", "inject", "heal", "wait", "until_clear"]
    arguments: dict[str, Any] = {}


class Program(SavedProgram[Step], frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole example: which gate, which stack, and what is done to them."""

    gatetwin_program: Literal[1] = 1
    lanes: list[str] | None = None
    stack: str = "reference"


def load_program(path: Path) -> Program:
    """Read a program that was saved; raises `TraceError` on anything else."""
    return load_saved(path, Program)


class Rig(StepRig[Step]):
    """A running gate with a stack, and the present moment in your hands."""

    def __init__(
        self,
        site: str | Site = "bac-luan-2",
        *,
        lanes: Sequence[str] | None = None,
        stack: str | stacks.Factory | None = "reference",
        stack_options: Mapping[str, Any] | None = None,
        seed: int = 0,
        fidelity: Fidelity = "kinematic",
        engine: str = "pybullet",
    ) -> None:
        """`stack` is a name, `module:factory`, a factory, or None for no stack at all."""
        self.site = sites.load(site) if isinstance(site, str) else site
        if isinstance(lanes, str):
            raise HarnessError(f"lanes={lanes!r} is one text; write a list: lanes=[{lanes!r}]")
        super().__init__(Step, seed, stack, stack_options)
        self._lanes = list(lanes) if lanes is not None else None
        self._fidelity, self._engine = fidelity, engine
        self._rng = random.Random(f"{seed}/rig")
        self._vehicles = 0
        self.gate: Gate

    def __enter__(self) -> Self:
        self._session.__enter__()
        try:
            clock = self._session.clock
            self.trace = Trace(clock)
            self.trace(
                "run",
                "run.start",
                site=self.site.id,
                day=None,
                seed=self.seed,
                hours=None,
                fidelity=self._fidelity,
                engine=engine_of(self._fidelity, self._engine),
                faults=None,
                stack=self._stack_name,
            )
            self.gate = Gate(
                self.site,
                clock,
                self.trace,
                seed=self.seed,
                lanes=self._lanes,
                fidelity=self._fidelity,
                engine=self._engine,
            )
            self.trace("world", "site.open")
            self.endpoints = self.run(self.gate.start())
            self._start_stack()
            self._let_pass(SETTLE_S)
        except BaseException:
            self._session.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.stack is not None:
                self.run(self.stack.stop())
            self.run(self.gate.stop())
        finally:
            self._session.__exit__()

    # --- steps -------------------------------------------------------------------------------

    def vehicle(
        self,
        lane: str | None = None,
        *,
        why: str = "ok",
        laden: bool = True,
        hesitates_s: float = 0.0,
        stops_under_arm_s: float = 0.0,
        follows: bool = False,
        acknowledged_after_s: float = -3600.0,
        plate_dirt: float = 0.0,
    ) -> str:
        """Let one truck join the queue of `lane` (default: the only one); returns its id."""
        lane = lane or self._only_lane()
        if lane not in self.gate.world.lanes:
            raise UnknownName(f"lane of {self.site.id}", lane, self.gate.world.lanes)
        within("vehicle: hesitates_s", hesitates_s)
        within("vehicle: stops_under_arm_s", stops_under_arm_s)
        within("vehicle: plate_dirt", plate_dirt, 0, 1)
        self._note(
            "vehicle",
            lane=lane,
            why=why,
            laden=laden,
            hesitates_s=hesitates_s,
            stops_under_arm_s=stops_under_arm_s,
            follows=follows,
            acknowledged_after_s=acknowledged_after_s,
            plate_dirt=plate_dirt,
        )
        found = self.gate.world.lanes[lane]
        self._vehicles += 1
        arrival = traffic.one(
            self.site,
            found.direction,
            f"T{self._vehicles:04d}",
            self._rng,
            t_s=self.now_s,
            laden=laden,
            why=why,
            plate_dirt=plate_dirt,
            acknowledged_after_arrival_s=acknowledged_after_s,
            temper=Temper(1.0, hesitates_s, stops_under_arm_s, follows),
        )
        self.gate.world.arrive(arrival, found)
        return arrival.vehicle.id

    def until_clear(self, limit_s: float = 900.0) -> bool:
        """Let time pass until every truck has left, at most `limit_s`; whether they all have."""
        within("until_clear: limit_s", limit_s)
        self._note("until_clear", limit_s=limit_s)
        counts = self.gate.world.counts
        end_s = self.now_s + limit_s
        while counts.gone < counts.arrived and self.now_s < end_s:
            self._let_pass(min(10.0, end_s - self.now_s))
        return counts.gone == counts.arrived

    # --- what there is to see ------------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The steps so far, as a program that can be saved."""
        return Program(
            site=self.site.id,
            lanes=self._lanes,
            seed=self.seed,
            stack=self._stack_name,
            steps=list(self._steps),
        )

    def judge(self) -> Judgement:
        """Judge the trace so far: every invariant."""
        return judge(self.records)

    # --- helpers ---------------------------------------------------------------------------------

    @property
    def _targets(self) -> Mapping[str, Faulty]:
        return self.gate.targets

    def _only_lane(self) -> str:
        smart = list(self.gate.devices)
        if len(smart) != 1:
            raise HarnessError(f"say which lane: this gate has {', '.join(smart)}")
        return smart[0]


def play(program: Program, stack: stacks.Factory | None = None) -> tuple[Judgement, str]:
    """Play a saved program from the start; its verdict and the hash of its trace."""
    if not isinstance(program, Program):
        raise GateTwinError("play() takes a Program; use load_program(path) first")
    with Rig(
        program.site, lanes=program.lanes, seed=program.seed, stack=stack or program.stack
    ) as rig:
        rig.play(program.steps)
        return rig.judge(), rig.trace.sha256()
