"""The crane's kit against what we did not write: asyncua's server with an address space alone."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

pytest.importorskip("asyncua")

from hil import kit as kits
from hil import matrix
from hil.drivers.manual import ScriptedOperator
from hil.drivers.raw import Endpoint
from hil.kits.crane.hands import CraneManualHands
from hil.kits.crane.link import within
from hil.kits.crane.roles import CraneRoles
from hil.kits.crane.session import CraneSession
from hil.kits.crane.wire import CraneWire, Login
from hil.runner import drive, judge
from hil.verdict import Result, Verdict
from tests.hil.plain_crane import PICS, PIXIT, PlainCrane
from twin.clock import Clock, run_real, run_virtual
from twin.profiles import opcua as profiles
from twin.trace import Record, Trace

SPEED = 8.0
WITHOUT_MOTION = (
    "declaration", "rest", "arguments", "orders", "writes", "users", "observer", "stranger",
    "crowd",
)  # fmt: skip


@cache
def judged() -> dict[str, Result]:
    kit = kits.load("crane")
    only = [name for name, (case, _) in kit.suite.judges.items() if case in WITHOUT_MOTION]

    async def main(clock: Clock) -> list[Record]:
        trace, crane = Trace(clock), PlainCrane()
        endpoint = Endpoint("127.0.0.1", await crane.start())
        login = Login(PIXIT.user, PIXIT.password)
        wire = CraneWire(
            endpoint, profiles.load("crane"), PIXIT.crane, login, clock, trace, limit_s=5 * SPEED
        )
        session = CraneSession(clock, trace, wire, CraneRoles(), PICS, PIXIT)
        try:
            await drive(session, kit.suite, kit.register, only=only)
        finally:
            await crane.stop()
        return list(trace.records())

    records = run_real(main, speed=SPEED)
    return {one.requirement: one for one in judge(records, kit.suite, kit.register)}


KNOWN = {
    # nobody has put up the types of the specifications, nor units: asyncua's own are shown
    "CRN-TYP-02", "CRN-TYP-04", "CRN-TYP-05",
    # asyncua hands a method whatever it is given; this one says yes to everything
    "CRN-MET-01", "CRN-MET-02", "CRN-MET-03", "CRN-MET-04", "CRN-MET-05",
    # asyncua looks for a method among all nodes, not among those of the object
    "CRN-MET-06",
    # it writes what has the right type or not, whatever the range
    "CRN-MET-07",
    # without a user manager everybody is let in and may do everything, any number of them
    "CRN-SEC-01", "CRN-SEC-02", "CRN-SEC-03", "CRN-LNK-01",
}  # fmt: skip
RIGHT = {"CRN-DOC-01", "CRN-TYP-01", "CRN-TYP-03", "CRN-TYP-06", "CRN-VAL-04", "CRN-SEC-04"}


@pytest.mark.slow
def test_a_foreign_server_without_a_crane_shows_its_known_defects_and_no_other() -> None:
    """What asyncua does not do by itself is found; what it does right passes; nothing breaks."""
    found = {name: one for name, one in judged().items() if one.case in WITHOUT_MOTION}
    failed = {name for name, one in found.items() if one.verdict is Verdict.FAIL}
    assert failed == KNOWN, {name: found[name].text for name in failed ^ KNOWN if name in found}
    passed = {name for name, one in found.items() if one.verdict is Verdict.PASS}
    assert passed == RIGHT
    rest = {one.verdict for name, one in found.items() if name not in KNOWN | RIGHT}
    assert rest <= {Verdict.NOT_APPLICABLE}


@pytest.mark.covers
@pytest.mark.slow
def test_no_password_is_in_the_evidence() -> None:
    """Whoever comes in, rightly or not: the record has names and statuses alone."""
    kit = kits.load("crane")

    async def main(clock: Clock) -> list[Record]:
        pics, pixit = kit.emulated_pics("crane"), kit.emulated_pixit("crane")
        return await matrix.record(clock, kit, "crane", pics, pixit, only=["CRN-SEC-01"])

    records = run_virtual(main)
    assert sum(record.kind == "opc.login" for record in records) == 5
    assert PIXIT.password not in repr([record.payload for record in records])
    assert PIXIT.password not in repr(Login(PIXIT.user, PIXIT.password))


def test_what_a_person_is_asked() -> None:
    """Each stimulus is one question with the wish in it; what is so already is not asked for."""
    operator = ScriptedOperator([True] * 20)

    async def main(clock: Clock) -> None:
        hands = CraneManualHands(operator, clock)
        for _ in range(2):
            await hands.arrange("other")
            await hands.estop(True)
            await hands.estop(False)
            await hands.wind(25.0)
            await hands.wind(None)
        await hands.lock(False)
        await hands.restart()
        assert await hands.look() == {}
        assert await hands.stands("ABCU1234560", "igv-1")

    run_virtual(main)
    assert len(operator.asked) == 12
    assert operator.asked[0] == (
        "Put the other box of pixit.toml on from_place and leave to_place empty. Done?"
    )
    assert operator.asked[-1] == "Does box ABCU1234560 stand on igv-1?"


def test_a_cancellation_that_brings_its_answer_is_a_timeout() -> None:
    """asyncua's cancellations may be of a class that `asyncio.timeout` does not know."""

    class WithAnswer(asyncio.CancelledError):
        pass

    async def late() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise WithAnswer from None

    async def main(clock: Clock) -> None:
        with pytest.raises(TimeoutError):
            await within(1.0, late())
        assert clock.now_s() == 1.0
        task = asyncio.ensure_future(within(100.0, late()))
        await clock.sleep(1.0)
        task.cancel()  # somebody else's wish is no timeout
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main)
