"""Locust users that tell of reefers: `locust -f loadtests/locust_reefer.py ReeferUser`.

Each user is the monitoring of one box: it sends retained messages at QoS 1, and hears them back
over a subscription of its own, as a terminal does. A message's time ends there.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import gevent
from locust import User

from loadtests.errors import CallFailed
from loadtests.locust_mqtt import CONNECT, PahoClient, tell
from loadtests.locust_users import UserPace, fire, start_pace
from loadtests.mqtt_broker import broker_address
from loadtests.tic40 import MESSAGE, ReeferMessages, read_stamp
from loadtests.vda5050 import LOST, OFFLINE, Ledger

_numbers = itertools.count()


class ReeferUser(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """Tells of one box at `--rate-per-user`; `--host mqtt://…`, `--reefer-prefix`."""

    def on_start(self) -> None:
        """Connect before the first message is due; a failure is counted, and tried again."""
        options = self.environment.parsed_options
        self._timeout_s = float(options.timeout_s)
        # Drawn here and not on import: Locust's --processes fork after it.
        run = f"load-{secrets.token_hex(3)}"
        self._messages = ReeferMessages(options.reefer_prefix, run, f"{run} {next(_numbers)}")
        self._ledger = Ledger(run)
        self._client: PahoClient | None = None
        while self._client is None:
            began_s = time.perf_counter()
            try:
                self._client = self._open(run)
            except (CallFailed, OSError) as failed:
                fire(self, "MQTT", CONNECT, began_s, failed, {})
                gevent.sleep(1.0)
        self._pace: UserPace = start_pace(self)

    def _open(self, run: str) -> PahoClient:
        options = self.environment.parsed_options
        files = (options.mqtt_ca, options.mqtt_cert, options.mqtt_key)
        broker = broker_address(
            self.environment.host, options.mqtt_user, options.mqtt_password,
            *(Path(file) if file else None for file in files),
        )  # fmt: skip
        client = PahoClient(broker, run, [self._messages.topic], self._heard, qos=1)
        try:
            client.open(self._timeout_s)
        except BaseException:
            client.close()
            raise
        return client

    def _heard(self, _topic: str, payload: bytes) -> None:
        now_s, stamp = time.monotonic(), read_stamp(payload)
        wrong = self._ledger.heard(stamp) if stamp is not None else None
        if stamp is not None and wrong is not None:
            tell(self, stamp.due_s, stamp.sent_s, now_s, wrong, name=MESSAGE)

    def wait_time(self) -> float:
        """Until the next message is due."""
        return self._pace.wait_s()

    def send(self) -> None:
        """Send the message that is due."""
        due_s, sent_s, box = self._pace.due_s, time.monotonic(), self._messages.box
        number, payload = self._messages.message(due_s, sent_s)
        self._ledger.sent(box, number, due_s, sent_s)
        topic = self._messages.topic
        if self._client is None or not self._client.publish(topic, payload, 1, retain=True):
            self._ledger.unsent(box, number)
            tell(self, due_s, sent_s, sent_s, OFFLINE, name=MESSAGE)

    def on_stop(self) -> None:
        """Wait for the last messages, say what never came, and leave nothing behind."""
        if self._client is None:
            return
        box, until_s = self._messages.box, time.monotonic() + self._timeout_s
        while self._ledger.waiting(box) and time.monotonic() < until_s:
            gevent.sleep(0.01)
        for due_s, sent_s in self._ledger.lost(box):
            tell(self, due_s, sent_s, time.monotonic(), LOST, name=MESSAGE)
        self._client.publish(self._messages.topic, b"", 1, retain=True)
        self._client.close()

    tasks: ClassVar[list[Callable[..., None]]] = [send]
