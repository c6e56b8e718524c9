"""Recovery: power, connection, watchdog; and the documents."""

from __future__ import annotations

from hil.errors import Unreachable
from hil.kits.barrier.session import BarrierSession
from hil.kits.barrier.view import (
    OPEN_DEG,
    STILL_DEG,
    BarrierView,
    is_open,
    reached,
    rest,
    sink_deg,
    travel_deg,
)
from hil.mbap import read_request
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import changes

from .barrier import suite
from .barrier_motion import SETTLE_S
from .modbus import functions_not_as_declared, probe_functions

HELD_S = 10.0


@suite.case(start="open", roles=["power", "inclinometer"], limit_s=240)
async def power_cut(session: BarrierSession) -> None:
    """Power fails during closing and returns; then the barrier is opened."""
    await session.sample()
    await session.command("close")
    await session.watch(
        2 * session.pixit.closing_s,
        lambda: session.deg is not None and session.deg < OPEN_DEG * 0.6,
    )
    session.mark("cut")
    await session.power(False)
    session.wire.close()
    await session.watch_angle(HELD_S + 2.0)
    session.mark("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 2.0):
        session.mark("served")
        await session.watch(SETTLE_S)
        session.mark("commanded")
        await session.command("open")
        expected_s = session.pixit.opening_s + session.pixit.calibration_s
        await session.watch(2 * expected_s + 2.0, session.at_open)
        await session.watch(0.5)
    session.mark("over")


@suite.judge("BAR-REC-01", case="power_cut")
def power_cut_does_not_drop_the_arm(view: BarrierView) -> Finding:
    """At rest within 2 s, and no sinking after that."""
    began, samples = view.mark("cut"), view.truth_between("cut", "returned")
    if began is None or len(samples) < 10:
        return inconclusive("the true angle was not recorded while the power was off")
    before = [sample for sample in view.truth if sample.t_s <= began]
    if sink_deg(before) < 10.0:
        return inconclusive("the arm was not closing when the power was cut")
    later = [sample for sample in samples if sample.t_s >= began + 2.0]
    sunk = Measurement(
        "sinking from 2 s after the cut",
        sink_deg(later),
        "°",
        at_most(5.0),
        view.angle_uncertainty_deg,
    )
    if later and later[0].deg < 5.0:
        return failed("the arm fell to closed", sunk)
    return decide(f"held at {later[-1].deg:.0f}°", "the arm sank without power", sunk)


@suite.judge("BAR-REC-02", case="power_cut")
def power_return_moves_nothing(view: BarrierView) -> Finding:
    """Nothing moves before the next command."""
    samples = view.truth_between("returned", "commanded")
    if len(samples) < 10:
        return inconclusive("the true angle was not recorded after power returned")
    if rest(view.truth_between("cut", "returned")) is None:
        return inconclusive("the arm was not at rest when power returned")
    moved = travel_deg(samples)
    return check(
        moved <= STILL_DEG, "the arm rested", f"the arm moved by {moved:.0f}° without a command"
    )


@suite.judge("BAR-REC-03", case="power_cut")
def service_returns(view: BarrierView) -> Finding:
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


@suite.judge("BAR-REC-04", case="power_cut")
def position_is_honest(view: BarrierView) -> Finding:
    """Unknown, or true within 10 %."""
    if not view.independent_angle:
        return inconclusive("the angle comes from the device itself; bind an inclinometer")
    samples = view.truth_between("returned", "commanded")
    states = view.states_between("returned", "commanded")
    if not samples or not states:
        return inconclusive("nothing was read after power returned")
    percent = 100 * samples[-1].deg / OPEN_DEG
    for state in states:
        shown = state.values.get("position_percent")
        if isinstance(shown, int | float) and abs(shown - percent) > 10.0:
            return failed(f"shows {shown} % while the arm stands at {percent:.0f} %")
    return passed(f"shows {changes(states, 'position_percent')} at {percent:.0f} %")


@suite.judge("BAR-REC-05", case="power_cut")
def the_counter_survives(view: BarrierView) -> Finding:
    """No counts are lost."""
    before = [s for s in view.states if s.t_s <= (view.mark("cut") or 0.0)]
    after = view.states_between("returned")
    if not before or not after:
        return inconclusive("the counter was not read before and after")
    old, new = before[-1].values.get("operations"), after[0].values.get("operations")
    if old is None or new is None or old == 0:
        return inconclusive(f"the counter stood at {old}, so nothing could be lost")
    return check(new >= old, f"{old} before, {new} after", f"fell from {old} to {new}")


@suite.judge("BAR-REC-06", case="power_cut")
def works_again(view: BarrierView) -> Finding:
    """Open within calibration and opening time."""
    began, samples = view.mark("commanded"), view.truth_between("commanded", "over")
    if view.mark("returned") is None:
        return inconclusive("the power did not return")
    if began is None:
        return failed("the wire did not answer again, so nothing could be commanded")
    ended = reached(samples, is_open)
    if ended is None:
        return failed(f"the arm got to {samples[-1].deg:.0f}° only" if samples else "no angle")
    limit_s = view.pixit.opening_s + view.pixit.calibration_s
    taken = Measurement(
        "first opening", ended - began, "s", at_most(limit_s), view.time_uncertainty_s
    )
    return decide("opened", "opened too late", taken)


@suite.case(start="closed", roles=["inclinometer"])
async def connection_loss(session: BarrierSession) -> None:
    """The connection dies during opening; a new one is made when the arm should be at rest."""
    await session.sample()
    await session.command("open")
    await session.watch(
        2 * session.pixit.opening_s, lambda: session.deg is not None and session.deg > OPEN_DEG / 3
    )
    session.mark("lost")
    session.wire.abort()
    await session.watch_angle(2 * session.pixit.opening_s)
    session.mark("reconnecting")
    if await session.reconnect(5.0):
        session.mark("served")
        await session.watch(1.0)


@suite.judge("BAR-REC-07", case="connection_loss")
def connection_loss_is_survived(view: BarrierView) -> Finding:
    """At rest, and the true state on a new connection within 2 s."""
    began, served = view.mark("reconnecting"), view.mark("served")
    samples = view.truth_between("lost", "reconnecting")
    if began is None or len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if rest(samples) is None:
        return failed("the arm was still moving long after its time")
    if served is None:
        return failed("no service on a new connection")
    taken = Measurement(
        "service on a new connection", served - began, "s", at_most(2.0), view.time_uncertainty_s
    )
    states = view.states_between("reconnecting")
    status = states[-1].values.get("gate_status") if states else None
    if status is not None and (status == "open") != is_open(samples[-1].deg):
        return failed(f"at {samples[-1].deg:.0f}° the status says {status}", taken)
    return decide(f"at rest at {samples[-1].deg:.0f}°", "served too late", taken)


@suite.case(start="open", roles=["inclinometer"], limit_s=240)
async def silent_master(session: BarrierSession) -> None:
    """The connection stays, but nobody asks anything for longer than the watchdog time."""
    await session.sample()
    session.mark("silent")
    session.wire.close()
    await session.watch_angle(session.pixit.watchdog_s * 1.5 + 2.0)
    session.mark("reconnecting")
    if await session.reconnect(5.0):
        session.mark("served")
        await session.watch(0.5)


@suite.judge("BAR-REC-08", case="silent_master")
def a_silent_master_is_no_danger(view: BarrierView) -> Finding:
    """No downward motion, and service afterwards."""
    samples = view.truth_between("silent", "reconnecting")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    sunk = sink_deg(samples)
    if sunk > STILL_DEG:
        return failed(f"moved down by {sunk:.0f}° while nobody was there")
    return check(view.mark("served") is not None, "stayed up and serves", "no service afterwards")


# ---------------------------------------------------------------- documents

FEATURES = {
    "status_register": "gate_status",
    "position_feedback": "position_percent",
    "operation_counter": "operations",
}


@suite.case(start="any")
async def declaration(session: BarrierSession) -> None:
    """Probe every function code and every declared point; nothing is moved."""
    await probe_functions(session)
    for feature, point in FEATURES.items():
        row = next((row for row in session.wire.profile.rows if row.key == point), None)
        if row is not None:
            function = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}[row.table]
            pdu = read_request(function, row.address, row.words)
            await session.wire.exchange(f"point-{feature}", session.wire.frame(0x1100, pdu))
    try:
        await session.sample()
    except Unreachable:
        session.trace("case", "note", text="the state could not be read")
    for order, feature in (("stop", "stop_command"), ("partial_open", "partial_open")):
        session.trace("case", "has_command", feature=feature, present=session.wire.can(order))


@suite.judge("BAR-DOC-01", case="declaration")
def the_pics_is_true(view: BarrierView) -> Finding:
    """What is declared is there; what is denied is not."""
    wrong = functions_not_as_declared(view)
    if wrong is None:
        return inconclusive("nothing was probed")
    pics = view.pics.values()
    for feature in FEATURES:
        found = view.exchange(f"point-{feature}")
        there = bool(found and found.frames and not found.frames[0].function & 0x80)
        if there != pics[feature]:
            wrong.append(f"{feature} is declared {pics[feature]}, found {there}".lower())
    for record in view.of("has_command"):
        feature = record.payload["feature"]
        if record.payload["present"] != pics[feature]:
            wrong.append(
                f"{feature} is declared {str(pics[feature]).lower()}, "
                f"the profile says {str(record.payload['present']).lower()}"
            )
    shown = [state.values.get("gate_status") for state in view.states]
    if pics["status_register"] and any(not isinstance(status, str) for status in shown):
        wrong.append(f"the status reads {shown}, which profile {view.pics.profile} does not know")
    return check(
        not wrong,
        f"functions and {len(FEATURES)} points as declared",
        "; ".join(wrong),
    )


FIRMWARE_ROWS = ("fw_major", "fw_minor", "fw_patch")


@suite.case(start="any")
async def firmware(session: BarrierSession) -> None:
    """Read the firmware version, where the profile has it."""
    numbers = []
    for name in FIRMWARE_ROWS:
        row = next((row for row in session.wire.profile.rows if row.key == name), None)
        if row is not None:
            numbers.append(str(await session.wire.read_row(row)))
    session.trace("case", "firmware", version=".".join(numbers))


@suite.judge("BAR-DOC-02", case="firmware")
def firmware_is_the_named_one(view: BarrierView) -> Finding:
    """As in the product file."""
    shown = [record.payload["version"] for record in view.of("firmware")]
    if not shown or not shown[0]:
        return inconclusive("the profile has no firmware registers")
    named = str(view.info.get("firmware", ""))
    return check(
        shown[0] == named,
        f"firmware {named}",
        f"the device says {shown[0]}, the product file says {named}",
    )


RAISE = "Release the drive as the manual says and raise the arm by hand. Did it work?"
PUT_BACK = "Put the release back and lock the housing. Done?"


@suite.case(start="closed", roles=["operator", "power"], limit_s=1500)
async def hand_release(session: BarrierSession) -> None:
    """Power off; a person raises the arm by hand."""
    await session.power(False)
    session.wire.close()
    try:
        await _ask(session, "raise", RAISE)
    finally:
        # Also when the run is interrupted: a released arm obeys no command.
        try:
            await _ask(session, "put back", PUT_BACK)
        finally:
            await session.power(True)


async def _ask(session: BarrierSession, what: str, question: str) -> None:
    answer = await session.require("operator").ask(question, "confirm", 600.0)
    session.trace("operator", "answer", what=what, question=question, answer=answer)


@suite.judge("BAR-DOC-03", case="hand_release")
def raised_by_hand(view: BarrierView) -> Finding:
    """The operator says so."""
    said = [record.payload for record in view.of("answer")]
    answers = [payload["answer"] for payload in said if payload["what"] == "raise"]
    if not answers:
        return inconclusive("the operator did not answer")
    return check(answers[0] is True, "raised by hand", "the operator says that it did not work")
