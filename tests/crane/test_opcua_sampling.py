"""When the crane's points are sampled: at changes, for who monitors, for who reads; else never."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("asyncua")
from tests.crane.port import Port, Watcher, play, start
from twin.world.crane import Axis


def counted(p: Port, point: str) -> list[float]:
    """The instants at which a point is read from now on."""
    reads: list[float] = []
    (bound,) = (one for one in p.server._space.bound if one.row.point == point)
    read = bound.point.read

    def noted() -> Any:
        reads.append(round(p.clock.now_s(), 3))
        return read()

    object.__setattr__(bound.point, "read", noted)
    return reads


def test_who_reads_sees_what_is_so_now() -> None:
    """Without a subscription a value is as old as the request, within its deadband."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            place = p.node(client, "gantry.place")
            await start(client, p)
            ways = []
            for wait_s in (3.03, 0.57, 0.41, 1.99):
                await p.clock.sleep(wait_s)
                value = await place.read_data_value()
                now_m = p.site.body.state(Axis.GANTRY)[0]
                assert abs(value.Value.Value - now_m) <= 0.011
                ways.append(now_m)
            assert max(ways) - min(ways) > 0.5, "it did not move: nothing was tried"

    play(test)


def test_only_what_is_monitored_is_sampled_and_on_the_grid() -> None:
    """Five samples a second of a monitored axis that moves, none of an axis nobody looks at."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            subscription = await client.create_subscription(100, Watcher())
            handle = await subscription.subscribe_data_change(p.node(client, "gantry.place"))
            monitored, other = counted(p, "gantry_m"), counted(p, "trolley_m")
            await start(client, p)
            await p.clock.sleep(10)
            changes = len(other)  # both are sampled when something changes
            on_grid = [one for one in monitored if one not in other]
            assert 30 < len(on_grid) <= 50
            assert all(round(5 * one, 6).is_integer() for one in on_grid)
            assert changes < 15
            await subscription.unsubscribe(handle)
            await p.clock.sleep(0.3)
            monitored.clear()
            other.clear()
            await p.clock.sleep(20)
            assert monitored == other, "only changes are sampled when nobody monitors"

    play(test)
