"""Modbus TCP as the specification has it: right requests, and many connections."""

from __future__ import annotations

import struct
from typing import Any

from hil.errors import BenchError
from hil.mbap import Frame, read_request, split, write_one
from hil.measurement import Measurement, at_most
from hil.modbus_session import ModbusSession, ModbusView
from hil.suite import Part
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import Exchange
from twin.profiles import Profile, Row

AnySession = ModbusSession[Any, Any]
AnyView = ModbusView[Any, Any]

part = Part[AnySession, AnyView]()

NO_WORD_TABLES = "profile {name!r} has no readable registers, so this cannot be tested"


def word_rows(profile: Profile) -> list[Row]:
    """Readable rows in the register tables, those of the widest block first."""
    return [row for row in profile.rows if not row.is_bit_table and "r" in row.access]


def register_block(session: AnySession) -> tuple[int, int, int]:
    """(function, address, count) of the longest run of readable registers."""
    best: tuple[int, int, int] | None = None
    covered: dict[str, set[int]] = {"holding": set(), "input": set()}
    for row in word_rows(session.wire.profile):
        covered[row.table].update(range(row.address, row.address + row.words))
    for block in session.wire.profile.blocks:
        if block.table in covered:
            covered[block.table].update(range(block.address, block.address + block.count))
    for table, addresses in covered.items():
        for start in sorted(addresses):
            if start - 1 in addresses:
                continue
            count = 1
            while start + count in addresses:
                count += 1
            if best is None or count > best[2]:
                best = (3 if table == "holding" else 4, start, min(count, 100))
    if best is None:
        raise BenchError(NO_WORD_TABLES.format(name=session.wire.profile.name))
    return best


def read_pdu(session: AnySession, count: int | None = None) -> bytes:
    """A correct read request of this device, for what only needs some good request."""
    function, address, most = register_block(session)
    return read_request(function, address, most if count is None else count)


def mapped(profile: Profile, table: str) -> set[int]:
    """Addresses that the profile declares in one table."""
    found: set[int] = set()
    for row in profile.rows:
        if row.table == table:
            found.update(range(row.address, row.address + row.words))
    for block in profile.blocks:
        if block.table == table:
            found.update(range(block.address, block.address + block.count))
    return found


def harmless_probes() -> dict[int, bytes]:
    """One request per function code that no device can carry out: they move and write nothing."""
    beyond = 0xEA60
    return {
        1: read_request(1, 0, 0),
        2: read_request(2, 0, 0),
        3: read_request(3, 0, 0),
        4: read_request(4, 0, 0),
        5: write_one(5, beyond, 0x1234),
        6: write_one(6, beyond, 0),
        15: bytes([15, 0, 0, 0, 0, 0]),
        16: bytes([16, 0, 0, 0, 0, 0]),
        22: bytes([22, beyond >> 8, beyond & 255, 0, 0, 0, 0]),
        23: bytes([23, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    }


async def probe_functions(session: AnySession) -> None:
    """Ask for every function code in a way that moves nothing: what the PICS says is checked."""
    for code, pdu in harmless_probes().items():
        await session.wire.exchange(f"probe-{code}", session.wire.frame(0x1000 + code, pdu))


def functions_not_as_declared(view: AnyView) -> list[str] | None:
    """What the PICS says wrongly of function codes; None if nothing was probed."""
    probes = view.exchanges("probe-")
    if not probes:
        return None
    wrong = []
    for exchange in probes:
        code = int(exchange.label.removeprefix("probe-"))
        declared = code in view.pics.function_codes
        frame = exchange.frames[0] if exchange.frames else None
        there = frame is not None and frame.exception != 1
        if there != declared:
            said = "declared" if declared else "not declared"
            answer = frame.pdu.hex() if frame else "nothing"
            wrong.append(f"function {code} is {said}, the device answers {answer}")
    return wrong


def served(exchange: Exchange | None) -> bool:
    """A correct request was answered with data."""
    return bool(exchange and exchange.frames and not exchange.frames[0].function & 0x80)


def sent_frame(exchange: Exchange) -> Frame:
    """The first frame of what was sent."""
    return split(exchange.sent)[0][0]


# ---------------------------------------------------------------- good requests


@part.case()
async def reads(session: AnySession) -> None:
    """Reads of several sizes, each on its own connection."""
    function, address, most = register_block(session)
    for number, count in enumerate(sorted({1, 2, most // 2 or 1, most})):
        frame = session.wire.frame(0x1234 + 0x0101 * number, read_request(function, address, count))
        await session.wire.exchange(f"read-{count}", frame)


@part.judge("WIR-01", case="reads")
def header_is_echoed(view: AnyView) -> Finding:
    """Transaction, protocol and unit come back, and the length fits."""
    if not view.exchanges("read-"):
        return inconclusive("nothing was sent")
    for exchange in view.exchanges("read-"):
        asked = sent_frame(exchange)
        if len(exchange.frames) != 1 or exchange.rest:
            return failed(f"{exchange.label}: answered with bytes {exchange.received.hex()!r}")
        got = exchange.frames[0]
        if (got.transaction, got.protocol, got.unit) != (asked.transaction, 0, asked.unit):
            return failed(
                f"{exchange.label}: sent transaction {asked.transaction:#06x} unit {asked.unit}, "
                f"got transaction {got.transaction:#06x} protocol {got.protocol} unit {got.unit}"
            )
    return passed(f"{len(view.exchanges('read-'))} headers echoed")


@part.judge("WIR-02", case="reads")
def reads_have_the_asked_size(view: AnyView) -> Finding:
    """Same function code, byte count 2·N, 2·N bytes."""
    if not view.exchanges("read-"):
        return inconclusive("nothing was sent")
    for exchange in view.exchanges("read-"):
        asked = sent_frame(exchange).pdu
        count = struct.unpack(">H", asked[3:5])[0]
        pdus = [frame.pdu for frame in split(exchange.received)[0]]
        raw = pdus[0] if pdus else exchange.received[7:]
        if len(raw) != 2 + 2 * count or raw[0] != asked[0] or raw[1] != 2 * count:
            return failed(f"{exchange.label}: asked {count} registers, got {raw.hex()!r}")
    return passed("function, byte count and bytes fit in every read")


@part.case()
async def pipelined(session: AnySession) -> None:
    """Many requests on one connection without waiting."""
    link = await session.wire.link("pipelined")
    pdu = read_pdu(session, 1)
    for number in range(session.pixit.pipeline_depth):
        await link.send(session.wire.frame(0x4000 + number, pdu))
    await link.receive(session.pixit.pipeline_depth, 3.0)
    link.close()


@part.judge("WIR-08", case="pipelined")
def every_pipelined_request_is_answered_once(view: AnyView) -> Finding:
    """One answer for each transaction, data or server busy."""
    exchange = view.exchange("pipelined")
    if exchange is None:
        return inconclusive("nothing was sent")
    asked = [frame.transaction for frame in split(exchange.sent)[0]]
    good = [f for f in exchange.frames if not f.function & 0x80 or f.exception == 6]
    got = sorted(frame.transaction for frame in good)
    return check(
        got == sorted(asked),
        f"{len(got)} of {len(asked)} answered, each once",
        f"{len(asked)} requests sent, {len(set(got) & set(asked))} answered, "
        f"{len(got) - len(set(got))} answered twice",
    )


@part.case()
async def fragmented(session: AnySession) -> None:
    """One request in segments of one byte."""
    link = await session.wire.link("fragmented")
    for byte in session.wire.frame(0x0101, read_pdu(session, 2)):
        await link.send(bytes([byte]))
        await session.clock.sleep(0.005)  # so that the kernel cannot join them
    await link.receive(1, 1.0)
    link.close()


@part.judge("WIR-09", case="fragmented")
def a_fragmented_request_is_answered(view: AnyView) -> Finding:
    """As if it had come whole."""
    exchange = view.exchange("fragmented")
    good = served(exchange) and exchange is not None and exchange.frames[0].transaction == 0x0101
    return check(good, "answered", f"not answered: {exchange.received.hex() if exchange else ''!r}")


@part.case()
async def coalesced(session: AnySession) -> None:
    """Three requests and a half in one segment, then the rest."""
    frames = [session.wire.frame(0x0200 + n, read_pdu(session, 1)) for n in range(4)]
    half = len(frames[3]) // 2
    link = await session.wire.link("coalesced-first")
    await link.send(b"".join(frames[:3]) + frames[3][:half])
    await link.receive(3, 1.0)
    link.label = "coalesced-rest"
    await link.send(frames[3][half:])
    await link.receive(1, 1.0)
    link.close()


@part.judge("WIR-10", case="coalesced")
def coalesced_requests_are_answered(view: AnyView) -> Finding:
    """Three at once and the last when it is whole."""
    first, rest = view.exchange("coalesced-first"), view.exchange("coalesced-rest")
    early = [frame.transaction for frame in first.frames] if first else []
    late = [frame.transaction for frame in rest.frames] if rest else []
    return check(
        sorted(early) == [0x0200, 0x0201, 0x0202] and late == [0x0203],
        "three answers at once, the fourth after its other half",
        f"answers {early} to the first segment and {late} to the rest",
    )


@part.case(limit_s=60)
async def response_time(session: AnySession) -> None:
    """A hundred polls."""
    for _ in range(100):
        await session.wire.read_state()
        await session.clock.sleep(session.pixit.poll_s / 4)


@part.judge("WIR-19", case="response_time")
def responses_come_in_time(view: AnyView) -> Finding:
    """99 of 100 within the declared response time."""
    asked: dict[str, float] = {}
    waits: list[float] = []
    for record in view.records:
        if record.kind == "wire.tx":
            asked[record.payload["frame"][:4]] = record.t_s
        elif record.kind == "wire.rx" and record.payload["frame"][:4] in asked:
            waits.append(record.t_s - asked.pop(record.payload["frame"][:4]))
    if len(waits) < 100:
        return inconclusive(f"only {len(waits)} responses were recorded")
    waits.sort()
    p99_s = waits[int(0.99 * (len(waits) - 1))]
    measured = Measurement(
        "response time, 99th percentile",
        p99_s,
        "s",
        at_most(view.pixit.response_s),
        0.002,
        "simple",
        tuple(waits[-5:]),
    )
    return decide(f"{len(waits)} responses", f"too slow over {len(waits)} responses", measured)


@part.case(truth=True)
async def reads_are_harmless(session: AnySession) -> None:
    """Every readable row is read once, then the device is watched."""
    await session.sample()
    session.mark("before")
    for row in session.wire.profile.rows:
        if "r" in row.access:
            await session.wire.read_row(row)
    await session.watch(2.0)


@part.judge("WIR-21", case="reads_are_harmless")
def reads_move_nothing(view: AnyView) -> Finding:
    """The device rests while and after everything is read."""
    did = view.disturbed()
    if did is None:
        return inconclusive("the ground truth was not recorded")
    return check(not did, "nothing happened", did)


@part.case()
async def identification(session: AnySession) -> None:
    """Read device identification, basic objects."""
    frame = session.wire.frame(0x2B0E, bytes([0x2B, 0x0E, 0x01, 0x00]))
    await session.wire.exchange("identify", frame)


@part.judge("WIR-20", case="identification")
def the_device_names_itself(view: AnyView) -> Finding:
    """Vendor, product code and revision are texts."""
    exchange = view.exchange("identify")
    pdu = exchange.frames[0].pdu if exchange and exchange.frames else b""
    if len(pdu) < 7 or pdu[0] != 0x2B:
        return failed(f"answered {pdu.hex()!r}")
    texts, rest = [], pdu[7:]
    while len(rest) >= 2:
        texts.append(rest[2 : 2 + rest[1]].decode("ascii", "replace"))
        rest = rest[2 + rest[1] :]
    return check(len(texts) >= 3 and all(texts[:3]), " / ".join(texts[:3]), f"objects {texts}")


# ---------------------------------------------------------------- connections


@part.case(limit_s=90)
async def connections(session: AnySession) -> None:
    """All declared connections, one more, then a reset of all."""
    wire, pdu = session.wire, read_pdu(session, 1)
    wire.close()
    await session.clock.sleep(0.5)
    links = []
    for number in range(session.pics.max_connections):
        link = await wire.link(f"slot-{number}")
        await link.send(wire.frame(0x0D00 + number, pdu))
        await link.receive(1, 1.0)
        links.append(link)
    await wire.exchange("extra", wire.frame(0x0DFF, pdu), limit_s=0.5)
    for number, link in enumerate(links):
        link.label = f"again-{number}"
        await link.send(wire.frame(0x0E00 + number, pdu))
        await link.receive(1, 1.0)
    for link in links:
        link.abort()
    session.mark("reset")
    for attempt in range(20):
        frame = wire.frame(0x0F00 + attempt, pdu)
        if await wire.exchange(f"after-{attempt}", frame, limit_s=0.25):
            break
        await session.clock.sleep(0.25)


def _all_served(view: AnyView, prefix: str) -> Finding:
    exchanges = view.exchanges(prefix)
    if len(exchanges) < view.pics.max_connections:
        return inconclusive(f"only {len(exchanges)} of {view.pics.max_connections} were tried")
    dead = [exchange.label for exchange in exchanges if not served(exchange)]
    return check(not dead, f"{len(exchanges)} served", f"not served: {', '.join(dead)}")


@part.judge("WIR-14", case="connections")
def declared_connections_are_served(view: AnyView) -> Finding:
    """All at the same time."""
    return _all_served(view, "slot-")


@part.judge("WIR-15", case="connections")
def one_too_many_disturbs_nobody(view: AnyView) -> Finding:
    """Those in use go on."""
    first = _all_served(view, "slot-")
    if first.verdict.value != "PASS":
        return inconclusive("the declared connections were not served to begin with")
    return _all_served(view, "again-")


@part.judge("WIR-16", case="connections")
def dead_connections_free_their_place(view: AnyView) -> Finding:
    """Service again within 5 s."""
    reset_s = view.mark("reset")
    first = [e for e in view.exchanges("after-") if served(e) and e.answered_s is not None]
    if reset_s is None:
        return inconclusive("the connections were not reset")
    if not first:
        return failed("no service after the reset of all connections")
    waited_s = (first[0].answered_s or 0.0) - reset_s
    measured = Measurement("service after reset", waited_s, "s", at_most(5.0), 0.25)
    return decide("a new connection is served", "served too late", measured)
