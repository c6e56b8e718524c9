"""What the tests of the sky-rail share: an order along the bench's rail, and a played story."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fixtures.igv_bench import play as play_bench
from fixtures.sky_rail_bench import STEP_M, SkyRailBench
from tests.vda5050.rig import JUDGE

Story = Callable[[SkyRailBench], Coroutine[Any, Any, None]]
BOX = "MSCU1234566"


def play(story: Story, version: str = "2.1", **options: Any) -> SkyRailBench:
    """Tell a story on the bench, every message judged by the official schemas."""
    found = play_bench(
        story, version, bench_type=SkyRailBench, judge=JUDGE, **options  # type: ignore[arg-type]
    )  # fmt: skip
    assert isinstance(found, SkyRailBench)
    return found


def along(
    bench: SkyRailBench, id: str, first: int, last: int, actions: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """An order over the nodes from n`first` to n`last`, with actions at the last."""
    scribe, numbers = bench.scribe, range(first, last + 1)
    nodes = [
        scribe.node(
            f"n{k}", 2 * (k - first), k * STEP_M, deviation=3.0,
            actions=list(actions) if k == last else (),
        )
        for k in numbers
    ]  # fmt: skip
    edges = [
        scribe.edge(2 * (k - first) + 1, f"n{k}", f"n{k + 1}") for k in numbers if k != last
    ]  # fmt: skip
    return scribe.order(id, nodes=nodes, edges=edges)
