"""What every rig has: a world in virtual time that ordinary code drives, its steps as a program.

Each step is noted, so that a failing example is a short program that can be saved and played again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from twin import stacks
from twin.clock import Session
from twin.devices.base import Faulty
from twin.errors import HarnessError, TraceError, UnknownName
from twin.trace import Record, Trace

T = TypeVar("T")


class AnyStep(Protocol):
    """One step: the name of a method of the rig, and what it is called with."""

    @property
    def do(self) -> str:
        """Which method."""

    @property
    def arguments(self) -> dict[str, Any]:
        """By name."""


S = TypeVar("S", bound=AnyStep)


class SavedProgram(Struct, Generic[S], frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole example: which site, and what is done there."""

    site: str
    seed: int = 0
    steps: list[S] = []

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


def load_saved(path: Path, kind: type[T]) -> T:
    """Read a program that was saved; raises `TraceError` on anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TraceError(f"{path}: is not a saved program: {error}") from error


class StepRig(ABC, Generic[S]):
    """The present moment of a world in virtual time, in your hands."""

    def __init__(
        self, step: type[S], seed: int, stack: str | stacks.Factory | None,
        stack_options: Mapping[str, Any] | None,
    ) -> None:  # fmt: skip
        """`stack` is a name, `module:factory`, a factory, or None for no stack at all."""
        self.seed = seed
        self._step = step
        self._factory = stacks.find(stack) if isinstance(stack, str) else stack
        self._stack_name = stack if isinstance(stack, str) else getattr(stack, "__name__", "none")
        self._options = dict(stack_options or {})
        self._steps: list[S] = []
        self._session = Session.virtual(seed)
        self.stack: stacks.Stack | None = None
        self.trace: Trace
        self.endpoints: dict[str, Any]
        """The wire list, as a stack gets it."""

    @property
    @abstractmethod
    def _targets(self) -> Mapping[str, Faulty]:
        """Everything that can break, by its id."""

    def _start_stack(self) -> None:
        if self._factory is not None:
            self.stack = self._factory(self.endpoints, self._options)
            self.run(self.stack.start())

    # --- steps -------------------------------------------------------------------------------

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
        within("wait: seconds", seconds)
        self._note("wait", seconds=seconds)
        self._let_pass(seconds)

    def play(self, steps: Sequence[S]) -> None:
        """Do `steps` one after the other."""
        for step in steps:
            arguments = dict(step.arguments)
            if step.do == "inject":
                arguments |= arguments.pop("parameters", {})
            getattr(self, step.do)(**arguments)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of your own on the rig's loop, in its virtual time."""
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

    # --- helpers ---------------------------------------------------------------------------------

    def _let_pass(self, seconds: float) -> None:
        self.run(self._session.clock.sleep(seconds))

    def _note(self, do: str, **arguments: Any) -> None:
        self._steps.append(self._step(do, arguments))  # type: ignore[call-arg]  # a step has both

    def _target(self, name: str) -> Faulty:
        targets = self._targets
        if name not in targets:
            raise UnknownName("fault target", name, targets)
        return targets[name]


def within(place: str, value: float, low: float = 0.0, high: float = math.inf) -> None:
    """Raise `HarnessError`, which names `place`, unless `value` is from `low` to `high`."""
    if not low <= value <= high or math.isinf(value):
        limit = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
        raise HarnessError(f"{place}: {value:g} is not {limit}")
