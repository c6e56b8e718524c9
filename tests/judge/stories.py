"""Whole runs written by hand: an honest one, a long day, and changes that several tests make."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.judge.tape import Tape
from twin.judge import Judgement, judge


def honest() -> Tape:
    """A run in which every invariant has something to judge, and holds."""
    tape = Tape()
    tape.say(0.0, "world", "site.open")
    tape.passes(10, "A")
    tape.passes(100, "B", late_s=110)
    tape.diverts(160, "C", channel="red")
    tape.diverts(210, "O", why="overweight")
    tape.tail_gates(260, "E", "F")
    tape.fault(330, 380, "in-1.barrier", "ok_but_no_motion")
    tape.arrive(335, "G")
    tape.declare("G")
    tape.read(343, "G")
    number = tape.release(351, "G")
    tape.say(351.2, "in-1.barrier", "device.command", point="open", value=True, via="wire")
    tape.alarm(356, "in-1", "barrier_no_motion")
    tape.arm(385, "in-1", "up")
    tape.alarm(389, "in-1", "barrier_no_motion", raised=False)
    tape.lamp(388.3, "in-1", green=True)
    tape.drive_through(390, "G")
    tape.lamp(398.5, "in-1")
    tape.arm(400, "in-1", "down")
    tape.record(400, "G", release=number)
    tape.leave(405, "G")
    return tape


def day(seed: int = 3, hours: float = 12.0) -> Tape:
    """A whole made-up day on four smart lanes and two traditional ones, for the report."""
    rng = random.Random(seed)
    tape = Tape(end_s=hours * 3600 + 600)
    tape.say(0.0, "world", "site.open")
    tape.say(hours * 3600, "world", "site.close")
    lanes = ("in-1", "in-2", "in-3", "out-1", "out-2", "out-3")
    for lane in lanes:
        t_s, number = rng.uniform(10, 200), 0
        while t_s < hours * 3600 - 300:
            number += 1
            name = f"{lane}-{number:03d}"
            stories: list[Callable[[], None]] = [
                lambda: tape.passes(t_s, name, lane, late_s=None),  # noqa: B023 - called at once
                lambda: tape.diverts(t_s, name, lane, channel="red"),  # noqa: B023
                lambda: tape.tail_gates(t_s, name, f"{name}f", lane),  # noqa: B023
            ]
            if lane.endswith("3"):
                _by_officer(tape, t_s, name, lane, rng.uniform(45, 150))
                t_s += rng.uniform(160, 600)
            else:
                rng.choices(stories, (0.9, 0.08, 0.02))[0]()
                t_s += rng.expovariate(1 / 300) + 55
    for line in tape.lines:  # a queue, so that the plots have something to show
        if line.kind == "vehicle.arrived":
            rush = 3.0 if 3600 < line.t_s < 3 * 3600 else 1.0
            line.t_s = max(1.0, line.t_s - rng.expovariate(1 / (40 * rush)))
    arrived = {
        line.payload["vehicle"]: line.t_s for line in tape.lines if line.kind == "vehicle.arrived"
    }
    for line in tape.lines:
        if line.kind == "vehicle.left":
            line.payload["arrived_s"] = arrived[line.payload["vehicle"]]
    third_s = hours * 1200
    tape.fault(third_s, third_s + 900, "in-1.scale", "zero_drift")
    tape.fault(2 * third_s, 2 * third_s + 1200, "customs", "slow")
    return tape


def _by_officer(tape: Tape, t_s: float, vehicle: str, lane: str, service_s: float) -> None:
    tape.declare(vehicle)
    tape.arrive(t_s, vehicle, lane, kind="traditional")
    go_s = t_s + 12 + service_s
    tape.say(go_s, f"{lane}.arm", "arm.motion", direction="up", angle_deg=0.0, speed=1.0)
    tape.lamp(go_s + 5, lane, green=True)
    tape.say(go_s + 6, f"{lane}.arm", "arm.rest", angle_deg=90.0, at="open")
    tape.drive_through(go_s + 6, vehicle, lane)
    tape.lamp(go_s + 15, lane)
    tape.say(go_s + 15, f"{lane}.arm", "arm.motion", direction="down", angle_deg=90.0, speed=1.0)
    tape.say(go_s + 21, f"{lane}.arm", "arm.rest", angle_deg=0.0, at="closed")
    tape.leave(go_s + 21, vehicle, lane)
    tape.find("vehicle.left", vehicle=vehicle).payload["authority_s"] = service_s


def judged(change: Callable[[Tape], object]) -> Judgement:
    """An honest run but for `change`, judged."""
    tape = honest()
    change(tape)
    return judge(tape.records())


def frozen_after_fault(tape: Tape) -> None:
    """Healed at 380, and G moves only at 550."""
    for line in tape.lines:
        if line.t_s > 381:
            line.t_s += 170


def answered(tape: Tape, t_s: float) -> None:
    tape.say(t_s, "partner", "partner.preclearance", declaration="D-G", status="acknowledged")
