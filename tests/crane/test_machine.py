"""A state machine drives a crane over OPC UA: missions, stops, faults, trucks, time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

pytest.importorskip("asyncua")

from asyncua import Client, ua

from fixtures.strategies_cargo import missions, wrong_container_numbers
from tests.crane.ground import NUMBERS, Site
from twin.clock import Session
from twin.devices.crane import Crane
from twin.devices.crane_words import CraneError, Mission, MissionState
from twin.wires.opcua import serve_crane
from twin.world.crane import Axis
from twin.world.yard import Box

PLACES = ["truck-1", "igv-1", "stack-a", "reefer-1"]
FAULTS = ["estop", "power", "ocr_blind", "slow"]


class CraneMachine(RuleBasedStateMachine):
    """The model is small: where boxes may be, and that nothing hazardous ever happens."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        self.site = Site(self.session.clock)
        self.server = serve_crane(self.site.crane, clock=self.session.clock, trace=self.site.trace)
        self.client: Client = self.session.run(self._connect())
        self.spare = list(NUMBERS[3:])
        self.gone: set[str] = set()

    async def _connect(self) -> Client:
        port = await self.server.start()
        client = Client(f"opc.tcp://127.0.0.1:{port}/", timeout=20)
        await client.connect()
        return client

    def _call(self, name: str, *arguments: Any) -> list[Any]:
        node = self.client.get_node(ua.NodeId("crane-1.missions", 6))
        found: list[Any] = self.session.run(node.call_method(f"6:{name}", *arguments))
        return found

    def _read(self, name: str) -> Any:
        node = self.client.get_node(ua.NodeId(f"crane-1.{name}", 6))
        return self.session.run(node.read_value())

    @rule(mission=missions(PLACES, NUMBERS[:3]))
    def starts(self, mission: Mission) -> None:
        accepted, reason = self._call(
            "StartMission", mission.id, mission.box, mission.from_place, mission.to_place, 0.0
        )
        assert accepted != bool(reason)
        if accepted:
            assert mission.from_place != mission.to_place

    @rule(order=st.sampled_from(["Stop", "ResumeMission", "CancelMission", "Reset"]))
    def orders(self, order: str) -> None:
        accepted, _ = self._call(order)
        if order in ("Stop", "Reset"):
            assert accepted
        if order == "Stop":
            assert self.site.crane.cycle.state is not MissionState.RUNNING

    @rule(close=st.booleans(), mode=st.sampled_from([1, 3]))
    def by_hand(self, close: bool, mode: int) -> None:
        self._call("SetMode", ua.Variant(mode, ua.VariantType.Int32))
        self._call("TurnLocks", close)

    @rule(axis=st.sampled_from(["hoist", "trolley"]), speed=st.sampled_from([-1.0, -0.3, 0.5]))
    def jogs(self, axis: str, speed: float) -> None:
        self._call("Jog", axis, speed)

    @rule(fault=st.sampled_from(FAULTS))
    def breaks(self, fault: str) -> None:
        self.site.crane.inject(fault)

    @rule(corner=st.sampled_from("1234"))
    def a_lock_sticks(self, corner: str) -> None:
        self.site.crane.inject("twistlock_stuck", corner=corner)

    @rule()
    def all_is_mended(self) -> None:
        for fault in list(self.site.crane.faults):
            self.site.crane.heal(fault)

    @rule(mean=st.sampled_from([3.0, 16.0, 26.0]))
    def wind_changes(self, mean: float) -> None:
        self.site.wind.set_mean(mean)

    @precondition(lambda self: self.site.body.under is None)
    @rule()
    def the_vehicle_changes(self) -> None:
        place = self.site.yard.places["igv-1"]
        if place.present:
            left = self.site.yard.depart(place)
            self.gone |= {left.number} if left else set()
        else:
            self.site.yard.arrive(place)

    @precondition(lambda self: self.spare and self.site.body.under is None)
    @rule()
    def a_truck_changes(self) -> None:
        place = self.site.yard.places["truck-1"]
        if place.present:
            left = self.site.yard.depart(place)
            self.gone |= {left.number} if left else set()
        self.site.yard.arrive(place, Box(self.spare.pop(), 20_000.0), (0.2, 0.1))

    @rule(seconds=st.sampled_from([0.3, 2.0, 15.0, 60.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self.session.clock.sleep(seconds))

    @invariant()
    def nothing_hazardous_has_happened(self) -> None:
        kinds = {hazard["kind"] for hazard in self.site.kinds("crane.hazard")}
        # set down by hand beside a place, or on a vehicle that has left: allowed, and recorded
        assert kinds <= {"set_on_ground"}

    @invariant()
    def each_box_is_on_one_carrier(self) -> None:
        there = [box.number for place in self.site.yard.places.values() for box in place.boxes]
        if self.site.body.held is not None:
            there.append(self.site.body.held.number)
        assert len(there) == len(set(there))
        assert set(there) | self.gone >= set(NUMBERS[:3])

    @invariant()
    def the_wire_shows_what_is(self) -> None:
        self.session.run(self.session.clock.sleep(0.01))
        assert self._read("mission.state") == int(self.site.crane.cycle.state)
        assert self._read("lock.1") == self.site.body.locks[0]

    @invariant()
    def stopped_means_stopped(self) -> None:
        if "power" in self.site.crane.faults:
            self.session.run(self.session.clock.sleep(4.0))
            assert not any(self.site.body.moving(axis) for axis in Axis)

    def teardown(self) -> None:
        self.session.run(self._close())
        self.session.__exit__(None, None, None)

    async def _close(self) -> None:
        await self.client.disconnect()
        await self.server.stop()


QUICK = settings(
    max_examples=8, stateful_step_count=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_whatever_is_ordered_and_breaks_no_box_falls() -> None:
    """In any order of missions, stops, faults, trucks and time, no hazard and no box twice."""
    run_state_machine_as_test(CraneMachine, settings=QUICK)


@pytest.mark.slow
def test_the_machine_finds_a_crane_without_its_interlock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crane that unlocks under load does not survive the machine."""
    monkeypatch.setattr(Crane, "why_not_unlock", lambda self: "")

    class InTheAir(CraneMachine):
        """The same machine, begun with a box in the air; what does not touch it is left out."""

        starts = wind_changes = the_vehicle_changes = a_truck_changes = a_lock_sticks = None

        def __init__(self) -> None:
            super().__init__()
            self._call("StartMission", "m", NUMBERS[0], "truck-1", "stack-a", 0.0)
            self.session.run(self.session.clock.sleep(60.0))
            self._call("Stop")

    found = settings(
        QUICK, phases=[Phase.generate], max_examples=60, print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(InTheAir, settings=found)


@given(wrong_container_numbers())
@settings(max_examples=50, deadline=None)
def test_no_wrong_number_ever_starts_a_mission(number: str) -> None:
    """Whatever is not a container number with its check digit is refused in words."""
    with Session.virtual() as session:
        site = Site(session.clock)
        with pytest.raises(CraneError):
            site.crane.start(Mission("m", number, "truck-1", "igv-1"))
