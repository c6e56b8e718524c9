"""Wrong requests: each gets what the specification says, moves nothing and breaks nothing."""

from __future__ import annotations

import random
import struct

from hil.mbap import HEADER_BYTES, read_request, write_one
from hil.suite import Part
from hil.verdict import Finding, check, failed, inconclusive, passed

from .modbus import (
    AnySession,
    AnyView,
    mapped,
    read_pdu,
    register_block,
    sent_frame,
    served,
)

part = Part[AnySession, AnyView]()

FRESH_LIMIT_S = 1.0
"""After any wrong frame a fresh connection is served within this time."""


async def _fresh(session: AnySession, label: str) -> None:
    """A correct request on a new connection: is the device still there?"""
    await session.clock.sleep(0.05)  # what was closed before gives its place free
    frame = session.wire.frame(0x0F0F, read_pdu(session, 1))
    await session.wire.exchange(label, frame, limit_s=FRESH_LIMIT_S)


def _exception_of(view: AnyView, prefix: str, codes: set[int]) -> Finding:
    """Every exchange under `prefix` is answered by its function | 0x80 with one of `codes`."""
    exchanges = view.exchanges(prefix)
    if not exchanges:
        return inconclusive("nothing was sent")
    for exchange in exchanges:
        asked = sent_frame(exchange)
        frames = exchange.frames
        if len(frames) != 1:
            return failed(f"{exchange.label}: {len(frames)} answers, {exchange.received.hex()!r}")
        got = frames[0]
        if got.function != asked.function | 0x80 or got.exception not in codes:
            wanted = "/".join(f"{code:02x}" for code in sorted(codes))
            return failed(
                f"{exchange.label}: answered {got.pdu.hex()!r}, wanted "
                f"{asked.function | 0x80:02x} {wanted}"
            )
        if got.transaction != asked.transaction:
            return failed(f"{exchange.label}: exception under transaction {got.transaction:#06x}")
    return passed(f"{len(exchanges)} wrong requests, each with its exception")


def unsupported_functions(declared: list[int]) -> list[int]:
    """Function codes to probe that the PICS does not declare."""
    candidates = (1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 20, 22, 23, 24, 43, 65, 100)
    return [code for code in candidates if code not in declared]


@part.case()
async def wrong_functions(session: AnySession) -> None:
    """Function codes outside the declared set."""
    for code in unsupported_functions(session.pics.function_codes):
        frame = session.wire.frame(0x0300 + code, bytes([code, 0, 0, 0, 1]))
        await session.wire.exchange(f"function-{code}", frame)


@part.judge("WIR-03", case="wrong_functions")
def wrong_functions_give_01(view: AnyView) -> Finding:
    """Illegal function."""
    return _exception_of(view, "function-", {1})


@part.case()
async def wrong_addresses(session: AnySession) -> None:
    """Reads outside the map and across its end."""
    function, address, count = register_block(session)
    known = mapped(session.wire.profile, "holding" if function == 3 else "input")
    end = address + count
    while end in known:
        end += 1
    spans = [(0xEA60, 1), (0xFFFF, 1), (end, 1), (end - 1, 2)]
    for number, (start, size) in enumerate(spans):
        frame = session.wire.frame(0x0400 + number, read_request(function, start, size))
        await session.wire.exchange(f"address-{start}", frame)


@part.judge("WIR-04", case="wrong_addresses")
def wrong_addresses_give_02(view: AnyView) -> Finding:
    """Illegal data address."""
    return _exception_of(view, "address-", {2})


@part.case()
async def wrong_quantities(session: AnySession) -> None:
    """Reads of 0, 126 and 65535 registers."""
    function, address, _ = register_block(session)
    for count in (0, 126, 0xFFFF):
        frame = session.wire.frame(0x0500 + count % 256, read_request(function, address, count))
        await session.wire.exchange(f"quantity-{count}", frame)


@part.judge("WIR-05", case="wrong_quantities")
def wrong_quantities_give_03(view: AnyView) -> Finding:
    """Illegal data value, under the function's own code."""
    return _exception_of(view, "quantity-", {3})


@part.case(truth=True)
async def wrong_coil_values(session: AnySession) -> None:
    """A coil that acts is written with values that are neither ON nor OFF."""
    row = session.acting_coil()
    if row is None:
        return
    for value in (0x1234, 0x0001, 0xFF01):
        frame = session.wire.frame(0x0600 + (value & 0xFF), write_one(5, row.address, value))
        await session.wire.exchange(f"coil-{value:04x}", frame)
    await session.watch(2.0)


@part.judge("WIR-06", case="wrong_coil_values")
def wrong_coil_values_give_03(view: AnyView) -> Finding:
    """Illegal data value, and no effect."""
    if view.disturbed():
        return failed(f"a wrong coil value: {view.disturbed()}")
    return _exception_of(view, "coil-", {3})


@part.case()
async def write_read_only(session: AnySession) -> None:
    """A register that shows state is written."""
    address = session.read_only_row().address
    session.mark("before")
    await session.sample()
    writes = {6: write_one(6, address, 42), 16: struct.pack(">BHHBH", 16, address, 1, 2, 42)}
    for code, pdu in writes.items():
        await session.wire.exchange(f"write-{code}", session.wire.frame(0x0700 + code, pdu))
    session.mark("after")
    await session.watch(0.5)


@part.judge("WIR-07", case="write_read_only")
def read_only_stays(view: AnyView) -> Finding:
    """An exception, and the same value afterwards."""
    refused = _exception_of(view, "write-", {1, 2, 3, 4})
    before = [state.values for state in view.states_between("before", "after")][:1]
    after = [state.values for state in view.states_between("after")][-1:]
    if not before or not after:
        return inconclusive("the state was not read before and after")
    for point in view.kept:
        if before[0].get(point) != after[0].get(point):
            return failed(f"{point} went from {before[0][point]} to {after[0][point]}")
    return refused


@part.case(truth=True)
async def foreign_protocol(session: AnySession) -> None:
    """Frames with a protocol identifier other than 0; one of them would act."""
    for protocol in (1, 0xFFFF):
        frame = session.wire.frame(0x0800, read_pdu(session, 1), protocol=protocol)
        await session.wire.exchange(f"protocol-{protocol}", frame, limit_s=0.5)
        await _fresh(session, f"fresh-{protocol}")
    order = session.acting_order()
    if order is not None:
        frame = session.wire.frame(0x0801, order, protocol=7)
        await session.wire.exchange("protocol-7", frame, limit_s=0.5)
    await session.watch(2.0)


@part.judge("WIR-11", case="foreign_protocol")
def foreign_protocols_are_ignored(view: AnyView) -> Finding:
    """No response, no effect, and the device still serves."""
    answered = [e.label for e in view.exchanges("protocol-") if e.received]
    if answered:
        return failed(f"answered to {', '.join(answered)}")
    if view.disturbed():
        return failed(f"an order under a foreign protocol: {view.disturbed()}")
    return _still_serves(view, "no response")


def _still_serves(view: AnyView, good: str) -> Finding:
    dead = [e.label for e in view.exchanges("fresh-") if not served(e)]
    if not view.exchanges("fresh-"):
        return inconclusive("no fresh request was sent")
    return check(not dead, good, f"no service on a fresh connection: {', '.join(dead)}")


@part.case(limit_s=60)
async def impossible_lengths(session: AnySession) -> None:
    """Length fields that cannot be."""
    for length in (0, 1, 255, 0xFFFF):
        frame = session.wire.frame(0x0900, read_pdu(session, 1), length=length)
        await session.wire.exchange(f"length-{length}", frame, limit_s=0.5)
        await _fresh(session, f"fresh-{length}")


@part.judge("WIR-12", case="impossible_lengths")
def impossible_lengths_get_no_data(view: AnyView) -> Finding:
    """Silence, an exception or closing; and the device still serves."""
    for exchange in view.exchanges("length-"):
        data = [frame for frame in exchange.frames if not frame.function & 0x80]
        if data:
            return failed(f"{exchange.label}: answered with data {data[0].pdu.hex()!r}")
    return _still_serves(view, "no data as answer")


@part.case(limit_s=60)
async def foreign_units(session: AnySession) -> None:
    """Requests to units that are not there."""
    strangers = [u for u in (77, 200, 247) if u not in session.wire.profile.unit_ids]
    for unit in strangers:
        if unit != session.wire.endpoint.unit:
            frame = session.wire.frame(0x0A00 + unit, read_pdu(session, 1), unit=unit)
            await session.wire.exchange(f"unit-{unit}", frame, limit_s=0.5)


@part.judge("WIR-13", case="foreign_units")
def foreign_units_get_no_data(view: AnyView) -> Finding:
    """Silence, or gateway exceptions 0A and 0B."""
    exchanges = view.exchanges("unit-")
    if not exchanges:
        return inconclusive("nothing was sent")
    for exchange in exchanges:
        for frame in exchange.frames:
            if frame.exception not in (0x0A, 0x0B):
                return failed(f"{exchange.label}: answered {frame.pdu.hex()!r}")
    return passed(f"{len(exchanges)} foreign units, no data")


@part.case(limit_s=60)
async def truncated(session: AnySession) -> None:
    """Requests whose body ends too early, in frames that are right."""
    function, address, _ = register_block(session)
    bodies = {f"truncated-{function}": struct.pack(">BH", function, address)}
    for code in (5, 6, 15, 16):
        if code in session.pics.function_codes:
            bodies[f"truncated-{code}"] = bytes([code, 0])
    for number, (label, pdu) in enumerate(bodies.items()):
        await session.wire.exchange(label, session.wire.frame(0x0B00 + number, pdu))
        await _fresh(session, f"fresh-{number}")


@part.judge("WIR-17", case="truncated")
def truncated_requests_give_03(view: AnyView) -> Finding:
    """Exception 03 under the right code, or closing."""
    for exchange in view.exchanges("truncated-"):
        asked, frames = sent_frame(exchange), exchange.frames
        if not frames and exchange.ended:
            continue
        if len(frames) != 1 or frames[0].pdu != bytes([asked.function | 0x80, 3]):
            return failed(f"{exchange.label}: answered {exchange.received.hex()!r}")
    return _still_serves(view, "exception 03 or closed")


GARBAGE_FRAMES = 300
_WRITES = {5, 6, 15, 16, 22, 23}


def garbage(seed: int, good: bytes) -> list[bytes]:
    """Random and mutated frames; none of them is a correct write."""
    rng = random.Random(seed)
    frames: list[bytes] = []
    while len(frames) < GARBAGE_FRAMES:
        if rng.random() < 0.5:
            frame = rng.randbytes(rng.randint(1, 40))
        else:
            mutable = bytearray(good)
            # A broken header ends the matter early; so two of three leave it whole.
            first = 0 if rng.random() < 1 / 3 else HEADER_BYTES
            for _ in range(rng.randint(1, 4)):
                mutable[rng.randrange(first, len(mutable))] = rng.randrange(256)
            frame = bytes(mutable)
        if len(frame) < 8 or frame[7] not in _WRITES:
            frames.append(frame)
    return frames


@part.case(truth=True, limit_s=180)
async def garbage_frames(session: AnySession) -> None:
    """Noise on the wire, then a correct request."""
    good = session.wire.frame(0x0C0C, read_pdu(session, 1))
    await session.look()
    link = await session.wire.link("noise-0")
    for number, frame in enumerate(garbage(20230530, good)):
        if link.ended or number % 10 == 0:
            link.close()
            link = await session.wire.link(f"noise-{number}")
        await link.send(frame)
        await link.receive(1, 0.03)
    link.close()
    await _fresh(session, "fresh-after")
    await session.watch(1.0)


@part.judge("WIR-18", case="garbage_frames")
def garbage_does_no_harm(view: AnyView) -> Finding:
    """Well-formed answers, no effect, still serving."""
    sent = 0
    for exchange in view.exchanges("noise-"):
        sent += 1
        if exchange.rest or any(frame.protocol for frame in exchange.frames):
            return failed(f"{exchange.label}: a malformed answer {exchange.received.hex()!r}")
    if not sent:
        return inconclusive("nothing was sent")
    if view.disturbed():
        return failed(f"noise: {view.disturbed()}")
    return _still_serves(view, f"{GARBAGE_FRAMES} frames of noise did no harm")
