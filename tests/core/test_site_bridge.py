"""The cargo side of a site file is read strictly: what cannot be is named with its key."""

from __future__ import annotations

import re

import pytest

from twin import site
from twin.errors import ConfigError

TEXT = (site.SITES / "bac-luan-2.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "instead", "key", "said"),
    [
        ("line_m = 154.5", "line_m = 700", "line_m", "from 0 to 618"),
        ('id = "b-1", x_m = 60', 'id = "b-1", x_m = 160', "single_lane", "in order"),
        ('id = "b-2", x_m = 120', 'id = "b-2", x_m = 150', "single_lane", "zone of the line"),
        ('"b-0", "vn-i-0"', '"b-0", "vn-i-9"', "roads", "no node 'vn-i-9'"),
        ("size = 6", "size = 8", "fleet.size", "wait for each other"),
        ("origin_x_m = -965", "origin_x_m = -865", "bays", "out of the crane's reach"),
        ('bays = ["vn-p4"', 'bays = ["vn-p3"', "parks", "used twice"),
        ('side = "far"', 'side = "home"', "yards", "one on the far side"),
        ("collect_s = [600, 1_800]", "collect_s = [600, 60]", "demand.collect_s", "from 600"),
        ("platoon = 4", "platoons = 4", "platoons", "unknown"),
        ('"vn-i-p1", "vn-p1", "vn-o-p1"', '"vn-o-p1", "vn-p1", "vn-i-p1"', "roads", "no way leads"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(pattern: str, instead: str, key: str, said: str) -> None:
    """Each mistake gives an error that names where it is and what is wrong."""
    assert pattern in TEXT
    with pytest.raises(ConfigError) as caught:
        site.loads(TEXT.replace(pattern, instead, 1))
    assert key in str(caught.value)
    assert re.search(said, str(caught.value), re.IGNORECASE)


def test_the_graph_of_bac_luan_2_is_618_m_long() -> None:
    """The alternating lane is the bridge, and the line lies on it."""
    cargo = site.load("bac-luan-2").bridge.cargo
    assert cargo is not None
    first, last = (cargo.node(cargo.single_lane.nodes[index]) for index in (0, -1))
    assert last.x_m - first.x_m == 618
    assert first.x_m < cargo.line_m < last.x_m
