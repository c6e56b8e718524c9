"""Hypothesis examples a minute: a whole lane, its wires and a stack, with every fault there is.

Ours is `fixtures.machines.LaneMachine` as users get it. The reference is Hypothesis alone: the
same rules and draws on a machine that does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from benchmarks import Ratio
from fixtures.machines import LaneMachine
from fixtures.strategies import faults
from twin.rig import Rig

USUAL_S, LIMIT_S = 10.0, 90.0
BAR_PER_MIN = 300.0
CHUNKS, CHUNK = 6, 10
"""Examples, in chunks with a seed each."""
ENOUGH_S = 15.0
"""Wall seconds after which a busy machine is let off with the chunks that are done."""


def run(quick: bool) -> Iterable[Ratio]:
    """CPU time, because the machine is shared; everything of an example is in one thread."""
    chunks = 1 if quick else CHUNKS
    with Rig(lanes=[LaneMachine.LANE]) as rig:
        menu = faults(rig.gate.targets)
    yield Ratio(
        name="examples of the whole-lane machine, all faults",
        ours=per_min(lambda told: counted(LaneMachine, told), chunks),
        reference=per_min(lambda told: counted(idle(menu), told), chunks),
        unit="1/min",
        reference_name="the same draws on a machine that does nothing",
        limit=BAR_PER_MIN,
    )


def counted(
    machine: type[RuleBasedStateMachine], told: Callable[[], None]
) -> type[RuleBasedStateMachine]:
    """The machine, telling each time that one is made."""

    class Counted(machine):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            told()
            super().__init__()

    return Counted


def idle(menu: st.SearchStrategy[Mapping[str, Any]]) -> type[RuleBasedStateMachine]:
    """The lane machine without a lane: every rule draws what it draws, and does nothing."""

    class Nothing:
        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_, **__: None

    class Idle(LaneMachine):
        def __init__(self) -> None:
            RuleBasedStateMachine.__init__(self)
            self.rig = Nothing()  # type: ignore[assignment]
            self.trucks = 0
            self.broken = []

        def _menu(self) -> Any:
            return menu

        def teardown(self) -> None:
            """Nothing was built."""

    return Idle


def per_min(
    machine: Callable[[Callable[[], None]], type[RuleBasedStateMachine]], chunks: int
) -> float:
    """Examples per minute of CPU time."""
    made = 0

    def told() -> None:
        nonlocal made
        made += 1

    kind, enough_s = machine(told), time.perf_counter() + ENOUGH_S
    began_s = time.process_time()
    for number in range(chunks):
        run_state_machine_as_test(
            seed(number)(kind),
            settings=settings(
                max_examples=CHUNK, stateful_step_count=8, deadline=None, database=None,
                suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
            ),
        )  # fmt: skip
        if time.perf_counter() > enough_s:
            break
    return 60 * made / (time.process_time() - began_s)
