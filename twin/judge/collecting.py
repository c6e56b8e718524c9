"""One pass over the records of a run, dispatched by kind; frames on wires are only counted."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable

from twin.judge.facts import Event, Facts, Fault, LaneFacts, Motion, Signal, Stay
from twin.trace import Record

_NS = 1_000_000_000

_FRAMES = frozenset({"modbus.rx", "modbus.tx", "toledo.rx", "toledo.tx", "http.request"})

_OPEN = frozenset({"open", "barrier_open", "command_open", "up", "raise"})
_CLOSE = frozenset({"close", "barrier_close", "command_close", "down", "lower"})
_STOP = frozenset({"stop", "barrier_stop", "command_stop"})


def collect(records: Iterable[Record] | Facts) -> Facts:
    """Sort the records of one run; facts pass through, so that one pass serves many readers."""
    if isinstance(records, Facts):
        return records
    collector = _Collector()
    see, counts, chain = collector.handlers, collector.facts.counts, collector.facts.chain
    t_ns = wall_ns = wall_first_ns = number = 0
    for record in records:
        _, t_ns, wall_ns, source, kind, cause, _ = record
        if not number:
            wall_first_ns = wall_ns
        number += 1
        key = (kind, source)
        counts[key] = counts.get(key, 0) + 1
        if kind in _FRAMES:
            continue
        chain[record.id] = (kind, cause)
        handler = see.get(kind)
        if handler is not None:
            handler(record)
    facts = collector.facts
    facts.records = number
    facts.wall_s = (wall_ns - wall_first_ns) / _NS
    facts.end_s = max(facts.end_s, t_ns / _NS)
    collector.finish()
    return facts


class _Collector:
    """Handlers by kind, and the little state that is needed while reading."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._under: dict[str, float] = {}
        self._faults: dict[tuple[str, str], Fault] = {}
        partner = {
            "partner.release": self.facts.releases,
            "partner.gate_record": self.facts.gate_records,
            "partner.alarm": self.facts.alarms,
            "partner.officer": self.facts.officers,
            "vehicle.driver": self.facts.drivers,
            "rest.request": self.facts.requests,
        }
        self.handlers: dict[str, Callable[[Record], None]] = {
            "run.start": self._run_start,
            "run.end": self._run_end,
            "site.open": self._site_open,
            "site.close": self._site_close,
            "vehicle.arrived": self._arrived,
            "vehicle.entered": self._entered,
            "vehicle.stopped": lambda record: self._moved(record, moving=False),
            "vehicle.moving": lambda record: self._moved(record, moving=True),
            "vehicle.zone": self._zone,
            "vehicle.crossed": lambda record: self._stay(record).crossings.append(_event(record)),
            "vehicle.diverted": lambda record: self._stay(record).diversions.append(_event(record)),
            "vehicle.left": self._left,
            "arm.motion": self._motion,
            "arm.rest": self._rest,
            "arm.contact": lambda record: self._of(record).contacts.append(_event(record)),
            "lamp": self._lamp,
            "device.command": self._command,
            "device.state": lambda record: self._of(record).states.append(_event(record)),
            "isapi.event": lambda record: self._of(record).reads.append(_event(record)),
            "fault.begin": self._fault_begin,
            "fault.end": self._fault_end,
            "partner.declared": self._declared,
            "partner.preclearance": lambda record: self._append(self.facts.preclearances, record),
            "partner.channel": lambda record: self._append(self.facts.channels, record),
            "partner.revoked": self._revoked,
            "weather": self._weather,
            **{kind: _appender(events) for kind, events in partner.items()},
        }

    def finish(self) -> None:
        """Close what was still going on when the trace ended, and order the lanes' stays."""
        facts = self.facts
        for vehicle, since in self._under.items():
            facts.stays[vehicle].under_arm.append((since, math.inf))
        facts.followers = {
            str(driver.data["vehicle"])
            for driver in facts.drivers
            if driver.data.get("behaviour") == "follows_too_close"
        }
        for stay in facts.stays.values():
            if any(crossing.data.get("followed") for crossing in stay.crossings):
                facts.followers.add(stay.vehicle)
            facts.lane(stay.lane).stays.append(stay)
        for lane in facts.lanes.values():
            _close_spans(lane, facts.end_s)
        facts.lanes = dict(sorted(facts.lanes.items()))

    # --- vehicles --------------------------------------------------------------------------

    def _stay(self, record: Record) -> Stay:
        payload = record.payload
        vehicle = str(payload["vehicle"])
        found = self.facts.stays.get(vehicle)
        if found is None:
            found = self.facts.stays[vehicle] = Stay(vehicle, str(payload.get("lane", "")))
        return found

    def _arrived(self, record: Record) -> None:
        self._stay(record).arrived = _event(record)

    def _entered(self, record: Record) -> None:
        self._stay(record).entered = _event(record)

    def _left(self, record: Record) -> None:
        self._stay(record).left = _event(record)

    def _moved(self, record: Record, *, moving: bool) -> None:
        self._stay(record).motions.append((record.t_ns / _NS, moving))

    def _zone(self, record: Record) -> None:
        payload = record.payload
        if payload["zone"] != "arm":
            return
        stay, t_s = self._stay(record), record.t_ns / _NS
        if payload["inside"]:
            self._under.setdefault(stay.vehicle, t_s)
        else:
            since = self._under.pop(stay.vehicle, None)
            if since is not None:
                stay.under_arm.append((since, t_s))

    # --- arms, lamps, devices ----------------------------------------------------------------

    def _of(self, record: Record) -> LaneFacts:
        return self.facts.lane(record.source.rpartition(".")[0])

    def _motion(self, record: Record) -> None:
        lane, t_s, direction = self._of(record), record.t_ns / _NS, record.payload["direction"]
        if lane.motions:
            lane.motions[-1].end_s = min(lane.motions[-1].end_s, t_s)
        if direction in ("up", "down"):
            lane.motions.append(Motion(t_s, math.inf, direction, record.id, record.cause))

    def _rest(self, record: Record) -> None:
        lane = self._of(record)
        lane.rests.append(_event(record))
        if lane.motions:
            lane.motions[-1].end_s = min(lane.motions[-1].end_s, record.t_ns / _NS)

    def _lamp(self, record: Record) -> None:
        payload = record.payload
        self._of(record).signals.append(
            Signal(
                record.t_ns / _NS, bool(payload["green"]), bool(payload.get("divert")), record.id
            )
        )

    def _command(self, record: Record) -> None:
        point, value = str(record.payload.get("point", "")), record.payload.get("value", True)
        word = value if point == "command" and isinstance(value, str) else point
        if not value:
            return  # a command coil that is written off asks for nothing
        if record.source.endswith(".barrier") or point.startswith("barrier_"):
            for words, direction in ((_OPEN, "up"), (_CLOSE, "down"), (_STOP, "stop")):
                if word in words:
                    self._of(record).commands.append((record.t_ns / _NS, record.id, direction))

    def _fault_begin(self, record: Record) -> None:
        payload = record.payload
        target, kind = str(payload.get("target", record.source)), str(payload["kind"])
        fault = Fault(
            target, kind, record.t_ns / _NS, record.id,
            parameters=payload.get("parameters") or {},
        )  # fmt: skip
        self._faults[target, kind] = fault
        self.facts.faults.append(fault)

    def _fault_end(self, record: Record) -> None:
        payload = record.payload
        key = (str(payload.get("target", record.source)), str(payload["kind"]))
        fault = self._faults.pop(key, None)
        if fault is not None:
            fault.end_s = record.t_ns / _NS

    # --- authorities and the run ---------------------------------------------------------------

    def _declared(self, record: Record) -> None:
        self.facts.declared[str(record.payload["declaration"])] = _event(record)

    def _weather(self, record: Record) -> None:
        t_s, rain = record.t_ns / _NS, self.facts.rain
        if rain and math.isinf(rain[-1][1]):
            rain[-1] = (rain[-1][0], t_s, rain[-1][2])
        falling = float(record.payload["rain_mm_h"])
        if falling:
            rain.append((t_s, math.inf, falling))

    def _revoked(self, record: Record) -> None:
        self.facts.revoked[str(record.payload["declaration"])] = _event(record)

    def _append(self, book: dict[str, list[Event]], record: Record) -> None:
        book.setdefault(str(record.payload["declaration"]), []).append(_event(record))

    def _run_start(self, record: Record) -> None:
        self.facts.start = record.payload

    def _run_end(self, record: Record) -> None:
        self.facts.ended = True
        self.facts.end_s = max(record.t_ns / _NS, float(record.payload.get("simulated_s") or 0.0))

    def _site_open(self, record: Record) -> None:
        self.facts.opened_s = record.t_ns / _NS

    def _site_close(self, record: Record) -> None:
        self.facts.closed_s = record.t_ns / _NS


def _event(record: Record) -> Event:
    return Event(record.t_ns / _NS, record.id, record.payload)


def _appender(events: list[Event]) -> Callable[[Record], None]:
    def append(record: Record) -> None:
        events.append(_event(record))

    return append


def _close_spans(lane: LaneFacts, end_s: float) -> None:
    """Derive when the arm rested open and closed; before its first motion it is closed."""
    starts = [motion.record for motion in lane.motions]
    if lane.motions and lane.motions[-1].end_s == math.inf:
        lane.motions[-1].end_s = end_s
    first = lane.motions[0].start_s if starts else math.inf
    if not lane.rests or lane.rests[0].t_s >= first:
        lane.closed_spans.append((0.0, min(first, end_s)))
    for rest in lane.rests:
        index = bisect_right(starts, rest.record)
        until = lane.motions[index].start_s if index < len(starts) else end_s
        at = rest.data.get("at")
        if at == "open":
            lane.open_spans.append((rest.t_s, until))
        elif at == "closed":
            lane.closed_spans.append((rest.t_s, until))
