"""A bad link for real IP traffic: packets between two TUN devices, through the same pipes.

What `impair` does to the messages of a wire it does here to the packets of whole programs: each
TUN device is the end of a network, and this process is the radio link between the two. TCP then
does what it does on a real link: it sends again, backs off, and comes back after a handover.

Two operators share the way: each has its delay, jitter and loss, one carries at a time, and
`hand_over` changes them with a gap of silence. Linux only; opening a device needs root.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

from twin.clock import Clock
from twin.devices.base import FaultError, FaultKind, Faulty
from twin.errors import HarnessError, UnknownName
from twin.trace import Trace
from twin.wires.impair import MENU, Direction, Link, Pipe, spoil
from twin.wires.mqtt.topics import filter_fault, matches

DEVICE = "/dev/net/tun"

QUEUE_MAX = 1000
"""Packets on their way or held in one direction; further ones are dropped, as by Linux' netem
(its default `limit`)."""

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""From linux/if_tun.h."""

_PACKET_MAX = 65_535
_AT_ONCE = 64
"""Packets read before other tasks get their turn."""

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
"""Numbers of IANA's registry of protocols."""


def open_device(name: str) -> int:
    """Make the TUN device `name` and return its file; closing it takes the device away."""
    if sys.platform != "linux":
        raise HarnessError(f"{name}: TUN devices are Linux' own; this is {sys.platform}")
    import fcntl

    if not 1 <= len(name.encode()) <= 15:
        raise HarnessError(f"{name}: a network device's name has 1 to 15 bytes")
    try:
        file = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise HarnessError(f"{DEVICE}: {error.strerror}; next: run as root") from error
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        os.close(file)
        raise HarnessError(f"{name}: no TUN device: {error.strerror}; next: run as root") from error
    return file


def name_of(packet: bytes) -> str:
    """What a fault's `topic` is held against: `icmp`, `tcp/1883`, `udp/53`, `ip/89`.

    The port is the lower of the two, which is the service's in both directions.
    """
    if len(packet) < 20:
        return "ip/malformed"
    version = packet[0] >> 4
    if version == 6:
        protocol, start, fragment = packet[6], 40, 0
    else:
        protocol, start = packet[9], 4 * (packet[0] & 0x0F)
        fragment = int.from_bytes(packet[6:8], "big") & 0x1FFF
    word = _PROTOCOLS.get(protocol)
    if word in ("tcp", "udp") and not fragment and len(packet) >= start + 4:
        ports = struct.unpack_from("!HH", packet, start)
        return f"{word}/{min(ports)}"
    return word or f"ip/{protocol}"


def corrupted(packet: bytes, how: str, rng: random.Random) -> bytes:
    """What is behind the IP header is spoilt; the receiver's checksum will find it."""
    start = 40 if packet[0] >> 4 == 6 else 4 * (packet[0] & 0x0F)
    if len(packet) <= start:
        return packet
    return spoil(packet, start, how, rng)


def _packet_menu() -> dict[str, FaultKind]:
    menu = dict(MENU)
    handover = menu["handover"]
    after = replace(
        handover.parameters["after"], choices=("all", "nothing"),
        doc="Then all that was sent arrives, or nothing of it.",
    )  # fmt: skip
    menu["handover"] = replace(handover, parameters={**handover.parameters, "after": after})
    return menu


class PacketLink(Link):
    """The fault menu of a link of packets: it knows no connection that could be reset.

    `topic` names protocols: `icmp`, `tcp/#`, `tcp/1883`, `udp/#`.
    """

    FAULTS: ClassVar[Mapping[str, FaultKind]] = MappingProxyType(_packet_menu())


@dataclass(frozen=True, slots=True)
class Operator:
    """A network operator's share of the way, in each direction; all of it estimates of a tester.

    `burst` is the mean run of lost packets (0: each alone), as in the menu of faults.
    """

    name: str
    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    burst: float = 0.0


class Bridge:
    """Packets between two TUN devices; `near` is the client's side, `far` the server's.

    `link` is what both operators have in common; `operators` are the links of each.
    """

    def __init__(
        self,
        near: int,
        far: int,
        operators: tuple[Operator, ...],
        *,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        id: str = "link",
        queue_max: int = QUEUE_MAX,
    ) -> None:
        """`near` and `far` are files of devices; the first operator carries at the start."""
        if not operators or len({one.name for one in operators}) != len(operators):
            raise HarnessError(f"{id}: needs at least one operator, each with a name of its own")
        self.id, self.active = id, operators[0].name
        self.taken = 0
        """Packets that came in from either side."""
        self.dropped = 0
        """Packets that found a full queue, or a device that did not take them."""
        self._clock, self._trace, self._queue_max = clock, trace, queue_max
        self._files = (near, far)
        self._pipes: tuple[Pipe[bytes], Pipe[bytes]] | None = None
        self.link = self._made(id)
        self.operators = {one.name: self._made(f"{id}.{one.name}") for one in operators}
        self._pipes = (self._pipe("up", far, rng), self._pipe("down", near, rng))
        for one in operators:
            faults = self.operators[one.name]
            if one.delay_s or one.jitter_s:
                faults.inject("delay", delay_s=one.delay_s, jitter_s=one.jitter_s)
            if one.loss:
                faults.inject("loss", probability=one.loss, burst=one.burst)

    def _made(self, id: str) -> PacketLink:
        return PacketLink(
            id, clock=self._clock, trace=self._trace, changed=self._changed,
            topic_fault=filter_fault,
        )  # fmt: skip

    def _pipe(self, direction: Direction, to: int, rng: random.Random) -> Pipe[bytes]:
        def told(what: str, topic: str, details: Mapping[str, Any]) -> None:
            self._tell(what.replace(" ", "_"), direction, topic, details)

        return Pipe(
            direction, clock=self._clock, rng=random.Random(rng.random()),
            deliver=self._writer(to), corrupt=corrupted, matches=matches, told=told,
        )  # fmt: skip

    def _tell(
        self,
        what: str,
        direction: str,
        topic: str,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._trace(self.id, f"link.{what}", direction=direction, topic=topic, **details)

    def _writer(self, file: int) -> Callable[[bytes], None]:
        def write(packet: bytes) -> None:
            try:
                os.write(file, packet)
            except OSError:  # the device is down, or its queue is full: as on any link
                self.dropped += 1

        return write

    @property
    def targets(self) -> dict[str, Faulty]:
        """Everything here that has a fault menu, by its id."""
        return {one.id: one for one in (self.link, *self.operators.values())}

    def start(self) -> None:
        """Begin to carry packets, on the loop that runs."""
        assert self._pipes is not None
        loop = asyncio.get_running_loop()
        for file, pipe in zip(self._files, self._pipes, strict=True):
            loop.add_reader(file, self._read, file, pipe)

    def stop(self) -> None:
        """Carry no more; what is on its way is lost. The files stay the caller's."""
        loop = asyncio.get_running_loop()
        for file in self._files:
            loop.remove_reader(file)
        for pipe in self._pipes or ():
            pipe.drop()

    def hand_over(self, to: str, gap_s: float, after: str = "nothing") -> None:
        """Silence for `gap_s`, then operator `to` carries.

        What is sent meanwhile is lost (`after` `nothing`), or comes when the gap is over (`all`).
        """
        if to not in self.operators:
            raise UnknownName(f"operator of {self.id}", to, self.operators)
        self.link.inject("handover", gap_s=gap_s, after=after)
        self._trace(self.id, "link.operator", was=self.active, now=to)
        self.active = to
        self._follow()

    def _follow(self) -> None:
        for pipe in self._pipes or ():
            pipe.follow([self.link, self.operators[self.active]])

    def _changed(self, kind: str, ended: Mapping[str, Any] | None) -> None:
        self._follow()
        if ended is not None:
            lose = kind == "handover" and ended["after"] == "nothing"
            for pipe in self._pipes or ():
                pipe.open(lose=lose)

    def _read(self, file: int, pipe: Pipe[bytes]) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(file, _PACKET_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                asyncio.get_running_loop().remove_reader(file)
                self._tell("down", pipe.direction, "", {"error": error.strerror})
                return
            self.taken += 1
            if pipe.waiting >= self._queue_max:
                self.dropped += 1
                self._tell("overflow", pipe.direction, name_of(packet))
            else:
                pipe.put(packet, name_of(packet))


def operator(text: str) -> Operator:
    """Read `NAME[:key=value[,key=value…]]`, e.g. `viettel:delay=0.02,jitter=0.005,loss=0.01`."""
    name, _, rest = text.partition(":")
    keys = {"delay": "delay_s", "jitter": "jitter_s", "loss": "loss", "burst": "burst"}
    values: dict[str, float] = {}
    for part in filter(None, rest.split(",")):
        key, equals, number = part.partition("=")
        if key not in keys:
            raise UnknownName(f"value of operator {name}", key, keys)
        try:
            values[keys[key]] = float(number)
        except ValueError:
            raise FaultError(f"operator {name}: {key}{equals}{number}: is not a number") from None
    if not name:
        raise FaultError(f"operator {text!r}: has no name")
    return Operator(name, **values)
