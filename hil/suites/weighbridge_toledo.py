"""Mettler-Toledo continuous frames: form, content, commands, clients. Judged on the raw bytes."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from itertools import pairwise

from hil import toledo
from hil.drivers.raw import RawLink
from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView
from hil.measurement import Measurement, at_least, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .weighbridge import suite

STREAM_S = 5.0
FEW_S = 2.5
"""Seventeen frames of a terminal that sends seven a second."""

FREE_LIMIT_S = 5.0


def _pieces(view: WeighbridgeView, label: str) -> list[bytes]:
    """What came between two frame ends under `label`."""
    exchange = view.exchange(label)
    received = exchange.received if exchange else b""
    return toledo.split(received, checked=view.pics.check_character)[0]


def _frames(view: WeighbridgeView, label: str) -> list[toledo.Shown]:
    """The lawful frames under `label`."""
    checked = view.pics.check_character
    found = (toledo.decode(piece, checked=checked) for piece in _pieces(view, label))
    return [shown for shown in found if shown is not None]


# ---------------------------------------------------------------- the stream


@suite.case(start="loaded")
async def stream(session: WeighbridgeSession) -> None:
    """Five seconds of frames with a load on the platform."""
    (await session.collect("stream", STREAM_S)).close()


def _each(view: WeighbridgeView, wrong: Callable[[bytes], str], good: str) -> Finding:
    """Every piece of the stream is right."""
    pieces = _pieces(view, "stream")
    if len(pieces) < 3:
        exchange = view.exchange("stream")
        if exchange is not None and len(exchange.received) > 3 * toledo.PLAIN_BYTES:
            return failed(f"no frames in {exchange.received[:40].hex()!r}")
        return inconclusive(f"only {len(pieces)} frames were received")
    for piece in pieces:
        if text := wrong(piece):
            return failed(f"frame {piece.hex()}: {text}")
    return passed(f"{len(pieces)} frames: {good}")


@suite.judge("WGH-TOL-01", case="stream")
def frames_have_their_form(view: WeighbridgeView) -> Finding:
    """Length, STX, CR and fixed bits."""
    checked = view.pics.check_character
    return _each(view, lambda piece: toledo.form_problem(piece, checked=checked), "form")


@suite.judge("WGH-TOL-02", case="stream")
def fields_are_digits_behind_blanks(view: WeighbridgeView) -> Finding:
    """Six places each, right-aligned."""
    return _each(view, toledo.field_problem, "fields")


@suite.judge("WGH-TOL-03", case="stream")
def the_division_is_declared(view: WeighbridgeView) -> Finding:
    """Status word A says e."""
    frames = _frames(view, "stream")
    if len(frames) < 3:
        return inconclusive(f"only {len(frames)} lawful frames were received")
    said = {frame.division_kg for frame in frames}
    return check(
        said == {view.e_kg},
        f"status word A says {view.e_kg:g} kg",
        f"status word A says {sorted(said)} kg, e is {view.e_kg:g} kg",
    )


@suite.judge("WGH-TOL-04", case="stream")
def kilograms_are_said(view: WeighbridgeView) -> Finding:
    """Status word B, bit 4."""
    frames = _frames(view, "stream")
    if len(frames) < 3:
        return inconclusive(f"only {len(frames)} lawful frames were received")
    other = [frame for frame in frames if not frame.kilograms]
    return check(not other, "kilograms", f"{len(other)} of {len(frames)} frames say another unit")


@suite.judge("WGH-TOL-06", case="stream")
def frames_come_at_their_rate(view: WeighbridgeView) -> Finding:
    """At least nine tenths of the declared rate."""
    exchange, pieces = view.exchange("stream"), _pieces(view, "stream")
    times = [r.t_s for r in view.of("raw.rx") if r.payload.get("label") == "stream"]
    if exchange is None or len(pieces) < 3 or times[-1] - times[0] < STREAM_S / 3:
        return inconclusive(f"only {len(pieces)} frames were received")
    span_s, wanted = times[-1] - times[0], 0.9 * view.pixit.frames_per_s
    rate = (len(pieces) - 1) / span_s
    measured = Measurement(
        "frames per second", rate, "1/s", at_least(wanted), rate * 0.02 / span_s, "simple"
    )
    usual_s = statistics.median(after - before for before, after in pairwise(times))
    if rate < wanted and usual_s <= 1 / wanted:
        # At its rate, with gaps: lost on a bench that was busy, or never sent. Nobody knows.
        text = f"{rate:.2f} frames per second come, most of them in time; run again in real time"
        return inconclusive(text)
    return decide(f"{len(pieces)} frames", "too few frames", measured)


@suite.judge("WGH-TOL-07", case="stream")
def check_characters_are_right(view: WeighbridgeView) -> Finding:
    """The sum of all characters is a multiple of 128."""

    def wrong(piece: bytes) -> str:
        return "" if toledo.sum_is_right(piece) else "the check character does not fit"

    return _each(view, wrong, "check characters")


# ---------------------------------------------------------------- commands


async def _collect(link: RawLink, label: str, send: bytes, seconds: float) -> None:
    link.label = label
    if send:
        await link.send(send)
    await link.receive(0, seconds)


@suite.case(start="loaded")
async def letters(session: WeighbridgeSession) -> None:
    """Tare, clear and print, each followed by a few frames."""
    link = await session.collect("before", FEW_S)
    for label, letter in (("tared", b"T"), ("cleared", b"C"), ("printed", b"P\r\n")):
        await _collect(link, label, letter, FEW_S)
    link.close()


@suite.judge("WGH-TOL-05", case="letters")
def a_tare_is_in_the_frame(view: WeighbridgeView) -> Finding:
    """T: net bit, tare field, and the weight is net."""
    before, tared = _frames(view, "before"), _frames(view, "tared")[2:]
    if len(before) < 3 or len(tared) < 3:
        return inconclusive("too few frames before and after T")
    gross_kg = before[-1].weight_kg
    if before[-1].net or gross_kg < view.e_kg:
        return inconclusive("a tare was in use already, or nothing lay on the platform")
    last = tared[-1]
    if not last.net:
        return failed(f"T was sent and the net bit is not set (tare field {last.tare_kg:g} kg)")
    return check(
        abs(last.tare_kg - gross_kg) <= view.e_kg and abs(last.weight_kg) <= view.e_kg,
        f"net {last.weight_kg:g} kg with a tare of {last.tare_kg:g} kg",
        f"of {gross_kg:g} kg the frame says {last.weight_kg:g} kg net, {last.tare_kg:g} kg tare",
    )


@suite.judge("WGH-TOL-08", case="letters")
def clear_forgets_the_tare(view: WeighbridgeView) -> Finding:
    """C: no net bit, tare field 0."""
    tared, cleared = _frames(view, "tared")[2:], _frames(view, "cleared")[2:]
    if len(tared) < 3 or len(cleared) < 3 or not tared[-1].net:
        return inconclusive("no tare was in use, or too few frames after C")
    last = cleared[-1]
    return check(
        not last.net and last.tare_kg == 0,
        "no tare after C",
        f"after C: net bit {last.net}, tare field {last.tare_kg:g} kg",
    )


@suite.judge("WGH-TOL-09", case="letters")
def print_is_marked(view: WeighbridgeView) -> Finding:
    """P: bit 3 of status word C in one of the next frames, and not for ever."""
    before, printed = _frames(view, "before"), _frames(view, "printed")
    if len(before) < 3 or len(printed) < 5:
        return inconclusive("too few frames before and after P")
    if any(frame.printing for frame in before):
        return failed("a print request is marked before P was sent")
    marked = [frame.printing for frame in printed]
    if not any(marked[:4]):
        return failed("P was sent and no frame marks a print request")
    return check(not marked[-1], "marked after P", "the print request stays marked")


def foreign(seed: int) -> bytes:
    """Bytes none of which is a command, with or without a parity bit."""
    rng = random.Random(seed)
    return bytes(b for b in rng.randbytes(400) if b & 0x7F not in b"TZCPtzcp")


@suite.case(start="loaded", roles=["weights"])
async def foreign_bytes(session: WeighbridgeSession) -> None:
    """Noise on the line to the terminal."""
    noise = foreign(20230530)
    link = await session.collect("quiet", FEW_S)
    for number in range(0, len(noise), 20):
        await _collect(link, "noise", noise[number : number + 20], 0.1)
    await _collect(link, "afterwards", b"", FEW_S)
    link.close()
    await session.watch(1.0)


@suite.judge("WGH-TOL-10", case="foreign_bytes")
def foreign_bytes_do_nothing(view: WeighbridgeView) -> Finding:
    """The frames go on, and no tare or zero was taken."""
    if len(_frames(view, "quiet")) < 3:
        return inconclusive("no frames came before the noise")
    if view.exchange("afterwards") is None:
        return inconclusive("the noise was not sent to its end")
    if len(_frames(view, "afterwards")) < 3:
        return failed("no frames came after the noise")
    did = view.disturbed()
    if did is None:
        return inconclusive("the load on the platform is not known")
    return check(not did, "nothing happened", f"noise: {did}")


# ---------------------------------------------------------------- clients


@suite.case(start="loaded", limit_s=90)
async def clients(session: WeighbridgeSession) -> None:
    """All declared clients, one more, then a reset of all."""
    session.disconnect()
    await session.clock.sleep(0.5)
    links = [
        await session.collect(f"slot-{number}", 0.5)
        for number in range(session.pics.max_connections)
    ]
    (await session.collect("extra", 0.5)).close()
    for number, link in enumerate(links):
        await _collect(link, f"again-{number}", b"", FEW_S)
    for link in links:
        link.abort()
    session.mark("reset")
    for attempt in range(20):
        link = await session.collect(f"after-{attempt}", 0.5)
        link.close()
        await session.clock.sleep(0.1)
        if not link.ended:
            break


def _all_served(view: WeighbridgeView, prefix: str) -> Finding:
    labels = [exchange.label for exchange in view.exchanges(prefix)]
    if len(labels) < view.pics.max_connections:
        return inconclusive(f"only {len(labels)} of {view.pics.max_connections} were tried")
    dead = [label for label in labels if not _frames(view, label)]
    return check(not dead, f"{len(labels)} served", f"no frames: {', '.join(dead)}")


@suite.judge("WGH-TOL-11", case="clients")
def declared_clients_are_served(view: WeighbridgeView) -> Finding:
    """All at the same time."""
    return _all_served(view, "slot-")


@suite.judge("WGH-TOL-12", case="clients")
def one_client_too_many_disturbs_nobody(view: WeighbridgeView) -> Finding:
    """Those that were there get their frames."""
    if _all_served(view, "slot-").verdict.value != "PASS":
        return inconclusive("the declared clients were not served to begin with")
    return _all_served(view, "again-")


@suite.judge("WGH-TOL-13", case="clients")
def dead_clients_free_their_place(view: WeighbridgeView) -> Finding:
    """Frames again within 5 s."""
    reset_s = view.mark("reset")
    if reset_s is None:
        return inconclusive("the connections were not reset")
    came = [
        record.t_s for record in view.of("raw.rx") if record.payload["label"].startswith("after-")
    ]
    if not came:
        return failed("no frames after the reset of all connections")
    measured = Measurement("frames after reset", came[0] - reset_s, "s", at_most(FREE_LIMIT_S), 0.3)
    return decide("a new client gets frames", "served too late", measured)
