"""The open driver, in virtual time over real TCP: the same freeze every time, in milliseconds."""

from __future__ import annotations

import asyncio
import socket

import pytest

from loadtests.arrivals import schedule
from loadtests.driver import AbortRule, OpenDriver
from loadtests.errors import TargetError
from loadtests.modbus import ModbusWorkload, parse_block
from loadtests.rest import RestWorkload
from loadtests.rest_calls import Truck
from loadtests.result import Recorder, RunInfo
from loadtests.slo import Limit, Slo, judge
from tests.load import server
from tests.load.runs import info
from twin.clock import Clock, run_virtual

BLOCK = parse_block("holding:100:2")


def drive(
    handler: server.Handler,
    run: RunInfo,
    *,
    abort: AbortRule | None = None,
    workload: str = "",
    pause_s: float = 0.0,
) -> Recorder:
    """Run in virtual time; with `pause_s` the generator itself stands still that long at 2 s."""

    async def main(clock: Clock) -> Recorder:
        tcp, port = await server.start(handler)
        target = f"127.0.0.1:{port}"
        instants = schedule(
            run.shape, rate_per_s=run.rate_per_s, duration_s=run.planned_s, seed=run.seed
        )
        load = (
            RestWorkload(target, "secret", run.seed, [Truck("14C-123.45", "306012345670")])
            if workload == "rest"
            else ModbusWorkload(target, [BLOCK])
        )
        loop = clock.loop
        driver = OpenDriver(
            load,
            instants,
            run,
            abort=abort,
            now=lambda: loop.time() + (pause_s if loop.time() > 2.0 else 0.0),
            cpu_time=lambda: 0.0,
        )
        try:
            return await driver.run()
        finally:
            tcp.close()

    return run_virtual(main, seed=run.seed)


def calm() -> server.Freezer:
    return server.Freezer(0, 0, hard=False)


def test_a_freeze_shows_in_the_response_time_and_hides_in_the_service_time() -> None:
    """Latency counts from the intended start, so a 2 s freeze holds the 200 who came meanwhile."""
    got = drive(server.modbus(server.Freezer(4, 2, hard=False)), info())
    series = got.series[BLOCK.name]
    assert (series.ok, series.failed, series.dropped) == (1000, 0, 0)
    assert series.response.percentile_s(99) == pytest.approx(1.9, abs=0.02)
    assert series.response.percentile_s(90) == pytest.approx(1.0, abs=0.02)
    assert series.response.max_s == pytest.approx(2.0, abs=0.02)
    # Only the four requests that were under way saw the freeze as service time.
    assert series.service.percentile_s(99) < 0.01
    assert series.service.max_s == pytest.approx(2.0, abs=0.05)


def test_the_same_seed_gives_the_same_result() -> None:
    """One seed, one result, to the last byte: the whole run is a function of it."""
    freeze = [drive(server.modbus(server.Freezer(2, 1, hard=False)), info()) for _ in range(2)]
    assert freeze[0].to_json() == freeze[1].to_json()


def test_a_generator_that_stood_still_is_undecided_not_a_breach() -> None:
    """A pause of the generator counts for every tick that it missed, so the gate blames it."""
    got = drive(server.modbus(calm()), info(planned_s=5.0), pause_s=1.0)
    # 100 of 500 ticks fell into the pause and are 0 to 1 s late, not one of them alone.
    assert got.lag.percentile_s(90) == pytest.approx(0.5, abs=0.03)
    assert got.series[BLOCK.name].response.percentile_s(99) > 0.9
    verdict = judge(got, Slo(version=1, limit=[Limit(name="*", p99_s=0.1)]))
    assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 2)


def test_arrivals_beyond_their_patience_are_dropped_with_the_time_they_waited() -> None:
    """Dropping is counted as an error and never mends a percentile."""
    run = info(connections=1, timeout_s=0.5, planned_s=4.0)
    got = drive(server.modbus(server.Freezer(1, 2, hard=False)), run)
    series = got.series[BLOCK.name]
    assert series.dropped > 0
    assert series.ok + series.failed + series.dropped == series.response.count == 400
    assert series.failures.get("timeout", 0) > 0
    assert series.error_rate == (series.failed + series.dropped) / 400
    assert series.response.percentile_s(99) > 0.5


def test_the_warm_up_is_cut_by_intended_start() -> None:
    """What was meant to start in the warm-up counts in no percentile but shows on the time line."""
    # Frozen from 2 s to 4 s: those meant for the third second are sent in the fifth, yet cut.
    got = drive(server.modbus(server.Freezer(2, 2, hard=False)), info(warm_up_s=3.0))
    series = got.series[BLOCK.name]
    assert series.count == 700
    assert series.response.max_s == pytest.approx(1.0, abs=0.01)
    assert sum(slot.offered for slot in got.slots.values()) == 1000
    assert got.slots[2].max_s == pytest.approx(2.0, abs=0.01)


def test_exceptions_and_foreign_replies_are_failures_by_kind() -> None:
    """A Modbus exception is a failed poll with its code in the name of the failure."""
    got = drive(server.modbus(calm(), exception=2), info(planned_s=1.0))
    assert got.series[BLOCK.name].failures == {"modbus exception 2": 100}


def test_a_peer_that_hangs_up_costs_one_failure_and_one_new_connection() -> None:
    """A broken connection is opened again for the next arrival."""
    connections = []

    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        frame = await reader.readexactly(12)
        writer.write(frame[:4] + b"\x00\x07" + frame[6:8] + b"\x04" + bytes(4))
        await reader.read(12)
        writer.close()

    got = drive(one_answer, info(connections=1, planned_s=0.2))
    assert got.series[BLOCK.name].ok == 10
    assert sum(got.series[BLOCK.name].failures.values()) == 10
    assert len(connections) >= 10


def test_the_abort_rule_ends_the_run_early() -> None:
    """With every answer an error the run ends within its window and says why."""
    got = drive(
        server.modbus(calm(), exception=4),
        info(planned_s=60.0),
        abort=AbortRule(error_rate=0.5, window_s=2.0, count_min=20),
    )
    assert "99 of 99 arrivals of the last 2 s failed" in got.info.aborted
    assert got.info.planned_s == pytest.approx(0.99)
    assert got.total().count <= 101


def test_an_absent_target_is_an_error_with_the_next_step() -> None:
    """Nothing listens: that is no measurement, and the message says what to check."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        async def main(_: Clock) -> Recorder:
            load = ModbusWorkload(f"127.0.0.1:{port}", [BLOCK])
            instants = schedule("constant", rate_per_s=10, duration_s=1, seed=1)
            return await OpenDriver(load, instants, info(planned_s=1.0)).run()

        with pytest.raises(TargetError, match="next: check that the system under load runs"):
            run_virtual(main)


def test_a_rest_decision_is_one_arrival_of_four_timed_calls() -> None:
    """Steps are measured under their own names and are not arrivals of their own."""
    seen: list[bytes] = []
    run = info(workload="rest", planned_s=2.0)
    got = drive(server.http(calm(), server.CUSTOMS, seen), run, workload="rest")
    decisions = got.series["gate decision"]
    assert decisions.count > 50
    for step in (
        "GET /v1/declarations?plate",
        "GET /v1/declarations/{number}/channel",
        "GET /v1/preclearances/{number}",
        "POST /v1/releases",
    ):
        assert got.series[step].step
        assert got.series[step].ok == decisions.ok
    assert got.total().count == 200
    assert got.total().failed == 0
    assert all(b"Authorization: Bearer secret" in request for request in seen)
    # One declaration, one key, one body: a repeat is a replay and never a conflict.
    releases = {r for r in seen if r.startswith(b"POST /v1/releases")}
    assert len(releases) == 1
    assert b"Idempotency-Key: load-1-306012345670" in releases.pop()


def test_a_wrong_http_status_is_a_failure_by_its_number() -> None:
    """A refused token shows as http 401 in the failures of every call."""
    answers = server.CUSTOMS | {"POST /v1/alarms": (503, b"{}")}
    run = info(workload="rest", planned_s=2.0)
    got = drive(server.http(calm(), answers, []), run, workload="rest")
    assert got.series["alarm"].failures == {"http 503": got.series["alarm"].count}
