"""Locust users of an MQTT broker: `locust -f loadtests/locust_mqtt.py VehicleUser OrderUser`.

Each vehicle is a paho client of its own, and one further client in each process hears what this
process's vehicles send: a state's time ends there. Every process has a manufacturer's name of its
own, so that ears do not hear what other workers send.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gevent
import paho.mqtt.client as paho
from gevent.event import AsyncResult, Event
from gevent.lock import RLock
from locust import User
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from loadtests.errors import CallFailed
from loadtests.locust_users import UserPace, fire, start_pace
from loadtests.mqtt_broker import BrokerAddress, broker_address
from loadtests.vda5050 import (
    LOST,
    OFFLINE,
    ORDER,
    STATE,
    Interface,
    Ledger,
    MasterMessages,
    VehicleMessages,
    read_stamp,
)

CONNECT = "connect"
_numbers = itertools.count()
_lock = RLock()


class PahoClient:
    """A paho client whose network loop is a greenlet; it connects again by itself."""

    def __init__(
        self,
        broker: BrokerAddress,
        name: str,
        topics: list[str],
        heard: Callable[[str, bytes], None],
        will: tuple[str, bytes] | None = None,
        *,
        qos: int = 0,
    ) -> None:
        self._topics, self._heard, self._broker, self._qos = topics, heard, broker, qos
        self.subscribed = Event()
        self.refused = ""
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, name)
        self.paho.reconnect_delay_set(1, 5)
        if broker.user is not None:
            self.paho.username_pw_set(broker.user, broker.password)
        if broker.tls is not None:
            self.paho.tls_set_context(broker.tls)
        if will is not None:
            self.paho.will_set(*will, qos=1, retain=True)
        self.paho.on_connect = self._connected
        self.paho.on_subscribe = self._subscribed
        self.paho.on_message = self._message

    def open(self, timeout_s: float) -> None:
        """Connect and subscribe; raises `CallFailed`, `OSError` or `TimeoutError`."""
        self.paho.connect_timeout = timeout_s
        self.paho.connect(self._broker.host, self._broker.port, keepalive=15)
        self.paho.loop_start()
        if not self.subscribed.wait(timeout_s):
            if self.refused:
                raise CallFailed("refused", self.refused)
            raise TimeoutError(f"{self._broker.url}: no SUBACK in {timeout_s:g} s")

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> bool:
        """False where there is no connection to send it on."""
        if not self.paho.is_connected():
            return False
        done = self.paho.publish(topic, payload, qos, retain)
        return done.rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Leave in order."""
        self.paho.disconnect()
        self.paho.loop_stop()

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            self.paho.subscribe([(topic, self._qos) for topic in self._topics])

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: Any, _props: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self.refused = "a subscription"
        else:
            self.subscribed.set()

    def _message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._heard(message.topic, bytes(message.payload))


class _Ears:
    """What one process hears of its own vehicles, and says to them."""

    def __init__(self, user: Any) -> None:
        options = user.environment.parsed_options
        files = (options.mqtt_ca, options.mqtt_cert, options.mqtt_key)
        self.broker = broker_address(
            user.environment.host, options.mqtt_user, options.mqtt_password,
            *(Path(file) if file else None for file in files),
        )  # fmt: skip
        # Drawn here and not on import: Locust's --processes fork after it.
        self.run = f"load-{secrets.token_hex(3)}"
        self.interface = Interface(options.mqtt_prefix, self.run)
        self.messages = MasterMessages(self.interface)
        self.ledger = Ledger(self.run)
        self.serials: list[str] = []
        self.answers: dict[str, AsyncResult[None]] = {}
        self._user = user
        self.client = PahoClient(
            self.broker, f"{self.run}-ears", [self.interface.topic("+", STATE)], self._heard
        )
        self.client.open(options.timeout_s)

    def _heard(self, _topic: str, payload: bytes) -> None:
        now_s = time.monotonic()
        stamp = read_stamp(payload)
        wrong = self.ledger.heard(stamp) if stamp is not None else None
        if stamp is None or wrong is None:
            return
        tell(self._user, stamp.due_s, stamp.sent_s, now_s, wrong)
        for name in (stamp.order_id, *stamp.action_ids):
            if name in self.answers:
                self.answers.pop(name).set(None)


_ears: list[_Ears] = []


def ears(user: Any) -> _Ears:
    """The ears of this process; the first user opens them."""
    with _lock:
        if not _ears:
            _ears.append(_Ears(user))
        return _ears[0]


def tell(
    user: Any, due_s: float, sent_s: float, seen_s: float, wrong: str = "", *, name: str = STATE
) -> None:
    """One state (or message of another name), with what went wrong with it."""
    user.environment.events.request.fire(
        request_type="MQTT",
        name=name,
        response_time=(seen_s - sent_s) * 1000.0,
        response_length=0,
        exception=CallFailed(wrong) if wrong else None,
        context={"late_s": sent_s - due_s},
    )


class VehicleUser(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """A vehicle: will, states at `--rate-per-user`, an answer to each order; `--host mqtt://…`."""

    weight = 1

    def on_start(self) -> None:
        """Connect before the first state is due; a failure is counted, and tried again."""
        self._timeout_s = self.environment.parsed_options.timeout_s
        self._client: PahoClient | None = None
        while self._client is None:
            began_s = time.perf_counter()
            try:
                self._client = self._open()
            except (CallFailed, OSError) as failed:
                fire(self, "MQTT", CONNECT, began_s, failed, {})
                gevent.sleep(1.0)
        self._pace: UserPace = start_pace(self)

    def _open(self) -> PahoClient:
        self._ears = ears(self)
        serial = f"{self._ears.run}-{next(_numbers):04d}"
        topic = self._ears.interface.topic
        self._messages = VehicleMessages(self._ears.interface, serial, self._ears.run)
        self._topic, self._connection = topic(serial, STATE), topic(serial, "connection")
        will = (self._connection, self._messages.connection("CONNECTIONBROKEN"))
        told = [topic(serial, "order"), topic(serial, "instantActions")]
        client = PahoClient(self._ears.broker, serial, told, self._obey, will)
        try:
            client.open(self._timeout_s)
        except BaseException:
            client.close()
            raise
        client.publish(self._connection, self._messages.connection("ONLINE"), 1, retain=True)
        self._ears.serials.append(serial)
        return client

    def wait_time(self) -> float:
        """Until the next state is due."""
        return self._pace.wait_s()

    def send(self) -> None:
        """Send the state that is due."""
        self._send(self._pace.due_s)

    def _send(self, due_s: float) -> None:
        sent_s, ledger = time.monotonic(), self._ears.ledger
        number, payload = self._messages.state(due_s, sent_s)
        ledger.sent(self._messages.serial, number, due_s, sent_s)
        if self._client is None or not self._client.publish(self._topic, payload):
            ledger.unsent(self._messages.serial, number)
            tell(self, due_s, sent_s, sent_s, OFFLINE)

    def _obey(self, _topic: str, payload: bytes) -> None:
        if self._client is not None and self._messages.obey(payload):
            self._send(time.monotonic())

    def on_stop(self) -> None:
        """Wait for the last states, say what never came, and leave nothing behind."""
        if self._client is None:
            return
        serial, ledger = self._messages.serial, self._ears.ledger
        self._ears.serials.remove(serial)
        until_s = time.monotonic() + self._timeout_s
        while ledger.waiting(serial) and time.monotonic() < until_s:
            gevent.sleep(0.01)
        for due_s, sent_s in ledger.lost(serial):
            tell(self, due_s, sent_s, time.monotonic(), LOST)
        self._client.publish(self._connection, self._messages.connection("OFFLINE"), 1, retain=True)
        self._client.publish(self._connection, b"", 1, retain=True)
        self._client.close()

    tasks: ClassVar[list[Callable[..., None]]] = [send]


class OrderUser(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """Orders the vehicles of its process in turn, `--orders-per-s`; ends with their state."""

    fixed_count = 1

    def on_start(self) -> None:
        """Wait until there is somebody to be ordered."""
        self._turn = itertools.count()
        self._options = self.environment.parsed_options
        while not (_ears and _ears[0].serials):
            gevent.sleep(0.05)
        self._pace = UserPace(1.0 / self._options.orders_per_s, 0.5)

    def wait_time(self) -> float:
        """Until the next order is due."""
        return self._pace.wait_s()

    def order(self) -> None:
        """Send an order and wait for the state that says it was taken."""
        heard, number = ears(self), next(self._turn)
        if not heard.serials:
            return  # all have left: the run is over
        serial = heard.serials[number % len(heard.serials)]
        name, late_s = f"{heard.run}-{number}", self._pace.late_s()
        answer = heard.answers[name] = AsyncResult()
        began_s, error = time.perf_counter(), None
        try:
            message = heard.messages.order(serial, name)
            if not heard.client.publish(heard.interface.topic(serial, "order"), message):
                raise CallFailed(OFFLINE)
            answer.get(timeout=self._options.timeout_s)
        except gevent.Timeout:
            error = CallFailed("timeout")
        except CallFailed as failed:
            error = failed
        finally:
            heard.answers.pop(name, None)
        fire(self, "MQTT", ORDER, began_s, error, {"late_s": late_s})

    tasks: ClassVar[list[Callable[..., None]]] = [order]
