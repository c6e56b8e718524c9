"""A crane's move cycle: a whole mission, and missions that must not be carried out."""

from __future__ import annotations

from itertools import pairwise

from hil.kits.crane import words
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView, Seen
from hil.measurement import Measurement, at_least, at_most, between
from hil.verdict import Finding, check, decide, failed, inconclusive

from .crane import first_problem, suite

FEW = 5
HEAVY_KG = 1000.0
"""Above this a load hangs."""
STEADY_S = 4.0
"""The load cells have settled this long after the lift."""
BRAKE_M_S = 0.05


@suite.case(roles=["ground"], limit_s=900)
async def move(session: CraneSession) -> None:
    """One mission from beginning to end; another is asked for on the way."""
    session.mark("begin")
    await session.link.show("before", "cycles", "brakings")
    session.mark("started")
    await session.start("mission")
    await session.watch(2.0)
    await session.start("second")
    await session.until_over()
    session.mark("over")
    await session.watch(2.0)
    await session.link.show("after", "cycles", "brakings")
    await session.tell("arrived", session.pixit.box, session.pixit.to_place)
    session.mark("end")


def _began(view: CraneView, label: str = "mission") -> Finding | None:
    """None where the mission has begun; why nothing can be said, where not."""
    answer = view.answer(label)
    if answer is None:
        return inconclusive("no mission was ordered")
    if not answer["accepted"]:
        return inconclusive(f"the mission was refused: {answer['reason'] or answer['status']}")
    return None


@suite.judge("CRN-MIS-01", case="move")
def the_box_arrives(view: CraneView) -> Finding:
    """DONE, and the box stands there."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    ended = view.ended()
    if ended is None:
        return failed(f"no end of the mission was told within {view.pixit.mission_s:g} s")
    state, t_s = ended
    if state != words.DONE:
        return failed(f"the mission ended in state {state}, trouble {view.trouble(t_s)}")
    stands = view.records_of("stands", "arrived")
    if not stands:
        return inconclusive("nobody looked where the box stands")
    done = [seen for seen in view.truth if seen.t_s >= t_s]
    if done and done[0].values["on_to"] != view.pixit.box:
        return failed("the mission was told as done before the box stood on its goal")
    return check(bool(stands[-1].payload["stands"]), "the box stands on its goal",
                 "the mission is told as done, the box does not stand on its goal")  # fmt: skip


_ORDER = (words.LOWER_TO_PICK, words.IDENTIFY, words.LOCK, words.WEIGH,
          words.HOIST, words.TO_SET, words.LOWER_TO_SET, words.UNLOCK)  # fmt: skip


@suite.judge("CRN-MIS-02", case="move")
def steps_come_in_order(view: CraneView) -> Finding:
    """Each, once, in order; to raise and to travel to its box it may have no need."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    if view.mark("over") is None or not view.told("mission.step"):
        return inconclusive("the mission was not followed to its end")
    steps = [one for one in view.steps() if one > words.TO_PICK]
    return check(tuple(steps) == _ORDER, "all steps in order", f"steps {steps}, due {list(_ORDER)}")


@suite.judge("CRN-MIS-03", case="move")
def locks_turn_on_a_landed_spreader(view: CraneView) -> Finding:
    """At each turn of a lock every pin is pressed, and nothing hangs when one opens."""
    problems, turns = [], 0
    for lock in words.LOCKS:
        for earlier, later in pairwise(view.told(lock)):
            if earlier.value == later.value or later.value is None:
                continue
            turns += 1
            pins = [view.at(pin, later.t_s) for pin in words.PINS]
            what = "closes" if later.value else "opens"
            if not all(pins):
                problems.append(f"{lock} {what} with {sum(map(bool, pins))} pins pressed")
            load = view.at("hoist.load.mass", later.t_s)
            if not later.value and isinstance(load, int | float) and load > HEAVY_KG:
                problems.append(f"{lock} opens with {load:.0f} kg on the ropes")
    if turns < 8:
        return inconclusive(f"only {turns} turns of locks were told")
    return first_problem(problems, f"{turns} turns")


@suite.judge("CRN-MIS-08", case="move")
def it_lowers_a_still_load(view: CraneView) -> Finding:
    """The swing when lowering begins."""
    begins = [one.t_s for one in view.told("mission.step")
              if one.value in (words.LOWER_TO_PICK, words.LOWER_TO_SET)]  # fmt: skip
    swings = [view.at("spreader.sway", t_s) for t_s in begins]
    known = [float(one) for one in swings if isinstance(one, int | float)]
    if not known:
        return inconclusive("lowering was not seen")
    ways = [float(v.value) for v in view.told("spreader.sway") if isinstance(v.value, int | float)]
    if max(ways) <= view.pixit.sway_m / 3:
        return inconclusive("nothing swung at all: nothing was tried")
    limit = at_most(view.pixit.sway_m)
    measured = Measurement("swing", max(known), "m", limit, 0.0, "simple", tuple(known))
    return decide("still enough", "it lowers a swinging load", measured)


@suite.judge("CRN-MIS-10", case="move")
def it_travels_high(view: CraneView) -> Finding:
    """The lowest place of the hoist while gantry or trolley move."""
    heights = []
    for t_s, axis, _ in view.speeds("started", "over"):
        height = view.at("hoist.place", t_s)
        if axis != "hoist" and isinstance(height, int | float):
            heights.append(float(height))
    if len(heights) < FEW:
        return inconclusive("it did not travel")
    limit = at_least(view.pixit.travel_m)
    measured = Measurement("lowest", min(heights), "m", limit, 0.0, "simple")
    return decide("high enough", "too low", measured)


# ---------------------------------------------------------------- its values


def _pairs(view: CraneView, start: str, end: str) -> list[Seen]:
    return view.truth_between(start, end) if view.info.get("instant") else []


@suite.judge("CRN-VAL-01", case="move")
def places_are_true(view: CraneView) -> Finding:
    """Error beyond what latency and speed explain."""
    seen = _pairs(view, "started", "over")
    if len(seen) < FEW or not view.speeds("started", "over"):
        return inconclusive("nobody saw where the crane was, or it did not move")
    # what is told was true at some instant within latency and sampling, and one look earlier
    lag_s = view.pixit.latency_s + view.pics.sampling_s + view.pixit.poll_s
    beyond, first = [], 0
    for number, now in enumerate(seen):
        while seen[first].t_s < now.t_s - lag_s:
            first += 1
        for axis in words.AXES:
            told = view.at(f"{axis}.place", now.t_s)
            if not isinstance(told, int | float):
                return failed(f"the place of the {axis} is not told")
            places = [float(one.values[f"{axis}_m"]) for one in seen[first : number + 1]]
            beyond.append(max(min(places) - told, told - max(places), 0.0))
    limit = at_most(view.pixit.place_m)
    measured = Measurement("error", max(beyond), "m", limit, 0.0, "simple")
    return decide("places are true", "a place is wrong", measured)


@suite.judge("CRN-VAL-02", case="move")
def mass_is_true(view: CraneView) -> Finding:
    """While the box hangs and the cells have settled."""
    hanging = [seen for seen in _pairs(view, "started", "over") if seen.values["held"]]
    if not hanging:
        return inconclusive("nobody saw a load hang")
    whole = max(float(seen.values["load_kg"]) for seen in hanging)
    steady = [
        seen for seen in hanging
        if seen.t_s > hanging[0].t_s + STEADY_S and seen.values["load_kg"] > 0.999 * whole
    ]  # fmt: skip
    shares = []
    for seen in steady[:-1]:
        told = view.at("hoist.load.mass", seen.t_s)
        if not isinstance(told, int | float):
            return failed("the mass is not told")
        shares.append(float(told) / float(seen.values["load_kg"]) - 1)
    if len(shares) < FEW:
        return inconclusive("the load hung too shortly")
    worst, share = max(shares, key=abs), view.pixit.load_share
    measured = Measurement(
        "error", 100 * worst, "%", between(-100 * share, 100 * share), 0.0, "simple"
    )
    return decide("the mass is true", "the mass is wrong", measured)


@suite.judge("CRN-VAL-03", case="move")
def time_stamps_are_utc(view: CraneView) -> Finding:
    """Age of each change when it comes, by the server's own time."""
    offset = view.offset_s
    came = [one for axis in words.AXES
            for one in view.between(view.told(f"{axis}.speed"), "started", "over")]  # fmt: skip
    if offset is None or len(came) < FEW:
        return inconclusive("the server did not tell its time, or nothing moved")
    if any(one.source_s is None for one in came):
        return failed("a value has no source time stamp")
    ages = [one.t_s + offset - one.source_s for one in came if one.source_s is not None]
    limit = between(-view.pixit.clock_s, view.pics.sampling_s + view.pixit.latency_s)
    worst = max(ages, key=lambda age: abs(age - view.pixit.latency_s))
    measured = Measurement("age", worst, "s", limit, 0.02, "simple")
    return decide("time stamps are UTC", "time stamps are not those of the changes", measured)


@suite.judge("CRN-VAL-06", case="move")
def a_cycle_is_counted_once(view: CraneView) -> Finding:
    """Cycles before and after one mission."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    counts = {}
    for label in ("before", "after"):
        for record in view.records_of("opc.read", label):
            counts[label, record.payload["point"]] = record.payload["value"]
    ended = view.ended()
    if len(counts) < 4 or ended is None or ended[0] != words.DONE:
        return inconclusive("no mission was finished between two readings")
    cycles = counts["after", "cycles"] - counts["before", "cycles"]
    brakings = counts["after", "brakings"] - counts["before", "brakings"]
    if brakings < 0:
        return failed(f"emergency brakings went back by {-brakings}")
    return check(cycles == 1, "one cycle", f"one mission was counted as {cycles} cycles")


@suite.judge("CRN-VAL-07", case="move")
def brakes_and_drives_are_told(view: CraneView) -> Finding:
    """Released while it moves, closed when it rests."""
    over = view.mark("end")
    if over is None or len(view.speeds("started", "over")) < FEW:
        return inconclusive("nothing moved")
    problems = [
        f"{axis}.{point} is not true at {speed:.2f} m/s, {t_s:.1f} s"
        for t_s, axis, speed in view.speeds("started", "over") if abs(speed) > BRAKE_M_S
        for point in ("moving", "brake") if view.at(f"{axis}.{point}", t_s) is not True
    ]  # fmt: skip
    problems += [
        f"{axis}.{point} is true at rest" for axis in words.AXES for point in ("moving", "brake")
        if view.at(f"{axis}.{point}", over) is not False
    ]  # fmt: skip
    return first_problem(problems, "drives and brakes are told")


@suite.judge("CRN-SUB-07", case="move")
def a_mission_is_told_by_events(view: CraneView) -> Finding:
    """Begin and end, once each, with its id."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    ended = view.ended()
    if ended is None:
        return inconclusive("the mission did not end")
    name = str(view.at("mission.id", ended[1] + 1.0))
    told = [r.payload["values"] for r in view.of("opc.event")]
    states = [values.get("MissionState") for values in told if values.get("MissionId") == name]
    boxes = {values.get("ContainerNumber") for values in told if values.get("MissionId") == name}
    if states != [words.RUNNING, ended[0]]:
        return failed(f"events of mission {name} have the states {states}")
    return check(boxes == {view.pixit.box}, "begin and end, once each",
                 f"the events name the boxes {sorted(map(str, boxes))}")  # fmt: skip


# ---------------------------------------------------------------- what must not be lifted


async def _vain(session: CraneSession) -> None:
    """Order the mission and wait for its end."""
    session.mark("started")
    await session.start("mission")
    await session.until_over()
    session.mark("over")
    await session.watch(2.0)
    session.mark("end")


@suite.case(roles=["attendant", "ground"], limit_s=600)
async def stuck_lock(session: CraneSession) -> None:
    """One twist-lock does not turn."""
    await session.hands("lock", True)
    await _vain(session)


@suite.case(roles=["ground"], limit_s=600)
async def wrong_box(session: CraneSession) -> None:
    """Another box stands there than was ordered."""
    await session.arrange("other")
    await _vain(session)


@suite.case(roles=["attendant", "ground"], limit_s=600)
async def blind(session: CraneSession) -> None:
    """The cameras at the spreader are covered."""
    await session.hands("camera", True)
    await _vain(session)


def _failed_without_lift(view: CraneView, trouble: str) -> Finding:
    """FAILED for this trouble, and nothing was lifted."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    if view.mark("end") is None:
        return inconclusive("the mission was not followed to its end")
    if words.LOWER_TO_PICK not in view.steps():
        return inconclusive("the spreader did not come down")
    if lifted := view.lifted():
        return failed(lifted)
    ended = view.ended()
    if ended is None or ended[0] != words.FAILED:
        return failed(f"the mission is in state {ended[0] if ended else 'running'}, not failed")
    seen = view.trouble(ended[1])
    wanted = words.TROUBLES[trouble]
    return check(seen == wanted, f"failed, trouble {seen}", f"trouble {seen}, not {wanted}")


@suite.judge("CRN-MIS-04", case="stuck_lock")
def nothing_is_lifted_on_three_locks(view: CraneView) -> Finding:
    """FAILED, not lifted, interlock shown."""
    found = _failed_without_lift(view, "twist_lock")
    shown = view.ever("p.twist_lock.active", True, "started")
    if found.verdict.value == "PASS" and shown is None:
        return failed("the interlock was not shown")
    return found


@suite.judge("CRN-MIS-06", case="wrong_box")
def another_box_is_left(view: CraneView) -> Finding:
    """FAILED, not locked, not lifted."""
    found = _failed_without_lift(view, "wrong_box")
    locked = [lock for lock in words.LOCKS if view.ever(lock, True, "started") is not None]
    return failed(f"{', '.join(locked)} closed on another box") if locked else found


@suite.judge("CRN-MIS-07", case="blind")
def an_unreadable_box_is_left(view: CraneView) -> Finding:
    """FAILED, not lifted."""
    return _failed_without_lift(view, "unreadable")


@suite.case(roles=["ground"], limit_s=600)
async def overload(session: CraneSession) -> None:
    """The box is heavier than the rated capacity by more than a tenth."""
    await session.arrange("heavy")
    session.mark("started")
    await session.start("mission", mass_kg=session.pixit.heavy_kg)
    await session.until_over()
    session.mark("over")
    await session.watch(2.0)
    session.mark("end")
    await session.call("reset", "Reset")
    await session.watch(1.0)
    session.mark("reset")


@suite.judge("CRN-MIS-09", case="overload")
def an_overload_stops_the_hoist(view: CraneView) -> Finding:
    """The limiter acts, stays until the reset, and the load stands again."""
    if (not_begun := _began(view)) is not None:
        return not_begun
    reset = view.mark("reset")
    if reset is None or words.WEIGH not in view.steps():
        return inconclusive("the box was not hoisted")
    if view.ever("p.overload.active", True, "started") is None:
        return failed("the limiter did not act")
    end = view.mark("end") or reset
    problems = []
    if view.at("p.overload.active", end) is not True:
        problems.append("the limiter ended without a reset")
    if view.at("p.overload.active", reset) is not False:
        problems.append("the limiter acts on after the reset")
    if words.TO_SET in view.steps():
        problems.append("it travelled with the load")
    load = view.at("hoist.load.mass", end)
    if isinstance(load, int | float) and load > HEAVY_KG:
        problems.append(f"{load:.0f} kg still hang")
    ended = view.ended()
    if ended is None or ended[0] != words.FAILED:
        problems.append("the mission is not told as failed")
    elif view.trouble(ended[1]) != words.TROUBLES["overload"]:
        problems.append(f"trouble {view.trouble(ended[1])}, not {words.TROUBLES['overload']}")
    return first_problem(problems, "stopped, set down, latched")
