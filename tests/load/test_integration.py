"""The open drivers against the gate's own customs service and Modbus server, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from loadtests import slo
from loadtests.arrivals import schedule
from loadtests.driver import OpenDriver, Workload
from loadtests.errors import LoadError
from loadtests.modbus import ModbusWorkload, parse_block
from loadtests.rest import RestWorkload, declared_trucks
from loadtests.result import Recorder
from loadtests.slo import Limit, Slo
from tests.load.runs import info
from twin.clock import Clock, run_virtual
from twin.devices.base import Device
from twin.partner import Declaration, PartnerService, PartnerState
from twin.profiles import loads
from twin.trace import Trace
from twin.wires.modbus import ModbusServer

TOKEN = "load-test-token"
RATE, PLANNED_S = 12.0, 10.0


async def drive(clock: Clock, workload: Workload) -> Recorder:
    run = info(rate_per_s=RATE, planned_s=PLANNED_S, shape="poisson", connections=8)
    instants = schedule("poisson", rate_per_s=RATE, duration_s=PLANNED_S, seed=1)
    return await OpenDriver(
        workload, instants, run, now=clock.loop.time, cpu_time=lambda: 0.0
    ).run()


def declared(number: int) -> Declaration:
    return Declaration(
        number=f"3061234567{number:02d}", direction="out", plate=f"14C-123.{number:02d}",
        trailer_plate=None, container=None, laden=True, goods_hs="0810.60",
        declared_gross_kg=38_000, axles=6, channel="green" if number % 3 else "red",
    )  # fmt: skip


def at_customs(
    *, token: str = TOKEN, fault: Callable[[Clock, PartnerService], None] | None = None
) -> tuple[Recorder, PartnerState, Trace]:
    """One run of the REST workload against the service with ten declarations."""

    async def main(clock: Clock) -> tuple[Recorder, PartnerState, Trace]:
        trace = Trace(clock)
        state = PartnerState(clock, trace, random.Random(1))
        for number in range(10):
            state.register(declared(number))
        service = PartnerService(state, clock, trace, TOKEN)
        url = f"http://127.0.0.1:{await service.start()}/v1"
        try:
            trucks = await declared_trucks(url, token, 1, 5.0)
            assert [truck.declaration for truck in trucks] == sorted(state.matters)
            if fault is not None:
                fault(clock, service)
            return await drive(clock, RestWorkload(url, token, 1, trucks)), state, trace
        finally:
            await service.stop()

    return run_virtual(main)


def test_every_call_is_right_by_the_service() -> None:
    """The service answers every arrival well: what the load sends is REST v1."""
    got, _, trace = at_customs()
    assert got.total().failed == got.total().dropped == 0
    assert {"gate decision", "gate record", "near lookup", "alarm"} <= set(got.series)
    statuses = {r.payload["status"] for r in trace.records() if r.kind == "rest.request"}
    assert statuses == {200, 201, 202}
    # Hundreds of decisions on ten declarations: each green one was released exactly once.
    releases = [r for r in trace.records() if r.kind == "partner.release"]
    released = [r.payload["declaration"] for r in releases if r.payload["decision"] == "released"]
    assert len(released) == len(set(released)) > 3
    assert got.series["POST /v1/releases"].ok > 30


@pytest.mark.parametrize("how", ["unavailable", "closed", "lost_answer"])
def test_a_service_that_is_down_breaches(how: str) -> None:
    """Down for the middle of the run: failures by kind, and the gate says breach."""

    def fault(clock: Clock, service: PartnerService) -> None:
        clock.call_later(3.0, lambda: service.inject("down", how=how))
        clock.call_later(6.0, lambda: service.heal("down"))

    got, _, _ = at_customs(fault=fault)
    kinds = {kind for series in got.series.values() for kind in series.failures}
    assert kinds == ({"http 503"} if how == "unavailable" else {"ServerDisconnectedError"})
    assert got.total().error_rate == pytest.approx(0.3, abs=0.1)
    verdict = slo.judge(got, Slo(version=1, limit=[Limit(name="*", error_rate=0.01)]))
    assert verdict.exit_code == 99


def test_a_slow_service_queues_and_the_response_time_knows() -> None:
    """8 connections at 1 s per call cannot carry 12/s: the queue shows from the intended start."""

    def slow(_: Clock, service: PartnerService) -> None:
        service.inject("slow", delay_s=1.0)

    got, _, _ = at_customs(fault=slow)
    record = got.series["gate record"]
    assert record.service.percentile_s(50) == pytest.approx(1.0, abs=0.05)
    assert record.response.percentile_s(95) > 4.0
    assert got.total().dropped > 0


def test_a_wrong_token_is_the_harness_not_the_service() -> None:
    """A refused token ends the run before it starts and says where the right one stands."""
    with pytest.raises(LoadError, match=r"refuses the token .* endpoints.json"):
        at_customs(token="wrong")


PROFILE = """
device = "barrier"
name = "test"
title = "two registers"
protocol = "modbus-tcp"
source = "made for the test"
public_table = false
function_codes = [3]
unit_ids = [1]
max_connections = 8
[[rows]]
table = "holding"
address = 100
encoding = "u16"
point = "status"
doc = "status"
"""


def poll(read: str, fault: str = "") -> Recorder:
    """One run of the Modbus workload against the server of a device with one register."""

    async def main(clock: Clock) -> Recorder:
        trace = Trace(clock)
        device = Device("in-1.barrier", clock, trace, random.Random(1))
        device.add_point("status", lambda: 17)
        server = ModbusServer(device, loads(PROFILE), clock=clock, trace=trace)
        target = f"127.0.0.1:{await server.start()}"
        if fault:
            clock.call_later(4.0, lambda: server.inject(fault))
            clock.call_later(6.0, lambda: server.heal(fault))
        try:
            return await drive(clock, ModbusWorkload(target, [parse_block(read)]))
        finally:
            await server.stop()

    return run_virtual(main)


def test_polling_the_gates_own_server_succeeds() -> None:
    """Every poll of a register that exists is answered."""
    series = poll("holding:100").series["modbus holding 100+1"]
    assert (series.failed, series.dropped) == (0, 0)
    assert series.ok > 100


@pytest.mark.parametrize(
    ("read", "kind"), [("holding:99", "modbus exception 2"), ("input:0", "modbus exception 1")]
)
def test_the_servers_exceptions_are_counted_by_code(read: str, kind: str) -> None:
    """An address or function that the profile has not is that exception, every time."""
    (series,) = poll(read).series.values()
    assert (series.ok, set(series.failures)) == (0, {kind})


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("busy", "modbus exception 6"), ("silent", "timeout"), ("link_down", "closed by peer")],
)
def test_a_fault_of_the_wire_shows_and_ends(fault: str, kind: str) -> None:
    """A fault of two seconds is counted by its kind, and polls succeed again when it is healed."""
    got = poll("holding:100", fault)
    (series,) = got.series.values()
    assert kind in series.failures
    last = [slot for index, slot in got.slots.items() if index >= 9]
    assert sum(slot.failed + slot.dropped for slot in last) == 0
    assert sum(slot.ok for slot in last) > 5
