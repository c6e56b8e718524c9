"""A fleet under load: what is sent is heard, and what the broker does to it is counted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.suites.reefer_messages import form_problem
from loadtests.arrivals import schedule
from loadtests.driver import OpenDriver
from loadtests.errors import LoadError, TargetError
from loadtests.mqtt import CONNECT, ORDER_HEARD, Fleet, FleetPlan, MqttWorkload
from loadtests.mqtt_broker import BrokerAddress, broker_address
from loadtests.result import Recorder
from loadtests.slo import Limit, Slo, judge
from loadtests.tic40 import ReeferMessages
from loadtests.tic40 import read_stamp as read_reefer
from loadtests.vda5050 import (
    INSTANT,
    LATE_ORDER,
    LOST,
    OFFLINE,
    ORDER,
    STATE,
    TWICE,
    Interface,
    Ledger,
    MasterMessages,
    VehicleMessages,
    read_stamp,
)
from tests.load.runs import info
from tests.vda5050 import schemas
from twin.clock import Clock, run_virtual
from twin.trace import Trace
from twin.wires.mqtt import Access, MqttServer

VEHICLES, HZ, PLANNED_S = 20, 2.0, 10.0


ARRIVALS = schedule("poisson", rate_per_s=5.0, duration_s=PLANNED_S, seed=1)


Disturb = Callable[[Clock, MqttServer, Fleet], Any]


def drive(
    disturb: Disturb | None = None,
    *,
    access: Access | None = None,
    pause_s: float = 0.0,
    **changes: Any,
) -> tuple[Recorder, Trace]:
    """Ten virtual seconds of a fleet on our own broker; `disturb` may spoil it.

    With `pause_s` the generator itself stands still that long at 4 s.
    """

    async def main(clock: Clock) -> tuple[Recorder, Trace]:
        trace = Trace(clock)
        server = MqttServer(
            clock=clock, trace=trace, rng=random.Random(3),
            **({"access": access} if access else {}),
        )  # fmt: skip
        port = await server.start()
        plan = FleetPlan(
            VEHICLES, HZ, PLANNED_S, 2.0, **({"visualization_hz": 1.0, "ramp_s": 0.5} | changes)
        )
        fleet = Fleet(BrokerAddress("127.0.0.1", port), Interface(), plan)
        if disturb is not None:
            disturb(clock, server, fleet)
        run = info(workload="mqtt", rate_per_s=5.0, planned_s=PLANNED_S, timeout_s=2.0)
        driver = OpenDriver(
            MqttWorkload(fleet),
            ARRIVALS,
            run,
            listeners=fleet.listeners,
            now=lambda: clock.loop.time() + (pause_s if clock.loop.time() > 4.0 else 0.0),
            cpu_time=lambda: 0.0,
        )
        try:
            return await driver.run(), trace
        finally:
            await server.stop()

    return run_virtual(main)


def test_every_state_is_heard_once_in_order_and_every_order_is_taken() -> None:
    """Twenty vehicles at 2 Hz: every state that was due is good, and each order ends in one."""
    got, trace = drive()
    state, orders = got.series[STATE], got.series[ORDER].ok + got.series[INSTANT].ok
    assert got.total().failed == got.total().dropped == 0
    # The first state of a vehicle is the first that is due once it is on the line: 0 to 0.5 s
    # of ramp, so each sends all of its twenty but the first one or two; and one for each order.
    assert VEHICLES * (HZ * PLANNED_S - 2) <= state.ok - orders <= VEHICLES * HZ * PLANNED_S
    assert got.series[ORDER_HEARD].ok == orders == len(ARRIVALS)
    assert got.series[CONNECT].ok == VEHICLES
    assert state.response.max_s < 0.01
    # Every vehicle was ONLINE, then OFFLINE, then forgotten; nobody's will was said.
    said = [r.payload for r in trace.records() if r.kind == "mqtt.rx"]
    said = [one for one in said if str(one.get("topic")).endswith("/connection")]
    assert len(said) == 3 * VEHICLES


def spoil(kind: str, pattern: str, **parameters: Any) -> Disturb:
    """A fault of the links that is on all the time."""

    def disturb(_clock: Clock, server: MqttServer, _fleet: Fleet) -> None:
        server.link(pattern).inject(kind, topic="uagv/v2/+/+/state", **parameters)

    return disturb


@pytest.mark.parametrize(
    ("kind", "parameters", "failure"),
    [
        ("loss", {}, LOST),
        ("duplicate", {}, TWICE),
        ("reorder", {"hold_s": 0.7}, LATE_ORDER),
    ],
)
def test_what_a_link_does_is_counted_by_its_name(
    kind: str, parameters: dict[str, float], failure: str
) -> None:
    """Every message that the broker's trace says was spoilt is one failure, and no other is."""
    got, trace = drive(spoil(kind, "run-master", probability=0.2, **parameters))
    state = got.series[STATE]
    word = {"loss": "link.lost", "duplicate": "link.duplicated", "reorder": "link.held_back"}[kind]
    told = sum(row.kind == word for row in trace.records())
    assert told > 50
    assert set(state.failures) == {failure}
    if kind == "reorder":  # where the next one is held back too, nothing overtakes: a fifth
        assert 0.6 * told < state.failures[failure] < 0.95 * told
    else:
        assert state.failures[failure] == told


def test_a_silence_shows_in_the_response_time_and_breaches() -> None:
    """A gap of 1.5 s at the master: what was due in it comes late, nothing is lost."""

    def disturb(clock: Clock, server: MqttServer, _fleet: Fleet) -> None:
        link = server.link("run-master")
        clock.call_later(4.0, lambda: link.inject("handover", gap_s=1.5))

    got, _ = drive(disturb)
    state = got.series[STATE]
    assert state.failed == 0
    assert state.response.max_s == pytest.approx(1.5, abs=0.05)
    assert state.response.percentile_s(95) > 0.8
    limits = Slo(version=1, limit=[Limit(STATE, p99_s=0.02, error_rate=0.0)])
    assert judge(got, limits).exit_code == 99


def test_a_generator_that_stood_still_sends_late_and_says_so() -> None:
    """A pause of 1 s: states count from when they were due, though each went through at once."""
    got, _ = drive(pause_s=1.0)
    state = got.series[STATE]
    assert state.failed == 0
    assert state.response.max_s == pytest.approx(1.0, abs=0.05)
    assert state.service.max_s < 0.05
    assert got.lag.percentile_s(95) > 0.4
    verdict = judge(got, Slo(version=1, limit=[Limit(STATE, p99_s=0.02)]))
    assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 2)


def test_nobody_speaks_before_the_master_hears() -> None:
    """A master whose subscription is slow: no state is sent into the void, none is lost."""

    def disturb(_clock: Clock, server: MqttServer, _fleet: Fleet) -> None:
        server.link("run-master").inject("delay", delay_s=0.7, direction="up")

    got, _ = drive(disturb)
    assert got.series[STATE].failures == {}
    assert got.series[STATE].ok > 300


def test_a_vehicle_that_is_cut_off_comes_again_and_its_silence_counts() -> None:
    """Each state that was due while a vehicle was away is one failure; then all is well."""

    def disturb(clock: Clock, _server: MqttServer, fleet: Fleet) -> None:
        def cut() -> None:
            line = fleet.vehicles[7]._line
            assert line is not None
            line.client.kill()

        clock.call_later(4.2, cut)

    got, _ = drive(disturb)
    assert got.series["vehicle"].failures == {"connection lost": 1}
    assert set(got.series[STATE].failures) == {OFFLINE}
    assert got.series[STATE].failures[OFFLINE] in {1, 2}  # half a second's pause, at 2 Hz
    assert got.series[CONNECT].ok == VEHICLES + 1


def test_a_broker_that_refuses_is_the_harness() -> None:
    """Wrong credentials end the run before it starts, with what to do next."""
    with pytest.raises(TargetError, match="refused"):
        drive(access=Access(users={"fleet": "word"}, anonymous=False))


def test_the_same_seed_gives_the_same_result() -> None:
    """One seed, one result, to the last byte."""
    first, second = (drive(spoil("loss", "run-master", probability=0.1))[0] for _ in range(2))
    assert first.to_json() == second.to_json()


def test_messages_are_lawful_and_stamps_come_back() -> None:
    """States, orders and instant actions pass the official schemas and carry what was put in."""
    interface = Interface()
    vehicle, master = VehicleMessages(interface, "v1", "r"), MasterMessages(interface)
    order, action = master.order("v1", "o-1"), master.state_request("v1", "a-1")
    assert vehicle.obey(order) == ("o-1",)
    assert vehicle.obey(action) == ("a-1",)
    number, state = vehicle.state(1.25, 1.5)
    stamp = read_stamp(state)
    assert stamp is not None
    assert (stamp.run, stamp.serial, stamp.number) == ("r", "v1", number)
    assert (stamp.due_s, stamp.sent_s, stamp.order_id) == (1.25, 1.5, "o-1")
    assert stamp.action_ids == ("a-1",)
    assert 900 < len(state) < 1_300
    for topic, message in (
        ("order", order), ("instantActions", action), ("state", state),
        ("visualization", vehicle.visualization()), ("connection", vehicle.connection("ONLINE")),
    ):  # fmt: skip
        schemas.check("2.1", topic, message)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"orderId": "x"}', b'{"actions": 3}'])
def test_nonsense_is_no_order_and_no_state(payload: bytes) -> None:
    """A vehicle does nothing with it, and it has no stamp."""
    assert VehicleMessages(Interface(), "v1", "r").obey(payload) == ()
    assert read_stamp(payload) is None


def test_the_ledger_ignores_other_runs() -> None:
    """A state of another run on the same topics is nobody's loss."""
    ledger = Ledger("mine")
    ledger.sent("v1", 0, 0.0, 0.0)
    foreign = read_stamp(VehicleMessages(Interface(), "v1", "other").state(0.0, 0.0)[1])
    assert foreign is not None
    assert ledger.heard(foreign) is None
    assert ledger.lost() == [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("gate", ("gate", 1883, None)),
        ("10.0.0.5:1884", ("10.0.0.5", 1884, None)),
        ("mqtt://a:b%20c@gate:1", ("gate", 1, "a")),
        ("mqtts://gate", ("gate", 8883, None)),
        ("mqtt://[::1]:9", ("::1", 9, None)),
    ],
)
def test_an_address_is_read_from_text(target: str, expected: tuple[str, int, str | None]) -> None:
    """Host, port by scheme, user; the password stays out of what is shown."""
    found = broker_address(target)
    assert (found.host, found.port, found.user) == expected
    assert (found.tls is not None) is target.startswith("mqtts")
    assert "b c" not in repr(found) + found.url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "http://secret@gate"}, "not a broker"),
        ({"target": "gate:x"}, "Port could not be cast"),
        ({"target": "gate", "cert": Path("x.pem")}, "needs TLS"),
        ({"target": "mqtts://gate", "ca": Path("/nowhere/ca.pem")}, "not usable for TLS"),
    ],
)
def test_a_wrong_address_is_refused(options: dict[str, Any], message: str) -> None:
    """With what is wrong, and without a secret."""
    with pytest.raises(LoadError, match=message) as caught:
        broker_address(**options)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FleetPlan(1, 0.0, 10.0, 1.0), "0 Hz of state"),
        (lambda: FleetPlan(1, 1.0, 10.0, 1.0, ramp_s=10.0), "does not fit"),
        (lambda: Interface(manufacturer="a/b"), "one level"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    """Rates, ramp and names have their limits."""
    with pytest.raises(LoadError, match=message):
        make()


def test_a_reefer_message_is_what_the_kit_asks_for() -> None:
    """A loaded message has the published form and its own stamp; another payload has none."""
    made = ReeferMessages("terminal", "run", "seed")
    number, payload = made.message(1.5, 1.625)
    assert form_problem(json.loads(payload)) == ""
    assert made.topic == f"terminal/cargo/{made.box}/rms"
    stamp = read_reefer(payload)
    assert stamp is not None
    assert (stamp.run, stamp.serial, stamp.number) == ("run", made.box, number)
    assert (stamp.due_s, stamp.sent_s) == (1.5, 1.625)
    assert read_reefer(b"{}") is None
    assert read_reefer(b"\xff") is None
    with pytest.raises(LoadError, match="one level"):
        ReeferMessages("a/b", "run", "seed")
