"""How a run is driven: selection, start positions, retries, and the forced safe state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil import kit as kits
from hil import matrix
from hil.drivers.raw import Endpoint
from hil.errors import BenchError, Unreachable
from hil.kits.barrier import KIT
from hil.kits.barrier.emulation import EmulatedBarrier, EmulatedOperator, load_profile
from hil.kits.barrier.papers import BarrierPics, BarrierPixit
from hil.kits.barrier.session import BarrierRoles, BarrierSession
from hil.kits.barrier.view import BarrierView, is_open
from hil.kits.barrier.wire import BarrierWire
from hil.register import Register
from hil.runner import drive, judge, select
from hil.suite import Suite
from hil.verdict import Finding, Result, Verdict, passed
from twin.clock import Clock, run_virtual
from twin.errors import UnknownName
from twin.trace import Record, Trace

PICS, PIXIT = KIT.emulated_pics("came-gard"), KIT.emulated_pixit("came-gard")


class Rig:
    """A session on a good emulator, and what is left of it after the run."""

    records: list[Record]
    angle_deg: float

    def __init__(
        self,
        act: Callable[[BarrierSession, EmulatedBarrier], Awaitable[None]],
        *,
        pics: BarrierPics = PICS,
        roles: Callable[[BarrierRoles], BarrierRoles] = lambda roles: roles,
    ) -> None:
        async def main(clock: Clock) -> None:
            trace = Trace(clock)
            bench = EmulatedBarrier(clock, load_profile("came-gard"))
            port = await bench.start()
            wire = BarrierWire(
                Endpoint("127.0.0.1", port, 1), bench.profile, clock, trace, limit_s=1.0
            )
            full = BarrierRoles(bench, EmulatedOperator(bench), bench, bench, bench)
            try:
                await act(BarrierSession(clock, trace, wire, roles(full), pics, PIXIT), bench)
            finally:
                self.angle_deg = bench.arm.angle_deg()
                self.records = list(trace.records())
                await bench.stop()

        run_virtual(main)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [record.payload for record in self.records if record.kind == kind]


REGISTER = KIT.register


def small(*bodies: Callable[[BarrierSession], Awaitable[None]], **options: Any) -> Suite[Any, Any]:
    """A suite of these cases; BAR-MOT-01 is judged on the first, and passes."""
    made = Suite[BarrierSession, BarrierView](
        "barrier", "test", view=BarrierView, pics=BarrierPics, pixit=BarrierPixit,
        declaration="BAR-DOC-01", start="closed",
    )  # fmt: skip
    for body in bodies:
        made.case(**options)(body)

    @made.judge("BAR-MOT-01", case=bodies[0].__name__)
    def always(view: BarrierView) -> Finding:
        return passed("ok")

    for body, name in zip(bodies[1:], ("BAR-MOT-02", "BAR-MOT-10", "BAR-MOT-11"), strict=False):
        made.judge(name, case=body.__name__)(always)
    return made


def run(made: Suite[Any, Any], **options: Any) -> Rig:
    async def act(session: BarrierSession, bench: EmulatedBarrier) -> None:
        await drive(session, made, KIT.register)

    return Rig(act, **options)


def verdict(rig: Rig, made: Suite[Any, Any], id: str = "BAR-MOT-01") -> Result:
    found = {result.requirement: result for result in judge(rig.records, made, KIT.register)}
    return found[id]


def test_pics_select_and_judge_agree(
    register: Register, good: list[Record], suite: Suite[Any, Any]
) -> None:
    """What the PICS excludes is NOT_APPLICABLE, all else is judged: nothing stays NOT_RUN."""
    chosen = set(select(register, PICS))
    for result in judge(good, suite, register):
        applicable = result.verdict is not Verdict.NOT_APPLICABLE
        assert applicable == (result.requirement in chosen), result.requirement
        assert result.verdict is not Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"function_codes": [1, 2, 3, 5, 6, 15]}, "function 6 is declared"),
        ({"function_codes": [1, 2, 3, 5]}, "function 15 is not declared"),
        ({"operation_counter": False}, "operation_counter is declared false, found true"),
        ({"stop_command": False}, "stop_command is declared false"),
    ],
)
def test_a_false_pics_ends_the_run(
    register: Register, suite: Suite[Any, Any], change: dict[str, Any], text: str
) -> None:
    """The PICS is held against the device first; a false one fails and selects nothing else."""
    pics = msgspec.structs.replace(PICS, **change)

    async def act(session: BarrierSession, bench: EmulatedBarrier) -> None:
        await drive(session, suite, register)

    rig = Rig(act, pics=pics)
    results = {result.requirement: result for result in judge(rig.records, suite, register)}
    assert results["BAR-DOC-01"].verdict is Verdict.FAIL
    assert text in results["BAR-DOC-01"].text
    assert results["BAR-MOT-01"].verdict is Verdict.NOT_RUN
    assert [payload["case"] for payload in rig.kinds("case.begin")] == ["declaration"]
    assert rig.angle_deg == pytest.approx(90.0, abs=1)


def test_a_crashing_case_is_an_error_and_the_arm_goes_up() -> None:
    """A bug in a test is never the device's failure, and the safe state is reached."""

    async def crash(session: BarrierSession) -> None:
        await session.command("close")
        raise ZeroDivisionError("oops")

    made = small(crash)
    rig = run(made)
    assert verdict(rig, made).verdict is Verdict.ERROR
    assert "oops" in verdict(rig, made).text
    assert rig.kinds("certify.end") == [{"safe": True}]
    assert rig.angle_deg == pytest.approx(90.0, abs=1)


def test_an_interrupted_run_leaves_the_arm_up() -> None:
    """Ctrl-C in the middle of a case cancels the run; inputs are cleared and the arm goes up."""

    async def forever(session: BarrierSession) -> None:
        await session.set_input("safety", True)
        await session.watch(1000.0)

    async def act(session: BarrierSession, bench: EmulatedBarrier) -> None:
        task = asyncio.create_task(drive(session, small(forever, start="closed"), REGISTER))
        await session.clock.sleep(20.0)
        assert bench.barrier.safety_input
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not bench.barrier.safety_input

    rig = Rig(act)
    assert rig.kinds("certify.end") == [{"safe": True}]
    assert rig.angle_deg == pytest.approx(90.0, abs=1)


DANGEROUS = ("BAR-MOT-07", "BAR-MOT-12", "BAR-SAF-04", "BAR-SAF-08", "BAR-REC-01", "BAR-DOC-03")
"""Cases that block the drive, close, obstruct, stop, cut the power and release the arm."""


@given(st.sampled_from(DANGEROUS), st.floats(0.0, 40.0))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whenever_a_run_is_interrupted_the_arm_ends_up(id: str, at_s: float) -> None:
    """At any instant of the dangerous cases the safe state is reached, and kept."""
    suite = KIT.suite

    async def act(session: BarrierSession, bench: EmulatedBarrier) -> None:
        task = asyncio.create_task(drive(session, suite, REGISTER, only=[id]))
        await session.clock.sleep(at_s)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await session.clock.sleep(10.0)

    rig = Rig(act)
    assert rig.kinds("certify.end") == [{"safe": True}]
    assert is_open(rig.angle_deg)  # by hand it may come to rest just inside the limit switch


def test_a_case_that_hangs_is_ended() -> None:
    """A case has a time limit; what passes it is an ERROR and the next case runs."""

    async def hang(session: BarrierSession) -> None:
        await asyncio.Event().wait()

    async def after(session: BarrierSession) -> None:
        """Fine."""

    made = small(hang, after, limit_s=10.0)
    rig = run(made)
    assert "did not end within 10 s" in verdict(rig, made).text
    assert verdict(rig, made, "BAR-MOT-02").verdict is Verdict.PASS


def test_a_missing_role_is_an_error() -> None:
    """What nobody can do at this bench is an ERROR that says what to bind, never a pass."""

    async def needs_power(session: BarrierSession) -> None:
        """Never runs."""

    made = small(needs_power, roles=["power"])
    rig = run(made, roles=lambda full: replace(full, power=None))
    assert verdict(rig, made).verdict is Verdict.ERROR
    assert "power; bind it in bench.toml" in verdict(rig, made).text


def test_a_broken_strategy_stops_the_run() -> None:
    """An arm that cannot be brought to the start twice makes the rest ERROR, never FAIL."""

    async def jam(session: BarrierSession) -> None:
        """Break the rig for good: no one can unblock this arm."""
        session.roles.stimulus.barrier.inject("ok_but_no_motion")  # type: ignore[union-attr]

    async def second(session: BarrierSession) -> None:
        """Never runs."""

    async def third(session: BarrierSession) -> None:
        """Never runs."""

    made = Suite[BarrierSession, BarrierView](
        "barrier", "test", view=BarrierView, pics=BarrierPics, pixit=BarrierPixit,
        declaration="BAR-DOC-01", start="closed",
    )  # fmt: skip
    made.case(start="closed")(jam)
    made.case(start="open")(second)
    made.case(start="open")(third)
    for name, case in (("BAR-MOT-01", "jam"), ("BAR-MOT-02", "second"), ("BAR-MOT-10", "third")):
        made.judge(name, case=case)(lambda view: passed("ok"))
    rig = run(made)
    assert verdict(rig, made).verdict is Verdict.PASS
    second_result = verdict(rig, made, "BAR-MOT-02")
    assert second_result.verdict is Verdict.ERROR
    assert second_result.attempts == (Verdict.ERROR, Verdict.ERROR)
    assert "strategy is broken" in verdict(rig, made, "BAR-MOT-10").text
    assert rig.kinds("certify.end") == [{"safe": False}]


def test_a_judged_step_is_never_repeated() -> None:
    """Only a missed start position is tried again; a case that ran is judged as it ran."""
    runs = []

    async def once(session: BarrierSession) -> None:
        runs.append(1)
        raise BenchError("the bench fell over")

    made = small(once)
    rig = run(made)
    assert len(runs) == 1
    assert verdict(rig, made).attempts == (Verdict.ERROR,)


def test_a_wire_that_dies_fails_only_on_evidence() -> None:
    """Unreachable in a case: a FAIL that is on record stands, a PASS becomes ERROR."""

    async def dies(session: BarrierSession) -> None:
        raise Unreachable("gone")

    made = small(dies)
    rig = run(made)
    assert verdict(rig, made).verdict is Verdict.ERROR
    made.judges["BAR-MOT-01"] = ("dies", lambda view: Finding(Verdict.FAIL, "seen"))
    assert verdict(rig, made).verdict is Verdict.FAIL


def test_a_broken_judge_is_an_error() -> None:
    """An exception in a judge says so and is no statement about the device."""

    async def fine(session: BarrierSession) -> None:
        """Fine."""

    made = small(fine)
    rig = run(made)
    made.judges["BAR-MOT-01"] = ("fine", lambda view: 1 / 0)  # type: ignore[arg-type, return-value]
    assert verdict(rig, made).verdict is Verdict.ERROR
    assert "judge: ZeroDivisionError" in verdict(rig, made).text


def test_failure_is_sticky_over_attempts() -> None:
    """A FAIL in the first attempt is not overwritten by a PASS in the second."""

    async def fine(session: BarrierSession) -> None:
        """Fine."""

    made = small(fine)
    rig = run(made)
    begin = next(i for i, r in enumerate(rig.records) if r.kind == "case.begin")
    end = next(i for i, r in enumerate(rig.records) if r.kind == "case.end")
    twice = [*rig.records[: end + 1], *rig.records[begin:]]
    answers = iter([Finding(Verdict.FAIL, "bad"), passed("good")])
    made.judges["BAR-MOT-01"] = ("fine", lambda view: next(answers))
    found = {r.requirement: r for r in judge(twice, made, REGISTER)}["BAR-MOT-01"]
    assert found.verdict is Verdict.FAIL
    assert found.attempts == (Verdict.FAIL, Verdict.PASS)
    assert found.unstable


def test_a_torn_trace_is_an_error() -> None:
    """A record that ends within a case says ERROR for it; a foreign trace is refused."""

    async def fine(session: BarrierSession) -> None:
        """Fine."""

    made = small(fine)
    rig = run(made)
    end = next(i for i, r in enumerate(rig.records) if r.kind == "case.end")
    found = {r.requirement: r for r in judge(rig.records[:end], made, REGISTER)}["BAR-MOT-01"]
    assert (found.verdict, found.text) == (Verdict.ERROR, "the record ends here")
    with pytest.raises(BenchError, match=r"certify\.start"):
        judge(rig.records[1:], made, REGISTER)


def test_narrowing_never_certifies() -> None:
    """`only` leaves the rest NOT_RUN, which is inconclusive."""
    from hil.verdict import outcome

    judged, _ = matrix.results("barrier", "came-gard", only=["BAR-WIR-01"])
    # BAR-WIR-02 is judged by the same case.
    ran = {r.requirement for r in judged if r.verdict is Verdict.PASS}
    assert ran == {"BAR-WIR-01", "BAR-WIR-02"}
    assert outcome(judged).exit_code == 2


def test_suite_refuses_doubles() -> None:
    """A case, a judge or a binding that exists already or leads nowhere is refused."""
    from hil.errors import RegisterError

    async def fine(session: BarrierSession) -> None:
        """Fine."""

    made = small(fine)
    with pytest.raises(RegisterError, match="defined twice"):
        made.case()(fine)
    with pytest.raises(RegisterError, match="two judges"):
        made.judge("BAR-MOT-01", case="fine")(lambda view: passed("x"))
    with pytest.raises(RegisterError, match="no case"):
        made.judge("BAR-MOT-02", case="gone")(lambda view: passed("x"))
    with pytest.raises(UnknownName, match="barrier"):
        kits.load("toaster")
