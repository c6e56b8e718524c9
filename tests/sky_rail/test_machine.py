"""A sky-rail's carrier under anything, over MQTT in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from fixtures.igv_machine import IgvMachine
from fixtures.sky_rail_bench import STEP_M, SkyRailBench
from tests.vda5050.rig import JUDGE

pytestmark = pytest.mark.no_cover


class SkyRailMachine(IgvMachine):
    """The machine of vehicles, along a rail, with the faults of carriers and their line."""

    BENCH = SkyRailBench
    JUDGE = JUDGE
    FAULTS = (
        "blocked_path", "field_violation", "e_stop", "remote_stop", "localization_lost",
        "motor_fault", "slow", "network_silence", "stuck_action", "failed_action",
        "collector_lost", "hoist_fault", "lock_fault", "breakdown", "worn",
    )  # fmt: skip
    bench: SkyRailBench

    def _order(self, count: int, base: int, blocking: str | None) -> dict[str, Any]:
        """An order from the node behind it, along the rail."""
        scribe, here = self.bench.scribe, int((self.bench.carrier.pose.x_m + 0.01) // STEP_M)
        actions = [] if blocking is None else [scribe.action("finePositioning", blocking)]
        nodes = [
            scribe.node(
                f"n{index}", 2 * index, (here + index) * STEP_M, released=index < base,
                actions=actions if index == 1 else (), deviation=2 * STEP_M,
            )
            for index in range(count)
        ]  # fmt: skip
        edges = [
            scribe.edge(2 * i + 1, f"n{i}", f"n{i + 1}", released=i + 1 < base)
            for i in range(count - 1)
        ]
        self.orders += 1
        return scribe.order(f"order-{self.orders}", nodes=nodes, edges=edges)

    @rule(kind=st.sampled_from(("power_off", "gale")))
    def line_fault(self, kind: str) -> None:
        """Something of the line breaks, or is mended."""
        line = self.bench.line
        (line.heal if kind in line.faults else line.inject)(kind)

    @invariant()
    def without_current_it_stands_soon(self) -> None:
        """Brakes fall in: from any speed it stands within eight seconds."""
        body = self.bench.body
        if not body.powered and body.charge < 1.0 - 8.0 / body.buffer_s:
            assert not self.bench.igv.driving

    @invariant()
    def it_is_on_its_rail(self) -> None:
        """It never leaves the line of the rail, and turns nowhere."""
        pose = self.bench.carrier.pose
        assert (pose.y_m, pose.heading_rad) == (0.0, 0.0)

    @invariant()
    def it_has_the_block_in_which_it_is(self) -> None:
        """The signal behind it is at stop for everybody else."""
        x = self.bench.carrier.pose.x_m
        near = {f"n{int((x + d) // STEP_M)}" for d in (-0.01, 0.01)}
        near |= {f"n{int((x + d) // STEP_M) + 1}" for d in (-0.01, 0.01)}
        mine = {node for node, owner in self.bench.line.owner.items() if owner == "igv-01"}
        assert near & mine

    def _recover(self) -> None:
        for kind in list(self.bench.line.faults):
            self.bench.line.heal(kind)
        super()._recover()


TestCarrier = SkyRailMachine.TestCase
TestCarrier.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
pytest.mark.slow(TestCarrier)
