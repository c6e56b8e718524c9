"""What a bad link does to the messages on it: one small model for every wire.

A **link** has a fault menu. A **pipe** is one direction of one connection; the wire puts whole
messages in, and the pipe hands them on when and as the faults of its links say. Every draw comes
from a seeded stream of its own, so a fault on one link does not change another link's luck.

Faults act on whole messages, because TCP under a real wire never loses or changes bytes: what a
bad radio link costs there is time, and whole messages in the gateways at its ends (QoS 0).
`corrupt` is what a peer that publishes torn or garbled payloads does: no TCP delivers that.
`loss`, `duplicate`, `reorder` and `corrupt` touch messages with a name (a topic) alone; `delay`
on every topic, `half_open` and `handover` also hold acknowledgements and the end of a connection.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from twin.clock import Clock
from twin.devices.base import FaultError, FaultKind, Faulty, Parameter
from twin.trace import Trace

T = TypeVar("T")
Direction = Literal["up", "down"]
"""`up`: from the client (vehicle, device) to the server; `down`: back."""

_DIRECTION = Parameter(
    "both", choices=("both", "up", "down"), doc="up: from the client to the server."
)
_TOPIC = Parameter("#", doc="Filter of the topics it touches; # is all.")
_CHANCE = Parameter(0.1, "", 0.0, 1.0, doc="Probability for each message.")
_SCOPE = {"topic": _TOPIC, "direction": _DIRECTION}

MENU: Mapping[str, FaultKind] = {
    "delay": FaultKind(
        "delay",
        "Messages arrive late, in their order; with topic # everything on the link does.",
        {
            "delay_s": Parameter(0.2, "s", 0.0, 3600.0, doc="Added to every message."),
            "jitter_s": Parameter(0.0, "s", 0.0, 3600.0, doc="Further delay, uniform from 0."),
            **_SCOPE,
        },
    ),
    "loss": FaultKind(
        "loss",
        "Messages are lost.",
        {
            "probability": _CHANCE,
            "burst": Parameter(
                0.0, "messages", 0.0, 1e6,
                doc="Mean run of losses (two-state Gilbert model); 0: each alone.",
            ),
            **_SCOPE,
        },
    ),
    "duplicate": FaultKind(
        "duplicate",
        "Messages arrive twice.",
        {
            "probability": _CHANCE,
            "after_s": Parameter(0.0, "s", 0.0, 3600.0, doc="Time between the two."),
            **_SCOPE,
        },
    ),
    "reorder": FaultKind(
        "reorder",
        "Messages are held back and overtaken by later ones.",
        {
            "probability": _CHANCE,
            "hold_s": Parameter(0.5, "s", 0.0, 3600.0, doc="How long one is held back."),
            **_SCOPE,
        },
    ),
    "corrupt": FaultKind(
        "corrupt",
        "The payload is not what was sent.",
        {
            "probability": _CHANCE,
            "how": Parameter(
                "byte", choices=("byte", "cut", "noise"),
                doc="One byte is another one; the rest is zeros; a run is noise, no UTF-8.",
            ),
            **_SCOPE,
        },
    ),
    "half_open": FaultKind(
        "half_open",
        "Nothing passes, yet neither side sees its connection end; held until it is healed.",
        {"direction": _DIRECTION},
    ),
    "handover": FaultKind(
        "handover",
        "A change of the radio cell: silence, which ends by itself.",
        {
            "gap_s": Parameter(2.0, "s", 0.0, 3600.0, doc="Length of the silence."),
            "after": Parameter(
                "all", choices=("all", "nothing", "reset"),
                doc="Then all that was sent arrives, or nothing of it, or the connection is cut.",
            ),
            "direction": _DIRECTION,
        },
    ),
}  # fmt: skip
"""Delays, chances and gaps are for the tester to choose; the defaults are estimates."""

_NOISE_BYTES = 16


def spoil(data: bytes, start: int, how: str, rng: random.Random) -> bytes:
    """`data` with its part from `start` on, which is not empty, spoilt as `corrupt` has it.

    One changed byte may leave a message that can be read and says something else; a cut or noisy
    JSON text never can be read.
    """
    changed = bytearray(data)
    at = rng.randrange(start, len(data))
    if how == "byte":
        changed[at] ^= rng.randrange(1, 256)
    elif how == "cut":
        changed[at:] = bytes(len(data) - at)
    else:
        end = min(at + _NOISE_BYTES, len(data))
        changed[at:end] = bytes(rng.randrange(0x80, 0xC0) for _ in range(at, end))
    return bytes(changed)


_GATES = ("half_open", "handover")


class Link(Faulty):
    """The fault menu of one link, or of all links whose client fits a pattern."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = MENU

    def __init__(
        self,
        id: str,
        *,
        clock: Clock,
        trace: Trace,
        changed: Callable[[str, Mapping[str, Any] | None], None],
        topic_fault: Callable[[str], tuple[str, str] | None],
    ) -> None:
        """`changed(kind, ended)` is told of every begin and end; `ended` has the parameters."""
        super().__init__(id, trace)
        self._clock = clock
        self._changed = changed
        self._topic_fault = topic_fault
        self._was: dict[str, dict[str, Any]] = {}
        self._gap = 0

    def inject(self, kind: str, **parameters: Any) -> int:
        """As every `inject`; a topic must be a lawful filter."""
        topic = parameters.get("topic", "#")
        wrong = self._topic_fault(topic) if isinstance(topic, str) else None
        if wrong is not None:
            raise FaultError(f"{self.id}: {kind}: topic: {wrong[1]}")
        return super().inject(kind, **parameters)

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        now = self.faults.get(kind)
        if now is None:
            self._changed(kind, self._was.pop(kind))
            return
        self._was[kind] = now
        self._changed(kind, None)
        if kind == "handover":
            self._gap += 1
            gap = self._gap
            self._clock.call_later(float(now["gap_s"]), lambda: self._gap_over(gap))

    def _gap_over(self, gap: int) -> None:
        if gap == self._gap:  # another one may have begun since
            self.heal("handover")


@dataclass(slots=True)
class _Active:
    """One fault that is on, as one pipe sees it."""

    link: str
    kind: str
    parameters: Mapping[str, Any]
    topic: str
    bad: bool = False
    """State of the Gilbert model."""


@dataclass(slots=True, order=True)
class _Late(Generic[T]):
    due_s: float
    number: int
    item: T = field(compare=False)
    message: bool = field(compare=False)


Told = Callable[[str, str, Mapping[str, Any]], None]
"""Takes what happened (`lost`, `late`, …), the topic and the details, for the trace."""


class Pipe(Generic[T]):
    """One direction of one connection."""

    def __init__(
        self,
        direction: Direction,
        *,
        clock: Clock,
        rng: random.Random,
        deliver: Callable[[T], None],
        corrupt: Callable[[T, str, random.Random], T],
        matches: Callable[[str, str], bool],
        told: Told,
    ) -> None:
        """`deliver` takes what comes out; `matches(filter, topic)` decides what a fault touches."""
        self.direction = direction
        self._clock = clock
        self._rng = rng
        self._deliver = deliver
        self._corrupt = corrupt
        self._matches = matches
        self._told = told
        self._active: list[_Active] = []
        self._gated = False
        self._held: list[tuple[T, bool]] = []
        self._heap: list[_Late[T]] = []
        self._number = 0
        self._timer: asyncio.Handle | None = None
        # Kept here: uvloop's handle of a timer that is due at once does not know when.
        self._timer_s = 0.0
        self._lane_due_s: dict[str, float] = {}

    @property
    def clear(self) -> bool:
        """Whether nothing is on its way and no fault is on: a wire may pass it by."""
        return not self._active and not self._heap and not self._held

    @property
    def waiting(self) -> int:
        """Messages on their way or held."""
        return len(self._heap) + len(self._held)

    def follow(self, links: Iterable[Link]) -> None:
        """Take over the faults that are on now in `links`."""
        old = {(fault.link, fault.kind): fault for fault in self._active}
        self._active = []
        for link in links:
            for kind, parameters in link.faults.items():
                if parameters["direction"] not in ("both", self.direction):
                    continue
                same = old.get((link.id, kind))
                keep = same is not None and same.parameters is parameters
                topic = str(parameters.get("topic", "#"))
                self._active.append(
                    same if keep and same else _Active(link.id, kind, parameters, topic)
                )
        self._gated = any(fault.kind in _GATES for fault in self._active)

    def open(self, *, lose: bool) -> None:
        """A gate has been lifted: what was held comes out, or its messages are lost."""
        if self._gated:
            return
        held, self._held = self._held, []
        if held:
            counts = {"items": len(held), "lost": lose}
            self._told("released", "", counts)
        for item, message in held:
            if not (lose and message):
                self._out(item, message)

    def put(self, item: T, topic: str | None, *, message: bool = True) -> None:
        """Send `item`; `topic` None is one that only whole-link faults touch.

        `message` False marks the end of the connection: it can be late, never lost.
        """
        due_s, lane, copies = 0.0, None, [0.0]
        for fault in self._active:
            if topic is None:
                if fault.kind != "delay" or fault.topic != "#":
                    continue
            elif fault.topic != "#" and not self._matches(fault.topic, topic):
                continue
            value = fault.parameters
            match fault.kind:
                case "loss" if self._is_lost(fault):
                    self._told("lost", topic or "", {})
                    return
                case "corrupt" if self._happens(value):
                    item = self._corrupt(item, value["how"], self._rng)
                    self._told("corrupted", topic or "", {})
                case "delay":
                    late_s = value["delay_s"] + value["jitter_s"] * self._rng.random()
                    due_s += late_s
                    lane = fault.topic
                    self._told("delayed", topic or "", {"delay_s": late_s})
                case "reorder" if self._happens(value):
                    copies[0] += value["hold_s"]
                    self._told("held back", topic or "", {"hold_s": value["hold_s"]})
                case "duplicate" if self._happens(value):
                    copies.append(value["after_s"])
                    self._told("duplicated", topic or "", {})
        self._plan(item, message, due_s, lane, copies)

    def _plan(
        self, item: T, message: bool, late_s: float, lane: str | None, copies: list[float]
    ) -> None:
        now_s = self._clock.loop.time()
        due_s = now_s + late_s
        # What is late keeps its order: nothing overtakes on a lane, and all wait for lane #.
        due_s = max([due_s, *(self._lane_due_s.get(key, 0.0) for key in {"#", lane or "#"})])
        if lane is not None:
            self._lane_due_s[lane] = due_s
        for hold_s in copies:
            if due_s + hold_s <= now_s:
                self._out(item, message)
            else:
                self._number += 1
                heapq.heappush(self._heap, _Late(due_s + hold_s, self._number, item, message))
        self._arm()

    def _is_lost(self, fault: _Active) -> bool:
        chance, burst = fault.parameters["probability"], fault.parameters["burst"]
        if burst < 1.0 or chance >= 1.0:
            return bool(self._rng.random() < chance)
        # Stationary share of the bad state is `chance`, mean stay in it `burst` messages.
        leave = 1.0 / burst
        enter = leave * chance / (1.0 - chance)
        fault.bad = self._rng.random() >= leave if fault.bad else self._rng.random() < enter
        return fault.bad

    def _happens(self, parameters: Mapping[str, Any]) -> bool:
        return bool(self._rng.random() < parameters["probability"])

    def _out(self, item: T, message: bool) -> None:
        if self._gated:
            self._held.append((item, message))
        else:
            self._deliver(item)

    def _arm(self) -> None:
        if not self._heap:
            return
        due_s = self._heap[0].due_s
        if self._timer is not None:
            if self._timer_s <= due_s:
                return
            self._timer.cancel()
        self._timer_s = due_s
        self._timer = self._clock.loop.call_at(due_s, self._due)

    def _due(self) -> None:
        self._timer = None
        now_s = self._clock.loop.time() + 1e-9
        while self._heap and self._heap[0].due_s <= now_s:
            late = heapq.heappop(self._heap)
            self._out(late.item, late.message)
        self._arm()

    def drop(self) -> None:
        """The connection is over: forget what is on its way."""
        self._heap.clear()
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
