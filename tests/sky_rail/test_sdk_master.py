"""vda5050-sdk, a fleet control that we did not write, drives a carrier of the sky-rail."""

from __future__ import annotations

import pytest

from fixtures.sky_rail_bench import STEP_M, SkyRailBench
from tests.sky_rail.rig import BOX, play
from tests.vda5050.test_sdk_master import KEY, Control, act, at, builder
from twin.world.yard import Box

pytestmark = pytest.mark.no_cover


def test_the_sdk_carries_a_box_along_the_rail() -> None:
    """Pick, way over five blocks, drop; every message was right for its models and schemas."""

    async def story(bench: SkyRailBench) -> None:
        control = Control(bench.clock, bench.port)
        await control.master.connect()
        bench.table("bay", 0.0, Box(BOX, 20_000.0))
        goal = bench.table("goal", 5 * STEP_M)
        await control.until(lambda s: True)
        order = builder("haul").add_node(
            **at("n0", 0.0, actions=[act("pick", "p", loadId=BOX)])
        )  # fmt: skip
        for k in range(1, 6):
            actions = [act("drop", "d", loadId=BOX)] if k == 5 else []
            order = order.add_node(**at(f"n{k}", k * STEP_M, actions=actions))
            order = order.add_edge(f"n{k - 1}", f"n{k}", max_speed=8.0)
        assert (await control.master.dispatch(order.build(), KEY)).accepted
        await control.until(lambda s: bool(s.loads))
        state = await control.done("haul")
        statuses = {a.action_id: a.action_status.value for a in state.action_states}
        assert (statuses["p"], statuses["d"], state.last_node_id) == ("FINISHED", "FINISHED", "n5")
        assert [box.number for box in goal.boxes] == [BOX]
        assert state.battery_state.battery_charge == 100.0
        assert control.errors == []
        await control.master.disconnect()

    play(story)
