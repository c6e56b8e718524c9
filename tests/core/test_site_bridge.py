"""The cargo side of a site file is read strictly: what cannot be is named with its key."""

from __future__ import annotations

import re

import msgspec
import pytest

from twin import site
from twin.errors import ConfigError, UnknownName

TEXT = (site.SITES / "bac-luan-2.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "instead", "key", "said"),
    [
        ("line_m = 154.5", "line_m = 700", "line_m", "from 0 to 618"),
        ('id = "b-1", x_m = 60', 'id = "b-1", x_m = 160', "lanes.0", "in order"),
        ('id = "b-2", x_m = 120', 'id = "b-2", x_m = 150', "lanes.0", "zone of the line"),
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


@pytest.mark.parametrize(
    ("pattern", "instead", "key", "said"),
    [
        ('"c-1", "c-0"]\nmode', '"c-1", "a-0"]\nmode', "phase_2.lanes.1.nodes", "on two lanes"),
        ('id = "lane-2"', 'id = "lane-1"', "phase_2.lanes.1.id", "twice"),
        ('id = "c-3", x_m = 190, y_m = 4', 'id = "c-3", x_m = 190, y_m = 5', "lanes.1", "straight"),
        ('crane = "crane-vn-2"', 'crane = "crane-vn-1"', "phase_2.yards.1.crane", "twice"),
        ("size = 30", "size = 41", "phase_2.fleet.size", "wait for each other"),
    ],
)
def test_what_cannot_be_in_phase_2_is_refused(
    pattern: str, instead: str, key: str, said: str
) -> None:
    """Two lanes lie beside each other, and several yards have cranes of their own."""
    begin = TEXT.index("[bridge.phase_2]")
    assert pattern in TEXT[begin:]
    with pytest.raises(ConfigError) as caught:
        site.loads(TEXT[:begin] + TEXT[begin:].replace(pattern, instead, 1))
    assert key in str(caught.value)
    assert re.search(said, str(caught.value), re.IGNORECASE)


def test_a_site_without_a_phase_2_says_so() -> None:
    """The error names the phase and those that there are."""
    one = site.load("bac-luan-2")
    bare = msgspec.structs.replace(one, bridge=msgspec.structs.replace(one.bridge, phase_2=None))
    with pytest.raises(UnknownName, match="phase of bac-luan-2"):
        bare.in_phase(2)


def test_the_graph_of_bac_luan_2_is_618_m_long() -> None:
    """The alternating lane is the bridge, and the line lies on it."""
    cargo = site.load("bac-luan-2").bridge.cargo
    assert cargo is not None
    first, last = (cargo.node(cargo.lanes[0].nodes[index]) for index in (0, -1))
    assert last.x_m - first.x_m == 618
    assert first.x_m < cargo.line_m < last.x_m
