"""From a trace to verdicts and figures: pure functions, and nothing but the trace.

``judge(records)`` holds every invariant of the register (docs/invariants.md) against one run;
``kpis(records)`` measures it (docs/kpis.md). Both take an iterable of `twin.trace.Record`, or the
`Facts` that `collect` has sorted from one, so that a long trace is read only once.
"""

from __future__ import annotations

from collections.abc import Iterable

from twin.judge import (  # noqa: F401 - they fill the register
    belief,
    border,
    moves,
    progress,
    recorded,
)
from twin.judge.collecting import collect
from twin.judge.facts import Facts
from twin.judge.kpis import kpis
from twin.judge.measures import Kpis, Spread
from twin.judge.sometimes import SOMETIMES, look
from twin.judge.verdict import (
    REGISTRY,
    Invariant,
    InvariantResult,
    Judgement,
    SometimesResult,
    Violation,
)
from twin.trace import Record

__all__ = [
    "REGISTRY",
    "SOMETIMES",
    "Facts",
    "Invariant",
    "InvariantResult",
    "Judgement",
    "Kpis",
    "SometimesResult",
    "Spread",
    "Violation",
    "collect",
    "judge",
    "kpis",
]


def judge(records: Iterable[Record] | Facts) -> Judgement:
    """Hold every invariant against one run."""
    facts = collect(records)
    return Judgement([REGISTRY[name].judge(facts) for name in sorted(REGISTRY)], look(facts))
