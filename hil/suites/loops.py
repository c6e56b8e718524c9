"""A loop detector: what it shows of metal above its loops, and what survives a power cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hil.kits.lane_io.papers import LoopsPics, LoopsPixit
from hil.kits.lane_io.roles import Body
from hil.kits.loops import LoopsSession, LoopsView
from hil.measurement import Measurement, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive
from hil.view import State

from .modbus import functions_not_as_declared, probe_functions

suite = Suite[LoopsSession, LoopsView](
    "loops",
    "1.0",
    view=LoopsView,
    pics=LoopsPics,
    pixit=LoopsPixit,
    declaration="LOP-DOC-01",
)

QUIET_S = 30.0
"""How long the loops are watched with nothing above them."""

PASSAGES = 5


@suite.case()
async def declaration(session: LoopsSession) -> None:
    """Probe every function code and read every declared channel."""
    await probe_functions(session)
    await session.sample()


@suite.judge("LOP-DOC-01", case="declaration")
def the_pics_is_true(view: LoopsView) -> Finding:
    """What is declared is there; what is denied is not."""
    wrong = functions_not_as_declared(view)
    if wrong is None or not view.states:
        return inconclusive("nothing was probed")
    shown = view.states[-1].values
    wrong += [f"{name} is declared, the map has none" for name in view.pics.channels
              if name not in shown]  # fmt: skip
    return check(not wrong, f"functions and {len(view.pics.channels)} channels", "; ".join(wrong))


# ---------------------------------------------------------------- one loop at a time


async def _covered(session: LoopsSession, body: Body) -> None:
    """A body above each loop alone, then away; the wire is watched closely."""
    for channel in session.pics.channels:
        await session.step(f"{channel}-on")
        await session.place(channel, body)
        await session.watch(3 * session.pixit.detect_s)
        await session.step(f"{channel}-off")
        await session.remove(channel)
        await session.watch(3 * session.pixit.release_s)
    await session.step("over")


@suite.case(roles=["bodies"], limit_s=1200)
async def single(session: LoopsSession) -> None:
    """A car above each loop alone."""
    await _covered(session, "car")


@suite.case(roles=["bodies"], limit_s=1200)
async def high_bed(session: LoopsSession) -> None:
    """The bed of a high trailer above each loop alone."""
    await _covered(session, "high-bed")


def _steps(view: LoopsView) -> Iterable[tuple[str, str, bool, float, list[State]]]:
    """Step, channel, whether it is covered, when it began, and what the wire said."""
    for mark, after in pairwise(view.of("mark")):
        name = mark.payload["name"]
        channel, _, state = name.rpartition("-")
        states = view.states_between(name, after.payload["name"])
        yield name, channel, state == "on", mark.t_s, states


def _shown_in_time(view: LoopsView, covered: bool, limit_s: float, what: str) -> Finding:
    waits: list[float] = []
    for name, channel, is_covered, began, states in _steps(view):
        if is_covered != covered:
            continue
        if not states:
            return inconclusive(f"{name}: the wire was not read")
        right = [s.t_s for s in states if s.values.get(channel) == covered]
        if not right or states[-1].values.get(channel) != covered:
            return failed(f"{channel}: {what}, and the wire says otherwise")
        waits.append(right[0] - began)
    if not waits:
        return inconclusive("no loop was covered")
    if not view.at_once("bodies"):
        return check(True, f"{len(waits)} loops; a person's vehicle cannot be timed", "")
    slowest = Measurement(
        "slowest loop", max(waits), "s", at_most(limit_s), view.time_uncertainty_s, "simple",
        tuple(waits),
    )  # fmt: skip
    return decide(f"{len(waits)} loops", f"{what}, and shown too late", slowest)


@suite.judge("LOP-DET-01", case="single")
def a_vehicle_is_shown(view: LoopsView) -> Finding:
    """In time."""
    return _shown_in_time(view, True, view.pixit.detect_s, "covered")


@suite.judge("LOP-DET-02", case="single")
def an_empty_loop_is_shown(view: LoopsView) -> Finding:
    """In time."""
    return _shown_in_time(view, False, view.pixit.release_s, "free again")


@suite.judge("LOP-DET-03", case="single")
def the_neighbours_stay_free(view: LoopsView) -> Finding:
    """Only the covered loop is shown."""
    seen = 0
    for _, channel, covered, _, states in _steps(view):
        for state in states if covered else []:
            seen += 1
            others = [k for k in view.pics.channels if state.values.get(k) and k != channel]
            if others:
                return failed(f"a vehicle above {channel} alone, and {', '.join(others)} shown")
    return (
        check(seen > 0, "only the covered loop", "nothing was seen")
        if seen
        else inconclusive("the wire was not read")
    )


@suite.judge("LOP-DET-09", case="high_bed")
def a_high_bed_is_shown(view: LoopsView) -> Finding:
    """As a car is."""
    return _shown_in_time(view, True, view.pixit.detect_s, "under a high bed")


@suite.case(roles=["bodies"], limit_s=300)
async def quiet(session: LoopsSession) -> None:
    """Nothing above any loop for half a minute."""
    await session.step("quiet")
    await session.watch(QUIET_S)


@suite.judge("LOP-DET-04", case="quiet")
def nothing_is_shown_where_nothing_is(view: LoopsView) -> Finding:
    """Free all the time."""
    states = view.states_between("quiet")
    if len(states) < 10:
        return inconclusive("the wire was not read")
    ghosts = {k for s in states for k in view.pics.channels if s.values.get(k)}
    return check(
        not ghosts, f"free for {QUIET_S:g} s", f"shown with nothing above: {', '.join(ghosts)}"
    )


# ---------------------------------------------------------------- several at a time


@suite.case(roles=["bodies"], limit_s=1200)
async def all_at_once(session: LoopsSession) -> None:
    """A car above every loop at the same time."""
    for channel in session.pics.channels:
        await session.place(channel)
    await session.watch(3 * session.pixit.detect_s)
    await session.step("full")
    await session.watch(1.0)


@suite.judge("LOP-DET-05", case="all_at_once")
def all_loops_work_at_the_same_time(view: LoopsView) -> Finding:
    """Each is shown while all are covered."""
    states = view.states_between("full")
    if not states:
        return inconclusive("the wire was not read")
    lost = {k for s in states for k in view.pics.channels if not s.values.get(k)}
    return check(not lost, "all shown", f"covered and not shown: {', '.join(sorted(lost))}")


@suite.case(roles=["bodies"], limit_s=4000)
async def standing(session: LoopsSession) -> None:
    """A vehicle stands above each loop in turn for the declared presence time."""
    for channel in session.pics.channels:
        await session.place(channel)
        await session.watch(3 * session.pixit.detect_s)
        await session.step(f"{channel}-on")
        await session.watch(session.pixit.presence_s, every_s=10 * session.pixit.poll_s)
        await session.step(f"{channel}-off")
        await session.remove(channel)
    await session.step("over")


@suite.judge("LOP-DET-06", case="standing")
def a_standing_vehicle_stays_shown(view: LoopsView) -> Finding:
    """For the declared presence time."""
    stood = 0
    for _, channel, covered, began, states in _steps(view):
        if not covered:
            continue
        stood += 1
        lost = [s.t_s for s in states if not s.values.get(channel)]
        if lost:
            return failed(f"{channel}: the vehicle still stands there, lost after "
                          f"{lost[0] - began:.0f} s")  # fmt: skip
        if not states or states[-1].t_s - began < 0.9 * view.pixit.presence_s:
            return inconclusive(f"{channel}: not watched for the declared time")
    if not stood:
        return inconclusive("no vehicle stood")
    return check(True, f"{stood} loops for {view.pixit.presence_s:g} s", "")


@suite.case(roles=["bodies"], limit_s=600)
async def passage(session: LoopsSession) -> None:
    """A long vehicle rolls over neighbouring loops: first, both, second; for every pair."""
    channels = session.pics.channels
    for first, second in pairwise(channels):
        for step, channel, put in (
            ("first", first, True), ("both", second, True), ("second", first, False),
            ("none", second, False),
        ):  # fmt: skip
            await session.step(f"{first}>{second}-{step}")
            await (session.place if put else session.remove)(channel)
            await session.watch(3 * session.pixit.release_s)
    await session.step("over")


@suite.judge("LOP-DET-07", case="passage")
def the_direction_can_be_seen(view: LoopsView) -> Finding:
    """First, both, second, none: in this order on the wire."""
    wanted = {"first": (True, False), "both": (True, True), "second": (False, True),
              "none": (False, False)}  # fmt: skip
    pairs = 0
    for name, pair, _, _, states in _steps(view):
        first, _, second = pair.partition(">")
        step = name.rpartition("-")[2]
        if not second:
            continue
        if not states:
            return inconclusive(f"{name}: the wire was not read")
        got = (bool(states[-1].values.get(first)), bool(states[-1].values.get(second)))
        if got != wanted[step]:
            return failed(f"{first} then {second}: at {step!r} the wire says {got}")
        pairs += step == "none"
    return check(True, f"{pairs} pairs", "") if pairs else inconclusive("nothing passed")


@suite.case(roles=["bodies"], limit_s=300)
async def gap(session: LoopsSession) -> None:
    """Two vehicles over each loop, with the declared gap between them."""
    for channel in session.pics.channels:
        await session.place(channel)
        await session.watch(3 * session.pixit.detect_s)
        await session.step(f"{channel}-gap")
        await session.remove(channel)
        await session.watch(session.pixit.gap_s, every_s=session.pixit.poll_s / 4)
        await session.step(f"{channel}-next")
        await session.place(channel)
        await session.watch(3 * session.pixit.detect_s)
        await session.remove(channel)
        await session.watch(3 * session.pixit.release_s)
    await session.step("over")


@suite.judge("LOP-DET-08", case="gap")
def two_vehicles_are_told_apart(view: LoopsView) -> Finding:
    """The loop is shown free between them."""
    if not view.at_once("bodies"):
        return inconclusive("a person cannot drive such a gap; bind a loop simulator")
    gaps = 0
    for name, channel, _, _, states in _steps(view):
        if not name.endswith("-gap"):
            continue
        gaps += 1
        if all(s.values.get(channel) for s in states):
            return failed(f"{channel}: a gap of {view.pixit.gap_s:g} s, shown as one vehicle")
    return check(True, f"{gaps} gaps", "") if gaps else inconclusive("there was no gap")


# ---------------------------------------------------------------- counting


@suite.case(roles=["bodies"], limit_s=600)
async def counting(session: LoopsSession) -> None:
    """Five short passages over each loop while nobody polls."""
    for channel in session.pics.channels:
        await session.wire.count(channel)
        for _ in range(PASSAGES):
            await session.place(channel)
            await session.clock.sleep(session.pixit.detect_s)
            await session.remove(channel)
            await session.clock.sleep(session.pixit.release_s + 0.1)
        await session.wire.count(channel)


@suite.judge("LOP-CNT-01", case="counting")
def every_passage_counts_once(view: LoopsView) -> Finding:
    """Five passages, five counts, on every loop."""
    counts: dict[str, list[int]] = {}
    for record in view.of("count"):
        counts.setdefault(record.payload["input"], []).append(record.payload["counted"])
    if len(counts) < len(view.pics.channels):
        return inconclusive("the counters were not read")
    rises = {name: values[-1] - values[0] for name, values in counts.items()}
    wrong = {name: rise for name, rise in rises.items() if rise != PASSAGES}
    listed = ", ".join(f"{name} {rise}" for name, rise in wrong.items())
    return check(not wrong, f"{PASSAGES} on each of {len(rises)} loops",
                 f"{PASSAGES} passages, counted: {listed}")  # fmt: skip


# ---------------------------------------------------------------- recovery


@suite.case(roles=["power", "bodies"], limit_s=300)
async def power_cut(session: LoopsSession) -> None:
    """A vehicle stands above the second loop while the power goes and returns."""
    stood = session.pics.channels[1]
    await session.place(stood)
    await session.watch(3 * session.pixit.detect_s)
    await session.step("cut")
    await session.power(False)
    session.disconnect()
    await session.clock.sleep(1.0)
    session.mark(f"answered-{await session.reconnect(2.0)}")
    session.disconnect()
    await session.step("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 2.0):
        session.mark("served")
        await session.watch(session.pixit.start_up_s)
        await session.step("settled")
        await session.watch(1.0)


@suite.judge("LOP-REC-01", case="power_cut")
def free_loops_are_free_after_the_start(view: LoopsView) -> Finding:
    """Nothing is invented."""
    states = view.states_between("settled")
    if not states:
        return inconclusive("not served after the power returned")
    empty = [name for name in view.pics.channels if name != view.pics.channels[1]]
    ghosts = {k for s in states for k in empty if s.values.get(k)}
    return check(not ghosts, "free loops are free", f"shown: {', '.join(sorted(ghosts))}")


@suite.judge("LOP-REC-02", case="power_cut")
def a_vehicle_survives_the_power_cut(view: LoopsView) -> Finding:
    """It still stands there, and is shown."""
    states, stood = view.states_between("settled"), view.pics.channels[1]
    if not states:
        return inconclusive("not served after the power returned")
    return check(
        all(s.values.get(stood) for s in states),
        "still shown",
        f"a vehicle stands above {stood}, shown as free after the power returned",
    )


@suite.judge("LOP-REC-03", case="power_cut")
def without_power_nothing_is_said(view: LoopsView) -> Finding:
    """Silence is safe, `free` is not."""
    if view.mark("answered-False") is not None:
        return check(True, "no answer without power", "")
    states, stood = view.states_between("cut", "returned"), view.pics.channels[1]
    if not states:
        return inconclusive("nobody asked while the power was off")
    free = any(not s.values.get(stood) for s in states)
    return check(not free, "what is said is true", f"without power {stood} is said to be free")
