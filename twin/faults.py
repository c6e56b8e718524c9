"""Faults as data: when, which target, what kind, with which parameters, for how long.

A schedule is a TOML file::

    [[faults]]
    at = "09:30"              # civil time of the site; or at_s = 9000, seconds after opening
    target = "in-1.barrier"
    kind = "stuck"
    for_s = 120               # left out: it stays
    parameters = { }

`gatetwin faults SITE` prints the menu of every target. The same names serve scenario files, the
command line, the pytest fixture and Hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from twin import strict_toml
from twin.clock import Clock
from twin.devices.base import FaultError, Faulty, Parameter
from twin.errors import ConfigError, GateTwinError, UnknownName


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault of a schedule; give either `at` (civil time) or `at_s` (after opening)."""

    target: str
    kind: str
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")] | None = None
    at_s: Annotated[float, Meta(ge=0)] | None = None
    for_s: Annotated[float, Meta(gt=0)] | None = None
    parameters: dict[str, Any] = {}

    def begin_s(self, opens_h: float) -> float:
        """Seconds after opening at which the fault begins."""
        if self.at_s is not None:
            return self.at_s
        assert self.at is not None
        parts = [int(part) for part in self.at.split(":")]
        hours = parts[0] + parts[1] / 60 + (parts[2] if len(parts) > 2 else 0) / 3600
        return (hours - opens_h) * 3600


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """The faults of one run."""

    faults: list[Fault]


def read(path: Path) -> str:
    """The text of a schedule; `ConfigError` if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(path, None, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, None, "", f"is not UTF-8 text: {error.reason}") from error


def load(path: Path, targets: Mapping[str, Faulty], opens_h: float) -> list[Fault]:
    """Read a schedule and check every entry against the menus; errors name file, line and key."""
    text = read(path)
    lines = strict_toml.LineIndex(text)
    faults = strict_toml.loads(text, Schedule, path).faults
    for index, fault in enumerate(faults):
        try:
            check(fault, targets, opens_h)
        except GateTwinError as error:
            key = f"faults.{index}"
            raise ConfigError(path, lines.find(key), key, str(error)) from error
    return faults


def check(fault: Fault, targets: Mapping[str, Faulty], opens_h: float = 0.0) -> None:
    """Raise unless `fault` can be injected into `targets` as it is written."""
    if (fault.at is None) == (fault.at_s is None):
        raise FaultError(f"{fault.target}: {fault.kind}: give either `at` or `at_s`")
    if fault.begin_s(opens_h) < 0:
        opens = f"{int(opens_h):02d}:{round(opens_h % 1 * 60):02d}"
        raise FaultError(
            f"{fault.target}: {fault.kind}: begins at {fault.at}, before the site opens at {opens}"
        )
    if fault.target not in targets:
        raise UnknownName("fault target", fault.target, targets)
    menu = targets[fault.target].FAULTS
    if fault.kind not in menu:
        raise UnknownName(f"fault of {fault.target}", fault.kind, menu)
    known = menu[fault.kind].parameters
    for name, value in fault.parameters.items():
        if name not in known:
            raise UnknownName(f"parameter of {fault.target}: {fault.kind}", name, known)
        known[name].check(f"{fault.target}: {fault.kind}: {name}", value)


def schedule(
    faults: Iterable[Fault], targets: Mapping[str, Faulty], clock: Clock, opens_h: float = 0.0
) -> None:
    """Have every fault begin and end at its time on the clock."""
    for fault in faults:
        check(fault, targets, opens_h)
        _plan(fault, targets[fault.target], clock, opens_h)


def _plan(fault: Fault, target: Faulty, clock: Clock, opens_h: float) -> None:
    begin_s = max(0.0, fault.begin_s(opens_h) - clock.now_s())
    clock.call_later(begin_s, lambda: _begin(fault, target))
    if fault.for_s is not None:
        clock.call_later(begin_s + fault.for_s, lambda: _end(fault, target))


def _begin(fault: Fault, target: Faulty) -> None:
    target.inject(fault.kind, **fault.parameters)


def _end(fault: Fault, target: Faulty) -> None:
    target.heal(fault.kind)


def menu(targets: Mapping[str, Faulty]) -> list[dict[str, Any]]:
    """Every target's menu as plain data: target, kind, what it does, parameters."""
    return [
        {
            "target": name,
            "kind": kind.kind,
            "does": kind.doc,
            "parameters": {key: _describe(value) for key, value in kind.parameters.items()},
        }
        for name, target in sorted(targets.items())
        for kind in target.FAULTS.values()
    ]


def _describe(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"default": parameter.default}
    if parameter.unit:
        described["unit"] = parameter.unit
    if parameter.choices:
        described["choices"] = list(parameter.choices)
    if parameter.minimum is not None or parameter.maximum is not None:
        described["range"] = [parameter.minimum, parameter.maximum]
    if parameter.doc:
        described["doc"] = parameter.doc
    return described
