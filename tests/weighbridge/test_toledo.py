"""The TCP face of the terminal: who gets frames, when, and what commands do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.weighbridge.decoder import BadFrameError, Shown, decode
from tests.weighbridge.ground import AXLES, GEOMETRY, GROSS, Yard, truck
from twin.clock import Clock, run_real, run_virtual
from twin.errors import HarnessError, UnknownName
from twin.profiles.toledo import ToledoProfile, load
from twin.wires.toledo import ToledoServer


class Terminal:
    """A yard, its server and clients for one test."""

    def __init__(self, clock: Clock, profile: ToledoProfile, **options: Any) -> None:
        self.clock = clock
        self.yard = Yard(clock)
        self.server = ToledoServer(
            self.yard.scale, profile, clock=clock, trace=self.yard.trace, **options
        )
        self.port = 0
        self.clients: list[Client] = []

    async def connect(self, receive_bytes: int = 0) -> Client:
        """A client; `receive_bytes` makes its receive buffer small."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await self.clock.loop.sock_connect(sock, ("127.0.0.1", self.port))
        client = Client(*await asyncio.open_connection(sock=sock))
        self.clients.append(client)
        return client

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [r.payload for r in self.yard.trace.records() if r.kind == kind]


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self, length: int = 17) -> bytes:
        async with asyncio.timeout(60):
            return await self.reader.readexactly(length)

    async def shown(self) -> Shown:
        return decode(await self.frame())

    async def gone(self) -> bool:
        """Whether the server ends the stream within five seconds."""
        try:
            async with asyncio.timeout(5):
                while await self.reader.read(100):
                    pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def terminal(
    test: Callable[[Terminal], Awaitable[None]], *, seed: int = 0, profile: Any = None,
    **options: Any,
) -> Terminal:  # fmt: skip
    """Run `test` against a started server in virtual time."""
    kept: list[Terminal] = []

    async def main(clock: Clock) -> None:
        under_test = Terminal(clock, msgspec.structs.replace(load(), **(profile or {})), **options)
        kept.append(under_test)
        under_test.port = await under_test.server.start()
        try:
            async with asyncio.timeout(3600):
                await test(under_test)
        finally:
            for client in under_test.clients:
                await client.close()
            await under_test.server.stop()

    run_virtual(main, seed=seed)
    return kept[0]


def test_seven_frames_a_second_only_while_somebody_listens() -> None:
    """Frames come at the profile's rate to those who listen, and none are made without them."""

    async def test(t: Terminal) -> None:
        await t.clock.sleep(10)
        assert t.kinds("toledo.tx") == []
        client = await t.connect()
        began_s = t.clock.now_s()
        for _ in range(70):
            assert decode(await client.frame()).weight == 0
        assert 9.8 <= t.clock.now_s() - began_s <= 10.1
        await client.close()
        await t.clock.sleep(0.5)
        sent = len(t.kinds("toledo.tx"))
        await t.clock.sleep(60)
        assert len(t.kinds("toledo.tx")) == sent

    terminal(test)


def test_a_truck_is_weighed_over_the_wire() -> None:
    """The stream shows motion while wheels roll and then the truck's mass, settled."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        mover = t.yard.enter(truck(*AXLES))
        t.yard.stop_at(mover, GEOMETRY.stop_line_m)
        frames = [await client.shown() for _ in range(7 * 20)]
        assert any(frame.motion for frame in frames)
        settled = [frame for frame in frames if not frame.motion and frame.weight > 0]
        assert abs(settled[-1].weight - int(GROSS)) <= 20

    terminal(test)


def test_commands_act_on_the_next_frame() -> None:
    """T tares, C clears, Z zeroes, P marks one frame; line ends and other bytes do nothing."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        await t.yard.stand(*AXLES)
        await client.reader.read(65536)
        client.writer.write(b"T\r\n")
        tared = [await client.shown() for _ in range(2)][-1]
        assert tared.net
        assert abs(tared.weight) <= 20
        assert abs(tared.tare - int(GROSS)) <= 20
        client.writer.write(b"C\r")
        assert not [await client.shown() for _ in range(2)][-1].net
        client.writer.write(b"\xd0")  # P with its parity bit
        printing = [(await client.shown()).printing for _ in range(4)]
        assert printing.count(True) == 1
        client.writer.write(b"?x\x00S")
        await client.shown()
        client.writer.write(b"Z")  # 40 t is beyond the zero range
        await client.shown()
        assert [p["value"] for p in t.kinds("device.command")] == [True, True, False]

    t = terminal(test)
    received = [r for r in t.yard.trace.records() if r.kind == "toledo.rx"]
    commands = [r for r in t.yard.trace.records() if r.kind == "device.command"]
    assert [r.cause for r in commands] == [received[0].id, received[1].id, received[4].id]


def test_demand_mode_sends_one_frame_for_each_p() -> None:
    """In demand mode the line is silent until the client asks."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        with pytest.raises(TimeoutError):
            await client.frame()
        for _ in range(3):
            client.writer.write(b"PPP")
            assert decode(await client.frame()).printing
        with pytest.raises(TimeoutError):
            await client.frame(1)

    terminal(test, profile={"mode": "demand"})


@pytest.mark.parametrize("parity", [False, True])
def test_checksum_and_parity_on_the_wire(parity: bool) -> None:
    """With a check character frames have 18 bytes; the parity quirk uses bit 7."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        frame = await client.frame(18)
        assert decode(frame, checksum=True, parity=parity).weight == 0
        assert any(byte & 0x80 for byte in frame) is parity

    terminal(test, profile={"checksum": True}, quirks={"even-parity": parity})


def test_torn_segments_join_to_whole_frames() -> None:
    """Torn segments start and end anywhere, yet the stream is the same frames in a row."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        data = b""
        for _ in range(40):
            async with asyncio.timeout(5):
                data += await client.reader.read(4096)
        frames = [data[at : at + 17] for at in range(0, len(data) - 16, 17)]
        assert len(frames) > 30
        for frame in frames:
            decode(frame)
        late = await t.connect()  # comes in the middle of a frame
        assert not (await late.frame()).startswith(b"\x02")

    t = terminal(test, quirks={"torn": True})
    sent = [len(bytes.fromhex(p["frame"])) for p in t.kinds("toledo.tx") if p["conn"] == 0]
    cuts = {sum(sent[:count]) % 17 for count in range(1, len(sent))}
    assert cuts == set(range(1, 17))  # a cut at every place within a frame


def test_connections_are_limited_and_freed() -> None:
    """One client more than allowed is turned away; a place that is left can be taken again."""

    async def test(t: Terminal) -> None:
        first, second = await t.connect(), await t.connect()
        await first.frame()
        third = await t.connect()
        assert await third.gone()
        await second.close()
        await t.clock.sleep(0.1)
        fourth = await t.connect()
        await fourth.frame()
        await first.frame()

    t = terminal(test)
    events = [(p["conn"], p["event"]) for p in t.kinds("toledo.conn")]
    assert events[:5] == [(0, "open"), (1, "open"), (2, "refused"), (1, "close"), (3, "open")]


def test_a_client_that_does_not_read_is_dropped() -> None:
    """Nothing piles up for a client that stops reading, and the others are served on."""

    async def test(t: Terminal) -> None:
        lazy = await t.connect(receive_bytes=1)
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await t.clock.sleep(0.2)
        served = t.server._connections[0]._transport.get_extra_info("socket")
        served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        eager = await t.connect()
        for _ in range(7 * 300):
            await eager.frame()

    t = terminal(test)
    closed = [(p["conn"], p["reason"]) for p in t.kinds("toledo.conn") if p["event"] == "close"]
    assert (0, "does not read") in closed


def test_offline_terminal_and_dead_cable() -> None:
    """Without power or cable clients are cut off and refused; afterwards they are served again."""

    async def test(t: Terminal) -> None:
        for target, kind in ((t.yard.scale, "offline"), (t.server, "link_down")):
            client = await t.connect()
            await client.frame()
            target.inject(kind)
            assert await client.gone()
            assert await (await t.connect()).gone()
            target.heal(kind)
            client = await t.connect()
            await client.frame()
            await client.close()
            await t.clock.sleep(0.1)

    t = terminal(test)
    reasons = [p["reason"] for p in t.kinds("toledo.conn") if p["event"] == "close"]
    assert reasons == ["no power", "closed by the client", "link down", "closed by the client"]


def test_silent_line() -> None:
    """A silent line sends nothing and loses commands, but keeps the connection."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        await t.yard.stand(*AXLES)
        t.server.inject("silent")
        await t.clock.sleep(1)
        await client.reader.read(65536)
        client.writer.write(b"T")
        with pytest.raises(TimeoutError):
            await client.frame(1)
        t.server.heal("silent")
        assert not (await client.shown()).net

    terminal(test)


def test_garbled_frames_are_found_by_the_check_character() -> None:
    """The share of broken frames is the one injected, and each fails its check."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        t.server.inject("garbled", share=0.25)
        bad = 0
        for _ in range(100):
            try:
                decode(await client.frame(18), checksum=True)
            except BadFrameError:
                bad += 1
        assert bad == 25

    terminal(test, profile={"checksum": True})


@settings(max_examples=30, deadline=None)
@given(data=st.lists(st.binary(min_size=1, max_size=300), max_size=8))
def test_any_bytes_are_survived(data: list[bytes]) -> None:
    """Whatever a client sends, the next frame comes and is whole."""

    async def test(t: Terminal) -> None:
        client = await t.connect()
        for chunk in data:
            client.writer.write(chunk)
            await client.shown()
        await client.shown()

    terminal(test)


def test_one_seed_one_trace() -> None:
    """Two runs with one seed give one trace, clients and torn segments included."""

    async def test(t: Terminal) -> None:
        clients = [await t.connect(), await t.connect()]
        t.yard.drive_off(t.yard.enter(truck(*AXLES)))
        for _ in range(60):
            for client in clients:
                await client.reader.read(100)

    hashes = {terminal(test, seed=3, quirks={"torn": True}).yard.trace.sha256() for _ in range(3)}
    assert len(hashes) == 1


def test_misuse_is_named() -> None:
    """A second start, a taken port and an unknown quirk say what is wrong."""

    async def test(t: Terminal) -> None:
        with pytest.raises(HarnessError, match="already started"):
            await t.server.start()
        other = ToledoServer(t.yard.scale, clock=t.clock, trace=t.yard.trace)
        with pytest.raises(HarnessError, match="choose another port"):
            await other.start(port=t.port)
        await other.stop()
        with pytest.raises(UnknownName, match="torn"):
            ToledoServer(t.yard.scale, clock=t.clock, trace=t.yard.trace, quirks={"tron": True})

    terminal(test)


def test_the_same_stream_on_the_wall_clock() -> None:
    """In the scaled tier the stream keeps its rate in the clock's own seconds."""

    async def main(clock: Clock) -> int:
        t = Terminal(clock, load())
        t.port = await t.server.start()
        client = await t.connect()
        await client.frame()
        began_s, count = clock.now_s(), 0
        while clock.now_s() - began_s < 5.0:
            decode(await client.frame())
            count += 1
        await client.close()
        await t.server.stop()
        return count

    # 35 by the grid; a loaded machine may be late with some, never early
    assert 5 <= run_real(main, speed=50.0) <= 38
