"""The kit of a vehicle: its own checks of structure against the official schemas, its charts."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from hil import kit as kits
from hil import matrix
from hil.kits.igv.shape import fault, in_words
from hil.verdict import Verdict
from tests.needs import system
from tests.vda5050.schemas import FOLDER, SETS, check
from twin.clock import Clock, run_virtual
from twin.profiles.vda5050 import load
from twin.trace import Record

NAMES = ("state", "connection", "factsheet", "visualization")


@cache
def recorded(profile: str) -> list[Record]:
    kit = kits.load("igv")
    pics, pixit = kit.emulated_pics(profile), kit.emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        only = ["IGV-HDR-05", "IGV-SAF-01", "IGV-STA-01"]
        return await matrix.record(clock, kit, profile, pics, pixit, only=only)

    return run_virtual(main)


def heard(profile: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (r.payload["topic"], json.loads(r.payload["text"]))
        for r in recorded(profile)
        if r.kind in ("mqtt", "mqtt.retained")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["2.1", "3.0"])
def test_the_kit_asks_for_what_the_schemas_ask_for(profile: str) -> None:
    """Right messages pass both; without a member that a schema requires they pass neither."""
    system(FOLDER.is_dir(), f"the schemas of VDA 5050 are not in {FOLDER}")
    dialect = load(profile)
    seen: dict[str, dict[str, Any]] = {}
    for name, message in heard(profile):
        check(profile, name, message)
        assert fault(name, in_words(message, dialect), dialect) == ""
        seen[name] = message
    assert set(seen) == set(NAMES)
    for name, message in seen.items():
        path = FOLDER / SETS[profile] / f"{name}.schema"
        for key in json.loads(path.read_text(encoding="utf-8")).get("required", ()):
            without = {one: value for one, value in message.items() if one != key}
            assert fault(name, in_words(without, dialect), dialect), f"{name} without {key}"


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["2.1", "3.0"])
def test_words_of_another_version_are_not_understood(profile: str) -> None:
    """A state of one version is no state of the other."""
    other = load("3.0" if profile == "2.1" else "2.1")
    states = [message for name, message in heard(profile) if name == "state"]
    assert all(fault("state", in_words(message, other), other) for message in states)


@pytest.mark.covers
@pytest.mark.slow
def test_the_charts_show_drive_and_base() -> None:
    """Distance, the base's end and its extension, speed and the states' intervals are drawn."""
    charts = dict(kits.load("igv").curves(recorded("2.1")))
    way, _, gaps = charts.values()
    assert way.count("<polyline") == 2
    assert ">30 s<" in gaps
    base = re.findall(r'<polyline points="([^"]*)" class="s1"', way)[0]
    assert len({point.split(",")[1] for point in base.split()}) == 2, "before and after the update"


def test_an_empty_record_has_no_charts() -> None:
    """A run that recorded nothing draws nothing."""
    assert kits.load("igv").curves([]) == []


BROKEN_ON_A_RAIL = [
    "stitches-at-the-horizon", "takes-what-is-not-released", "connection-at-qos-0",
    "deaf-to-the-stop", "blind-in-the-field",
]  # fmt: skip


@pytest.mark.no_cover
@pytest.mark.parametrize("name", BROKEN_ON_A_RAIL)
def test_a_carrier_on_a_rail_is_judged_as_a_vehicle_is(name: str) -> None:
    """What breaks a vehicle on the ground breaks a sky-rail's carrier, and its own test tells."""
    variant = kits.load("igv").mutant(name)
    judged, _ = matrix.results("igv", "sky-rail", variant, only=[variant.kills])
    assert {one.requirement: one for one in judged}[variant.kills].verdict is Verdict.FAIL
