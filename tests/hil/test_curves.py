"""The charts of the certificates: what they draw is what was recorded."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import kit as kits
from hil import matrix
from hil.charts import spans, strip, timing
from hil.kits.camera.emulation import CameraVariant
from hil.variant import Variant
from twin.clock import Clock, run_virtual
from twin.trace import Record

CASES = {
    "camera": ("CAM-REA-02",),
    "crane": ("CRN-MIS-01", "CRN-SAF-01"),
    "light": ("LGT-SIG-01", "LGT-REC-01"),
    "loops": ("LOP-DET-01", "LOP-DET-07"),
    "remote-io": ("RIO-REL-01", "RIO-INP-01"),
}
"""One requirement of each case that is drawn."""


def recorded(device: str, variant: Variant | None = None) -> list[Record]:
    kit = kits.load(device)
    profile = kit.good[0]
    pics, pixit = kit.emulated_pics(profile), kit.emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        only = CASES[device]
        return await matrix.record(clock, kit, profile, pics, pixit, variant, only=only)

    return run_virtual(main)


def drawn(device: str, records: list[Record]) -> list[str]:
    found = [str(svg) for _, svg in kits.load(device).curves(records)]
    for svg in found:
        ET.fromstring(svg)
    return found


def dots(svg: str, series: int) -> list[float]:
    """Where the dots of one series stand, from left to right."""
    return [float(x) for x in re.findall(rf'<circle cx="([\d.]+)"[^>]*class="d{series}"', svg)]


@pytest.mark.covers
@pytest.mark.slow
@pytest.mark.parametrize("device", sorted(CASES))
def test_every_case_has_its_chart(device: str) -> None:
    """Two charts from a whole record; none from a torn one, which is no error."""
    records = recorded(device)
    assert len(drawn(device, records)) == 2
    assert drawn(device, []) == []
    for end in range(0, len(records), len(records) // 25):
        drawn(device, records[:end])


@pytest.mark.covers
@pytest.mark.slow
def test_a_slow_detector_is_seen_to_be_slow() -> None:
    """Every dot of `covered, until shown` stands right of the limit, none with the good one."""
    kit = kits.load("loops")
    for variant, late in ((None, False), (kit.mutant("slow-detector"), True)):
        _, svg = drawn("loops", recorded("loops", variant))
        limit = min(float(x) for x in re.findall(r'<line x1="([\d.]+)"[^>]*class="limit"', svg))
        assert [x > limit for x in dots(svg, 0)] == [late] * 4


@pytest.mark.covers
@pytest.mark.slow
def test_without_a_watchdog_green_stays_on_the_chart() -> None:
    """The lamp that is lit at the end of the silence is red with a watchdog, green without one."""
    kit = kits.load("light")
    for variant, bands in ((None, 2), (kit.mutant("no-watchdog"), 1)):
        _, svg = drawn("light", recorded("light", variant))
        assert svg.count('class="band"') == bands


@pytest.mark.covers
@pytest.mark.slow
def test_a_vehicle_without_event_is_on_the_chart() -> None:
    """A vehicle that the camera did not report stands among the readings as `no event`."""
    blind = CameraVariant("blind", "", "", faults=(("blind", {}),))
    good, nothing = drawn("camera", recorded("camera")), drawn("camera", recorded("camera", blind))
    assert "no event" not in good[1]
    (svg,) = nothing  # there is no latency to draw
    assert "no event" in svg
    assert svg.count("<circle") == good[1].count("<circle")


@given(st.lists(st.tuples(st.floats(0, 1e3), st.booleans()), max_size=30), st.floats(0, 10))
def test_spans_cover_what_was_on(seen: list[tuple[float, bool]], more: float) -> None:
    """Spans follow each other, and an instant is inside one if and only if the last word is on."""
    seen.sort(key=lambda change: change[0])
    end = (seen[-1][0] if seen else 0.0) + more
    found = spans(seen, end)
    edges = [edge for span in found for edge in span]
    assert edges == sorted(edges)
    for (start, on), (after, _) in zip(seen, [*seen[1:], (end, False)], strict=False):
        middle = (start + after) / 2
        if start < middle < after:
            assert any(low <= middle <= high for low, high in found) == on


def test_a_name_is_no_markup() -> None:
    """A vendor's names are shown, not executed."""
    name = '<script>"&'
    for svg in (
        strip([(name, [(name, 1.0)])], "s", [(name, 2.0)]),
        timing([(name, [[(0.0, 1.0)]])], [name], 2.0, [(name, 1.5)]),
    ):
        assert "<script>" not in svg
        assert name in "".join(ET.fromstring(str(svg)).itertext())
