"""What a whole gate costs: a day in virtual time, and Hypothesis examples over its wires.

The reference of the day is the wall clock (how many times real time it runs). The bars are a day
at 300 times real time and 300 examples of the lane machine a minute.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks import Ratio
from fixtures.machines import LaneMachine
from twin import run as running
from twin import site as sites
from twin.judge import judge, kpis

HOURS = 2.0
EXAMPLES = 40
EXAMPLES_A_MINUTE = 300.0


def run(quick: bool) -> Iterable[Ratio]:
    """CPU time, because the machine is shared."""
    hours, examples = (0.2, 5) if quick else (HOURS, EXAMPLES)
    plan = running.Plan(
        site=sites.load("bac-luan-2"), day=dt.date(2023, 5, 30), seed=1, hours=hours
    )
    began_s = time.process_time()
    outcome = running.run(plan)
    cpu_s = time.process_time() - began_s
    yield Ratio(
        name="whole gate: four smart lanes, reference stack, virtual time",
        ours=outcome.simulated_s / cpu_s,
        reference=1.0,
        unit="s/s",
        reference_name="real time",
        limit=300.0,
    )
    began_s = time.process_time()
    judge(outcome.records)
    kpis(outcome.records, wall_s=0.0)
    yield Ratio(
        name="judge and KPIs of that run",
        ours=len(outcome.records) / (time.process_time() - began_s),
        reference=len(outcome.records) / cpu_s,
        unit="records/s",
        reference_name="making the records",
    )
    yield Ratio(
        name="lane state machine over TCP",
        ours=_examples_a_minute(examples),
        reference=EXAMPLES_A_MINUTE,
        unit="1/min",
        reference_name="the bar of 300 a minute",
        limit=EXAMPLES_A_MINUTE,
    )


def _examples_a_minute(examples: int) -> float:
    made = 0

    class Counted(LaneMachine):
        FAULTS = ("stuck", "slow", "ok_but_no_motion", "link_down")

        def __init__(self) -> None:
            nonlocal made
            made += 1
            super().__init__()

    began_s = time.process_time()
    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=examples, stateful_step_count=8, deadline=None, database=None,
            derandomize=True, suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
        ),
    )  # fmt: skip
    return 60 * made / (time.process_time() - began_s)
