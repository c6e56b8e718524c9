"""What a judge sees of a crane: values over time, answers, events, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple

from hil.view import CaseView
from twin.trace import Record

from . import words
from .papers import CranePics, CranePixit

MOVES_M_S = 0.005
"""A slower axis stands."""


class Value(NamedTuple):
    """What a subscriber was told of a point."""

    t_s: float
    value: Any
    status: str
    source_s: float | None


class Seen(NamedTuple):
    """The truth at one instant."""

    t_s: float
    values: Mapping[str, Any]


class CraneView(CaseView[CranePics, CranePixit]):
    """Reads one attempt of one case on a crane."""

    @cached_property
    def _changes(self) -> dict[tuple[str, str], list[Value]]:
        found: dict[tuple[str, str], list[Value]] = {}
        for record in self.of("opc.change"):
            p = record.payload
            found.setdefault((p["label"], p["point"]), []).append(
                Value(record.t_s, p["value"], p["status"], p["source_s"])
            )
        return found

    def told(self, point: str, label: str = "main") -> list[Value]:
        """All that one subscription was told of a point."""
        return self._changes.get((label, point), [])

    def at(self, point: str, t_s: float) -> Any:
        """What the main client knew of a point at an instant; None before the first word."""
        known = [one.value for one in self.told(point) if one.t_s <= t_s]
        return known[-1] if known else None

    def ever(self, point: str, value: Any, start: str, end: str | None = None) -> float | None:
        """The first instant between two marks at which a point is told to have this value."""
        return next(
            (v.t_s for v in self.between(self.told(point), start, end) if v.value == value), None
        )

    @cached_property
    def truth(self) -> list[Seen]:
        """What was seen of the crane itself; empty where nobody can follow it."""
        return [Seen(record.t_s, record.payload) for record in self.of("truth")]

    def truth_between(self, start: str, end: str | None = None) -> list[Seen]:
        """The same between two marks."""
        return self.between(self.truth, start, end)

    def records_of(self, kind: str, label: str) -> list[Record]:
        """Records of one kind under one label."""
        return [r for r in self.of(kind) if r.payload.get("label") == label]

    def answer(self, label: str) -> dict[str, Any] | None:
        """The answer to the call under this label; of several, the last."""
        found = self.records_of("opc.call", label)
        return dict(found[-1].payload) if found else None

    def answers(self, prefix: str) -> list[dict[str, Any]]:
        """All answers to calls whose label begins with `prefix`."""
        return [
            dict(r.payload) for r in self.of("opc.call") if r.payload["label"].startswith(prefix)
        ]

    # -- the cycle

    def steps(self) -> list[int]:
        """The steps of the move cycle as they were told, repeats left out."""
        found: list[int] = []
        for one in self.told("mission.step"):
            if one.value is not None and (not found or found[-1] != one.value):
                found.append(int(one.value))
        return found

    def ended(self, start: str = "started") -> tuple[int, float] | None:
        """The state in which the mission ended after a mark, and when; None if it did not."""
        over = (words.DONE, words.FAILED, words.CANCELLED, words.SUSPENDED)
        for one in self.between(self.told("mission.state"), start):
            if one.value in over:
                return int(one.value), one.t_s
        return None

    def trouble(self, t_s: float) -> int:
        """Why it stopped, as told a moment after an instant."""
        value = self.at("trouble", t_s + 1.0)
        return -1 if value is None else int(value)

    # -- motion

    def speeds(self, start: str, end: str | None = None) -> list[tuple[float, str, float]]:
        """(instant, axis, speed) of each axis that is told to move between two marks."""
        first, last = self._span(start, end)
        found = []
        for axis in words.AXES:
            before = self.at(f"{axis}.speed", first)
            if first <= last and isinstance(before, float) and abs(before) > MOVES_M_S:
                found.append((first, axis, before))
            found += [
                (one.t_s, axis, float(one.value))
                for one in self.told(f"{axis}.speed")
                if first < one.t_s <= last and one.value is not None and abs(one.value) > MOVES_M_S
            ]
        return sorted(found)

    def way_m(self, start: str, end: str | None = None) -> float | None:
        """How far any axis has truly gone between two marks; None where nobody could see it."""
        seen = self.truth_between(start, end)
        if len(seen) < 2:
            return None
        return max(_range(seen, f"{axis}_m") for axis in words.AXES)

    def moved(self, start: str, end: str | None = None, *, limit_m: float = 0.005) -> str:
        """How something moved between two marks, by the wire or in truth; or empty."""
        if speeds := self.speeds(start, end):
            t_s, axis, speed = speeds[0]
            return f"{axis} moves at {speed:.3g} m/s at {t_s:.1f} s"
        way_m = self.way_m(start, end)
        if way_m is not None and way_m > limit_m:
            return f"an axis has gone {way_m:.3f} m"
        return ""

    def lifted(self, start: str = "started") -> str:
        """In what way a box was lifted after a mark, by the wire or in truth; or empty."""
        half_kg = self.pixit.mass_kg / 2
        heavy = [
            v for v in self.between(self.told("hoist.load.mass"), start)
            if isinstance(v.value, int | float) and v.value > half_kg
        ]  # fmt: skip
        if heavy:
            return f"{heavy[0].value:.0f} kg hang on the spreader at {heavy[0].t_s:.1f} s"
        held = [seen for seen in self.truth_between(start) if seen.values["held"]]
        return f"{held[0].values['held']} hangs on the spreader" if held else ""

    # -- time

    @cached_property
    def offset_s(self) -> float | None:
        """The server's time less the run's clock: what turns its time stamps into instants."""
        both = [r.payload["now_s"] - r.t_s for r in self.of("clock") if r.payload["now_s"]]
        return median(both) if both else None


def _range(seen: Iterable[Seen], name: str) -> float:
    values = [float(one.values[name]) for one in seen]
    return max(values) - min(values)
