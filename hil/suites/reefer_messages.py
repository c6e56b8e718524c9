"""A reefer monitoring system: its messages in the words of TIC 4.0, and what it takes."""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from typing import Any, NamedTuple

from hil.errors import BenchError
from hil.kits.reefer.session import ReeferSession, ReeferView
from hil.kits.reefer.wire import MonitorWire
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .reefer import CHILLED_C, FROZEN_C, suite

SENSORS = ("ReturnTemperature", "SupplyTemperature")
STAMP_S = 2.0
"""How far a time stamp may be from the true time, besides the event's delay."""


class Message(NamedTuple):
    """One message as it was heard; `data` is None if it was no JSON object."""

    t_s: float
    topic: str
    qos: int
    data: dict[str, Any] | None

    @property
    def t_said_s(self) -> float | None:
        """Its time of measurement, seconds of Unix time."""
        return _number(self.data, "MonitoringData", "MonitoringTime", scale=0.001)

    def sensor(self, name: str) -> float | None:
        """A reading; None where it says null."""
        monitoring = _first(self.data, "MonitoringData")
        value = _first(monitoring, "SensorData").get(name)
        return float(value) if isinstance(value, int | float) else None

    def event(self, name: str) -> Any:
        """A member of its event."""
        return _first(self.data, "Events").get(name)


def _first(data: Any, name: str) -> dict[str, Any]:
    """The first object of a list; empty if there is none."""
    found = data.get(name) if isinstance(data, dict) else None
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return found[0]
    return {}


def _number(data: Any, name: str, member: str, *, scale: float = 1.0) -> float | None:
    value = _first(data, name).get(member)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value * scale


def heard(view: ReeferView, kind: str = "mqtt") -> list[Message]:
    """All messages, in order."""
    found = []
    for record in view.of(kind):
        try:
            data = json.loads(record.payload["text"])
        except ValueError:
            data = None
        whole = data if isinstance(data, dict) else None
        found.append(Message(record.t_s, record.payload["topic"], record.payload["qos"], whole))
    return found


def _wire(session: ReeferSession) -> MonitorWire:
    if session.monitor is None:
        raise BenchError("bench: nobody plays the role 'monitor'; bind it in bench.toml")
    return session.monitor


@suite.case(start="any", roles=["units", "monitor"], limit_s=7200)
async def messages(session: ReeferSession) -> None:
    """A box is set down, plugged in, warmed, left alone for one interval, cut off from power."""
    monitor, event_s = _wire(session), session.pixit.event_s
    await monitor.listen()
    await session.tell_time()
    for name, what, *values in (
        ("put", "put", FROZEN_C), ("in", "plug", True), ("dead", "mains", False),
        ("alive", "mains", True),
    ):  # fmt: skip
        await session.step(name)
        await session.hands(what, 1, *values)
        await session.clock.sleep(event_s)
        await session.see(1)
    await session.step("rest")
    await session.clock.sleep(2 * session.pixit.every_s + event_s)
    await session.see(1)
    await session.step("late")
    await monitor.probe()
    await session.step("end")


def _told(view: ReeferView) -> list[Message] | Finding:
    got = heard(view)
    return got or inconclusive("no message was heard")


@suite.judge("RFR-MSG-01", case="messages")
def messages_have_their_form(view: ReeferView) -> Finding:
    """Members, types and units of the published messages."""
    got = _told(view)
    if isinstance(got, Finding):
        return got
    for message in got:
        if problem := form_problem(message.data):
            return failed(f"{message.topic}: {problem}")
    return passed(f"{len(got)} messages")


def form_problem(data: dict[str, Any] | None) -> str:
    """What is wrong with the form of a message; empty if nothing is."""
    if data is None:
        return "is no JSON object"
    if not isinstance(data.get("ContainerID"), str) or not data["ContainerID"]:
        return "ContainerID is no text"
    event = _first(data, "Events")
    for name in ("ContainerConnected", "ContainerPowered"):
        if not isinstance(event.get(name), bool):
            return f"Events.{name} is {event.get(name)!r}, not true or false"
    for group, member in (("Events", "Time"), ("MonitoringData", "MonitoringTime")):
        value = _first(data, group).get(member)
        if not isinstance(value, int) or isinstance(value, bool):
            return f"{group}.{member} is {value!r}, no milliseconds of Unix time"
    if _number(data, "SetpointData", "TemperatureSetpoint") is None:
        return "SetpointData.TemperatureSetpoint is no number"
    sensors = _first(_first(data, "MonitoringData"), "SensorData")
    for name in SENSORS:
        if name not in sensors:
            return f"SensorData.{name} is missing"
        value = sensors[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"SensorData.{name} is {value!r}, neither a number nor null"
    return ""


@suite.judge("RFR-MSG-02", case="messages")
def each_box_has_its_topic(view: ReeferView) -> Finding:
    """PREFIX/cargo/NUMBER/rms, and NUMBER is the box that is there."""
    got, seen = _told(view), [r for r in view.of("truth") if r.payload["socket"] == 1]
    if isinstance(got, Finding):
        return got
    if not seen:
        return inconclusive("nobody looked at the box")
    number = seen[0].payload["number"]
    person = not view.instant  # who does not read numbers off boxes
    for message in got:
        said = str((message.data or {}).get("ContainerID"))
        if message.topic != f"{view.pixit.prefix}/cargo/{said}/rms":
            return failed(f"the box {said} on the topic {message.topic}")
        if said != number and not person:
            return failed(f"the box is {number}, the message says {said}")
    return passed(f"{len(got)} messages")


@suite.judge("RFR-MSG-03", case="messages")
def messages_are_not_lost(view: ReeferView) -> Finding:
    """QoS 1."""
    got = _told(view)
    if isinstance(got, Finding):
        return got
    below = sum(1 for message in got if message.qos < 1)
    return check(not below, "QoS 1", f"{below} of {len(got)} messages at QoS 0")


@suite.judge("RFR-MSG-04", case="messages")
def who_comes_late_is_told(view: ReeferView) -> Finding:
    """The last message is retained."""
    if not view.of("mqtt.probed"):
        return inconclusive("nobody came late")
    kept = [one for one in heard(view, "mqtt.retained") if one.data is not None]
    last = heard(view)[-1:]
    if not last:
        return inconclusive("no message was heard")
    same = any(one.topic == last[0].topic and one.data == last[0].data for one in kept)
    return check(same, "the last message", f"{len(kept)} retained messages, not the last one")


@suite.judge("RFR-MSG-05", case="messages")
def events_are_told_in_time(view: ReeferView) -> Finding:
    """Plug in, power gone, power back."""
    got = _told(view)
    if isinstance(got, Finding):
        return got
    if not view.instant:
        return inconclusive("a person's instants are not known")
    worst_s = 0.0
    for start, end, plugged, powered in (
        ("in", "dead", True, True), ("dead", "alive", True, False), ("alive", "rest", True, True),
    ):  # fmt: skip
        began = view.mark(start)
        if began is None or view.mark(end) is None:
            return inconclusive(f"step {start!r} did not happen")
        right = [
            one for one in view.between(got, start, end)
            if one.event("ContainerConnected") is plugged
            and one.event("ContainerPowered") is powered
        ]  # fmt: skip
        if not right:
            return failed(f"{start}: no message says plugged {plugged}, powered {powered}".lower())
        worst_s = max(worst_s, right[0].t_s - began)
    limit = at_most(view.pixit.event_s)
    measured = Measurement("told after", worst_s, "s", limit, 0.0, "simple")
    return decide("three events", "told too late", measured)


@suite.judge("RFR-MSG-06", case="messages")
def messages_come_at_their_interval(view: ReeferView) -> Finding:
    """Also when nothing happens."""
    began, ended = view.mark("rest"), view.mark("late")
    if began is None or ended is None:
        return inconclusive("nobody waited")
    times = [began, *(one.t_s for one in view.between(heard(view), "rest", "late")), ended]
    longest = max(b - a for a, b in pairwise(times))
    limit = at_most(view.pixit.every_s)
    measured = Measurement("longest silence", longest, "s", limit, 0.0, "simple")
    return decide(f"{len(times) - 2} messages", "silent for too long", measured)


@suite.judge("RFR-MSG-07", case="messages")
def readings_are_those_of_the_unit(view: ReeferView) -> Finding:
    """At the last look, and null while the unit has no power."""
    got = _told(view)
    if isinstance(got, Finding):
        return got
    dead = [one for one in view.between(got, "dead", "alive")
            if one.event("ContainerPowered") is False]  # fmt: skip
    for message in dead:
        for name in SENSORS:
            if message.sensor(name) is not None:
                return failed(f"without power {name} is {message.sensor(name)} °C")
    last, seen = view.between(got, "rest", "late")[-1:], view.truth(1, "rest", "late")
    if not dead or not last or not seen or seen[-1].payload["return_c"] is None:
        return inconclusive("readings could not be compared")
    # between the message and the look the air goes on to its set point, slower than this
    drift_k = 0.02 * (seen[-1].t_s - last[0].t_s) / 60
    errors = []
    for name, key in (("ReturnTemperature", "return_c"), ("SupplyTemperature", "supply_c")):
        said = last[0].sensor(name)
        if said is None:
            return failed(f"with power {name} is null")
        errors.append(abs(said - seen[-1].payload[key]))
    limit = at_most(view.pixit.accuracy_k + drift_k)
    measured = Measurement("worst error", max(errors), "K", limit, 0.0, "simple")
    return decide("true", "not what the unit measures", measured)


@suite.judge("RFR-MSG-08", case="messages")
def time_stamps_are_true(view: ReeferView) -> Finding:
    """Of Unix time, and of what is told: not older than the message."""
    got, told = _told(view), view.of("time")
    if isinstance(got, Finding):
        return got
    if not told:
        return inconclusive("the true time is not known")
    true_s = dt.datetime.fromisoformat(told[0].payload["now"]).timestamp()
    worst = 0.0
    for message in got:
        if message.t_said_s is None:
            return failed("a message without a time")
        worst = max(worst, abs(true_s + message.t_s - told[0].t_s - message.t_said_s))
    limit = at_most(STAMP_S)
    measured = Measurement("worst error", worst, "s", limit, 0.1, "simple")
    return decide(f"{len(got)} time stamps", "not the time", measured)


# ---------------------------------------------------------------- to the monitoring system


def order(number: str, setpoint_c: float) -> dict[str, Any]:
    """A set point from the terminal, as TIC 4.0 has it."""
    return {
        "ContainerData": [{"ContainerID": number}],
        "SetpointData": [{"TemperatureSetpoint": setpoint_c}],
    }


@suite.case(start="any", roles=["units", "monitor"], limit_s=900)
async def told(session: ReeferSession) -> None:
    """The terminal changes a set point; then it sends what is wrong."""
    monitor, wait_s = _wire(session), session.pixit.event_s + session.pixit.setpoint_s
    await session.hands("put", 1, FROZEN_C)
    await session.hands("plug", 1, True)
    await session.hands("put", 2, CHILLED_C)
    await session.hands("plug", 2, True)
    await monitor.listen()
    await monitor.probe()
    number = (await session.see(1)).number
    other = (await session.see(2)).number
    await session.step("right")
    monitor.send(number, order(number, -20.5) | {"Note": {"of": "nobody"}}, "right")
    await session.clock.sleep(wait_s)
    await session.see(1)
    await session.step("wrong")
    high_c = session.pixit.setpoint_c_max + 20.0
    for label, message in (
        ("torn", b'{"ContainerData": [{"Container'),
        ("beyond", order(number, high_c)),
        ("text", {"ContainerData": [{"ContainerID": number}],
                  "SetpointData": [{"TemperatureSetpoint": "warm"}]}),
        ("other", order(other, 9.0)),
    ):  # fmt: skip
        monitor.send(number, message, label)
        await session.clock.sleep(1.0)
    await session.clock.sleep(wait_s)
    await session.see(1)
    await session.see(2)
    await session.step("again")
    monitor.send(number, order(number, -19.0), "again")
    await session.clock.sleep(wait_s)
    await session.see(1)
    await session.step("end")


@suite.judge("RFR-MSG-09", case="told")
def a_set_point_reaches_the_unit(view: ReeferView) -> Finding:
    """Members that it does not know are passed over."""
    seen = view.truth(1, "right", "wrong")
    if not seen:
        return inconclusive("nobody looked at the unit")
    got = seen[-1].payload["setpoint_c"]
    return check(abs(got + 20.5) <= 0.05, f"{got} °C", f"-20.5 °C was sent, the unit has {got} °C")


@suite.judge("RFR-MSG-10", case="told")
def wrong_messages_change_nothing(view: ReeferView) -> Finding:
    """Neither here nor at another box; and it listens on."""
    first = view.truth(1, "right", "wrong")
    seen, other = view.truth(1, "wrong", "again"), view.truth(2, "wrong", "again")
    last = view.truth(1, "again", "end")
    if not first or not seen or not other or not last:
        return inconclusive("wrong messages were not sent")
    if seen[-1].payload["setpoint_c"] != first[-1].payload["setpoint_c"]:
        return failed(f"a wrong message sets {seen[-1].payload['setpoint_c']} °C")
    if other[-1].payload["setpoint_c"] != CHILLED_C:
        return failed(f"a message on one box's topic sets another to {other[-1].payload}")
    now_c = last[-1].payload["setpoint_c"]
    return check(abs(now_c + 19.0) <= 0.05, "refused, and it listens on",
                 "after wrong messages it does not listen any more")  # fmt: skip
