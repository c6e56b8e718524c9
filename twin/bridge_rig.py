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
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import msgspec
from msgspec import Struct

from twin import site as sites
from twin import stacks
from twin.bridge import Bridge, CarrierKind, in_phase
from twin.clock import Session
from twin.documents import containers
from twin.errors import HarnessError, TraceError, UnknownName
from twin.judge.bridge import judge_bridge
from twin.judge.verdict import Judgement
from twin.site import Site
from twin.trace import Record, Trace
from twin.world.boxes import Consignment
from twin.world.yard import Box

T = TypeVar("T")
_LOOK_S = 10.0


class BridgeStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a program."""

    do: Literal["box", "inject", "heal", "wait", "until_clear"]
    arguments: dict[str, Any] = {}


class BridgeProgram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole example: which site, which stack, and what is done to them."""

    gatetwin_bridge_program: Literal[1] = 1
    site: str
    seed: int = 0
    stack: str = "reference-fleet"
    phase: int = 1
    carrier: str = "igv"
    steps: list[BridgeStep] = []

    def save(self, path: Path) -> None:
        """Write the program as JSON; `gatetwin replay PATH` plays it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    def __str__(self) -> str:
        lines = []
        for step in self.steps:
            given = ", ".join(f"{name}={value!r}" for name, value in step.arguments.items())
            lines.append(f"rig.{step.do}({given})")
        return "\n".join(lines)


def is_bridge_program(path: Path) -> bool:
    """Whether `path` holds an example of a bridge, not of lanes."""
    try:
        return b'"gatetwin_bridge_program"' in path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error


def load_bridge_program(path: Path) -> BridgeProgram:
    """Read a program that was saved; raises `TraceError` on anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BridgeProgram)
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TraceError(f"{path}: is not a saved program: {error}") from error


class BridgeRig:
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
        self.seed = seed
        self._factory = stacks.find(stack) if isinstance(stack, str) else stack
        self._stack_name = stack if isinstance(stack, str) else getattr(stack, "__name__", "none")
        self._options = dict(stack_options or {})
        self._rng = random.Random(f"{seed}/bridge rig")
        self._steps: list[BridgeStep] = []
        self._session = Session.virtual(seed)
        self.stack: stacks.Stack | None = None
        self.bridge: Bridge
        self.trace: Trace
        self.endpoints: dict[str, Any]
        """The wire list, as a stack gets it."""

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
            if self._factory is not None:
                self.stack = self._factory(self.endpoints, self._options)
                self.run(self.stack.start())
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
            _not_below_0(f"box: {name}_release_s", value)
        self._note(
            "box", from_yard=source, to_yard=goal, mass_kg=mass_kg, perishable=perishable,
            home_release_s=home_release_s, far_release_s=far_release_s,
        )  # fmt: skip
        box = Box(containers.make(self._rng), mass_kg, reefer=perishable, perishable=perishable)
        self.bridge.expect(
            [Consignment(self.now_s, source, goal, box, home_release_s, far_release_s)]
        )
        return box.number

    def inject(self, target: str, kind: str, **parameters: Any) -> None:
        """Break something; `gatetwin faults SITE` lists what can be broken."""
        self._note("inject", target=target, kind=kind, parameters=parameters)
        self._target(target).inject(kind, **parameters)

    def heal(self, target: str, kind: str) -> None:
        """Mend it."""
        self._note("heal", target=target, kind=kind)
        self._target(target).heal(kind)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        _not_below_0("wait: seconds", seconds)
        self._note("wait", seconds=seconds)
        self._let_pass(seconds)

    def until_clear(self, limit_s: float = 7200.0) -> bool:
        """Let time pass until every box is received or given up; whether they all are."""
        _not_below_0("until_clear: limit_s", limit_s)
        self._note("until_clear", limit_s=limit_s)
        end_s = self.now_s + limit_s
        while not self._clear and self.now_s < end_s:
            self._let_pass(min(_LOOK_S, end_s - self.now_s))
        return self._clear

    def play(self, steps: Sequence[BridgeStep]) -> None:
        """Do `steps` one after the other."""
        for step in steps:
            arguments = dict(step.arguments)
            if step.do == "inject":
                arguments |= arguments.pop("parameters", {})
            getattr(self, step.do)(**arguments)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of your own on the bridge's loop, in its virtual time."""
        return self._session.run(main)

    # --- what there is to see ------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Virtual seconds since the start."""
        return self._session.clock.now_s()

    @property
    def records(self) -> list[Record]:
        """The trace so far."""
        return list(self.trace.records())

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

    def _let_pass(self, seconds: float) -> None:
        self.run(self._session.clock.sleep(seconds))

    def _note(self, do: Any, **arguments: Any) -> None:
        self._steps.append(BridgeStep(do, arguments))

    def _target(self, name: str) -> Any:
        targets = self.bridge.targets
        if name not in targets:
            raise UnknownName("fault target", name, targets)
        return targets[name]


def _not_below_0(place: str, value: float) -> None:
    if not 0 <= value < float("inf"):
        raise HarnessError(f"{place}: {value:g} is not 0 or more")


def play(program: BridgeProgram) -> tuple[Judgement, str]:
    """Play a saved program from the start; its verdict and the hash of its trace."""
    stack = None if program.stack == "none" else program.stack
    with BridgeRig(
        program.site, seed=program.seed, stack=stack, phase=program.phase, carrier=program.carrier
    ) as rig:
        rig.play(program.steps)
        return rig.judge(), rig.trace.sha256()
