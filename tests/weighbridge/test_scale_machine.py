"""A state machine rolls trucks over the platform and reads the scale over its stream."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.weighbridge.decoder import Shown, decode
from tests.weighbridge.ground import GEOMETRY, Yard, truck
from twin.clock import Session
from twin.devices.weighbridge import Weighbridge
from twin.wires.toledo import ToledoServer
from twin.world.lane import Mover

STEP_KG = 20


class ScaleMachine(RuleBasedStateMachine):
    """One truck at a time; the model is the true load, the tare and whether it had time to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        self.clock = self.session.clock
        self.yard = Yard(self.clock)
        self.server = ToledoServer(self.yard.scale, clock=self.clock, trace=self.yard.trace)
        self.mover: Mover | None = None
        self.tare_kg = 0
        self.numbers = 0
        self.reader, self.writer = self.session.run(self._connect())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = await self.server.start()
        return await asyncio.open_connection("127.0.0.1", port)

    async def _newest(self) -> Shown:
        await self.clock.sleep(0.15)  # one frame of the present is under way
        data = await self.reader.read(1_000_000)
        return decode(data[-17:])

    def _true_kg(self) -> float:
        return self.yard.lane.axle_load_kg(GEOMETRY.platform_from_m, GEOMETRY.platform_to_m)

    @precondition(lambda self: self.mover is None)
    @rule(
        loads=st.lists(st.integers(2_000, 14_000), min_size=2, max_size=6),
        stop_m=st.floats(5.0, 22.0),
    )  # an axle below 1.6 t could lawfully be zeroed away
    def arrives(self, loads: list[int], stop_m: float) -> None:
        self.numbers += 1
        self.mover = self.yard.enter(truck(*map(float, loads), id=f"v{self.numbers}"))
        self.yard.stop_at(self.mover, stop_m)

    @precondition(lambda self: self.mover is not None)
    @rule(to_m=st.sampled_from([8.0, 14.0, 22.0, 62.0]))
    def moves_on(self, to_m: float) -> None:
        assert self.mover is not None
        front_m, speed = self.yard.lane.position(self.mover)
        if speed == 0.0 and to_m > front_m:
            self.yard.stop_at(self.mover, to_m)

    @precondition(lambda self: self.mover is not None)
    @rule()
    def leaves(self) -> None:
        assert self.mover is not None
        if self.yard.lane.position(self.mover)[0] >= 62.0:
            self.yard.lane.remove(self.mover)
            self.mover = None

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 5.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self.clock.sleep(seconds))

    @rule(command=st.sampled_from([b"T", b"C", b"Z", b"P", b"T\r\n", b"?"]))
    def commands(self, command: bytes) -> None:
        before = self.session.run(self._newest())
        reading = self.yard.scale.read()
        self.writer.write(command)
        after = self.session.run(self._newest())
        if command == b"C":
            self.tare_kg = 0
        elif command.startswith(b"T") and after.tare != before.tare:
            assert reading.gross_kg > 0, "a tare of nothing was taken"
            self.tare_kg = int(after.tare)
        assert after.tare == self.tare_kg
        assert after.net is (self.tare_kg != 0)

    @invariant()
    def a_settled_frame_tells_the_true_weight(self) -> None:
        before_kg = self._true_kg()
        shown = self.session.run(self._newest())
        if shown.motion or self._true_kg() != before_kg:
            return
        gross_kg = int(shown.weight) + int(shown.tare)
        assert abs(gross_kg - before_kg) <= 2 * STEP_KG, f"{gross_kg} shown, {before_kg} there"
        assert gross_kg % STEP_KG == 0

    @invariant()
    def a_standing_truck_settles(self) -> None:
        mover = self.mover
        if mover is None or self.clock.now_ns() - mover.motion.end_ns > 5_000_000_000:
            assert not self.yard.scale.read().motion

    def teardown(self) -> None:
        self.session.run(self._close())
        self.session.__exit__(None, None, None)

    async def _close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()
        await self.server.stop()


QUICK = settings(
    max_examples=30, stateful_step_count=20, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_the_scale_is_honest_whatever_rolls_over_it() -> None:
    """In any order of arrivals, stops, commands and time, a settled frame is a true one."""
    run_state_machine_as_test(ScaleMachine, settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "parameters"), [("stuck", {}), ("motion_stuck", {}), ("drift", {"offset_kg": 100.0})]
)
def test_the_machine_finds_a_lying_scale(
    fault: str, parameters: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scale with a fault that makes it lie does not survive the machine."""
    add_points = Weighbridge._add_points

    def faulty(self: Weighbridge) -> None:
        add_points(self)
        self.clock.call_later(0.01, lambda: self.inject(fault, **parameters))

    monkeypatch.setattr(Weighbridge, "_add_points", faulty)
    found = settings(
        QUICK, phases=[Phase.generate], max_examples=100, print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(ScaleMachine, settings=found)
