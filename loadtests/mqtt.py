"""A fleet of VDA 5050 vehicles on an MQTT broker, and the master that hears and orders it.

Vehicles send states at their own pace, as streams do: a state is *due* at its instant, whatever
the broker does, and the master's ears decide when it has come. Arrivals are orders and instant
actions: each ends when the vehicle's next state, heard by the master, says that it was taken.
Clients are paho-mqtt on this loop (`twin.wires.mqtt.client`): one process carries hundreds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from loadtests.driver import Session, Steps
from loadtests.errors import CallFailed, LoadError, SessionBroken
from loadtests.mqtt_broker import BrokerAddress
from loadtests.streams import StreamLog
from loadtests.vda5050 import (
    INSTANT,
    LOST,
    OFFLINE,
    ORDER,
    STATE,
    VISUALIZATION,
    Interface,
    Ledger,
    MasterMessages,
    Stamp,
    VehicleMessages,
    read_stamp,
)
from twin.wires.mqtt.client import MqttClient, OnMessage, Settings, Will

ORDER_HEARD = "order at vehicle"
"""Step: from publishing an order to its arrival at the vehicle."""

CONNECT = "connect"
"""From opening the socket to the CONNACK."""

_LOOK_S = 0.01
"""How often it is asked whether the last states have come."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Who is on the road: rates are per vehicle; `planned_s` is when they fall silent."""

    vehicles: int
    state_hz: float
    planned_s: float
    timeout_s: float
    visualization_hz: float = 0.0
    instant_share: float = 0.2
    ramp_s: float = 0.0
    keep_alive_s: int = 15
    seed: int = 1
    run: str = "run"

    def __post_init__(self) -> None:
        for name, value in (("state", self.state_hz), ("visualization", self.visualization_hz)):
            if not 0.0 <= value <= 100.0 or (name == "state" and value < 0.01):
                raise LoadError(
                    f"{value:g} Hz of {name}: a state needs 0.01 to 100, visualization 0 to 100"
                )
        if not 0.0 <= self.ramp_s < self.planned_s:
            raise LoadError(
                f"a ramp of {self.ramp_s:g} s does not fit in a run of {self.planned_s:g} s"
            )


class Fleet:
    """All clients of one process: `listeners` for the driver, and what they share."""

    def __init__(self, broker: BrokerAddress, interface: Interface, plan: FleetPlan) -> None:
        self.broker, self.interface, self.plan = broker, interface, plan
        self.ledger = Ledger(plan.run)
        self.sent_orders: dict[str, float] = {}
        """When each order or action that is under way was published."""
        self.answers: dict[str, asyncio.Future[None]] = {}
        self.ears = asyncio.Event()
        """Set once the master hears: what is said before would count as lost."""
        self.up: dict[str, None] = {}
        """Vehicles that take orders, in the order in which they came."""
        self.somebody_up = asyncio.Event()
        self.over = False
        self.now_s: Callable[[], float] = lambda: 0.0
        self.master = Master(self)
        self.vehicles = [Vehicle(self, number) for number in range(plan.vehicles)]

    @property
    def listeners(self) -> list[Master | Vehicle]:
        """The master's ears first: nothing is to be said before somebody hears it."""
        return [self.master, *self.vehicles]

    def client(
        self, name: str, *, will: Will | None = None, heard: OnMessage | None = None,
        on_disconnect: Callable[[str], None] | None = None,
        on_subscribed: Callable[[bool], None] | None = None,
    ) -> MqttClient:  # fmt: skip
        """A client that stays down when it is lost: the listener counts it and comes again."""
        broker, plan = self.broker, self.plan
        settings = Settings(
            broker.host, broker.port, f"{plan.run}-{name}", keep_alive_s=plan.keep_alive_s,
            will=will, user=broker.user, password=broker.password, tls=broker.tls,
            connect_timeout_s=plan.timeout_s, backoff=None,
        )  # fmt: skip
        return MqttClient(
            settings, loop=asyncio.get_running_loop(), on_message=heard,
            on_disconnect=on_disconnect, on_subscribed=on_subscribed,
            rng=random.Random(f"{plan.seed} {name}"),
        )  # fmt: skip


class _Line:
    """One client of the fleet, from its connection to its loss."""

    def __init__(self, fleet: Fleet, name: str, *, will: Will | None = None,
                 heard: OnMessage | None = None) -> None:  # fmt: skip
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._granted: asyncio.Future[bool] = loop.create_future()
        self._timeout_s = fleet.plan.timeout_s
        self.client = fleet.client(
            name, will=will, heard=heard, on_disconnect=self._gone,
            on_subscribed=self._subscribed,
        )  # fmt: skip

    def _gone(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    def _subscribed(self, granted: bool) -> None:
        if not self._granted.done():
            self._granted.set_result(granted)

    async def open(self) -> None:
        """Connect and subscribe; raises `SessionBroken` with the reason, or `TimeoutError`."""
        self.client.start()
        async with asyncio.timeout(self._timeout_s):
            await asyncio.wait((self._granted, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            kind = "refused" if self.client.refusals else "no connection"
            raise SessionBroken(kind, self.lost.result())
        if not self._granted.result():
            raise SessionBroken("subscription refused")

    async def until_lost(self) -> None:
        """Raises `SessionBroken` when the connection has ended."""
        await asyncio.wait((self.lost,))
        raise SessionBroken("connection lost", self.lost.result())


class Master:
    """Hears every vehicle of this process, and sends orders."""

    name = "master"

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.messages = MasterMessages(fleet.interface)
        self.client: MqttClient | None = None

    async def listen(self, log: StreamLog) -> None:
        """Subscribe to all states until the connection breaks."""
        fleet = self._fleet

        def heard(topic: str, payload: bytes, _qos: int, _retain: bool) -> None:
            seen_s = log.now_s()
            stamp = read_stamp(payload)
            if stamp is not None:
                self._take(log, stamp, seen_s)
            elif topic.endswith(STATE):
                log.seen(STATE, seen_s, seen_s, seen_s, "unreadable")

        line = _Line(fleet, "master", heard=heard)
        line.client.subscribe(fleet.interface.topic("+", STATE))
        if fleet.plan.visualization_hz:
            line.client.subscribe(fleet.interface.topic("+", VISUALIZATION))
        try:
            await line.open()
            self.client = line.client
            fleet.now_s = log.now_s
            fleet.ears.set()
            await line.until_lost()
        finally:
            self.client = None
            await line.client.stop()

    def _take(self, log: StreamLog, stamp: Stamp, seen_s: float) -> None:
        fleet = self._fleet
        wrong = fleet.ledger.heard(stamp)
        if wrong is None:
            return
        log.seen(STATE, stamp.due_s, stamp.sent_s, seen_s, wrong)
        for name in (stamp.order_id, *stamp.action_ids):
            answer = fleet.answers.get(name)
            if answer is not None and not answer.done():
                answer.set_result(None)

    async def finish(self, log: StreamLog) -> None:
        """Wait for the last states, at most the time limit; what does not come is lost."""
        ledger, until_s = self._fleet.ledger, log.now_s() + self._fleet.plan.timeout_s
        await asyncio.sleep(_LOOK_S)  # states that are due in this instant
        self._fleet.over = True
        while ledger.waiting() and log.now_s() < until_s:  # noqa: ASYNC110 - messages, no event
            await asyncio.sleep(_LOOK_S)
        for due_s, sent_s in ledger.lost():
            log.seen(STATE, due_s, sent_s, log.now_s(), LOST)


class Vehicle:
    """One vehicle: connection with its will, states at its pace, an answer to each order."""

    name = "vehicle"

    def __init__(self, fleet: Fleet, number: int) -> None:
        plan = fleet.plan
        self.serial = f"{plan.run}-{number:04d}"
        self._fleet, self._number = fleet, number
        self._messages = VehicleMessages(fleet.interface, self.serial, plan.run)
        self._next_s: float | None = None
        self._line: _Line | None = None

    async def listen(self, log: StreamLog) -> None:
        """Connect, say so, and send until the connection breaks."""
        fleet, plan, topic = self._fleet, self._fleet.plan, self._fleet.interface.topic
        if self._next_s is None:
            await fleet.ears.wait()
            await _until(log, plan.ramp_s * self._number / plan.vehicles)
        began_s = log.now_s()

        def heard(_topic: str, payload: bytes, _qos: int, _retain: bool) -> None:
            self._obey(log, payload)

        will = Will(topic(self.serial, "connection"), self._messages.connection("CONNECTIONBROKEN"))
        self._line = line = _Line(fleet, self.serial, will=will, heard=heard)
        line.client.subscribe(topic(self.serial, "order"))
        line.client.subscribe(topic(self.serial, "instantActions"))
        pacers: list[asyncio.Task[None]] = []
        try:
            await line.open()
            log.noted(CONNECT, began_s, log.now_s())
            self._say_connection("ONLINE")
            fleet.up[self.serial] = None
            fleet.somebody_up.set()
            self._owe(log)
            pacers.append(asyncio.create_task(self._send_states(log)))
            if plan.visualization_hz:
                pacers.append(asyncio.create_task(self._send_visualizations(log)))
            await line.until_lost()
        finally:
            fleet.up.pop(self.serial, None)
            if not fleet.up:
                fleet.somebody_up.clear()
            for pacer in pacers:
                pacer.cancel()
            await asyncio.gather(*pacers, return_exceptions=True)
            if line.client.connected:
                self._say_connection("OFFLINE")
                # Nothing of a load stays behind on the broker.
                line.client.publish(topic(self.serial, "connection"), b"", 1, retain=True)
            await line.client.stop()
            self._line = None

    def _say_connection(self, state: str) -> None:
        if self._line is not None:
            topic = self._fleet.interface.topic(self.serial, "connection")
            self._line.client.publish(topic, self._messages.connection(state), 1, retain=True)

    def _owe(self, log: StreamLog) -> None:
        """Set when the next state is due; those of an outage are not sent, and count as such."""
        plan, now_s = self._fleet.plan, log.now_s()
        period_s = 1.0 / plan.state_hz
        if self._next_s is None:  # vehicles do not march in step
            phase_s = period_s * self._number / plan.vehicles
            self._next_s = phase_s + period_s * (1 + (now_s - phase_s) // period_s)
        self._settle(log, min(now_s, plan.planned_s))

    def _settle(self, log: StreamLog, until_s: float) -> None:
        period_s = 1.0 / self._fleet.plan.state_hz
        while self._next_s is not None and self._next_s < until_s:
            log.seen(STATE, self._next_s, self._next_s, log.now_s(), OFFLINE)
            self._next_s += period_s

    async def _send_states(self, log: StreamLog) -> None:
        plan = self._fleet.plan
        while self._next_s is not None and self._next_s < plan.planned_s:
            await _until(log, self._next_s)
            if self._fleet.over:
                return
            due_s, self._next_s = self._next_s, self._next_s + 1.0 / plan.state_hz
            self._send_state(log, due_s)

    def _send_state(self, log: StreamLog, due_s: float) -> None:
        line, sent_s = self._line, log.now_s()
        if line is None or not line.client.connected:
            log.seen(STATE, due_s, sent_s, sent_s, OFFLINE)
            return
        number, payload = self._messages.state(due_s, sent_s)
        self._fleet.ledger.sent(self.serial, number, due_s, sent_s)
        line.client.publish(self._fleet.interface.topic(self.serial, STATE), payload)

    async def _send_visualizations(self, log: StreamLog) -> None:
        plan, topic = self._fleet.plan, self._fleet.interface.topic(self.serial, VISUALIZATION)
        period_s = 1.0 / plan.visualization_hz
        due_s = log.now_s() + period_s * self._number / plan.vehicles
        while due_s < plan.planned_s and self._line is not None and not self._fleet.over:
            await _until(log, due_s)
            self._line.client.publish(topic, self._messages.visualization())
            due_s += period_s

    def _obey(self, log: StreamLog, payload: bytes) -> None:
        now_s, told = log.now_s(), self._messages.obey(payload)
        if not told:
            log.seen(ORDER, now_s, now_s, now_s, "unreadable")
            return
        for name in told:
            since_s = self._fleet.sent_orders.pop(name, None)
            if since_s is not None:
                log.noted(ORDER_HEARD, since_s, now_s)
        self._send_state(log, now_s)

    async def finish(self, log: StreamLog) -> None:
        """What was due and never sent, because the vehicle was not on the line."""
        self._settle(log, min(log.now_s(), self._fleet.plan.planned_s))


async def _until(log: StreamLog, at_s: float) -> None:
    while (delay_s := at_s - log.now_s()) > 1e-6:  # noqa: ASYNC110 - nothing signals time
        await asyncio.sleep(delay_s)


class MqttSession:
    """The master as one arrival uses it; the connection itself is the listener's."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def call(self, number: int, steps: Steps) -> None:  # noqa: ARG002 - vehicles note theirs
        """Send one order or instant action, and wait for the state that says it was taken."""
        fleet = self._fleet
        await fleet.somebody_up.wait()
        client = fleet.master.client
        if client is None or not client.connected:
            raise CallFailed(OFFLINE)
        up = list(fleet.up)
        serial = up[number % len(up)]
        name = f"{fleet.plan.run}-{number}"
        messages = fleet.master.messages
        if kind_of(number, fleet.plan) == INSTANT:
            topic, payload = "instantActions", messages.state_request(serial, name)
        else:
            topic, payload = "order", messages.order(serial, name)
        answer = fleet.answers[name] = asyncio.get_running_loop().create_future()
        fleet.sent_orders[name] = fleet.now_s()
        try:
            client.publish(fleet.interface.topic(serial, topic), payload)
            await answer
        finally:
            del fleet.answers[name]
            fleet.sent_orders.pop(name, None)

    async def close(self) -> None:
        """Nothing is held between two arrivals."""


class MqttWorkload:
    """Orders and instant actions to the vehicles in turn."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._let_in = False

    def name(self, number: int) -> str:
        """`order` or `instant action`, as the seed says."""
        return kind_of(number, self._fleet.plan)

    async def connect(self) -> Session:
        """Find out once whether the broker lets us in; raises `SessionBroken`."""
        if not self._let_in:
            line = _Line(self._fleet, "probe")
            line.client.subscribe(self._fleet.interface.topic("probe", STATE))
            try:
                await line.open()
            finally:
                await line.client.stop()
            self._let_in = True
        return MqttSession(self._fleet)


def kind_of(number: int, plan: FleetPlan) -> str:
    """What arrival `number` is; a pure function of the seed."""
    drawn = random.Random(f"{plan.seed} arrival {number}").random()
    return INSTANT if drawn < plan.instant_share else ORDER
