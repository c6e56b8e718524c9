"""The receiver's kit against what we did not write: nmeasim as a receiver, pynmea2 as a reader."""

from __future__ import annotations

from functools import cache

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import kit as kits
from hil import nmea
from hil.drivers.raw import Endpoint
from hil.kits.gnss.roles import GnssRoles
from hil.kits.gnss.session import GnssSession
from hil.kits.gnss.wire import NmeaWire
from hil.runner import drive, judge
from hil.verdict import Result, Verdict
from tests.hil.nmeasim_receiver import PICS, PIXIT, NmeasimBench
from twin.clock import Clock, run_virtual
from twin.trace import Record, Trace
from twin.wires.nmea.sentences import sentence


@cache
def judged() -> dict[str, Result]:
    kit = kits.load("gnss")

    async def main(clock: Clock) -> list[Record]:
        trace, bench = Trace(clock), NmeasimBench(clock)
        wire = NmeaWire(Endpoint("127.0.0.1", await bench.start()), clock, trace, limit_s=5.0)
        session = GnssSession(clock, trace, wire, GnssRoles(power=bench, sky=bench), PICS, PIXIT)
        try:
            await drive(session, kit.suite, kit.register)
        finally:
            await bench.stop()
        return list(trace.records())

    return {one.requirement: one for one in judge(run_virtual(main), kit.suite, kit.register)}


KNOWN = {"GNS-FIX-03"}
"""What is known of nmeasim, read in its source: `__gga` and `__rmc` write the place whenever there
is one, with a fix or without."""


@pytest.mark.slow
def test_a_foreign_receiver_shows_its_known_defect_and_no_other() -> None:
    """nmeasim keeps its place when it has no fix; everything else that it does is right."""
    found = {name for name, one in judged().items() if one.verdict is Verdict.FAIL}
    assert found == KNOWN, {name: judged()[name].text for name in found ^ KNOWN}
    rest = {one.verdict for name, one in judged().items() if name not in KNOWN}
    assert rest == {Verdict.PASS, Verdict.NOT_APPLICABLE}


FIELD = st.text("0123456789.-ABCNSEWM", max_size=8)


@given(formatter=st.sampled_from(["GGA", "RMC", "GST", "VTG"]), fields=st.lists(FIELD, max_size=14))
def test_what_is_lawful_is_read_by_pynmea2(formatter: str, fields: list[str]) -> None:
    """Both readers take the same sentence and see the same fields."""
    line = sentence("GN", formatter, fields or [""])
    got = nmea.parse(line)
    assert got is not None
    other = pynmea2.parse(line.decode(), check=True)
    assert (got.talker, got.formatter) == (other.talker, other.sentence_type)
    assert list(got.fields) == other.data


@given(line=st.binary(max_size=40), place=st.integers(0, 60), flip=st.integers(1, 255))
def test_broken_lines_are_refused_by_both_or_by_us(line: bytes, place: int, flip: int) -> None:
    """Whatever bytes come: no exception, and nothing is lawful that pynmea2 cannot read."""
    whole = bytearray(sentence("GN", "GGA", ["170000.00", "2131.80", "N", "10758.20", "E", "4"]))
    whole[place % (len(whole) - 2)] ^= flip
    for piece in (line, bytes(whole), line + b"\r\n"):
        nmea.split(piece)
        if nmea.parse(piece) is not None:
            pynmea2.parse(piece.decode("ascii").strip(), check=True)


@pytest.mark.parametrize(
    ("text", "digits", "problem"),
    [
        ("2131.7999", 2, ""),
        ("10758.2000", 3, ""),
        ("2160.0000", 2, "60 minutes"),
        ("131.7999", 2, "is not ddmm.mmmm"),
        ("2131.79990", 2, "is not ddmm.mmmm"),
        ("", 2, "is not ddmm.mmmm"),
    ],
)
def test_angles(text: str, digits: int, problem: str) -> None:
    """Form, decimals and minutes are looked at."""
    got = nmea.angle_problem(text, digits, 4)
    assert problem in got
    assert bool(got) == bool(problem)


def test_times_and_dates() -> None:
    """What is no time of day and no date is None, never a guess."""
    assert nmea.day_s("170001.25") == pytest.approx(61_201.25)
    assert nmea.day_s("246000") is None
    assert nmea.day_s("") is None
    assert str(nmea.date("290523")) == "2023-05-29"
    assert nmea.date("310223") is None
    assert nmea.angle_deg("0130.0000", "S") == pytest.approx(-1.5)
    assert nmea.angle_deg("0130.0000", "X") is None
