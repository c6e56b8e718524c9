"""A suite: cases that drive a device and record, and judges that read the record.

A case is a coroutine on a `Session`; it never decides anything. A judge is a pure function of a
`CaseView`, bound to one requirement; it never touches a device. The link between them is the
trace alone, so `rejudge` needs nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .errors import RegisterError
from .papers import Pics, Pixit
from .session import Session
from .verdict import Finding
from .view import CaseView

S = TypeVar("S", bound=Session[Any, Any])
V = TypeVar("V", bound=CaseView[Any, Any])


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to do with the device."""

    name: str
    body: Callable[[Any], Awaitable[None]]
    start: str
    roles: tuple[str, ...]
    limit_s: float
    doc: str


class Part(Generic[S, V]):
    """Cases and judges that several kinds of device share, e.g. all that speak Modbus TCP.

    A judge is bound to the end of an id, `WIR-01`; the suite that includes the part puts its own
    prefix before it. A case that needs the ground truth says `truth`; which roles show it is the
    suite's word.
    """

    def __init__(self) -> None:
        self.cases: list[tuple[Callable[[S], Awaitable[None]], bool, float]] = []
        self.judges: list[tuple[str, str, Callable[[V], Finding]]] = []

    def case(
        self, *, truth: bool = False, limit_s: float = 120.0
    ) -> Callable[[Callable[[S], Awaitable[None]]], Callable[[S], Awaitable[None]]]:
        """Register the decorated coroutine as a case of its own name."""

        def register(body: Callable[[S], Awaitable[None]]) -> Callable[[S], Awaitable[None]]:
            self.cases.append((body, truth, limit_s))
            return body

        return register

    def judge(
        self, requirement: str, *, case: str
    ) -> Callable[[Callable[[V], Finding]], Callable[[V], Finding]]:
        """Bind the decorated pure function to a requirement and to the case it reads."""

        def register(function: Callable[[V], Finding]) -> Callable[[V], Finding]:
            self.judges.append((requirement, case, function))
            return function

        return register


class Suite(Generic[S, V]):
    """All cases and judges for one kind of device.

    `declaration` is the requirement that holds the PICS against the device: its case runs first,
    and a PICS that is not true ends the run, because it cannot select tests.
    """

    def __init__(
        self,
        device: str,
        version: str,
        *,
        view: type[V],
        pics: type[Pics],
        pixit: type[Pixit],
        declaration: str,
        start: str = "any",
    ) -> None:
        self.device, self.version = device, version
        self.view, self.pics, self.pixit = view, pics, pixit
        self.declaration, self.start = declaration, start
        self.cases: dict[str, Case] = {}
        self.judges: dict[str, tuple[str, Callable[[V], Finding]]] = {}

    def case(
        self, *, start: str | None = None, roles: Iterable[str] = (), limit_s: float = 120.0
    ) -> Callable[[Callable[[S], Awaitable[None]]], Callable[[S], Awaitable[None]]]:
        """Register the decorated coroutine as a case of its own name."""

        def register(body: Callable[[S], Awaitable[None]]) -> Callable[[S], Awaitable[None]]:
            name = body.__name__
            if name in self.cases:
                raise RegisterError(f"suite {self.device}: case {name!r} is defined twice")
            doc = (body.__doc__ or "").strip().split("\n")[0]
            self.cases[name] = Case(name, body, start or self.start, tuple(roles), limit_s, doc)
            return body

        return register

    def judge(
        self, requirement: str, *, case: str
    ) -> Callable[[Callable[[V], Finding]], Callable[[V], Finding]]:
        """Bind the decorated pure function to a requirement and to the case it reads."""

        def register(function: Callable[[V], Finding]) -> Callable[[V], Finding]:
            if requirement in self.judges:
                raise RegisterError(f"suite {self.device}: {requirement} has two judges")
            if case not in self.cases:
                raise RegisterError(f"suite {self.device}: {requirement}: no case {case!r}")
            self.judges[requirement] = (case, function)
            return function

        return register

    def include(
        self, part: Part[Any, Any], *, truth: Iterable[str] = (), without: Iterable[str] = ()
    ) -> None:
        """Take over `part`, but for the judges of the ids in `without`.

        `truth` are the roles that show what really happened.
        """
        shown, left_out = tuple(truth), set(without)
        for body, needs_truth, limit_s in part.cases:
            self.case(roles=shown if needs_truth else (), limit_s=limit_s)(body)
        for requirement, case, function in part.judges:
            if requirement not in left_out:
                self.judge(f"{self.prefix}-{requirement}", case=case)(function)

    @property
    def prefix(self) -> str:
        """The first part of this suite's requirement ids, e.g. `BAR`."""
        return self.declaration.split("-")[0]

    def cases_of(self, requirements: Iterable[str]) -> list[Case]:
        """The cases that these requirements need, each once, in the order of definition."""
        needed = {self.judges[one][0] for one in requirements if one in self.judges}
        return [case for name, case in self.cases.items() if name in needed]

    @property
    def first(self) -> str:
        """The case that holds the PICS against the device; empty if it has none."""
        return self.judges[self.declaration][0] if self.declaration in self.judges else ""
