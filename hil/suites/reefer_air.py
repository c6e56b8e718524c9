"""A reefer rack: temperatures and set points, their scaling, their sign, and their absence."""

from __future__ import annotations

from hil.kits.reefer.session import ReeferSession, ReeferView
from hil.kits.reefer.wire import NO_READING
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .reefer import CHILLED_C, FROZEN_C, step_of, suite

AIR_C = (-29.5, -18.4, -10.0, -0.3, 0.0, 0.7, 4.9, 13.2, 29.9)
"""Return air that the test unit is held at: both signs, tenths, nothing and much."""

SETPOINTS_C = (-25.0, -18.5, 0.0, 13.3)


@suite.case(start="any", roles=["units"], limit_s=900)
async def air(session: ReeferSession) -> None:
    """A plugged unit is held at several temperatures; then it loses power, plug and box."""
    await session.hands("put", 2, CHILLED_C)
    await session.hands("plug", 2, True)
    await session.hands("put", 1, FROZEN_C)
    await session.hands("plug", 1, True)
    for number, air_c in enumerate(AIR_C):
        await session.hands("air", 1, air_c)
        await session.clock.sleep(session.pixit.show_s)
        await session.step(f"air-{number}")
        await session.see(1)
        await session.sample()
    for name, what, *values in (
        ("dead", "mains", False), ("alive", "mains", True), ("out", "plug", False),
        ("gone", "lift"),
    ):  # fmt: skip
        await session.step(name)
        await session.hands(what, 1, *values)
        await session.clock.sleep(session.pixit.show_s)
        await session.sample()
    await session.step("end")


def _held(view: ReeferView, point: str, sensor: str) -> Finding:
    """The wire says at each temperature what the unit measures."""
    errors = []
    for number, _ in enumerate(AIR_C):
        following = f"air-{number + 1}" if number + 1 < len(AIR_C) else "dead"
        seen = view.truth(1, f"air-{number}", following)
        states = step_of(view, f"air-{number}")
        if not seen or not states or seen[0].payload[sensor] is None:
            continue
        errors.append((abs(states[0].values[point] - seen[0].payload[sensor]), number))
    if len(errors) < len(AIR_C):
        return inconclusive(f"{len(errors)} of {len(AIR_C)} temperatures were compared")
    worst, number = max(errors)
    limit = at_most(view.pixit.accuracy_k)
    measured = Measurement("worst error", worst, "K", limit, 0.0, "simple")
    return decide(f"{len(errors)} temperatures", f"wrong at {AIR_C[number]} °C", measured)


@suite.judge("RFR-TMP-01", case="air")
def return_air_is_true(view: ReeferView) -> Finding:
    """Tenths of a degree, with their sign."""
    return _held(view, "return_c_1", "return_c")


@suite.judge("RFR-TMP-02", case="air")
def supply_air_is_true(view: ReeferView) -> Finding:
    """Tenths of a degree, with their sign."""
    return _held(view, "supply_c_1", "supply_c")


@suite.judge("RFR-TMP-03", case="air")
def no_reading_is_said(view: ReeferView) -> Finding:
    """Without power, plug or box there is no temperature, neither an old one nor zero."""
    judged = 0
    for name in ("dead", "out", "gone"):
        for state in step_of(view, name):
            judged += 1
            for point in ("supply_c_1", "return_c_1"):
                if state.values[point] != NO_READING:
                    return failed(f"{name}: {point} says {state.values[point]} °C")
    return passed(f"{judged} looks") if judged else inconclusive("power was never taken away")


@suite.judge("RFR-TMP-04", case="air")
def readings_come_back(view: ReeferView) -> Finding:
    """When the power is back there are temperatures again."""
    states = step_of(view, "alive")
    if not states:
        return inconclusive("the power was not given back")
    value = states[-1].values["return_c_1"]
    return check(value != NO_READING, f"{value} °C", "no temperature after the power came back")


# ---------------------------------------------------------------- set points


@suite.case(roles=["units"], limit_s=600)
async def setpoints(session: ReeferSession) -> None:
    """Set points are read and written, lawful ones and others."""
    await session.step("begin")
    await session.see(1)
    await session.see(2)
    await session.sample()
    for number, setpoint_c in enumerate(SETPOINTS_C):
        await session.step(f"lawful-{number}")
        await session.wire.order("setpoint_c_1", setpoint_c)
        await session.clock.sleep(session.pixit.setpoint_s)
        await session.see(1)
        await session.sample()
    await session.step("wrong")
    for wrong_c in (session.pixit.setpoint_c_max + 20.0, session.pixit.setpoint_c_min - 20.0):
        await session.wire.order("setpoint_c_1", wrong_c)
    await session.clock.sleep(session.pixit.setpoint_s)
    await session.see(1)
    await session.see(2)
    await session.step("end")


@suite.judge("RFR-SPT-01", case="setpoints")
def set_points_are_shown(view: ReeferView) -> Finding:
    """What the unit has, socket by socket."""
    states, judged = step_of(view, "begin"), 0
    for socket in (1, 2):
        seen = view.truth(socket, "begin", "lawful-0")
        if seen and states:
            judged += 1
            true_c, said = seen[0].payload["setpoint_c"], states[0].values[f"setpoint_c_{socket}"]
            if abs(true_c - said) > 0.05:
                return failed(f"socket {socket}: the unit has {true_c} °C, the wire says {said} °C")
    return passed("two sockets") if judged == 2 else inconclusive("nobody looked at the units")


@suite.judge("RFR-SPT-02", case="setpoints")
def set_points_reach_the_unit(view: ReeferView) -> Finding:
    """To the tenth of a degree, within the declared time."""
    judged = 0
    for number, wanted_c in enumerate(SETPOINTS_C):
        following = f"lawful-{number + 1}" if number + 1 < len(SETPOINTS_C) else "wrong"
        seen = view.truth(1, f"lawful-{number}", following)
        given = view.between(view.of("command"), f"lawful-{number}", following)
        if not seen or not given:
            continue
        judged += 1
        if not given[0].payload["acknowledged"]:
            return failed(f"{wanted_c} °C is refused")
        if abs(seen[0].payload["setpoint_c"] - wanted_c) > 0.05:
            return failed(
                f"{wanted_c} °C was ordered, the unit has {seen[0].payload['setpoint_c']}"
            )
    if judged < len(SETPOINTS_C):
        return inconclusive(f"{judged} of {len(SETPOINTS_C)} set points were tried")
    return passed(f"{judged} set points")


@suite.judge("RFR-SPT-03", case="setpoints")
def wrong_set_points_are_refused(view: ReeferView) -> Finding:
    """An exception, and the unit keeps what it had."""
    given, seen = view.between(view.of("command"), "wrong", "end"), view.truth(1, "wrong", "end")
    if len(given) < 2 or not seen:
        return inconclusive("no wrong set point was tried")
    taken = [r.payload["value"] for r in given if r.payload["acknowledged"]]
    if taken:
        return failed(f"acknowledged: {', '.join(f'{value:g} °C' for value in taken)}")
    kept_c = seen[0].payload["setpoint_c"]
    return check(abs(kept_c - SETPOINTS_C[-1]) <= 0.05, "refused", f"refused, and it has {kept_c}")


@suite.judge("RFR-SPT-04", case="setpoints")
def one_set_point_is_one_units(view: ReeferView) -> Finding:
    """The neighbour keeps its own."""
    seen = view.truth(2, "begin")
    if len(seen) < 2:
        return inconclusive("nobody looked at the neighbour")
    first, last = seen[0].payload["setpoint_c"], seen[-1].payload["setpoint_c"]
    return check(first == last, f"{last} °C", f"the neighbour went from {first} to {last} °C")
