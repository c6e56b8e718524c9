"""The bridge of packets in virtual time: pairs of sockets stand where TUN devices are."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from twin.clock import Clock, run_real, run_virtual
from twin.devices.base import FaultError
from twin.errors import HarnessError, UnknownName
from twin.trace import Trace
from twin.wires.tun import Bridge, Operator, corrupted, name_of, open_device, operator

Arrived = list[tuple[float, bytes]]


def packet(number: int, *, protocol: int = 17, ports: tuple[int, int] = (40_000, 53)) -> bytes:
    """An IPv4 packet with its number at the end; checksums are not looked at here."""
    body = b"".join(port.to_bytes(2, "big") for port in ports) + number.to_bytes(4, "big")
    head = bytearray(20)
    head[0], head[9] = 0x45, protocol
    return bytes(head) + body


class Ends:
    """Both ends of the bridge, and what has come at each."""

    def __init__(self, clock: Clock, operators: tuple[Operator, ...], queue_max: int) -> None:
        self.clock, self.trace = clock, Trace(clock)
        kind = socket.SOCK_DGRAM
        self.sockets = [*socket.socketpair(socket.AF_UNIX, kind)]
        self.sockets += socket.socketpair(socket.AF_UNIX, kind)
        for sock in self.sockets:
            sock.setblocking(False)
        self.near, near, self.far, far = self.sockets
        self.bridge = Bridge(
            near.fileno(), far.fileno(), operators, clock=clock, trace=self.trace,
            rng=random.Random(5), queue_max=queue_max,
        )  # fmt: skip
        self.at_far: Arrived = []
        self.at_near: Arrived = []
        clock.loop.add_reader(self.near, self._take, self.near, self.at_near)
        clock.loop.add_reader(self.far, self._take, self.far, self.at_far)
        self.bridge.start()

    def _take(self, sock: socket.socket, into: Arrived) -> None:
        into.append((self.clock.now_s(), sock.recv(2_000)))

    def close(self) -> None:
        self.bridge.stop()
        for sock in (self.near, self.far):
            self.clock.loop.remove_reader(sock)
        for sock in self.sockets:
            sock.close()

    async def stream(self, count: int, gap_s: float = 0.01) -> None:
        """`count` packets to the far side, one every `gap_s`."""
        for number in range(count):
            self.near.send(packet(number))
            await self.clock.sleep(gap_s)

    @property
    def numbers(self) -> list[int]:
        """Those that came to the far side, in their order."""
        return [int.from_bytes(body[-4:], "big") for _, body in self.at_far]


def play(
    story: Callable[[Ends], Awaitable[None]], *operators: Operator, queue_max: int = 1000
) -> Ends:
    """One story in virtual time."""

    async def main(clock: Clock) -> Ends:
        ends = Ends(clock, operators or (Operator("a"),), queue_max)
        try:
            await story(ends)
        finally:
            ends.close()
        return ends

    return run_virtual(main)


def test_without_a_fault_every_packet_passes_unchanged_at_once() -> None:
    """Both ways, byte for byte."""

    async def story(ends: Ends) -> None:
        await ends.stream(50)
        ends.far.send(packet(7))
        await ends.clock.sleep(0.1)

    ends = play(story)
    assert [body for _, body in ends.at_far] == [packet(n) for n in range(50)]
    assert [body for _, body in ends.at_near] == [packet(7)]
    assert [at_s for at_s, _ in ends.at_far] == pytest.approx([n / 100 for n in range(50)])


@pytest.mark.parametrize(("after", "lost"), [("nothing", 100), ("all", 0)])
def test_a_handover_is_silent_and_then_the_other_operator_carries(after: str, lost: int) -> None:
    """A second of silence from 1.0 s: nothing passes in it, then all is later by the difference."""

    async def story(ends: Ends) -> None:
        ends.clock.call_later(0.999, lambda: ends.bridge.hand_over("b", 1.0, after))
        await ends.stream(300)
        await ends.clock.sleep(1.0)

    ends = play(story, Operator("a", delay_s=0.002), Operator("b", delay_s=0.05))
    assert not [at_s for at_s, _ in ends.at_far if 1.0 < at_s < 1.999]
    assert ends.bridge.active == "b"
    got = ends.numbers
    assert got == sorted(set(got))
    # What b's 50 ms bring out of the last of the gap is on its way still, and arrives.
    assert 300 - len(got) == pytest.approx(lost, abs=6)
    late = {number: at_s - number / 100 for (at_s, _), number in zip(ends.at_far, got, strict=True)}
    assert late[10] == pytest.approx(0.002, abs=1e-6)
    assert late[290] == pytest.approx(0.05, abs=1e-6)
    assert [r.payload["now"] for r in ends.trace.records() if r.kind == "link.operator"] == ["b"]


def test_faults_pick_their_protocol() -> None:
    """A loss on udp/53 does not touch tcp."""

    async def story(ends: Ends) -> None:
        ends.bridge.link.inject("loss", probability=1.0, topic="udp/53")
        for number in range(10):
            ends.near.send(packet(number))
            ends.near.send(packet(100 + number, protocol=6, ports=(1883, 50_000)))
        await ends.clock.sleep(0.1)

    assert play(story).numbers == [100 + n for n in range(10)]


def test_a_full_queue_drops_the_newest() -> None:
    """Ten may wait; of thirty in one moment the first ten arrive, and the trace says so."""

    async def story(ends: Ends) -> None:
        for number in range(30):
            ends.near.send(packet(number))
            await asyncio.sleep(0)
        await ends.clock.sleep(3.0)

    ends = play(story, Operator("a", delay_s=1.0), queue_max=10)
    assert ends.numbers == list(range(10))
    assert ends.bridge.dropped == 20
    assert sum(r.kind == "link.overflow" for r in ends.trace.records()) == 20


def test_the_same_seed_loses_the_same_packets() -> None:
    """Loss in bursts, twice: the same packets come."""

    async def story(ends: Ends) -> None:
        await ends.stream(400)

    first, second = (play(story, Operator("a", loss=0.2, burst=4.0)).numbers for _ in range(2))
    assert first == second
    assert 250 < len(first) < 370
    gaps = [after - before - 1 for before, after in pairwise(first) if after - before > 1]
    assert sum(gaps) / len(gaps) > 2.0  # each alone, runs of losses would be 1.25 long


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (packet(0), "udp/53"),
        (packet(0, protocol=6, ports=(1883, 50_000)), "tcp/1883"),
        (packet(0, protocol=1), "icmp"),
        (packet(0, protocol=89), "ip/89"),
        (bytes([0x60]) + bytes(5) + bytes([58]) + bytes(33), "icmp6"),
        (b"\x45", "ip/malformed"),
        (packet(0)[:22], "udp"),
    ],
)
def test_a_packet_is_named_by_its_protocol(data: bytes, expected: str) -> None:
    """Protocol and the service's port; what is cut short has no port."""
    assert name_of(data) == expected


def test_a_corrupt_packet_differs_in_one_byte_behind_its_header() -> None:
    """The address stays, so that it arrives and its checksum is what fails."""
    rng = random.Random(1)
    for number in range(50):
        good = packet(number)
        bad = corrupted(good, "byte", rng)
        assert bad[:20] == good[:20]
        assert sum(a != b for a, b in zip(bad, good, strict=True)) == 1
    assert corrupted(packet(0)[:20], "byte", rng) == packet(0)[:20]


def test_an_operator_is_read_from_text() -> None:
    """Name and values; an unknown key and a wrong number are errors."""
    assert operator("a") == Operator("a")
    assert operator("b:delay=0.02,loss=0.1,jitter=0.005,burst=3") == Operator(
        "b", 0.02, 0.005, 0.1, 3.0
    )
    with pytest.raises(UnknownName, match="speed"):
        operator("a:speed=3")
    with pytest.raises(FaultError, match="not a number"):
        operator("a:delay=fast")
    with pytest.raises(FaultError, match="no name"):
        operator(":delay=1")


def test_what_cannot_be_is_refused() -> None:
    """No reset without connections, no unknown operator, no two of one name, no long device."""

    async def story(ends: Ends) -> None:
        with pytest.raises(FaultError, match="nothing"):
            ends.bridge.link.inject("handover", after="reset")
        with pytest.raises(UnknownName):
            ends.bridge.hand_over("c", 1.0)
        with pytest.raises(FaultError, match="probability"):
            Bridge(0, 0, (Operator("x", loss=2.0),), clock=ends.clock, trace=ends.trace,
                   rng=random.Random(0))  # fmt: skip
        for operators in ((), (Operator("x"), Operator("x"))):
            with pytest.raises(HarnessError, match="operator"):
                Bridge(0, 0, operators, clock=ends.clock, trace=ends.trace, rng=random.Random(0))

    play(story)
    with pytest.raises(HarnessError, match="1 to 15 bytes"):
        open_device("a" * 16)


def test_on_the_wall_clock_a_timer_that_is_due_at_once_is_no_failure() -> None:
    """Packets behind one that is due within the same millisecond: all arrive (uvloop)."""

    async def main(clock: Clock) -> list[int]:
        ends = Ends(clock, (Operator("a", delay_s=0.0001),), 1000)
        try:
            for number in range(200):
                ends.near.send(packet(number))
                await asyncio.sleep(0)
            await clock.sleep(0.2)
        finally:
            ends.close()
        return ends.numbers

    assert run_real(main) == list(range(200))
