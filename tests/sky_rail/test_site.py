"""The rail of a site file is read strictly: what cannot be is named with its key."""

from __future__ import annotations

import itertools
import math

import pytest
from click.testing import CliRunner

from twin import site
from twin.bridge.carriers import rail_of
from twin.cli import main
from twin.errors import ConfigError, HarnessError
from twin.physics import Path
from twin.physics.rail_parameters import RailCarrierParameters
from twin.world.rail import Rail, RailNode

TEXT = (site.SITES / "bac-luan-2.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "instead", "key", "said"),
    [
        ('id = "vn-m0", x_m = -965, y_m = 0, course_deg = 0',
         'id = "vn-m0", x_m = -965, y_m = 0, course_deg = 180', "pieces", "lead elsewhere"),
        ('"span-out-2", x_m = 125', '"span-out-2", x_m = 150', "nodes", "zone of the line"),
        ('bays = ["vn-r1"', 'bays = ["vn-r9"', "yards", "no node 'vn-r9'"),
        ("table_m = 4.5", "table_m = 14.5", "bays", "out of reach"),
        ("carriers = 6", "carriers = 8", "sky_rail.carriers", "wait for each other"),
        ('["vn-m0", "vn-r1", "vn-m1"]', '["vn-m0", "vn-r1"]', "pieces", "no way leads from vn-r1"),
        ("carriers = 6", "cars = 6", "cars", "unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(pattern: str, instead: str, key: str, said: str) -> None:
    """Each mistake gives an error that names where it is and what is wrong."""
    assert pattern in TEXT
    with pytest.raises(ConfigError) as caught:
        site.loads(TEXT.replace(pattern, instead, 1))
    assert key in str(caught.value)
    assert said in str(caught.value)


def test_no_curve_of_bac_luan_2_is_tighter_than_a_carrier_can() -> None:
    """Every piece of the rail leaves and meets its nodes smoothly, within 18 m of radius."""
    spec = site.load("bac-luan-2").bridge.sky_rail
    assert spec is not None
    rail, radius_m = rail_of(spec), RailCarrierParameters().rail_radius_m
    assert len(rail.switches) > 10
    for a, b in sorted(rail.pieces):
        ends = [rail.nodes[a], rail.nodes[b]]
        path = Path.smooth([(n.x_m, n.y_m) for n in ends], [n.course_rad for n in ends])
        assert all(abs(curve) <= 1 / radius_m for _, _, curve in path.curvatures())
        assert all(abs(turn) < 1e-6 for _, turn in path.corners())
        chord_m = math.dist((ends[0].x_m, ends[0].y_m), (ends[1].x_m, ends[1].y_m))
        steps = [path.pose_at(path.length_m * i / 40) for i in range(41)]
        for one, two in itertools.pairwise(steps):
            assert math.hypot(two.x_m - one.x_m, two.y_m - one.y_m) < chord_m / 20


def test_a_piece_needs_both_its_nodes() -> None:
    """The error names the piece and the node."""
    with pytest.raises(HarnessError, match="from a to b, but there is no b"):
        Rail([RailNode("a", 0.0, 0.0, 0.0)], [("a", "b")])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--day", "2023-05-30", "--carrier", "sky-rail"], "--without go with --smart-lane"),
        (["--smart-lane", "--carrier", "sky-rail", "--vehicles", "3"], "go with --carrier igv"),
        (["--smart-lane", "--carrier", "balloon"], "'igv', 'sky-rail'"),
        (["--smart-lane", "--carrier", "sky-rail", "--fidelity", "physics"], "closed form"),
    ],
)
def test_a_carrier_that_cannot_be_is_refused(arguments: list[str], said: str) -> None:
    """Exit code 2, and one line with the next step."""
    result = CliRunner().invoke(main, ["run", "bac-luan-2", *arguments])
    assert result.exit_code == 2
    assert said in result.output
