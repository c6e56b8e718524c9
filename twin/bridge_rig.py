"""A bridge in virtual time that ordinary, synchronous code drives step by step.

What tests of a fleet manager use: let a box come, break a vehicle, let time pass, look at the
verdict. Every step is noted, so a failing example can be saved and played again::

    with BridgeRig() as rig:
        rig.box("vn")
        rig.wait(600)
        rig.inject("igv-01", "motor_fault")
        assert rig.until_clear()
        assert rig.judge().held
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from msgspec import Struct

from twin import site as sites
from twin import stacks
from twin.bridge import Bridge, CarrierKind, in_phase
from twin.devices.base import Faulty
from twin.documents import containers
from twin.errors import HarnessError, TraceError, UnknownName
from twin.judge.bridge import judge_bridge
from twin.judge.verdict import Judgement
from twin.site import Site
from twin.steps import SavedProgram, StepRig, load_saved, within
from twin.trace import Trace
from twin.world.boxes import Consignment
from twin.world.yard import Box

_LOOK_S = 10.0


class BridgeStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a program."""

    do: Literal["box", "inject", "heal", "wait", "until_clear"]
    arguments: dict[str, Any] = {}


class BridgeProgram(
    SavedProgram[BridgeStep], frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A whole example: which site, which stack, and what is done to them."""

    gatetwin_bridge_program: Literal[1] = 1
    stack: str = "reference-fleet"
    phase: int = 1
    carrier: str = "igv"


def is_bridge_program(path: Path) -> bool:
    """Whether `path` holds an example of a bridge, not of lanes."""
    try:
        return b'"gatetwin_bridge_program"' in path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error


def load_bridge_program(path: Path) -> BridgeProgram:
    """Read a program that was saved; raises `TraceError` on anything else."""
    return load_saved(path, BridgeProgram)


class BridgeRig(StepRig[BridgeStep]):
    """A running bridge with a fleet manager, and the present moment in your hands."""

    def __init__(
        self, site: str | Site = "bac-luan-2", *,
        stack: str | stacks.Factory | None = "reference-fleet",
        stack_options: Mapping[str, Any] | None = None, seed: int = 0, phase: int = 1,
        carrier: str = "igv",
    ) -> None:  # fmt: skip
        """`stack` is a name, `module:factory`, a factory, or None for no stack at all.

        `phase` 1 or 2, with the lanes, cranes and vehicles of it; `carrier` `igv` or `sky-rail`.
        """
        if carrier not in {kind.value for kind in CarrierKind}:
            raise UnknownName("carrier", carrier, [kind.value for kind in CarrierKind])
        self.phase, self.carrier = phase, CarrierKind(carrier)
        loaded = sites.load(site) if isinstance(site, str) else site
        self.site = in_phase(loaded, phase, self.carrier)
        super().__init__(BridgeStep, seed, stack, stack_options)
        self._rng = random.Random(f"{seed}/bridge rig")
        self.bridge: Bridge

    def __enter__(self) -> Self:
        logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
        self._session.__enter__()
        try:
            clock = self._session.clock
            self.trace = Trace(clock)
            self.trace(
                "run", "run.start", scope="bridge", site=self.site.id, seed=self.seed,
                stack=self._stack_name, served=True, phase=self.phase, carrier=self.carrier.value,
            )  # fmt: skip
            self.bridge = Bridge(
                self.site, clock, self.trace, seed=self.seed, carrier=self.carrier
            )  # fmt: skip
            self.endpoints = self.run(self.bridge.start())
            self._start_stack()
        except BaseException:
            self._session.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.stack is not None:
                self.run(self.stack.stop())
            self.run(self.bridge.stop())
        finally:
            self._session.__exit__()

    # --- steps -------------------------------------------------------------------------------

    def box(
        self, from_yard: str | None = None, to_yard: str | None = None, *,
        mass_kg: float = 20_000.0, perishable: bool = False, home_release_s: float = 30.0,
        far_release_s: float = 30.0,
    ) -> str:  # fmt: skip
        """Let a truck bring one box to a yard now [the home side's first]; returns its number.

        It goes to `to_yard` [the first of the other side]. Each side releases it so many seconds
        after the truck is ready under the crane.
        """
        source, goal = self._way(from_yard, to_yard)
        if not 2_000 < mass_kg <= 40_000:
            raise HarnessError(f"box: mass_kg: {mass_kg:g} is not above 2000, at most 40000")
        for name, value in (("home", home_release_s), ("far", far_release_s)):
            within(f"box: {name}_release_s", value)
        self._note(
            "box", from_yard=source, to_yard=goal, mass_kg=mass_kg, perishable=perishable,
            home_release_s=home_release_s, far_release_s=far_release_s,
        )  # fmt: skip
        box = Box(containers.make(self._rng), mass_kg, reefer=perishable, perishable=perishable)
        self.bridge.expect(
            [Consignment(self.now_s, source, goal, box, home_release_s, far_release_s)]
        )
        return box.number

    def until_clear(self, limit_s: float = 7200.0) -> bool:
        """Let time pass until every box is received or given up; whether they all are."""
        within("until_clear: limit_s", limit_s)
        self._note("until_clear", limit_s=limit_s)
        end_s = self.now_s + limit_s
        while not self._clear and self.now_s < end_s:
            self._let_pass(min(_LOOK_S, end_s - self.now_s))
        return self._clear

    # --- what there is to see ------------------------------------------------------------------

    @property
    def received(self) -> set[str]:
        """Numbers of the boxes that have been signed for."""
        book = self.bridge.transfers.book.values()
        return {one.box for one in book if one.state == "received"}

    @property
    def program(self) -> BridgeProgram:
        """The steps so far, as a program that can be saved."""
        return BridgeProgram(
            site=self.site.id, seed=self.seed, stack=self._stack_name, phase=self.phase,
            carrier=self.carrier.value, steps=list(self._steps),
        )  # fmt: skip

    def judge(self) -> Judgement:
        """Judge the trace so far: every rule of the bridge."""
        return judge_bridge(self.records)

    # --- helpers ---------------------------------------------------------------------------------

    @property
    def _targets(self) -> Mapping[str, Faulty]:
        return self.bridge.targets

    def _way(self, from_yard: str | None, to_yard: str | None) -> tuple[str, str]:
        """From where to where a box goes: to a yard of the other side."""
        yards = {one.id: one for one in self.bridge.cargo.yards}
        for name in (from_yard, to_yard):
            if name is not None and name not in yards:
                raise UnknownName(f"yard of {self.site.id}", name, yards)
        source = from_yard or next(name for name, one in yards.items() if one.side == "home")
        others = [name for name, one in yards.items() if one.side != yards[source].side]
        if to_yard is not None and to_yard not in others:
            raise HarnessError(
                f"box: to_yard: {to_yard} is on the side of {source}; over the bridge are "
                f"{', '.join(others)}"
            )
        return source, to_yard or others[0]

    @property
    def _clear(self) -> bool:
        return self.bridge.finished == self.bridge.flow.expected


def play(program: BridgeProgram) -> tuple[Judgement, str]:
    """Play a saved program from the start; its verdict and the hash of its trace."""
    stack = None if program.stack == "none" else program.stack
    with BridgeRig(
        program.site, seed=program.seed, stack=stack, phase=program.phase, carrier=program.carrier
    ) as rig:
        rig.play(program.steps)
        return rig.judge(), rig.trace.sha256()
