"""A crane over OPC UA: methods with wrong arguments and in wrong states, writes, speed limits."""

from __future__ import annotations

import math
from typing import Any

from hil.kits.crane import words
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView
from hil.kits.crane.words import Typed
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, decide, failed, inconclusive

from .crane import first_problem, suite

LONG = "x" * 10_000
NAN, INF = math.nan, math.inf
HALF = 50.0
PLUS, PLUS_ON, PLUS_NOW = "gantry.plus", "gantry.plus.on", "gantry.plus.now"
READ_ONLY = "hoist.place"
RAMP_SHARE = 0.02
SETTLE_S = 1.0


@suite.case(limit_s=180)
async def arguments(session: CraneSession) -> None:
    """Every kind of wrong argument, at a crane at rest."""
    x = session.pixit
    session.mark("begin")
    await session.call("few-1", "StartMission", "kit-x", x.box)
    await session.call("few-2", "Jog", "trolley")
    await session.call("many-1", "Stop", 1.0)
    await session.call("many-2", "SetMode", words.AUTOMATIC, 1.0)
    place = (x.box, x.from_place, x.to_place)
    await session.call("type-1", "StartMission", "kit-x", *place, Typed("Int32", 24_000))
    await session.call("type-2", "SetMode", Typed("Double", 3.0))
    await session.call("type-3", "TurnLocks", Typed("String", "yes"))
    await session.call("value-1", "StartMission", "kit-x", *place, NAN)
    await session.call("value-2", "StartMission", LONG, *place, x.mass_kg)
    await session.call("value-3", "Jog", "trolley", INF)
    session.mark("asked")
    await session.watch(SETTLE_S)
    session.mark("end")


def _statuses(view: CraneView, wanted: dict[str, str]) -> list[str]:
    problems = []
    for prefix, status in wanted.items():
        problems += [
            f"{answer['method']} ({answer['label']}): {answer['status']}, not {status}"
            for answer in view.answers(prefix) if answer["status"] != status
        ]  # fmt: skip
    return problems


def _still(view: CraneView) -> list[str]:
    moved = view.moved("begin", "end")
    running = view.ever("mission.state", words.RUNNING, "begin", "end") is not None
    return [moved] + (["a mission has begun"] if running else [])


@suite.judge("CRN-MET-01", case="arguments")
def the_number_of_arguments_is_checked(view: CraneView) -> Finding:
    """Too few, too many."""
    if not view.answers("few") or not view.answers("many"):
        return inconclusive("nothing was called")
    wanted = {"few": "BadArgumentsMissing", "many": "BadTooManyArguments"}
    return first_problem(_statuses(view, wanted) + _still(view), "both have their status")


@suite.judge("CRN-MET-02", case="arguments")
def types_of_arguments_are_checked(view: CraneView) -> Finding:
    """BadInvalidArgument, and BadTypeMismatch for the argument."""
    answers = view.answers("type")
    if not answers:
        return inconclusive("nothing was called")
    problems = _statuses(view, {"type": "BadInvalidArgument"})
    problems += [
        f"{answer['method']}: no BadTypeMismatch in {answer['inputs']}" for answer in answers
        if "BadTypeMismatch" not in answer["inputs"]
    ]  # fmt: skip
    return first_problem(problems + _still(view), f"{len(answers)} calls are refused")


@suite.judge("CRN-MET-03", case="arguments")
def values_of_arguments_are_checked(view: CraneView) -> Finding:
    """Not a number, infinity, a text without end."""
    answers = view.answers("value")
    if not answers:
        return inconclusive("nothing was called")
    problems = _statuses(view, {"value": "BadInvalidArgument"})
    return first_problem(problems + _still(view), f"{len(answers)} calls are refused")


# ---------------------------------------------------------------- lawful calls that cannot be


@suite.case(limit_s=180)
async def orders(session: CraneSession) -> None:
    """Orders that no crane can carry out now, or ever."""
    x = session.pixit
    session.mark("begin")
    await session.call("state-1", "ResumeMission")
    await session.call("state-2", "CancelMission")
    await session.call("state-3", "Jog", "trolley", 0.5)
    await session.call("state-4", "TurnLocks", True)
    wrong = x.box[:-1] + str((int(x.box[-1]) + 1) % 10)
    mass_kg = x.mass_kg
    await session.call(
        "content-1", "StartMission", "kit-x", x.box, "no such place", x.to_place, mass_kg
    )
    await session.call(
        "content-2", "StartMission", "kit-x", x.box, x.from_place, x.from_place, mass_kg
    )
    await session.call(
        "content-3", "StartMission", "kit-x", wrong, x.from_place, x.to_place, mass_kg
    )
    await session.call("content-4", "StartMission", "", x.box, x.from_place, x.to_place, mass_kg)
    await session.call("content-5", "Jog", "sideways", 0.5)
    await session.call("content-6", "SetMode", 99)
    await session.call("unknown-1", "DropEverything")
    await session.call("unknown-2", "Stop", of="spreader")
    await session.set_mode(words.MANUAL)
    await session.call("content-7", "Jog", "trolley", 1.5)
    session.mark("asked")
    await session.watch(SETTLE_S)
    session.mark("end")


def _refused(view: CraneView, prefix: str) -> Finding:
    answers = view.answers(prefix)
    if not answers:
        return inconclusive("nothing was called")
    problems = [f"{a['method']} ({a['label']}) is accepted" for a in answers if a["accepted"]]
    problems += [f"{a['method']} ({a['label']}): {a['status']}" for a in answers
                 if a["status"] != "Good" and not a["accepted"]]  # fmt: skip
    problems += [f"{a['method']} ({a['label']}) is refused without a reason" for a in answers
                 if a["status"] == "Good" and not a["accepted"] and not a["reason"]]  # fmt: skip
    return first_problem(
        problems + _still(view), f"{len(answers)} orders are refused with a reason"
    )


@suite.judge("CRN-MET-04", case="orders")
def what_cannot_be_now_is_refused(view: CraneView) -> Finding:
    """Accepted is false, and a reason."""
    return _refused(view, "state")


@suite.judge("CRN-MET-05", case="orders")
def what_can_never_be_is_refused(view: CraneView) -> Finding:
    """Accepted is false, and a reason."""
    return _refused(view, "content")


@suite.judge("CRN-MET-06", case="orders")
def unknown_methods_are_told(view: CraneView) -> Finding:
    """BadMethodInvalid or BadNodeIdUnknown."""
    answers = view.answers("unknown")
    if not answers:
        return inconclusive("nothing was called")
    lawful = ("BadMethodInvalid", "BadNodeIdUnknown", "BadNodeIdInvalid")
    problems = [f"{a['method']} ({a['label']}): {a['status']}" for a in answers
                if a["status"] not in lawful]  # fmt: skip
    return first_problem(problems, ", ".join(a["status"] for a in answers))


# ---------------------------------------------------------------- writes


@suite.case()
async def writes(session: CraneSession) -> None:
    """Writes that are none, and one that is."""
    await session.link.show("before", PLUS, READ_ONLY)
    for label, point, value in _WRITES:
        await session.link.write(label, point, value)
    await session.link.show("after", PLUS, READ_ONLY)
    await session.link.write("right", PLUS, Typed("Double", 80.0))
    await session.link.show("written", PLUS)
    await session.link.write("back", PLUS, Typed("Double", 100.0))


_WRITES: list[tuple[str, str, Typed]] = [
    ("BadOutOfRange", PLUS, Typed("Double", 8000.0)),
    ("BadOutOfRange", PLUS, Typed("Double", -1.0)),
    ("BadOutOfRange", PLUS, Typed("Double", NAN)),
    ("BadTypeMismatch", PLUS, Typed("Int32", 50)),
    ("BadTypeMismatch", PLUS_ON, Typed("Double", 1.0)),
    ("BadNotWritable", READ_ONLY, Typed("Double", 1.0)),
    ("BadNodeIdUnknown", "no such node", Typed("Double", 1.0)),
]


def _read(view: CraneView, label: str) -> dict[str, Any]:
    return {r.payload["point"]: r.payload["value"] for r in view.records_of("opc.read", label)}


@suite.judge("CRN-MET-07", case="writes")
def writes_are_checked(view: CraneView) -> Finding:
    """Each has its status and no effect; the right one is taken."""
    done = view.of("opc.write")
    if len(done) < len(_WRITES) + 1:
        return inconclusive("nothing was written")
    problems = [
        f"{r.payload['point']}: {r.payload['status']}, not {r.payload['label']}" for r in done
        if r.payload["label"].startswith("Bad") and r.payload["status"] != r.payload["label"]
    ]  # fmt: skip
    before, after = _read(view, "before"), _read(view, "after")
    if before != after:
        problems.append(f"{before} has become {after}")
    if _read(view, "written").get(PLUS) != 80.0:
        problems.append(f"80 % was written and is {_read(view, 'written').get(PLUS)}")
    return first_problem(problems, f"{len(_WRITES)} writes are refused, one is taken")


@suite.case(limit_s=300)
async def limited(session: CraneSession) -> None:
    """A mission under a speed limit of one half, until it has travelled to its box."""
    for way in ("gantry.plus", "gantry.minus"):
        await session.link.write("half", way, Typed("Double", HALF))
        await session.link.write("half", f"{way}.on", Typed("Boolean", True))
    await session.link.show("limit", PLUS_NOW, "gantry.rated")
    session.mark("started")
    await session.start("mission")
    await session.until_step(words.LOWER_TO_PICK)
    session.mark("there")
    await session.call("cancel", "CancelMission")
    await session.until_still()
    for way in ("gantry.plus", "gantry.minus"):
        await session.link.write("back", f"{way}.on", Typed("Boolean", False))
        await session.link.write("back", way, Typed("Double", 100.0))


@suite.judge("CRN-MET-08", case="limited")
def a_speed_limit_is_kept(view: CraneView) -> Finding:
    """The greatest speed of the gantry, and what is shown."""
    shown, answer = _read(view, "limit"), view.answer("mission")
    if answer is None or not answer["accepted"] or not shown.get("gantry.rated"):
        return inconclusive("no mission began")
    speeds = [abs(speed) for _, axis, speed in view.speeds("started", "there") if axis == "gantry"]
    limit_m_s = shown["gantry.rated"] * HALF / 100
    if not speeds or max(speeds) < 0.5 * limit_m_s:
        return inconclusive("the gantry did not travel so far that the limit was met")
    if shown[PLUS_NOW] != HALF:
        return failed(f"the limit in force is shown as {shown[PLUS_NOW]} %, not {HALF:g}")
    limit = at_most(limit_m_s * (1 + RAMP_SHARE))
    measured = Measurement("speed", max(speeds), "m/s", limit, 0.0, "simple")
    return decide("kept and shown", "not kept", measured)
