"""The kill matrix: tests of the tests."""

from __future__ import annotations

import pytest

from hil import kit as kits
from hil import matrix
from hil.kits.barrier import KIT
from hil.verdict import Verdict, outcome
from tests import needs
from tests.hil.conftest import record
from twin.errors import HarnessError, UnknownName
from twin.physics import load_engine
from twin.trace import hash_records

FORCES = ("BAR-SAF-01", "BAR-SAF-02", "BAR-SAF-03")
"""Their case integrates nine hits at 4 kHz."""

NAMES = [
    pytest.param(v.name, marks=pytest.mark.slow if v.kills in FORCES else ()) for v in KIT.mutants
]


@pytest.mark.no_cover
@pytest.mark.parametrize("name", NAMES)
def test_each_mutant_is_killed_by_its_own_test(name: str) -> None:
    """A barrier that breaks one requirement fails exactly the test of that requirement."""
    row = matrix.row(name, device="barrier", own=True)
    assert row.ok, f"{row.kills}: {row.verdicts[row.kills]}: {row.texts[row.kills]}"


@pytest.mark.slow
@pytest.mark.parametrize("profile", KIT.good)
def test_the_good_twins_pass_everything(profile: str) -> None:
    """No requirement is failed, left open or merely marginal by the good emulators."""
    assert matrix.complaints([matrix.row(profile, device="barrier")]) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ode", "mujoco", "pybullet"])
def test_the_good_twin_passes_on_every_engine(engine: str) -> None:
    """Rigid bodies instead of closed forms change no verdict: no judge leans on the kinematics."""
    try:
        load_engine(engine).close()
    except HarnessError as error:
        needs.system(False, str(error))
    judged, _ = matrix.results("barrier", "came-gard", engine=engine)
    fine = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    assert [(r.requirement, r.text) for r in judged if r.verdict not in fine] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_events_changes_no_verdict(seed: int) -> None:
    """Another dispatch order of sockets, the same certificate."""
    judged, _ = matrix.results("barrier", "came-gard", seed=seed)
    assert outcome(judged).exit_code == 0


@pytest.mark.slow
@pytest.mark.timeout(1200)  # all mutants in two processes, beside another worker
def test_the_whole_matrix() -> None:
    """Over the whole suite each mutant fails its own requirement and few others.

    One mutant in three; `certify matrix barrier` runs them all, and each runs its own test above.
    """
    mutants = [variant.name for variant in KIT.mutants][::3]
    rows = matrix.matrix("barrier", [*KIT.good, *mutants], jobs=2)
    assert matrix.complaints(rows) == []
    besides = {row.name: len([one for one in row.failed if one != row.kills]) for row in rows}
    assert max(besides.values()) <= 2, besides


@pytest.mark.slow
def test_every_applicable_requirement_is_seen_by_some_good_twin() -> None:
    """Over the three profiles nothing testable stays NOT_APPLICABLE: no test is dead code."""
    seen = set()
    for profile in KIT.good:
        judged, _ = matrix.results("barrier", profile)
        seen |= {r.requirement for r in judged if r.verdict is Verdict.PASS}
    testable = {item.id for item in KIT.register if not item.not_testable}
    assert seen == testable


@pytest.mark.slow
def test_a_run_is_reproducible(good: list) -> None:  # type: ignore[type-arg]
    """The same seed gives the same trace, byte for byte."""
    assert hash_records(record()) == hash_records(good)


def test_a_surviving_mutant_is_a_complaint() -> None:
    """A matrix row whose own requirement passes is reported with what was found."""
    row = matrix.Row("m", "BAR-MOT-01", "", {"BAR-MOT-01": "PASS"}, {"BAR-MOT-01": "fine"}, 1.0)
    assert matrix.complaints([row]) == ["m: survives BAR-MOT-01: PASS: fine"]
    good = matrix.Row("good x", "", "", {"BAR-MOT-01": "MARGINAL"}, {"BAR-MOT-01": "near"}, 1.0)
    assert matrix.complaints([good]) == ["good x: BAR-MOT-01: MARGINAL: near"]


def test_unknown_mutants_and_devices() -> None:
    """A wrong name lists the right ones; a requirement's id finds its mutant."""
    with pytest.raises(UnknownName, match="bare-edge"):
        KIT.mutant("bare-edg")
    with pytest.raises(UnknownName, match="barrier"):
        kits.load("toaster")
    assert KIT.mutant("BAR-SAF-01").name == "bare-edge"
