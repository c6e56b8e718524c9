"""The weighbridge's kit: its arithmetic, its frames, and its judges at their limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import matrix, toledo
from hil.charts import chart
from hil.kits.weighbridge import KIT
from hil.kits.weighbridge.emulation import WeighbridgeVariant
from hil.kits.weighbridge.metrology import (
    EXTRA_E,
    EXTRA_STEPS,
    changes_at,
    error_kg,
    majority_kg,
    mpe_kg,
)
from hil.kits.weighbridge.view import WeighbridgeView
from hil.verdict import Finding, Verdict
from tests.weighbridge.decoder import BadFrameError
from tests.weighbridge.decoder import decode as witness
from twin.clock import Clock, run_virtual
from twin.devices.weighbridge import Reading
from twin.trace import Record, from_rows
from twin.wires.toledo import encode

PICS, PIXIT = KIT.emulated_pics("modbus"), KIT.emulated_pixit("modbus")
JUDGES = KIT.suite.judges
NS = 1_000_000_000
E_KG = PICS.e_kg

# ---------------------------------------------------------------- arithmetic of R 76


@pytest.mark.parametrize(
    ("mass_kg", "accuracy_class", "permitted_e"),
    [
        # R 76-1, Table 6: 0 … 500, 500 … 2000, 2000 … 10000 e for class III
        (0.0, "III", 0.5),
        (10_000.0, "III", 0.5),
        (10_020.0, "III", 1.0),
        (40_000.0, "III", 1.0),
        (40_020.0, "III", 1.5),
        (80_000.0, "III", 1.5),
        # 0 … 50, 50 … 200, 200 … 1000 e for class IIII
        (1_000.0, "IIII", 0.5),
        (1_020.0, "IIII", 1.0),
        (4_020.0, "IIII", 1.5),
        (-10_020.0, "III", 1.0),
    ],
)
def test_permissible_errors(mass_kg: float, accuracy_class: str, permitted_e: float) -> None:
    """The table of the maximum permissible errors, at its edges."""
    assert mpe_kg(mass_kg, 20.0, accuracy_class) == permitted_e * 20.0


def test_loads_at_which_the_limit_changes() -> None:
    """Those below Max only."""
    assert changes_at(80_000.0, 20.0, "III") == [10_000.0, 40_000.0]
    assert changes_at(30_000.0, 20.0, "III") == [10_000.0]


@given(st.floats(-30.0, 30.0), st.integers(20, 3_999))
def test_additional_weights_find_the_error(true_error_kg: float, load_e: int) -> None:
    """On an ideal scale that rounds, bisection finds any error to half a step of 0.1 e."""
    mass_kg = load_e * E_KG

    def shown_kg(extra_kg: float) -> float:
        return E_KG * round((mass_kg + true_error_kg + extra_kg) / E_KG)

    first, low, high = shown_kg(0.0), 0, EXTRA_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        if shown_kg(middle * EXTRA_E * E_KG) >= first + E_KG / 2:
            high = middle
        else:
            low = middle
    extra_kg = (low + high) / 2 * EXTRA_E * E_KG
    found_kg = error_kg(first, extra_kg, mass_kg, E_KG)
    assert abs(found_kg - true_error_kg) <= EXTRA_E * E_KG / 2 + 1e-6


def test_the_majority_is_one_of_the_values() -> None:
    """An even count has no middle that nobody saw."""
    assert majority_kg([20.0, 0.0, 20.0, 0.0]) == 0.0
    assert majority_kg([20.0]) == 20.0


# ---------------------------------------------------------------- frames, by two decoders

readings = st.builds(
    Reading,
    gross_kg=st.integers(-500, 5_000).map(lambda n: 20 * n),
    tare_kg=st.integers(0, 2_000).map(lambda n: 20 * n),
    motion=st.booleans(),
    overload=st.booleans(),
    underload=st.booleans(),
    at_zero=st.booleans(),
)


@given(readings, st.booleans(), st.booleans())
def test_the_kits_decoder_agrees_with_the_tests_decoder(
    reading: Reading, checked: bool, printing: bool
) -> None:
    """Two decoders written from the manuals, without code in common, read the same of a frame."""
    frame = encode(reading, 20, checksum=checked, printing=printing)
    ours, theirs = toledo.decode(frame, checked=checked), witness(frame, checksum=checked)
    assert ours is not None
    assert (ours.weight_kg, ours.tare_kg) == (theirs.weight, theirs.tare)
    assert Decimal(ours.division_kg) == theirs.division
    assert (ours.net, ours.out_of_range, ours.motion) == (
        theirs.net,
        theirs.out_of_range,
        theirs.motion,
    )
    assert (ours.kilograms, ours.zero_lost) == (theirs.kilograms, theirs.zero_not_captured)
    assert ours.printing == theirs.printing


@given(readings, st.integers(0, 17), st.integers(0, 255), st.booleans())
def test_the_decoders_refuse_the_same_frames(
    reading: Reading, place: int, value: int, checked: bool
) -> None:
    """A frame with one changed byte is refused by both, or read the same by both."""
    frame = bytearray(encode(reading, 20, checksum=checked))
    frame[place % len(frame)] = value
    piece = bytes(frame)
    ours = toledo.decode(piece, checked=checked)
    try:
        theirs = witness(piece, checksum=checked)
    except (BadFrameError, ValueError, KeyError):
        assert ours is None or ours.division_kg < 0.01  # the witness' table ends there
        return
    if ours is None:
        # The witness knows 0.0001 and 0.00001, which no scale of ours has.
        assert theirs.division < Decimal("0.01") or any(byte & 0x80 for byte in piece)
        return
    assert Decimal(str(ours.weight_kg)).quantize(Decimal("0.001")) == theirs.weight.quantize(
        Decimal("0.001")
    )


@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=5), st.integers(0, 16), st.booleans())
def test_frames_are_cut_wherever_one_comes_in(weights: list[int], late: int, checked: bool) -> None:
    """A client that comes in the middle of a frame gets all that follow, whole."""
    frames = [
        encode(Reading(20 * n, 0, False, False, False, False), 20, checksum=checked)
        for n in weights
    ]
    whole = b"".join(frames)
    pieces, rest = toledo.split(whole[late:], checked=checked)
    assert pieces[-len(frames) + 1 :] == frames[1:] or len(frames) == 1
    assert rest == b""
    assert toledo.split(whole[:-1], checked=checked)[0] == frames[:-1]


def test_what_is_wrong_with_a_frame() -> None:
    """Form and fields are named."""
    good = encode(Reading(12_340, 0, False, False, False, False), 20)
    assert toledo.form_problem(good, checked=False) == ""
    assert "16 bytes, not 17" in toledo.form_problem(good[:-1], checked=False)
    assert "STX" in toledo.form_problem(b"\x03" + good[1:], checked=False)
    assert "bit 7" in toledo.form_problem(good[:5] + b"\xb1" + good[6:], checked=False)
    assert "fixed bits" in toledo.form_problem(good[:2] + b"\0" + good[3:], checked=False)
    assert "leading zeros" in toledo.field_problem(good.replace(b"  1234", b"001234"))
    assert "not digits" in toledo.field_problem(good.replace(b"  1234", b"  12.4"))


# ---------------------------------------------------------------- judges at their limits

Row = tuple[int, str, str, int, dict[str, Any]]


class Sheet:
    """A record of loads and states, written by hand."""

    def __init__(self, **info: Any) -> None:
        self.rows: list[Row] = [(0, "case", "case.begin", -1, {"case": "x", **info})]
        self.t_s = 0.0

    def add(self, source: str, kind: str, **payload: Any) -> Sheet:
        self.t_s += 0.1
        self.rows.append((round(self.t_s * NS), source, kind, -1, payload))
        return self

    def state(self, shown_kg: float, times: int = 5, **flags: Any) -> Sheet:
        values = {"motion": False, "out_of_range": False, "net": False, "at_zero": False} | flags
        for _ in range(times):
            self.add("wire", "state", shown_kg=shown_kg, **values)
        return self

    def load(self, name: str, mass_kg: float, extra_kg: float = 0.0, **more: Any) -> Sheet:
        more = {"uncertainty_kg": 0.1, "at": 0.5} | more
        return self.add("instrument", "load", name=name, mass_kg=mass_kg, extra_kg=extra_kg, **more)

    def weighed(self, name: str, mass_kg: float, error: float, **more: Any) -> Sheet:
        """A load, and the two additional weights between which the indication changes."""
        exact_kg = mass_kg + error
        for extra_kg in [EXTRA_E * E_KG * n for n in range(EXTRA_STEPS + 1)]:
            self.load(name, mass_kg, extra_kg, **more)
            self.state(E_KG * int((exact_kg + extra_kg) / E_KG + 0.5))
        return self

    def mark(self, name: str) -> Sheet:
        return self.add("case", "mark", name=name)

    def judged(self, name: str, profile: str = "modbus") -> Finding:
        papers = KIT.emulated_pics(profile), KIT.emulated_pixit(profile)
        records: list[Record] = from_rows(self.rows)
        return JUDGES[name][1](WeighbridgeView(records, *papers))


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (0.0, Verdict.PASS),
        (26.0, Verdict.PASS),
        (29.0, Verdict.MARGINAL),
        (-29.0, Verdict.MARGINAL),
        (33.0, Verdict.FAIL),
        (-33.0, Verdict.FAIL),
    ],
)
def test_errors_at_max(error: float, verdict: Verdict) -> None:
    """±30 kg at 80 t: within the uncertainty of the limit is marginal, above it fails."""
    sheet = Sheet().weighed("zero-before", 200.0, 0.0)
    for mass_kg in PIXIT.loads_kg:
        sheet.weighed(f"up-{mass_kg:g}", mass_kg, error if mass_kg == PICS.max_kg else 0.0)
    assert sheet.judged("WGH-MET-02").verdict is verdict


def test_the_error_at_zero_is_taken_off() -> None:
    """A scale that is off by 9 kg everywhere is right everywhere."""
    sheet = Sheet().weighed("zero-before", 200.0, 9.0)
    for mass_kg in PIXIT.loads_kg:
        sheet.weighed(f"up-{mass_kg:g}", mass_kg, 9.0)
    assert sheet.judged("WGH-MET-02").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"uncertainty_kg": 8.0}, "wants a third of the permissible"),
        ({"temperature": 55.0}, "outside the declared"),
    ],
)
def test_a_bench_that_cannot_decide_does_not(more: dict[str, float], why: str) -> None:
    """Weights that are not known well enough, or a heat that the scale is not made for."""
    sheet, weights = Sheet(), {k: v for k, v in more.items() if k != "temperature"}
    if "temperature" in more:
        sheet.add("instrument", "temperature", temperature_c=more["temperature"])
    sheet.weighed("zero-before", 200.0, 0.0)
    for mass_kg in PIXIT.loads_kg:
        sheet.weighed(f"up-{mass_kg:g}", mass_kg, 0.0, **weights)
    found = sheet.judged("WGH-MET-02")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert why in found.text


def test_a_scale_that_never_settles_fails() -> None:
    """No valid weight at a test load is a failure of the scale, not of the bench."""
    sheet = Sheet().weighed("zero-before", 200.0, 0.0)
    sheet.load("up-400", 400.0).state(400.0, motion=True)
    assert "no settled and valid weight" in sheet.judged("WGH-MET-02").text


@pytest.mark.parametrize(
    ("first", "half", "last", "verdict"),
    [
        (0.0, 5.0, 8.0, Verdict.PASS),
        (0.0, 6.0, 13.0, Verdict.FAIL),
        (0.0, 2.0, 8.0, Verdict.FAIL),
    ],
)
def test_creep_limits(first: float, half: float, last: float, verdict: Verdict) -> None:
    """0.5 e in all (10 kg), 0.2 e in the second half (4 kg)."""
    sheet = Sheet()
    for name, error in (("first", first), ("half", half), ("last", last)):
        sheet.weighed(f"creep-{name}", 80_000.0, error)
    assert sheet.judged("WGH-MET-07").verdict is verdict


def test_who_claims_too_early_is_caught() -> None:
    """One settled read that is two steps away from the final weight is enough."""
    for early, verdict in ((39_980.0, Verdict.PASS), (39_960.0, Verdict.FAIL)):
        sheet = Sheet(timed_loads=True).mark("dropped").state(10_000.0, motion=True)
        sheet.state(early, 1).state(40_000.0, 12).mark("over")
        assert sheet.judged("WGH-MET-15").verdict is verdict


def test_a_scale_without_motion_is_judged_only_where_the_instant_is_known() -> None:
    """Nobody saw motion: a failure with hands in time, nothing with a person's."""
    for timed, verdict in ((True, Verdict.FAIL), (False, Verdict.INCONCLUSIVE)):
        sheet = Sheet(timed_loads=timed).mark("dropped").state(40_000.0, 12).mark("over")
        assert sheet.judged("WGH-MET-15").verdict is verdict


def test_a_part_of_the_load_is_no_zero() -> None:
    """Zero in motion: all of the load or nothing of it, never the middle."""
    for left, verdict in ((800.0, Verdict.PASS), (0.0, Verdict.PASS), (300.0, Verdict.FAIL)):
        sheet = Sheet().mark("dropped").state(400.0, motion=True).mark("ordered")
        sheet.state(left, 12).mark("over")
        assert sheet.judged("WGH-MET-10").verdict is verdict


def test_disturbances() -> None:
    """A tare and a moved zero are seen; a weight in motion is none."""

    def did(*states: tuple[float, dict[str, Any]]) -> str | None:
        sheet = Sheet()
        for shown_kg, flags in states:
            sheet.state(shown_kg, 1, **flags).add("instrument", "truth", load_kg=500.0)
        return WeighbridgeView(from_rows(sheet.rows), PICS, PIXIT).disturbed()

    assert did() is None
    assert did((500.0, {})) == ""
    assert did((0.0, {"motion": True}), (520.0, {})) == ""
    assert did((500.0, {}), (0.0, {"net": True})) == "a tare was taken"
    assert "its zero was moved" in str(did((500.0, {}), (0.0, {})))


@pytest.mark.parametrize(
    ("gaps_s", "verdict"),
    [
        ([1 / 7] * 34, Verdict.PASS),
        ([1 / 4] * 20, Verdict.FAIL),
        ([1 / 7, 1 / 7, 2 / 7] * 9, Verdict.INCONCLUSIVE),
    ],
)
def test_missing_frames_are_not_a_slow_device(gaps_s: list[float], verdict: Verdict) -> None:
    """A low rate fails; the right rate with gaps says nothing of device or bench."""
    frame = encode(Reading(500, 0, False, False, False, False), 20)
    sheet = Sheet()
    for gap_s in gaps_s:
        sheet.t_s += gap_s - 0.1
        sheet.add("wire", "raw.rx", conn=1, label="stream", data=frame.hex())
    assert sheet.judged("WGH-TOL-06", "toledo").verdict is verdict


# ---------------------------------------------------------------- the report


@pytest.mark.covers
@pytest.mark.slow
def test_curves() -> None:
    """Three charts, as far as a run has recorded what they show."""

    async def main(clock: Clock) -> list[Record]:
        only = ["WGH-MET-02", "WGH-MET-15", "WGH-MET-07"]
        return await matrix.record(clock, KIT, "modbus", PICS, PIXIT, only=only)

    titles = [title for title, _ in KIT.curves(run_virtual(main))]
    assert titles == [
        "Error against load, and what is permitted",
        "A load comes down: weight on the wire",
        "Creep under load, and return to zero",
    ]
    assert KIT.curves([]) == []


def test_a_chart_with_both_signs_has_the_same_steps_on_either_side() -> None:
    """Zero is in the middle, and what is below it is drawn below it."""
    svg = str(chart([("x", [(0.0, -8.0), (1.0, 4.0)])], "t", "kg", [("a", 10.0, 0.0, 1.0)]))
    assert ">-10<" in svg
    assert ">10 kg<" in svg
    points = svg.split('points="')[1].split('"')[0].split()
    low, high = (float(point.split(",")[1]) for point in points)
    assert low > high


# ---------------------------------------------------------------- a scale that has grown old


@pytest.mark.slow
def test_a_worn_scale_is_not_certified() -> None:
    """At the end of its cells' rated life the twin itself is beyond what is permitted."""
    old = WeighbridgeVariant(faults=(("worn", {"share": 1.0}),))
    wanted = ["WGH-MET-02", "WGH-MET-05", "WGH-MET-06"]
    judged, _ = matrix.results("weighbridge", "modbus", old, only=wanted)
    verdicts = {result.requirement: result.verdict for result in judged}
    assert verdicts["WGH-MET-02"] is Verdict.FAIL
    assert verdicts["WGH-MET-06"] is Verdict.FAIL
    assert verdicts["WGH-MET-05"] is Verdict.PASS  # wrong each time in the same way
