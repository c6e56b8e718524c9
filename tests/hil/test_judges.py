"""Judges as pure functions: what they say of records that show too little, or just too much."""

from __future__ import annotations

from typing import Any

import pytest

from hil.kits.barrier import KIT
from hil.kits.barrier.view import BarrierView, Sample, dwell, lowest, rest, rise_deg, sink_deg
from hil.suite import Suite
from hil.verdict import Verdict
from twin.trace import Record, from_rows

PICS, PIXIT = KIT.emulated_pics("came-gard"), KIT.emulated_pixit("came-gard")
JUDGES = KIT.suite.judges
NS = 1_000_000_000


def view(records: list[Record]) -> BarrierView:
    return BarrierView(records, PICS, PIXIT)


def of_case(records: list[Record], case: str) -> list[Record]:
    begin = next(i for i, r in enumerate(records)
                 if r.kind == "case.begin" and r.payload["case"] == case)  # fmt: skip
    end = next(i for i, r in enumerate(records) if i > begin and r.kind == "case.end")
    return records[begin : end + 1]


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_no_judge_passes_an_empty_record(name: str) -> None:
    """A case that did nothing proves nothing: never PASS, and never an exception."""
    case, judge = JUDGES[name]
    empty = from_rows([(0, "case", "case.begin", -1, {"case": case})])
    assert judge(view(empty)).verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)


ABSENT = ("identification", "silent_master")
"""Cases that the PICS of this profile excludes."""


@pytest.mark.parametrize("name", sorted(n for n in JUDGES if JUDGES[n][0] not in ABSENT))
def test_no_judge_breaks_on_a_cut_record(name: str, good: list[Record]) -> None:
    """Wherever a record ends, the judge has an answer and does not crash."""
    case, judge = JUDGES[name]
    records = of_case(good, case)
    for share in range(1, 8):
        cut = records[: max(1, len(records) * share // 8)]
        assert isinstance(judge(view(cut)).verdict, Verdict)


def test_judges_are_pure(good: list[Record], suite: Suite[Any, Any]) -> None:
    """Judging twice gives the same findings and leaves the records as they were."""
    before = [(r.t_ns, r.kind, dict(r.payload)) for r in good]
    for name, (case, judge) in suite.judges.items():
        if case not in ABSENT:
            records = of_case(good, case)
            assert judge(view(records)) == judge(view(records)), name
    assert [(r.t_ns, r.kind, r.payload) for r in good] == before


def moved(samples: list[tuple[float, float]], **marks: float) -> BarrierView:
    """A case of true angles and marks only."""
    rows: list[tuple[int, str, str, int, dict[str, Any]]] = [
        (0, "case", "case.begin", -1, {"case": "x", "angle_uncertainty_deg": 0.1})
    ]
    rows += [(round(t * NS), "instrument", "truth", -1, {"angle_deg": deg}) for t, deg in samples]
    rows += [(round(t * NS), "case", "mark", -1, {"name": name.replace("_", "-")})
             for name, t in marks.items()]  # fmt: skip
    return view(from_rows(sorted(rows, key=lambda row: row[0])))


def ramp(start: float, end: float, begin_s: float, end_s: float) -> list[tuple[float, float]]:
    count = round((end_s - begin_s) / 0.1)
    return [(begin_s + 0.1 * n, start + (end - start) * n / count) for n in range(count + 1)]


@pytest.mark.parametrize(
    ("opening_s", "verdict"),
    [(3.2, Verdict.PASS), (3.45, Verdict.MARGINAL), (3.7, Verdict.FAIL)],
)
def test_opening_time_at_its_limit(opening_s: float, verdict: Verdict) -> None:
    """Declared 3.5 s: well below passes, within the sampling is marginal, above fails."""
    samples = [(0.0, 0.0), (0.1, 0.0), (1.0, 20.0), (2.0, 60.0), (opening_s, 90.0), (5.0, 90.0)]
    found = JUDGES["BAR-MOT-01"][1](moved(samples, open_commanded=0.0, open_over=6.0))
    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("peaks", "after_n", "peak_verdict", "after_verdict"),
    [
        ((300.0, 310.0, 320.0), 0.0, Verdict.PASS, Verdict.PASS),
        ((390.0, 395.0, 398.0), 0.0, Verdict.MARGINAL, Verdict.PASS),
        ((500.0, 400.0, 310.0), 0.0, Verdict.FAIL, Verdict.PASS),
        ((300.0, 300.0, 300.0), 149.0, Verdict.PASS, Verdict.MARGINAL),
        ((300.0, 300.0, 300.0), 150.0, Verdict.PASS, Verdict.FAIL),
    ],
)
def test_force_limits(
    peaks: tuple[float, ...], after_n: float, peak_verdict: Verdict, after_verdict: Verdict
) -> None:
    """The mean of three decides about the peak, the worst of three about 0.75 s."""
    rows: list[tuple[int, str, str, int, dict[str, Any]]] = [
        (0, "case", "case.begin", -1, {"case": "forces"})
    ]
    for gap in PIXIT.pad_gaps_mm:
        for hit, peak in enumerate(peaks):
            payload = {
                "gap_mm": gap,
                "hit": hit,
                "uncertainty_n": 15.0,
                "peak_n": peak,
                "after_750ms_n": after_n,
                "end_n": 0.0,
                "rate_hz": 0.0,
                "samples_n": [],
            }
            rows.append((1, "instrument", "force", -1, payload))  # fmt: skip
    seen = view(from_rows(rows))
    assert JUDGES["BAR-SAF-01"][1](seen).verdict is peak_verdict
    assert JUDGES["BAR-SAF-02"][1](seen).verdict is after_verdict
    assert JUDGES["BAR-SAF-01"][1](view(from_rows(rows[:-1]))).verdict is Verdict.INCONCLUSIVE


def test_two_hits_of_three_are_not_enough_even_if_they_are_soft() -> None:
    """A missing hit leaves the force open, whatever the others show."""
    rows = [(0, "case", "case.begin", -1, {"case": "forces"})]
    assert JUDGES["BAR-SAF-03"][1](view(from_rows(rows))).verdict is Verdict.INCONCLUSIVE


def test_an_arm_that_drops_is_no_arm_that_holds() -> None:
    """Sinking by 6° after the power cut fails, by 4° it passes; falling shut always fails."""
    judge = JUDGES["BAR-REC-01"][1]

    def cut(end_deg: float) -> Verdict:
        samples = [*ramp(90, 50, 0.0, 1.0), *ramp(50, 50, 1.1, 3.1), *ramp(50, end_deg, 3.2, 12.0)]
        return judge(moved(samples, cut=1.0, returned=13.0)).verdict

    assert (cut(46.0), cut(44.0)) == (Verdict.PASS, Verdict.FAIL)
    fell = [*ramp(90, 50, 0.0, 1.0), *ramp(50, 0, 1.1, 2.0), *ramp(0, 0, 2.1, 12.0)]
    assert "fell to closed" in judge(moved(fell, cut=1.0, returned=13.0)).text


def test_a_stop_that_comes_late_is_told_from_sampling() -> None:
    """An arm at rest after 0.3 s passes, after 0.8 s fails, and at its end is no stop."""
    judge = JUDGES["BAR-MOT-08"][1]

    def stopped(rest_s: float, rest_deg: float = 50.0) -> Verdict:
        samples = [*ramp(0, 30, 0.0, 1.0), *ramp(31, rest_deg, 1.1, 1.0 + rest_s),
                   *ramp(rest_deg, rest_deg, 1.1 + rest_s, 6.0)]  # fmt: skip
        return judge(moved(samples, stopped=1.0, over=7.0)).verdict

    assert stopped(0.3) is Verdict.PASS
    assert stopped(0.8) is Verdict.FAIL
    assert stopped(0.4, 90.0) is Verdict.FAIL
    still = moved(ramp(30, 30, 0.0, 6.0), stopped=1.0, over=7.0)
    assert judge(still).verdict is Verdict.INCONCLUSIVE


def test_the_counter_must_not_fall() -> None:
    """A counter that falls fails even if the sum is right."""
    rows: list[tuple[int, str, str, int, dict[str, Any]]] = [
        (0, "case", "case.begin", -1, {"case": "counting"})
    ]
    rows += [(n, "case", "mark", -1, {"name": f"opened-{n}"}) for n in range(3)]
    good = [*rows, *((5, "wire", "state", -1, {"operations": n}) for n in (10, 12, 16))]
    assert JUDGES["BAR-MOT-13"][1](view(from_rows(good))).verdict is Verdict.PASS
    bad = [*rows, *((5, "wire", "state", -1, {"operations": n}) for n in (10, 17, 16))]
    assert JUDGES["BAR-MOT-13"][1](view(from_rows(bad))).text == "the counter fell"


def test_instants_between_samples() -> None:
    """What happens between two samples is known to half of what is between."""
    falling = [Sample(t, deg) for t, deg in ((0, 90), (1, 60), (2, 30), (3, 30), (4, 30))]
    assert rest(falling) == (1.5, 0.5)
    assert rest(falling[:3]) is None
    assert rest(falling[2:]) == (2, 0.0)
    assert lowest(falling) == (2.0, 1.0)
    bounce = [Sample(t, deg) for t, deg in ((0, 90), (1, 20), (2, 21), (3, 60))]
    assert dwell(bounce, 21.5) == (2.0, 1.0)
    assert (sink_deg(bounce), rise_deg(bounce)) == (70, 40)
    assert (sink_deg([]), rise_deg([])) == (0.0, 0.0)
