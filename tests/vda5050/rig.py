"""The bench of `fixtures.igv_bench`, with the official schemas as its judge where they are."""

from __future__ import annotations

from typing import Any

from fixtures.igv_bench import IgvBench, Story
from fixtures.igv_bench import play as play_bench
from fixtures.vda5050_orders import raw
from tests.vda5050.schemas import FOLDER, check
from twin.world.yard import Box

Rig = IgvBench
JUDGE = check if FOLDER.is_dir() else None


def play(story: Story, version: str = "2.1", **options: Any) -> IgvBench:
    """As there, judged."""
    return play_bench(story, version, **{"judge": JUDGE, **options})


__all__ = ["JUDGE", "Box", "Rig", "play", "raw"]
