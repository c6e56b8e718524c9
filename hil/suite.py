"""A suite: cases that drive a device and record, and judges that read the record.

A case is a coroutine on a `Session`; it never decides anything. A judge is a pure function of a
`CaseView`, bound to one requirement; it never touches a device. The link between them is the
trace alone, so `rejudge` needs nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from twin.errors import UnknownName

from .errors import RegisterError
from .session import Session
from .verdict import Finding
from .view import CaseView

Start = Literal["closed", "open", "any"]
Role = Literal["stimulus", "force_gauge", "power", "inclinometer", "operator"]
CaseBody = Callable[[Session], Awaitable[None]]
Judge = Callable[[CaseView], Finding]

SUITES = {
    "barrier": (
        "barrier_wire",
        "barrier_wire_wrong",
        "barrier_motion",
        "barrier_safety",
        "barrier_recovery",
    )
}
"""Device to the modules under `hil.suites` whose import fills its suite."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to do with the device."""

    name: str
    body: CaseBody
    start: Start
    roles: tuple[Role, ...]
    limit_s: float
    doc: str


class Suite:
    """All cases and judges for one kind of device."""

    def __init__(self, device: str, version: str) -> None:
        self.device, self.version = device, version
        self.cases: dict[str, Case] = {}
        self.judges: dict[str, tuple[str, Judge]] = {}

    def case(
        self, *, start: Start = "closed", roles: Iterable[Role] = (), limit_s: float = 120.0
    ) -> Callable[[CaseBody], CaseBody]:
        """Register the decorated coroutine as a case of its own name."""

        def register(body: CaseBody) -> CaseBody:
            name = body.__name__
            if name in self.cases:
                raise RegisterError(f"suite {self.device}: case {name!r} is defined twice")
            doc = (body.__doc__ or "").strip().split("\n")[0]
            self.cases[name] = Case(name, body, start, tuple(roles), limit_s, doc)
            return body

        return register

    def judge(self, requirement: str, *, case: str) -> Callable[[Judge], Judge]:
        """Bind the decorated pure function to a requirement and to the case it reads."""

        def register(function: Judge) -> Judge:
            if requirement in self.judges:
                raise RegisterError(f"suite {self.device}: {requirement} has two judges")
            if case not in self.cases:
                raise RegisterError(f"suite {self.device}: {requirement}: no case {case!r}")
            self.judges[requirement] = (case, function)
            return function

        return register

    def cases_of(self, requirements: Iterable[str]) -> list[Case]:
        """The cases that these requirements need, each once, in the order of definition."""
        needed = {self.judges[one][0] for one in requirements if one in self.judges}
        return [case for name, case in self.cases.items() if name in needed]


_LOADED: dict[str, Suite] = {}


def load(device: str) -> Suite:
    """The suite of `device`, with all its modules imported."""
    if device not in SUITES:
        raise UnknownName("device to certify", device, SUITES)
    if device not in _LOADED:
        for module in SUITES[device]:
            importlib.import_module(f"hil.suites.{module}")
        _LOADED[device] = importlib.import_module(f"hil.suites.{device}").suite
    return _LOADED[device]
