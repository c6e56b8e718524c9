"""Locust users of a gate's interfaces: `locust -f loadtests/locust_users.py ModbusPoller`.

Each user keeps a fixed pace and remembers when its next arrival is due. When a server freezes,
the arrivals that were due meanwhile are sent late, one after the other, and say how late.
"""

from __future__ import annotations

import itertools
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gevent
import requests
from locust import FastHttpUser, HttpUser, User
from requests.auth import HTTPDigestAuth

from loadtests import alerts, locust_hooks, rest_calls
from loadtests.errors import CallFailed, SessionBroken
from loadtests.modbus import BlockingModbus, parse_block
from loadtests.streams import RETRY_S
from loadtests.toledo import FRAME, BlockingFrames, Pace, ToledoTarget

locust_hooks.install()

_numbers = itertools.count()
"""Arrivals of this process, so that no two users send the same one."""


class UserPace:
    """When the next arrival of one user is due."""

    def __init__(self, period_s: float, phase: float) -> None:
        self._period_s = period_s
        self.due_s = time.monotonic() + phase * period_s
        """Instant of the monotonic clock at which the present arrival is or was due."""

    def wait_s(self) -> float:
        """Seconds until the next arrival is due; 0 where it is overdue."""
        self.due_s += self._period_s
        return max(0.0, self.due_s - time.monotonic())

    def late_s(self) -> float:
        """How much later than intended the present arrival starts."""
        return max(0.0, time.monotonic() - self.due_s)


def start_pace(user: Any) -> UserPace:
    """A pace with its own phase, so that users do not march in step."""
    options = user.environment.parsed_options
    phase = random.Random(f"{options.load_seed} {next(_numbers)}").random()
    pace = UserPace(1.0 / options.rate_per_user, phase)
    time.sleep(phase / options.rate_per_user)  # gevent's: other users go on
    return pace


def _first_number(user: Any) -> int:
    """Workers number their arrivals apart from each other."""
    index = getattr(user.environment.runner, "worker_index", 0)
    return int(max(0, index)) * 1_000_000_000


class ModbusPoller(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """Polls registers as a gate's stack does; `--host HOST:PORT`, `--read`, `--unit`."""

    def on_start(self) -> None:
        """Open the connection before the first poll is due."""
        options = self.environment.parsed_options
        blocks = [parse_block(text) for text in options.read or ["holding:100:2"]]
        self._blocks = itertools.cycle(blocks)
        self._link = BlockingModbus(self.environment.host, options.unit, options.timeout_s)
        self._pace = start_pace(self)

    def wait_time(self) -> float:
        """Until the next poll is due."""
        return self._pace.wait_s()

    def poll(self) -> None:
        """Read the block whose turn it is."""
        block = next(self._blocks)
        late_s = self._pace.late_s()
        began_s, error = time.perf_counter(), None
        try:
            self._link.poll(block)
        except (CallFailed, OSError) as failed:
            error = failed
        fire(self, "MODBUS", block.name, began_s, error, {"late_s": late_s})

    def on_stop(self) -> None:
        """Let go of the connection."""
        self._link.close()

    tasks: ClassVar[list[Callable[..., None]]] = [poll]


class CustomsClient(FastHttpUser):  # type: ignore[misc]  # Locust ships no types we could follow
    """Asks and tells the customs service; `--host URL`, `--token`, `--trucks`."""

    def on_start(self) -> None:
        """Learn which trucks there are, outside the measurement."""
        options = self.environment.parsed_options
        # The paths bring the version along; the client joins them to its base.
        self.client.base_url = self.environment.host.rstrip("/").removesuffix("/v1")
        self.client.client.connection_timeout = options.timeout_s
        self.client.client.network_timeout = options.timeout_s
        self._trucks = _trucks(self.client.base_url, options)
        self._offset = _first_number(self)
        self._pace = start_pace(self)

    def wait_time(self) -> float:
        """Until the next arrival is due."""
        return self._pace.wait_s()

    def arrive(self) -> None:
        """One arrival of the mix: a single call, or the calls of a decision."""
        options = self.environment.parsed_options
        number = self._offset + next(_numbers)
        name = rest_calls.kind_of(number, options.load_seed)
        calls = rest_calls.calls_of(number, options.load_seed, self._trucks)
        late_s = self._pace.late_s()
        if len(calls) == 1:
            self._send(calls[0], name, {"late_s": late_s})
            return
        began_s = time.perf_counter()
        failure = ""
        for call in calls:
            failure = self._send(call, call.name, {"arrival_s": self._pace.due_s})
            if failure:
                break
        error = CallFailed(failure) if failure else None
        fire(self, "JOURNEY", name, began_s, error, {"late_s": late_s})

    def _send(self, call: rest_calls.HttpCall, name: str, context: dict[str, Any]) -> str:
        """Send one call and return how it failed, or an empty string."""
        token = self.environment.parsed_options.token
        with self.client.request(
            call.method,
            call.path,
            name=name,
            data=call.body or None,
            headers=call.headers(token),
            context=context,
            catch_response=True,
        ) as answer:
            failure = ""
            if answer.status_code == 0:
                failure = type(answer.error).__name__
            elif answer.status_code not in call.good:
                failure = f"http {answer.status_code}"
            if failure:
                answer.failure(failure)
            else:
                answer.success()
        return failure

    tasks: ClassVar[list[Callable[..., None]]] = [arrive]


class CameraClient(HttpUser):  # type: ignore[misc]  # Locust ships no types we could follow
    """Holds an alert stream and asks for pictures; `--host URL`, `--camera-user`."""

    def on_start(self) -> None:
        """Subscribe, beside the pictures that are asked for at a pace."""
        options = self.environment.parsed_options
        self._login = HTTPDigestAuth(options.camera_user, options.camera_password)
        self._picture = alerts.PICTURE_PATH.format(channel=options.camera_channel)
        self._listener = gevent.spawn(self._listen)
        self._pace = start_pace(self)

    def on_stop(self) -> None:
        """Let go of the stream."""
        self._listener.kill()

    def wait_time(self) -> float:
        """Until the next picture is due."""
        return self._pace.wait_s()

    def picture(self) -> None:
        """Ask for a picture of the lane."""
        with self.client.get(
            self._picture,
            auth=self._login,
            name="picture",
            timeout=self.environment.parsed_options.timeout_s,
            context={"late_s": self._pace.late_s()},
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"http {answer.status_code}")
            elif not answer.content.startswith(b"\xff\xd8"):
                answer.failure("no picture")

    def _listen(self) -> None:
        """Read the alert stream; a break is counted and the stream opened again."""
        while True:
            began_s = time.perf_counter()
            try:
                self._read_stream(began_s)
            except (CallFailed, OSError) as failed:  # what requests raises is an OSError
                fire(self, "STREAM", "alert stream", began_s, failed, {})
            gevent.sleep(RETRY_S)

    def _read_stream(self, began_s: float) -> None:
        options = self.environment.parsed_options
        with requests.get(
            self.host.rstrip("/") + alerts.STREAM_PATH,
            auth=self._login, stream=True, timeout=(options.timeout_s, 25.0),
        ) as answer:  # fmt: skip
            if answer.status_code != 200:
                raise SessionBroken(f"http {answer.status_code}")
            cutter = alerts.PartCutter(alerts.boundary_of(answer.headers.get("Content-Type", "")))
            fire(self, "STREAM", "subscribe", began_s, None, {})
            # `iter_content` waits for the end of an answer that is not sent in chunks.
            while data := answer.raw.read1(65_536):
                for body in cutter.feed(data):
                    self._take(alerts.read_alert(body))
        raise SessionBroken("stream ended")

    def _take(self, alert: alerts.Alert | None) -> None:
        if alert is None or alert.type != "ANPR" or alert.stamp_s is None:
            return
        # Against the quickest event of this process so far, which the first cannot know.
        delay_s = _delays.add(time.time(), alert.stamp_s)
        fire(self, "STREAM", "event delay", time.perf_counter() - delay_s, None, {})

    tasks: ClassVar[list[Callable[..., None]]] = [picture]


_delays = alerts.Delays()


class ScaleReader(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """Reads every frame of a scale; `--host HOST:PORT`, `--frames-per-s`, `--checksum`."""

    def on_start(self) -> None:
        """Connect with the first frame."""
        options = self.environment.parsed_options
        scale = ToledoTarget(
            self.environment.host, options.frames_per_s, options.checksum, options.timeout_s
        )
        self._frames, self._due = BlockingFrames(scale), Pace(scale.frames_per_s)

    def wait_time(self) -> float:
        """The scale sets the pace."""
        return 0.0

    def read(self) -> None:
        """Wait for what comes next; what did not come in a pause is counted with it."""
        began_s = time.perf_counter()
        try:
            found = self._frames.read()
        except (CallFailed, OSError) as failed:
            fire(self, "TOLEDO", "stream", began_s, failed, {})
            gevent.sleep(RETRY_S)
            return
        now_s = time.perf_counter()
        for wrong, _ in found:
            since_s = self._due.last_s or now_s
            for due_s, missing in self._due.came(now_s):
                failure = missing or wrong
                error = CallFailed(failure) if failure else None
                # The response time runs from when the frame was due, the service time from the
                # one before it.
                fire(self, "TOLEDO", FRAME, since_s, error, {"late_s": since_s - due_s})

    def on_stop(self) -> None:
        """Let go of the connection."""
        self._frames.close()

    tasks: ClassVar[list[Callable[..., None]]] = [read]


def fire(
    user: Any,
    kind: str,
    name: str,
    began_s: float,
    error: BaseException | None,
    context: dict[str, Any],
) -> None:
    """Tell Locust of a request that began at `began_s` (perf_counter) and has just ended."""
    user.environment.events.request.fire(
        request_type=kind,
        name=name,
        response_time=(time.perf_counter() - began_s) * 1000.0,
        response_length=0,
        exception=error,
        context=context,
    )


_known: list[rest_calls.Truck] = []


def _trucks(base_url: str, options: Any) -> list[rest_calls.Truck]:
    """Trucks from the file, from the service's own list, or synthetic; once per process."""
    if _known:
        return _known
    if options.trucks:
        found = rest_calls.read_trucks(Path(options.trucks))
    else:
        request = urllib.request.Request(  # noqa: S310 - the user's own target
            f"{base_url}/v1/declarations?limit=200",
            headers={"Authorization": f"Bearer {options.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=options.timeout_s) as answer:  # noqa: S310
                found = rest_calls.trucks_of_listing(answer.read())
        except (urllib.error.URLError, OSError, json.JSONDecodeError, ValueError):
            found = []
    _known[:] = found or rest_calls.synthetic_trucks(options.load_seed)
    return _known
