"""Verdicts, how they combine, and what a whole run amounts to.

Failure is sticky: combining verdicts never turns a FAIL into anything else, and results are only
ever appended. A harness that could not do its work says ERROR, which is never a statement about
the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from .measurement import Measurement


class Verdict(Enum):
    """The answer to one requirement."""

    PASS = "PASS"  # noqa: S105 - no password
    MARGINAL = "MARGINAL"  # within the limit, but closer to it than the measurement uncertainty
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"  # what had to be observed did not happen
    ERROR = "ERROR"  # the bench or the harness broke
    NOT_APPLICABLE = "NOT_APPLICABLE"  # excluded by the PICS
    NOT_RUN = "NOT_RUN"


# From the least to the most severe; OpenTAP's order, with FAIL above ERROR so that it sticks.
_SEVERITY = (
    Verdict.NOT_APPLICABLE,
    Verdict.PASS,
    Verdict.MARGINAL,
    Verdict.NOT_RUN,
    Verdict.INCONCLUSIVE,
    Verdict.ERROR,
    Verdict.FAIL,
)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe of `verdicts`; NOT_RUN when there is none."""
    listed = list(verdicts)
    return max(listed, key=_SEVERITY.index) if listed else Verdict.NOT_RUN


@dataclass(frozen=True, slots=True)
class Finding:
    """What one judge concluded from one attempt of a case, and by which measurements."""

    verdict: Verdict
    text: str
    measurements: tuple[Measurement, ...] = ()


def passed(text: str, *measurements: Measurement) -> Finding:
    """PASS, unless a measurement is worse than that."""
    return decide(text, text, *measurements)


def failed(text: str, *measurements: Measurement) -> Finding:
    """FAIL, whatever the measurements say."""
    return Finding(Verdict.FAIL, text, measurements)


def inconclusive(text: str, *measurements: Measurement) -> Finding:
    """What had to happen for a judgement did not happen."""
    return Finding(Verdict.INCONCLUSIVE, text, measurements)


def check(ok: bool, good: str, bad: str, *measurements: Measurement) -> Finding:
    """PASS with `good` or FAIL with `bad`; measurements can only make it worse."""
    return decide(good, bad, *measurements) if ok else failed(bad, *measurements)


def decide(good: str, bad: str, *measurements: Measurement) -> Finding:
    """The finding that the measurements alone amount to."""
    verdict = combine([Verdict.PASS, *(Verdict(m.outcome) for m in measurements)])
    return Finding(
        verdict, good if verdict in (Verdict.PASS, Verdict.MARGINAL) else bad, measurements
    )


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one requirement, with every attempt that led to it."""

    requirement: str
    level: str
    verdict: Verdict
    text: str
    measurements: tuple[Measurement, ...] = ()
    case: str = ""
    attempts: tuple[Verdict, ...] = ()
    marginal: str = "accept"

    @property
    def unstable(self) -> bool:
        """True when attempts disagree; counted in the report, never hidden by a retry."""
        return len(set(self.attempts)) > 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the results of a run amount to."""

    verdict: Verdict
    reasons: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 certified, 1 failed, 2 inconclusive or bench error."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1}.get(self.verdict, 2)


def outcome(results: Iterable[Result]) -> Outcome:
    """Certified only if every applicable MUST passed and nothing applicable is left open."""
    counts: dict[str, int] = {verdict.value: 0 for verdict in Verdict}
    must_fail: list[str] = []
    must_open: list[str] = []
    not_run: list[str] = []
    judged = 0
    for result in results:
        counts[result.verdict.value] += 1
        if result.level != "MUST" or result.verdict is Verdict.NOT_APPLICABLE:
            continue
        judged += 1
        if result.verdict is Verdict.FAIL:
            must_fail.append(f"{result.requirement}: {result.text}")
        elif result.verdict is Verdict.MARGINAL and result.marginal == "reject":
            must_open.append(f"{result.requirement}: within the guard band: {result.text}")
        elif result.verdict is Verdict.NOT_RUN:
            not_run.append(result.requirement)
        elif result.verdict not in (Verdict.PASS, Verdict.MARGINAL):
            must_open.append(f"{result.requirement}: {result.verdict.value}: {result.text}")
    if not_run:
        must_open.append(f"not run: {', '.join(not_run)}")
    if must_fail:
        return Outcome(Verdict.FAIL, tuple(must_fail + must_open), counts)
    if must_open or not judged:
        reasons = must_open or ["no MUST requirement is applicable; the PICS selects nothing"]
        return Outcome(Verdict.INCONCLUSIVE, tuple(reasons), counts)
    return Outcome(Verdict.PASS, (), counts)
