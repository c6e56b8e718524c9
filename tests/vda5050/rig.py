"""The bench of `fixtures.igv_bench`, with the official schemas as its judge where they are."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.igv_bench import IgvBench, Story
from fixtures.igv_bench import play as play_bench
from fixtures.vda5050_orders import raw
from tests.vda5050.schemas import FOLDER, check
from twin.world.yard import Box

Rig = IgvBench
JUDGE = check if FOLDER.is_dir() else None
ALL = ("2.0", "2.1", "3.0")
each = pytest.mark.parametrize("version", ALL)
"""A test of every dialect."""


def box(mass_kg: float = 20_000.0) -> Box:
    return Box("MSCU1234566", mass_kg, length_ft=20)


def name(rig: Rig, two: str, three: str) -> str:
    """One thing has two names."""
    return three if rig.version == "3.0" else two


def play(story: Story, version: str = "2.1", **options: Any) -> IgvBench:
    """As there, judged."""
    return play_bench(story, version, **{"judge": JUDGE, **options})


__all__ = ["ALL", "JUDGE", "Box", "Rig", "box", "each", "name", "play", "raw"]
