"""Verdicts, decision rules and what a run amounts to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.measurement import Measurement, at_least, at_most, below, between
from hil.verdict import Result, Verdict, combine, decide, outcome

verdicts = st.lists(st.sampled_from(Verdict), min_size=1, max_size=8)


@given(verdicts, verdicts)
def test_failure_is_sticky(before: list[Verdict], after: list[Verdict]) -> None:
    """Whatever comes later, a FAIL stays a FAIL."""
    assert combine([*before, Verdict.FAIL, *after]) is Verdict.FAIL


@given(verdicts)
def test_combining_never_softens(listed: list[Verdict]) -> None:
    """The combination is one of the verdicts and does not depend on their order."""
    assert combine(listed) in listed
    assert combine(reversed(listed)) is combine(listed)


def test_nothing_is_not_run() -> None:
    """No verdict at all is NOT_RUN, never PASS."""
    assert combine([]) is Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("value", "limit", "uncertainty", "rule", "expected"),
    [
        (400.0, at_most(400), 0.0, "guarded", "PASS"),
        (400.1, at_most(400), 0.0, "guarded", "FAIL"),
        (390.0, at_most(400), 20.0, "guarded", "MARGINAL"),
        (380.0, at_most(400), 20.0, "guarded", "PASS"),
        (390.0, at_most(400), 20.0, "simple", "PASS"),
        (400.1, at_most(400), 20.0, "guarded", "FAIL"),
        (150.0, below(150), 0.0, "simple", "FAIL"),
        (149.9, below(150), 0.0, "simple", "PASS"),
        (10.0, at_least(10), 0.0, "simple", "PASS"),
        (9.9, at_least(10), 0.0, "simple", "FAIL"),
        (1.9, between(2, 4), 0.0, "simple", "FAIL"),
        (2.1, between(2, 4), 0.2, "guarded", "MARGINAL"),
        (float("nan"), at_most(400), 0.0, "simple", "FAIL"),
    ],
)
def test_decision_rules(
    value: float, limit: object, uncertainty: float, rule: str, expected: str
) -> None:
    """The limit belongs to the good side, `below` excludes it, the guard band is MARGINAL."""
    measured = Measurement("x", value, "N", limit, uncertainty, rule)  # type: ignore[arg-type]
    assert measured.outcome == expected
    assert decide("good", "bad", measured).verdict is Verdict(expected)


def results(*listed: tuple[str, str, Verdict]) -> list[Result]:
    return [Result(name, level, verdict, "why") for name, level, verdict in listed]


@pytest.mark.parametrize(
    ("verdict", "level", "code"),
    [
        (Verdict.PASS, "MUST", 0),
        (Verdict.MARGINAL, "MUST", 0),
        (Verdict.FAIL, "MUST", 1),
        (Verdict.FAIL, "SHOULD", 0),
        (Verdict.INCONCLUSIVE, "MUST", 2),
        (Verdict.ERROR, "MUST", 2),
        (Verdict.NOT_RUN, "MUST", 2),
        (Verdict.NOT_APPLICABLE, "MUST", 0),
    ],
)
def test_exit_codes(verdict: Verdict, level: str, code: int) -> None:
    """Pass 0, fail 1, anything left open 2; a SHOULD never decides."""
    final = outcome(results(("A", "MUST", Verdict.PASS), ("B", level, verdict)))
    assert final.exit_code == code
    assert bool(final.reasons) == (code != 0)


def test_a_selection_of_nothing_certifies_nothing() -> None:
    """A run in which every MUST is excluded is inconclusive, not a pass."""
    assert outcome(results(("A", "MUST", Verdict.NOT_APPLICABLE))).exit_code == 2
    assert outcome([]).exit_code == 2


def test_marginal_is_not_enough_for_forces() -> None:
    """Where the requirement rejects the guard band, MARGINAL is no certificate."""
    final = outcome([Result("A", "MUST", Verdict.MARGINAL, "why", marginal="reject")])
    assert final.exit_code == 2
    assert "guard band" in final.reasons[0]


def test_instability_is_counted() -> None:
    """Attempts that disagree are visible in the result."""
    both = (Verdict.ERROR, Verdict.PASS)
    assert Result("A", "MUST", Verdict.PASS, "", attempts=both).unstable
    assert not Result("A", "MUST", Verdict.PASS, "", attempts=both[1:]).unstable
