"""A crane over OPC UA: subscriptions while the trolley is moved by hand."""

from __future__ import annotations

from itertools import pairwise

from hil.kits.crane import words
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView, Value
from hil.measurement import Measurement, at_most, between
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .crane import suite

POINT = "trolley.place"
SLOW_S, FAST_S = 1.0, 0.5
JOGS, JOG_EVERY_S = 10, 0.6
KEEP_ALIVE = 4
FEW = 3
AXIS_MOVES_M = 0.02
"""Between two samples of an axis that is far from standing."""


@suite.case()
async def subscriptions(session: CraneSession) -> None:
    """Four subscriptions listen while the trolley is moved by hand, and a while after it."""
    ear = await session.wire.login("ear", session.wire.own)
    if ear is None:
        return
    session.keep(ear)
    await session.set_mode(words.MANUAL)
    session.mark("subscribed")
    await ear.listen("one", [POINT], interval_s=SLOW_S, queue=1)
    await ear.listen("fast", [POINT], interval_s=FAST_S, queue=1)
    await ear.listen("many", [POINT], interval_s=SLOW_S, queue=100)
    await ear.listen("quiet", ["cycles"], interval_s=FAST_S, queue=1, keep_alive=KEEP_ALIVE)
    await session.clock.sleep(2 * SLOW_S)
    session.mark("moving")
    away = 1.0 if (session.now(POINT) or 0.0) < 15.0 else -1.0
    for _ in range(JOGS):
        await session.jog("jog", "trolley", 0.4 * away)
        await session.clock.sleep(JOG_EVERY_S)
    session.mark("last")
    await session.until_still()
    await session.clock.sleep(3 * SLOW_S)
    session.mark("still")
    await ear.show("end", POINT)
    await session.clock.sleep(FAST_S * KEEP_ALIVE * 3)
    session.mark("over")


def _moved(view: CraneView) -> list[Value]:
    """What the main client, with its short interval, was told of the moving trolley."""
    return view.between(view.told(POINT), "moving", "still")


@suite.judge("CRN-SUB-01", case="subscriptions")
def notifications_keep_the_interval(view: CraneView) -> Finding:
    """From one to the next while the trolley moves."""
    agreed = view.records_of("opc.subscribed", "fast")
    sent = view.between(view.records_of("opc.publish", "fast"), "moving", "last")
    if not agreed or len(_moved(view)) < FEW or len(sent) < FEW:
        if agreed and len(_moved(view)) >= FEW:
            return failed(f"{len(sent)} notifications while the trolley moved")
        return inconclusive("the trolley did not move, or nobody listened")
    interval_s = float(agreed[0].payload["interval_s"])
    gaps = [later.t_s - earlier.t_s for earlier, later in pairwise(sent)]
    slack_s = view.pixit.latency_s
    limit = between(max(0.0, interval_s - slack_s), interval_s + slack_s)
    worst = max(gaps, key=lambda gap: abs(gap - interval_s))
    measured = Measurement("interval", worst, "s", limit, 0.02, "simple", tuple(gaps))
    return decide("at the revised interval", "not at the revised interval", measured)


@suite.judge("CRN-SUB-02", case="subscriptions")
def a_quiet_subscription_is_kept_alive(view: CraneView) -> Finding:
    """An empty notification after so many intervals."""
    agreed = view.records_of("opc.subscribed", "quiet")
    if not agreed or view.mark("over") is None:
        return inconclusive("nobody listened")
    told = agreed[0].payload
    limit_s = float(told["interval_s"]) * (int(told["keep_alive"]) + 1) + view.pixit.latency_s
    first, last = view.mark("moving") or 0.0, view.mark("over") or 0.0
    times = [r.t_s for r in view.records_of("opc.publish", "quiet") if first <= r.t_s <= last]
    empty = [r for r in view.records_of("opc.publish", "quiet")
             if first <= r.t_s <= last and not r.payload["items"]]  # fmt: skip
    gap_s = max(later - earlier for earlier, later in pairwise([first, *times, last]))
    measured = Measurement("longest silence", gap_s, "s", at_most(limit_s), 0.02, "simple")
    if not empty:
        return failed("no keep-alive came", measured)
    return decide(f"{len(empty)} keep-alives", "a keep-alive is missing", measured)


@suite.judge("CRN-SUB-03", case="subscriptions")
def messages_are_numbered(view: CraneView) -> Finding:
    """One by one; a keep-alive has the number of the next message."""
    counted = 0
    for label in ("one", "fast", "many", "quiet"):
        expected: int | None = None
        for record in view.records_of("opc.publish", label):
            number, items = int(record.payload["number"]), int(record.payload["items"])
            if expected is not None and number != expected:
                return failed(f"message {number} came where {expected} was due")
            expected = number + 1 if items else number
            counted += 1
    if counted < FEW:
        return inconclusive(f"only {counted} messages came")
    return passed(f"{counted} messages")


@suite.judge("CRN-SUB-04", case="subscriptions")
def a_queue_of_one_has_the_newest(view: CraneView) -> Finding:
    """Its age at each notification, and the last value."""
    offset, got = view.offset_s, view.between(view.told(POINT, "one"), "moving", "last")
    end = view.records_of("opc.read", "end")
    if offset is None or len(got) < FEW or not end:
        return inconclusive("too few notifications came, or the end was not read")
    last = view.told(POINT, "one")[-1].value
    if last != end[-1].payload["value"]:
        return failed(f"the last notification says {last}, a read {end[-1].payload['value']}")
    ages = [one.t_s + offset - one.source_s for one in got if one.source_s is not None]
    if not ages:
        return failed("values have no source time stamp")
    # the first of them may have rested before
    limit = at_most(view.pics.sampling_s + view.pixit.latency_s)
    measured = Measurement("age", max(ages[1:]), "s", limit, 0.02, "simple", tuple(ages))
    return decide("the newest each time", "an older one was kept", measured)


@suite.judge("CRN-SUB-05", case="subscriptions")
def a_long_queue_loses_nothing(view: CraneView) -> Finding:
    """Source time stamps of all samples, in order and without a hole."""
    got = view.between(view.told(POINT, "many"), "moving", "still")
    if len(got) < FEW:
        return inconclusive(f"only {len(got)} values came")
    steps = []
    for earlier, later in pairwise(got):
        if earlier.source_s is None or later.source_s is None:
            return failed("a value has no source time stamp")
        if later.source_s <= earlier.source_s:
            return failed(f"{later.value} came after {earlier.value} with an older time stamp")
        if abs(float(later.value) - float(earlier.value)) >= AXIS_MOVES_M:
            steps.append(later.source_s - earlier.source_s)
    if len(steps) < FEW:
        return inconclusive("the trolley hardly moved")
    limit = at_most(1.5 * view.pics.sampling_s)
    measured = Measurement("step", max(steps), "s", limit, 0.0, "simple", tuple(steps))
    return decide(f"{len(got)} samples in order", "samples are missing", measured)


@suite.judge("CRN-SUB-06", case="subscriptions")
def the_first_notification_says_what_is_so(view: CraneView) -> Finding:
    """Within one interval after the subscription, at rest."""
    begun = view.mark("subscribed")
    if begun is None or view.mark("moving") is None:
        return inconclusive("nobody listened")
    missing = [
        label for label, point in (("one", POINT), ("many", POINT), ("quiet", "cycles"))
        if not [v for v in view.told(point, label)
                if v.t_s <= begun + SLOW_S + view.pixit.latency_s]
    ]  # fmt: skip
    return check(not missing, "at once", f"nothing came at first: {', '.join(missing)}")
