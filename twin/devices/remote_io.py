"""Remote I/O module: inputs that see contacts of other devices, relays that drive them.

Most gates are run by one of these: loop detectors and limit switches on its inputs, lamps and
the barrier's dry-contact terminals on its relays. Three things make it treacherous:

* a command to a barrier is an *edge* of 200 to 1000 ms on a relay; a shorter one is not seen,
  a contact that stays closed holds the barrier open;
* the coil says what was ordered, not what the contact did: a welded relay answers OK;
* when the master goes silent, a watchdog moves the outputs to their fallback, and they stay
  there until the master writes again.

Sources: channel count and functions after Moxa ioLogik E1214 (six inputs, six relays; see
profile `remote-io`); the times are estimates within the range of relay data sheets.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import simpy

from twin.clock import Clock, ns
from twin.devices.base import Device, FaultKind, Parameter, Writer, worn_fault
from twin.devices.wear import WORN, Part
from twin.errors import GateTwinError, UnknownName
from twin.trace import Trace

INPUTS = ("loop_approach", "loop_arm_a", "loop_arm_b", "loop_exit", "limit_open", "limit_closed")
"""Names of inputs 0 to 5 in a lane."""

OUTPUTS = (
    "lamp_red",
    "lamp_green",
    "lamp_divert",
    "barrier_open",
    "barrier_close",
    "barrier_stop",
)
"""Names of relays 0 to 5 in a lane."""

PULSED = frozenset({"barrier_open", "barrier_close", "barrier_stop"})
"""Relays that go to the command terminals of a barrier."""

PARTS: Mapping[str, Part] = dict.fromkeys(
    OUTPUTS,
    Part(
        "operations",
        100_000,
        "electrical endurance at rated load of relay modules of this class, e.g. ICP DAS I-87068W",
    ),
)
"""Each relay; one operation is closing and opening again."""

Contact = tuple[Device, str]
"""A device and the name of its point."""


@dataclass(frozen=True, slots=True)
class RemoteIoParameters:
    """Settings of one module, seconds; every default is an estimate."""

    pulse_s: float = 0.5
    """How long a pulsed relay stays closed; 0 makes it follow its coil (level-held)."""
    relay_s: float = 0.01
    """From order to contact."""
    contact_min_s: float = 0.2
    """A barrier terminal takes no notice of a contact shorter than this."""
    watchdog_s: float = 0.0
    """Silence of the master after which outputs fall back; 0 switches the watchdog off."""
    worn_failures: float = 0.01
    """At the end of the rated life, the share of moves at which a contact does not make, or does
    not part; it grows with the fourth power of the age, as burn-off leads to pitting."""
    fallback: Mapping[str, bool] = field(default_factory=lambda: {"lamp_red": True})
    """Outputs at fallback; those not named go off."""

    def __post_init__(self) -> None:
        for name in ("pulse_s", "relay_s", "contact_min_s", "watchdog_s"):
            value = getattr(self, name)
            if value < 0:
                raise GateTwinError(f"remote I/O: {name} is {value} s; it must not be below 0")
        for name in self.fallback:
            if name not in OUTPUTS:
                raise UnknownName("output of a remote I/O", name, OUTPUTS)


@dataclass(slots=True)
class _Relay:
    name: str
    target: Writer | None
    pulsed: bool
    coil: bool = False
    closed: bool = False
    pulse_end: simpy.Event | None = None
    recognised: bool = False
    edge: int = 0


@dataclass(slots=True)
class _Input:
    name: str
    source: Contact | None
    state: bool = False
    count: int = 0


_CHANNEL = "name of the channel"


class RemoteIO(Device):
    """One module; `inputs` and `outputs` say which device's point hangs on which channel."""

    kind = "remote-io"
    PARTS = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind(
                "output_stuck",
                "a relay is welded or dead: its contact stays, its coil still answers as ordered",
                {
                    "channel": Parameter("lamp_green", choices=OUTPUTS, doc=_CHANNEL),
                    "closed": Parameter(False, doc="where the contact stays"),
                },
            ),
            FaultKind(
                "input_stuck",
                "an input reads a constant: a broken wire or a short",
                {
                    "channel": Parameter("loop_arm_a", choices=INPUTS, doc=_CHANNEL),
                    "value": Parameter(False, doc="the constant"),
                },
            ),
            FaultKind(
                "short_pulse",
                "pulses are too short for the barrier's terminal to notice",
                {"pulse_s": Parameter(0.1, "s", 0.01, 10.0, doc="length of a pulse")},
            ),
            FaultKind("watchdog_trips", "the outputs fall back although the master is there"),
            FaultKind("power_cut", "no power: relays drop, wires answer nothing; coils come up 0"),
            worn_fault(PARTS),
        )
    }

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        *,
        inputs: Mapping[str, Contact] | None = None,
        outputs: Mapping[str, Contact] | None = None,
        parameters: RemoteIoParameters | None = None,
    ) -> None:
        super().__init__(id, clock, trace, rng)
        self.parameters = parameters or RemoteIoParameters()
        inputs, outputs = inputs or {}, outputs or {}
        for name in inputs:
            if name not in INPUTS:
                raise UnknownName(f"input of {id}", name, INPUTS)
        for name in outputs:
            if name not in OUTPUTS:
                raise UnknownName(f"output of {id}", name, OUTPUTS)
        self.wired = frozenset({*inputs, *outputs})
        """Channels that something hangs on: those a wire list should name."""
        self._inputs = {name: _Input(name, inputs.get(name)) for name in INPUTS}
        self._relays = {name: self._relay(name, outputs.get(name)) for name in OUTPUTS}
        self._tripped = False
        self._seen_ns = -1
        self._watch: simpy.Event | None = None
        for channel in self._inputs.values():
            self._add_input(channel)
        for relay in self._relays.values():
            self._add_output(relay)
        self.add_point("watchdog_tripped", lambda: self._tripped, doc="outputs are at fallback")

    # --- what the wires see -----------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Whether the module has power; its wires serve nobody without."""
        return "power_cut" not in self.faults

    def contact(self, output: str) -> bool:
        """Whether the contact of a relay conducts now; no wire tells."""
        if output not in self._relays:
            raise UnknownName(f"output of {self.id}", output, OUTPUTS)
        return self._relays[output].closed

    def host_seen(self) -> None:
        """A wire calls this for every request: the master is there."""
        self._seen_ns = self.clock.now_ns()
        if self._tripped and "watchdog_trips" not in self.faults:
            self._tripped = False
            self.trace(self.id, "device.state", state="watchdog_reset")
        if self._watch is None and self.parameters.watchdog_s:
            self._arm_watchdog(ns(self.parameters.watchdog_s))

    def _add_input(self, channel: _Input) -> None:
        name, source = channel.name, channel.source
        if source is not None:
            device, point = source
            if point not in device.points:
                raise UnknownName(f"point of {device.id}", point, device.points)
            channel.state = bool(device.points[point].read())
            device.on_change(lambda _: self._count(channel))
        self.add_point(name, lambda: self._see(channel), doc="input: contact closed")
        self.add_point(f"count_{name}", lambda: channel.count, doc="rising edges of the input")

        def clear(value: bool | float, cause: int = -1, /) -> None:  # noqa: ARG001 - a Writer
            channel.count = 0

        self.add_point(f"clear_count_{name}", lambda: False, clear, doc="true: count from 0")

    def _add_output(self, relay: _Relay) -> None:
        def write(value: bool | float, cause: int = -1, /) -> None:
            self._order(relay, bool(value), cause)

        self.add_point(relay.name, lambda: relay.coil, write, doc="relay: coil energised")
        self.add_point(
            f"pulsing_{relay.name}", lambda: relay.pulse_end is not None, doc="within a pulse"
        )

    def _relay(self, name: str, target: Contact | None) -> _Relay:
        if target is None:
            return _Relay(name, None, name in PULSED)
        device, point = target
        if point not in device.points:
            raise UnknownName(f"point of {device.id}", point, device.points)
        write = device.points[point].write
        if write is None:
            raise GateTwinError(
                f"{self.id}: output {name} is wired to {device.id} {point}, which can only be "
                "read; wire it to a command"
            )
        return _Relay(name, write, name in PULSED)

    # --- inputs -----------------------------------------------------------------------------

    def _see(self, channel: _Input) -> bool:
        stuck = self.faults.get("input_stuck")
        if stuck is not None and stuck["channel"] == channel.name:
            return bool(stuck["value"])
        if channel.source is None:
            return False
        device, point = channel.source
        return bool(device.points[point].read())

    def _count(self, channel: _Input) -> None:
        state = self._see(channel)
        if state and not channel.state and self.online:
            channel.count += 1
        if state != channel.state:
            channel.state = state
            self.changed(channel.name)

    # --- relays -----------------------------------------------------------------------------

    def _order(self, relay: _Relay, on: bool, cause: int) -> None:
        command = self.trace(
            self.id, "device.command", cause, point=relay.name, value=on, via="wire"
        )
        if relay.coil != on or (on and relay.pulsed):  # an order for what is so moves nothing
            self._energise(relay, on, command)

    def _energise(self, relay: _Relay, on: bool, cause: int) -> None:
        relay.coil = on
        if relay.pulse_end is not None:
            _drop(relay.pulse_end)
            relay.pulse_end = None
        pulse_s = self.parameters.pulse_s
        if on and relay.pulsed and pulse_s:
            short = self.faults.get("short_pulse")
            length_s = pulse_s if short is None else float(short["pulse_s"])
            relay.pulse_end = self.clock.call_later(length_s, lambda: self._end_pulse(relay, cause))
        self.clock.call_later(self.parameters.relay_s, lambda: self._move(relay, on, cause))

    def _end_pulse(self, relay: _Relay, cause: int) -> None:
        relay.pulse_end = None
        relay.coil = False
        self.clock.call_later(self.parameters.relay_s, lambda: self._move(relay, False, cause))

    def _move(self, relay: _Relay, closed: bool, cause: int) -> None:
        """The armature follows the coil, unless something keeps the contact."""
        stuck = self.faults.get("output_stuck", {})
        held = stuck.get("channel") == relay.name
        if held:
            closed = bool(stuck["closed"])
        if not self.online:
            closed = False
        if closed == relay.closed:
            return
        self.wear.use(relay.name, 0.5)
        if self.rng.random() < self.failure_rate(relay.name) and not held:
            # Burnt: it does not make, or has welded. The next move may free it.
            what = "missed" if closed else "welded"
            self.trace(self.id, "device.state", cause, state=what, output=relay.name)
            return
        relay.closed = closed
        relay.edge += 1
        state = self.trace(
            self.id, "device.state", cause, state="relay", output=relay.name, closed=closed
        )
        self.changed(relay.name)
        if relay.target is None:
            return
        if not relay.pulsed:
            relay.target(closed, state)
        elif closed:
            edge = relay.edge
            self.clock.call_later(
                self.parameters.contact_min_s, lambda: self._recognise(relay, edge, state)
            )
        elif relay.recognised:
            relay.recognised = False
            relay.target(False, state)

    def failure_rate(self, output: str) -> float:
        """Probability that the contact of `output` does not follow its coil at the next move."""
        return min(1.0, self.parameters.worn_failures * self.wear.share(output) ** 4)

    def _recognise(self, relay: _Relay, edge: int, cause: int) -> None:
        """The barrier's terminal has seen the same closed contact long enough."""
        if relay.edge == edge and relay.target is not None:
            relay.recognised = True
            relay.target(True, cause)

    # --- watchdog and faults ----------------------------------------------------------------

    def _arm_watchdog(self, delay_ns: int) -> None:
        event = self.clock.env.timeout(delay_ns)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: self._check_watchdog())
        self._watch = event

    def _check_watchdog(self) -> None:
        self._watch = None
        left_ns = self._seen_ns + ns(self.parameters.watchdog_s) - self.clock.now_ns()
        if left_ns > 0:
            self._arm_watchdog(left_ns)
        else:
            self._trip(-1)

    def _trip(self, cause: int) -> None:
        self._tripped = True
        cause = self.trace(self.id, "device.state", cause, state="watchdog_tripped")
        for relay in self._relays.values():
            on = self.parameters.fallback.get(relay.name, False)
            if relay.coil != on:
                self._energise(relay, on, cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        active = kind in self.faults
        if kind == "watchdog_trips" and active:
            self._trip(cause)
        elif kind == "output_stuck" or (kind == WORN and not active):
            for relay in self._relays.values():
                self._move(relay, relay.coil, cause)
        elif kind == "power_cut":
            for relay in self._relays.values():
                relay.coil = False
                if relay.pulse_end is not None:
                    _drop(relay.pulse_end)
                    relay.pulse_end = None
                self._move(relay, False, cause)
        elif kind == "input_stuck":
            for channel in self._inputs.values():
                self._count(channel)


def _drop(event: simpy.Event) -> None:
    """Make a scheduled event do nothing when its time comes."""
    if event.callbacks is not None:
        event.callbacks.clear()
