"""Recovery: power, connection; orders that do not exist; and the documents."""

from __future__ import annotations

import struct

from hil import toledo
from hil.errors import Unreachable
from hil.kits.weighbridge.emulation import plate_text
from hil.kits.weighbridge.session import ModbusWeighbridgeSession, WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView, is_valid, shown_kg
from hil.mbap import read_request, write_one
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import State

from .modbus import functions_not_as_declared, probe_functions, sent_frame
from .weighbridge import HOURS, suite
from .weighbridge_rest import settled_kg

OFF_S = 5.0
WARM_UP_S = 15.0


async def _power_cycle(session: WeighbridgeSession, watch_s: float) -> None:
    session.mark("cut")
    await session.power(False)
    session.disconnect()
    await session.clock.sleep(OFF_S)
    session.mark("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 2.0):
        session.mark("served")
        await session.watch(watch_s)
    session.mark("over")


@suite.case(start="empty", roles=["weights", "power"], limit_s=HOURS)
async def power_under_load(session: WeighbridgeSession) -> None:
    """Power fails and returns with a truck's weight on the platform."""
    await session.load("standing", session.pixit.eccentric_kg)
    await session.indication()
    await _power_cycle(session, WARM_UP_S)


@suite.judge("WGH-REC-01", case="power_under_load")
def a_load_is_not_taken_as_zero(view: WeighbridgeView) -> Finding:
    """The load is shown as before."""
    step, states = view.step("standing"), view.states_between("served", "over")
    shown = settled_kg(states)
    if view.mark("served") is None or step is None:
        return inconclusive("the weight was not read before and after")
    if shown is None:
        return check(
            bool(states) and not any(is_valid(state) for state in states[-10:]),
            "no valid weight is shown until somebody sets the zero",
            "the weight did not settle after power returned",
        )
    return check(
        abs(shown - step.mass_kg) <= 2 * view.e_kg,
        f"{shown:g} kg after power returned",
        f"{step.mass_kg:g} kg lie there, {shown:g} kg are shown after power returned",
    )


@suite.judge("WGH-REC-03", case="power_under_load")
def service_returns(view: WeighbridgeView) -> Finding:
    """Within the declared start-up time."""
    began, served = view.mark("returned"), view.mark("served")
    if began is None:
        return inconclusive("the power did not return")
    if served is None:
        return failed("the wire did not answer again")
    taken = Measurement(
        "start-up",
        served - began,
        "s",
        at_most(view.pixit.start_up_s),
        2 * view.time_uncertainty_s,
        "simple",
    )
    return decide("serving again", "started too late", taken)


@suite.judge("WGH-REC-04", case="power_under_load")
def no_weight_before_it_is_warm(view: WeighbridgeView) -> Finding:
    """No settled weight after the start is more than e away from the one that stays."""
    states = view.states_between("returned", "over")
    shown = settled_kg(states)
    if view.mark("served") is None or shown is None:
        return inconclusive("no weight was read after power returned")
    early = [shown_kg(s) for s in states if is_valid(s) and abs(shown_kg(s) - shown) > view.e_kg]
    return check(
        not early,
        "every valid weight is the one that stays",
        f"{early[0] if early else 0:g} kg were shown as valid, then {shown:g} kg",
    )


@suite.case(start="loaded", roles=["weights", "power"], limit_s=HOURS)
async def power_with_tare(session: WeighbridgeSession) -> None:
    """Power fails and returns while a tare is in use."""
    await session.load("tared", session.pixit.eccentric_kg)
    await session.indication()
    await session.scale.command("tare")
    await session.indication()
    await _power_cycle(session, 2 * session.pixit.settling_s)


@suite.judge("WGH-REC-02", case="power_with_tare")
def no_hidden_tare(view: WeighbridgeView) -> Finding:
    """Gross without a tare, or net and said to be."""
    step, states = view.step("tared"), view.states_between("served", "over")
    if step is None or not any(state.values["net"] for state in step.states):
        return inconclusive("no tare was in use when power was cut")
    shown = settled_kg(states)
    if shown is None:
        return inconclusive("no weight was read after power returned")
    wanted_kg = 0.0 if states[-1].values["net"] else step.mass_kg
    said = "net" if states[-1].values["net"] else "gross"
    return check(
        abs(shown - wanted_kg) <= 2 * view.e_kg,
        f"{shown:g} kg {said}",
        f"{shown:g} kg are shown as {said} with {step.mass_kg:g} kg on the platform",
    )


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def connection_loss(session: WeighbridgeSession) -> None:
    """The connection dies while a load is coming to rest; a new one is made later."""
    await session.sample()
    await session.drop(session.pixit.eccentric_kg)
    session.mark("lost")
    session.scale.abort()
    await session.clock.sleep(2 * session.pixit.settling_s + session.patience_s)
    session.mark("reconnecting")
    if await session.reconnect(5.0):
        session.mark("served")
        await session.watch(1.0)
    session.mark("over")


@suite.judge("WGH-REC-05", case="connection_loss")
def connection_loss_is_survived(view: WeighbridgeView) -> Finding:
    """The weight of the load, on a new connection within 2 s."""
    began, served = view.mark("reconnecting"), view.mark("served")
    moving = [s for s in view.states_between("dropped", "lost") if s.values["motion"]]
    if began is None or not moving:
        return inconclusive("no motion was seen before the connection was cut")
    if served is None:
        return failed("no service on a new connection")
    taken = Measurement(
        "service on a new connection", served - began, "s", at_most(2.0), view.time_uncertainty_s
    )
    states: list[State] = view.states_between("reconnecting", "over")
    shown = shown_kg(states[-1]) if states else None
    if shown is None or abs(shown - view.pixit.eccentric_kg) > 0.03 * view.pixit.eccentric_kg:
        return failed(f"{view.pixit.eccentric_kg:g} kg lie there, {shown} kg are shown", taken)
    return decide(f"{shown:g} kg", "served too late", taken)


# ---------------------------------------------------------------- an order that does not exist

UNKNOWN_ORDER = 0x5A5A


@suite.case(start="loaded", roles=["weights"])
async def unknown_orders(session: WeighbridgeSession) -> None:
    """A number that is no command is written to the command register."""
    assert isinstance(session, ModbusWeighbridgeSession)
    address = session.wire.command_row("zero")[0].address
    writes = {
        6: write_one(6, address, UNKNOWN_ORDER),
        16: struct.pack(">BHHBH", 16, address, 1, 2, UNKNOWN_ORDER),
    }
    for code, pdu in writes.items():
        if code in session.pics.function_codes:
            frame = session.wire.frame(0x2000 + code, pdu)
            await session.wire.exchange(f"order-{code}", frame)
    await session.watch(1.0)


@suite.judge("WGH-WIR-31", case="unknown_orders")
def unknown_orders_are_refused(view: WeighbridgeView) -> Finding:
    """Exception 03, and nothing happens."""
    exchanges = view.exchanges("order-")
    did = view.disturbed()
    if not exchanges or did is None:
        return inconclusive("nothing was sent, or the load is not known")
    if did:
        return failed(f"an unknown order: {did}")
    for exchange in exchanges:
        asked = sent_frame(exchange)
        got = exchange.frames[0] if exchange.frames else None
        if got is None or got.pdu != bytes([asked.function | 0x80, 3]):
            return failed(f"{exchange.label}: answered {exchange.received.hex()!r}")
    return passed(f"{len(exchanges)} refused with exception 03")


# ---------------------------------------------------------------- documents


@suite.case(start="any")
async def declaration(session: WeighbridgeSession) -> None:
    """Probe the wire without moving anything."""
    if isinstance(session, ModbusWeighbridgeSession):
        await probe_functions(session)
        row = next((row for row in session.wire.profile.rows if row.key == "at_zero"), None)
        if row is not None:
            function = 3 if row.table == "holding" else 4
            pdu = read_request(function, row.address, row.words)
            await session.wire.exchange("point-zero_signal", session.wire.frame(0x1100, pdu))
    else:
        (await session.collect("stream", 2.0)).close()
    try:
        await session.sample()
    except Unreachable:
        session.trace("case", "note", text="the state could not be read")
    session.trace("case", "has_command", feature="tare_command", present=session.scale.can("tare"))


@suite.judge("WGH-DOC-01", case="declaration")
def the_pics_is_true(view: WeighbridgeView) -> Finding:
    """What is declared is there; what is denied is not."""
    pics = view.pics
    modbus = pics.protocol == "modbus-tcp"
    wrong: list[str] = []
    if modbus:
        found_wrong = functions_not_as_declared(view)
        if found_wrong is None:
            return inconclusive("nothing was probed")
        wrong += found_wrong
        found = view.exchange("point-zero_signal")
        there = bool(found and found.frames and not found.frames[0].function & 0x80)
    else:
        exchange = view.exchange("stream")
        if exchange is None or len(exchange.received) < 3 * toledo.PLAIN_BYTES:
            return inconclusive("no frames were received")
        wrong += _check_character(exchange.received, declared=pics.check_character)
        there = False
    if there != pics.zero_signal:
        wrong.append(f"zero_signal is declared {pics.zero_signal}, found {there}".lower())
    for record in view.of("has_command"):
        if record.payload["present"] != pics.tare_command:
            wrong.append(
                f"tare_command is declared {pics.tare_command}, "
                f"the profile says {record.payload['present']}".lower()
            )
    if not view.states:
        wrong.append("the state cannot be read by the profile")
    return check(not wrong, "as declared", "; ".join(wrong))


def _check_character(received: bytes, *, declared: bool) -> list[str]:
    """Whether the frames between two STX are as long as the PICS lets them be."""
    lengths = {len(piece) for piece in received.split(bytes([toledo.STX]))[1:-1]}
    found = lengths == {toledo.PLAIN_BYTES}  # without its STX: 16 bytes, one more with a check
    if lengths <= {toledo.PLAIN_BYTES - 1, toledo.PLAIN_BYTES} and found != declared:
        return [f"check_character is declared {declared}, found {found}".lower()]
    return []


PLATE = "Read the plate beside the display. Does it say: {plate}?"
SEALS = (
    "Look at the terminal and at the junction box of the cells. Is every seal that the manual "
    "shows in its place and whole, and does the adjustment switch stand behind one?"
)


@suite.case(start="any", roles=["operator"], limit_s=1500)
async def markings(session: WeighbridgeSession) -> None:
    """A person reads the plate and looks at the seals."""
    pics = session.pics
    text = plate_text(pics.accuracy_class, pics.max_kg, pics.min_kg, pics.e_kg)
    questions = {"plate": PLATE.format(plate=text), "seals": SEALS}
    for what, question in questions.items():
        answer = await session.require("operator").ask(question, "confirm", 600.0)
        session.trace("operator", "answer", what=what, question=question, answer=answer)


def _answered(view: WeighbridgeView, what: str, good: str, bad: str) -> Finding:
    said = [r.payload["answer"] for r in view.of("answer") if r.payload["what"] == what]
    if not said:
        return inconclusive("the operator did not answer")
    return check(said[0] is True, good, bad)


@suite.judge("WGH-DOC-02", case="markings")
def the_plate_says_what_the_pics_says(view: WeighbridgeView) -> Finding:
    """The operator says so."""
    return _answered(view, "plate", "as declared", "the plate says something else than the PICS")


@suite.judge("WGH-DOC-03", case="markings")
def the_seals_are_whole(view: WeighbridgeView) -> Finding:
    """The operator says so."""
    return _answered(view, "seals", "sealed", "a seal is missing or broken")
