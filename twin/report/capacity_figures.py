"""The figures of a sizing by name: what the tables, the page and the JSON show alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twin.capacity import Evaluation, Flow, Sizing
from twin.capacity.evaluate import FLOWS, USES
from twin.capacity.statistics import Interval
from twin.report import words

Get = Callable[[Evaluation], Interval | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the N-1 table: a text of words.toml, its direction, a figure in its unit."""

    key: str
    flow: str
    get: Get
    scale: float = 1.0
    digits: int = 0
    worse: int = 1
    """+1: more is worse; -1: less is; 0: neither."""

    def label(self, language: str) -> str:
        """What it is called."""
        flow = words.text(f"flow_{self.flow}", language) if self.flow else ""
        return words.text(self.key, language, flow=flow)

    def value(self, found: Evaluation) -> Interval | None:
        """The figure in the unit of the label."""
        one = self.get(found)
        return None if one is None else scaled(one, self.scale)

    def is_worse(self, found: Evaluation, whole: Evaluation) -> bool:
        """Whether it is worse than in `whole`, and the intervals do not touch."""
        ours, theirs = self.get(found), self.get(whole)
        if ours is None or theirs is None:
            return False
        return (self.worse > 0 and ours.low > theirs.high) or (
            self.worse < 0 and ours.high < theirs.low
        )


def scaled(one: Interval, by: float) -> Interval:
    """In another unit."""
    return Interval(one.mean * by, one.low * by, one.high * by)


def _of_flow(name: str, get: Callable[[Flow], Interval]) -> Get:
    def find(found: Evaluation) -> Interval | None:
        flow = found.flow(name)
        return None if flow is None else get(flow)

    return find


def _of_use(name: str) -> Get:
    return lambda found: found.use[name]


MEASURES: tuple[Measure, ...] = (
    *(Measure("cap_wait_p50", name, _of_flow(name, lambda f: f.wait_p50_s)) for name in FLOWS),
    *(Measure("cap_wait_p95", name, _of_flow(name, lambda f: f.wait_p95_s)) for name in FLOWS),
    *(Measure("cap_landed_p50", name, _of_flow(name, lambda f: f.landed_p50_s), 1 / 60, 1)
      for name in FLOWS),
    *(Measure("cap_landed_p95", name, _of_flow(name, lambda f: f.landed_p95_s), 1 / 60, 1)
      for name in FLOWS),
    *(Measure("cap_delivered", name, _of_flow(name, lambda f: f.delivered_per_day), worse=-1)
      for name in FLOWS),
    Measure("cap_within", "", lambda found: found.within, 100, 1, -1),
    *(Measure(f"cap_use_{name}", "", _of_use(name), 100, 0, 0) for name in USES),
    Measure("cap_kwh", "", lambda found: found.kwh_per_box, 1, 2, 0),
)  # fmt: skip


def shown(one: Interval | None, digits: int = 0) -> str:
    """An interval for reading: `210 (190–230)`."""
    if one is None:
        return "–"
    if not math.isfinite(one.low):
        return "∞"
    low, high = _number(max(0.0, one.low), digits), _number(one.high, digits)
    return f"{_number(one.mean, digits)} ({low}–{high})"


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "∞"
    return f"{value:,.{digits}f}" if value < 100_000 else f"{value / 1000:,.0f}k"


def busier(found: Evaluation, what: str) -> Interval:
    """The use of the busier side of cranes or gates."""
    return max(found.use[f"{what}_near"], found.use[f"{what}_far"], key=lambda one: one.mean)


def quantile_name(quantile: float) -> str:
    """`p95` for 0.95."""
    return f"p{100 * quantile:g}"


def why_none(sizing: Sizing, language: str) -> list[str]:
    """What is to be said of a demand for which no fleet was found."""
    best = sizing.best
    said = [
        words.text("cap_short", language, boxes=f"{sizing.boxes_per_day:g}",
                   fleet=sizing.target.fleet_max, cranes=max(best.plan.cranes),
                   lanes=best.plan.lanes)
    ]  # fmt: skip

    def parts(names: Sequence[Any]) -> str:
        return ", ".join(words.text(f"cap_part_{part.value}", language) for part in names)

    if sizing.would_do:
        said.append(words.text("cap_short_one", language, parts=parts(sizing.would_do)))
    elif sizing.limiting is not None:
        said.append(words.text("cap_short_most", language, parts=parts([sizing.limiting])))
    else:
        said.append(words.text("cap_short_none", language))
    if best.unserved:
        said.append(words.text("cap_short_left", language))
    if best.settled is False:
        said.append(words.text("cap_short_grows", language))
    return said


# --- JSON ---------------------------------------------------------------------------------------


def as_row(sizing: Sizing) -> dict[str, Any]:
    """The answer for one demand as data. Intervals are [estimate, low, high]; null: infinite."""
    return {
        "boxes_per_day": sizing.boxes_per_day, "found": sizing.found is not None,
        **_figures(sizing.best),
        "limits": sizing.limiting.value if sizing.limiting else None,
        "why_none": [] if sizing.found else why_none(sizing, "en"),
        "more_changes_wait_s": {part.value: _triple(change) for part, _, change in sizing.limits},
        "one_igv_less_adds_s": _triple(sizing.one_less),
        "without": {part.value: _figures(e) for part, e in sizing.n_minus_1},
        "tried": [{"igvs": e.plan.igvs, "replications": e.replications, "wait_s": _triple(e.wait)}
                  for e in sizing.evaluations],
    }  # fmt: skip


def _figures(found: Evaluation) -> dict[str, Any]:
    plan = found.plan
    return {
        "igvs": plan.igvs, "cranes": list(plan.cranes), "lanes": plan.lanes, "link": plan.link,
        "replications": found.replications, "warmup_days": plan.warmup_days, "days": plan.days,
        "wait_s": _triple(found.wait), "mean_wait_s": _triple(found.mean_wait_s),
        "share_within": _triple(found.within, 5),
        "flows": {
            flow.name: {name: _triple(getattr(flow, name)) for name in (
                "wait_p50_s", "wait_p95_s", "landed_p50_s", "landed_p95_s", "delivered_per_day",
            )} for flow in found.flows
        },
        "use": {name: _triple(one, 4) for name, one in found.use.items()},
        "kwh_per_box": _triple(found.kwh_per_box, 3),
        "empty_trips_per_box": _triple(found.empty_per_box, 3),
        "unserved": found.unserved, "settled": found.settled,
        "invariants": {
            one.id: {"checked": one.checked, "violations": one.violations, "first": one.first}
            for one in found.held
        },
    }  # fmt: skip


def _triple(value: Interval, digits: int = 2) -> list[float | None]:
    return [round(x, digits) if math.isfinite(x) else None
            for x in (value.mean, value.low, value.high)]  # fmt: skip
