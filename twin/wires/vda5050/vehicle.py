"""One vehicle on MQTT: a device, the logic of orders, and a client, joined.

What arrives goes to the logic; what the logic wants is done with the device; what the device
experiences goes back. After each of these `_after` brings the three into step and, if anything that
the state shows has changed, plans a state message.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping

import msgspec

from twin.clock import NS, Clock
from twin.devices.igv import Alarm, Igv
from twin.profiles.vda5050 import Dialect, load
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, Settings, Will
from twin.wires.vda5050.abilities import ABILITIES
from twin.wires.vda5050.actions import Status
from twin.wires.vda5050.effects import Abort, Begin, Effect, Pause, Resume, Send, Sleep
from twin.wires.vda5050.face import Face
from twin.wires.vda5050.factsheet import factsheet
from twin.wires.vda5050.instant import receive_instant_actions
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.messages import Writer
from twin.wires.vda5050.motion import Motion
from twin.wires.vda5050.records import Action, MalformedError, read_responses, read_zone_set
from twin.wires.vda5050.switches import Switches
from twin.wires.vda5050.zones import Zones, lease_end_ns

_STATUS = {"running": Status.RUNNING, "finished": Status.FINISHED, "failed": Status.FAILED}
_ALARMS = frozenset(alarm.value for alarm in Alarm)


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds between messages, as the factsheet has them (ours; 30 s is the standard's limit)."""

    minimum_state_s: float = 0.1
    state_s: float = 30.0
    visualization_s: float = 1.0
    """While it drives; 0 sends none."""
    minimum_order_s: float = 0.1

    def shown(self) -> dict[str, float]:
        """For the factsheet, in the words of 3.0."""
        return {
            "minimumOrderInterval": self.minimum_order_s,
            "minimumStateInterval": self.minimum_state_s,
            "defaultStateInterval": self.state_s,
            "visualizationInterval": self.visualization_s,
        }


class Vehicle:
    """The VDA 5050 face of one `Igv`."""

    def __init__(
        self,
        igv: Igv,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        *,
        manufacturer: str = "gatetwin",
        serial_number: str | None = None,
        dialect: Dialect | str = "2.1",
        switches: Switches | None = None,
        prefix: str | None = None,
        timing: Timing | None = None,
        places: Mapping[str, tuple[float, float]] | None = None,
        record: bool = True,
    ) -> None:
        """`prefix`: the topics' first levels, by default `interface/major` of the dialect.

        `places`: nodes that the vehicle's own map knows. `record`: messages go into the trace.
        """
        self.igv, self.clock, self.trace = igv, clock, trace
        self.id = f"{igv.id}.vda5050"
        self.dialect = load(dialect) if isinstance(dialect, str) else dialect
        self.serial_number = serial_number or igv.id
        self.timing = timing or Timing()
        switches = switches or Switches()
        body = igv.parameters.vehicle
        self.zones = Zones(body.length_m, body.width_m, switches)
        self.face = Face(
            igv, self.dialect, manufacturer, self.serial_number, self.zones, places or {}
        )
        self.logic = OrderLogic(self.dialect, self.face, switches=switches)
        self.writer = Writer(self.dialect, clock, manufacturer, self.serial_number)
        self.motion = Motion(igv, self.logic, self.face, self.zones, clock, self._after)
        first = prefix if prefix is not None else f"{self.dialect.interface}/{self.dialect.major}"
        self._base = "/".join(part for part in (first, manufacturer, self.serial_number) if part)
        self.client: MqttClient | None = None
        self.sent = 0
        self._rng, self._record = rng, record
        self._shown_revision = -1
        self._sent_ns = -NS
        self._timer: asyncio.TimerHandle | None = None
        self._picture: asyncio.TimerHandle | None = None
        self._due_ns = 0
        self._working = self._silent = False
        self._receivers: dict[str, Callable[[bytes], object]] = {
            "order": self.logic.receive_order,
            "instantActions": lambda payload: receive_instant_actions(self.logic, payload),
            "zoneSet": self._receive_zone_set,
            "responses": self._receive_responses,
        }
        igv.on_reached(self._reached)
        igv.on_change(self._changed)

    def topic(self, name: str) -> str:
        """The whole topic of a name."""
        return f"{self._base}/{name}"

    # --- connection ------------------------------------------------------------------------------

    def connect(
        self,
        host: str,
        port: int,
        *,
        user: str | None = None,
        password: str | None = None,
        keep_alive_s: int = 15,
        tls: ssl.SSLContext | None = None,
    ) -> MqttClient:
        """Make the client and begin to connect; the will is what the broker says at a loss."""
        will = Will(self.topic("connection"), self.writer.connection("CONNECTION_BROKEN"))
        settings = Settings(
            host=host,
            port=port,
            client_id=f"{self.face.manufacturer}-{self.serial_number}",
            keep_alive_s=keep_alive_s,
            will=will,
            user=user,
            password=password,
            tls=tls,
        )
        self.client = MqttClient(
            settings,
            loop=self.clock.loop,
            rng=self._rng,
            on_connect=lambda _: self._connected(),
            on_disconnect=self._lost,
            on_message=lambda topic, payload, _qos, _retain: self.receive(topic, payload),
        )
        for name, rule in self.dialect.topics.items():
            if not rule.sent:
                self.client.subscribe(self.topic(name), rule.qos)
        self.client.start()
        return self.client

    async def stop(self) -> None:
        """Say OFFLINE and disconnect in order."""
        self._drop_timers()
        client, self.client = self.client, None
        if client is None:
            return
        if client.connected:
            rule = self.dialect.topics["connection"]
            payload = self.writer.connection("OFFLINE")
            client.publish(self.topic("connection"), payload, rule.qos, rule.retain)
            await asyncio.sleep(0)
        await client.stop()

    def _connected(self) -> None:
        self._publish("connection", self.writer.connection("ONLINE"))
        self._send_state()
        self._send_factsheet()

    def _lost(self, reason: str) -> None:
        self._trace("vda5050.lost", reason=reason)

    def _radio(self) -> None:
        """Silence, loss of power and their end. What it was driving it goes on driving."""
        client = self.client
        if client is None:
            return
        silent = not self.igv.online or "network_silence" in self.igv.faults
        if silent and not self._silent:
            client.kill()
        elif not silent and self._silent:
            client.start()
        self._silent = silent

    # --- what arrives ----------------------------------------------------------------------------

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message as it came from the broker."""
        name = topic.rpartition("/")[2]
        receiver = self._receivers.get(name)
        if receiver is None or name not in self.dialect.topics:
            return
        cause = -1
        if self._record:
            text = payload.decode("utf-8", "replace")
            cause = self._trace("vda5050.rx", topic=name, payload=text)
        self.motion.cause = cause
        known = len(self.logic.findings)
        receiver(payload)
        for finding in self.logic.findings[known:]:
            self._trace("vda5050.finding", cause, finding=finding.id, text=finding.text)
        self._after()
        self.motion.cause = -1

    def _receive_zone_set(self, payload: bytes) -> None:
        try:
            message, _ = read_zone_set(payload, self.dialect)
        except MalformedError as error:
            self._problem("validation", str(error), error.references)
            return
        if not self.zones.store(message.zone_set):
            set_id = message.zone_set.zone_set_id
            text = f"zone set {set_id!r} is here already"
            self._problem("duplicate_zone_set", text, {"zoneSetId": set_id})
        self.logic.revision += 1

    def _receive_responses(self, payload: bytes) -> None:
        try:
            message, findings = read_responses(payload, self.dialect)
        except MalformedError as error:
            self._problem("validation", str(error), error.references)
            return
        for finding in findings:
            self.logic.find(finding.id, finding.text)
        now_ns = self.clock.now_ns()
        for answer in message.responses:
            lease_ns = None
            if answer.lease_expiry is not None:
                lease_ns = lease_end_ns(answer.lease_expiry, self.clock.day_start)
                if lease_ns is None:
                    where = {"requestId": answer.request_id}
                    text = f"leaseExpiry {answer.lease_expiry!r} is no time stamp"
                    self._problem("validation", text, where)
                    continue
            why = self.zones.respond(answer, lease_ns, now_ns)
            if why:
                self.logic.find("response", why)
        self.logic.revision += 1

    def _problem(self, key: str, text: str, references: Mapping[str, str]) -> None:
        if self.logic.problems.report(key, text, references):
            self.logic.revision += 1

    # --- what the device experiences -------------------------------------------------------------

    def _reached(self, key: int) -> None:
        self.face.node_m = self.igv.carrier.way_m
        self.logic.node_reached(key)
        self._after()

    def _changed(self, what: str) -> None:
        logic = self.logic
        match what:
            case "driving":
                logic.moved()
                self._picture_soon()
            case "safety":
                logic.set_held(self.igv.held)
            case "clock_offset":
                offset = self.igv.faults.get("clock_offset", {}).get("offset_s", 0.0)
                self.writer.ahead_s = float(offset)
            case "mode":
                self.zones.drop_requests(requesting=self.igv.mode.value in _REQUESTING)
                logic.mode_changed()
            case "moved":
                logic.forget_node()
            case "online" | "network_silence":
                if not self.igv.online:
                    logic.clear_order("power")
                self._radio()
        self._alarms()
        logic.revision += 1
        self._after()

    def _alarms(self) -> None:
        """Errors of the vehicle stand as long as its alarms do."""
        problems, active = self.logic.problems, self.igv.alarms
        gone = [key for key in _ALARMS if key in problems and Alarm(key) not in active]
        problems.clear(*gone)
        for alarm, text in active.items():
            references = {}
            if alarm is Alarm.OUTSIDE_CORRIDOR and self.logic.edges:
                references = {"edgeId": self.logic.edges[0].edge_id}
            elif alarm is Alarm.NODE_UNREACHABLE and self.logic.nodes:
                references = {"nodeId": self.logic.nodes[0].node_id}
            if alarm.value not in problems:
                problems.report(alarm.value, text, references)

    # --- what the logic wants --------------------------------------------------------------------

    def _after(self) -> None:
        """Bring device and messages into step with the logic."""
        if self._working:
            return  # it is a consequence of what is being done; the loop below sees it
        self._working = True
        try:
            for _ in range(100):
                effects = self.logic.take_effects()
                for effect in effects:
                    self._do(effect)
                if not self.motion.follow() and not effects:
                    break
        finally:
            self._working = False
        if self.logic.revision != self._shown_revision:
            self._plan_state()

    def _do(self, effect: Effect) -> None:
        igv = self.igv
        match effect:
            case Begin():
                self._begin(effect.action)
            case Abort():
                igv.jobs.abort(effect.action_id)
            case Pause():
                igv.jobs.pause(effect.action_id)
            case Resume():
                igv.jobs.resume(effect.action_id)
            case Send(topic="factsheet"):
                self._send_factsheet()
            case Send():
                self._plan_state()
            case Sleep(what="restart"):
                igv.restart(cause=self.motion.cause)
            case Sleep():
                self._sleep(effect.what)

    def _begin(self, action: Action) -> None:
        ability = ABILITIES[action.action_type]
        values = {one.key: one.value for one in action.action_parameters}
        if ability.job:
            self.igv.jobs.begin(
                action.action_id, ability.job, values, self._reported, cause=self.motion.cause
            )
            return
        why = ""
        match action.action_type:
            case "enableZoneSet":
                why = self.zones.enable(str(values["zoneSetId"]))
                self.motion.resurvey()
            case "deleteZoneSet":
                why = self.zones.delete(str(values["zoneSetId"]))
            case "clearInstantActions":
                instant = self.logic.instant
                self.logic.instant = {key: one for key, one in instant.items() if not one.ended}
            case "clearZoneActions":
                of_zones = self.logic.zone_actions
                kept = {key: one for key, one in of_zones.items() if not one.ended}
                self.logic.zone_actions = kept
        how = Status.FAILED if why else Status.FINISHED
        self.logic.action_changed(action.action_id, how, why or None)

    def _reported(self, id: str, how: str, text: str) -> None:
        state = self.logic.state_of(id)
        if state is None:
            return
        kind, values = state.action.action_type, state.action
        if how == "finished" and kind in ("initPosition", "initializePosition"):
            node = values.parameter("lastNodeId")
            if isinstance(node, str):
                self.logic.standing_on(node)
        if how == "failed" and kind == "downloadMap" and "already" in text:
            where = {name: str(values.parameter(name)) for name in ("mapId", "mapVersion")}
            self._problem("duplicate_map", text, where)
        self.logic.action_changed(id, _STATUS[how], text or None)
        self._after()

    def _sleep(self, what: str) -> None:
        if what == "hibernate":
            self._send_state(last=True)
            self._publish("connection", self.writer.connection("HIBERNATING"))
            self._drop_timers()
        elif what == "wake":
            self._publish("connection", self.writer.connection("ONLINE"))
            self._send_state()
        elif what == "shutdown":
            self._send_state()
            self.clock.loop.create_task(self.stop(), name=f"shutdown {self.id}")

    # --- what is sent ----------------------------------------------------------------------------

    def _plan_state(self) -> None:
        """Send the state soon; what happens at one instant goes out in one message."""
        gap_s = self.timing.minimum_state_s
        since_s = (self.clock.now_ns() - self._sent_ns) / NS
        self._state_in(max(0.0, gap_s - since_s))

    def _state_in(self, seconds: float) -> None:
        due_ns = self.clock.now_ns() + round(seconds * NS)
        if self._timer is not None:
            if self._due_ns <= due_ns:
                return
            _drop(self._timer)
        self._due_ns = due_ns
        self._timer = self.clock.wake(seconds, self._send_state)

    def _send_state(self, *, last: bool = False) -> None:
        _drop(self._timer)
        self._timer = None
        self._shown_revision = self.logic.revision
        self._sent_ns = self.clock.now_ns()
        awake = last or not self.logic.hibernating
        if awake and self.client is not None and self.client.connected:
            self._publish("state", self.writer.state(self.logic, self.face))
        if self.client is not None:
            self._state_in(self.timing.state_s)

    def _send_factsheet(self) -> None:
        if self.client is None or not self.client.connected:
            return
        sheet = factsheet(self.igv, self.dialect, self.logic.limits, self.timing.shown())
        self._publish("factsheet", self.writer.factsheet(sheet))

    def _picture_soon(self) -> None:
        wanted = self.timing.visualization_s > 0 and self.igv.driving
        if wanted and self._picture is None and self.client is not None:
            self._picture = self.clock.wake(self.timing.visualization_s, self._send_picture)

    def _send_picture(self) -> None:
        self._picture = None
        if self.client is not None and self.client.connected and not self.logic.hibernating:
            picture = self.writer.visualization(self.face)
            if picture is not None:
                self._publish("visualization", picture)
        self._picture_soon()

    def _publish(self, name: str, payload: bytes) -> None:
        client = self.client
        if client is None:
            return
        rule = self.dialect.topics[name]
        if self._record:
            self._trace("vda5050.tx", topic=name, payload=payload.decode())
        self.sent += 1
        client.publish(self.topic(name), payload, rule.qos, rule.retain)

    def _trace(self, kind: str, cause: int = -1, **payload: object) -> int:
        return self.trace(self.id, kind, cause, **payload)

    def _drop_timers(self) -> None:
        _drop(self._timer)
        _drop(self._picture)
        self._timer = self._picture = None


_REQUESTING = frozenset({"AUTOMATIC", "SEMIAUTOMATIC"})


def _drop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
