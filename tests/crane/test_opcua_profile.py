"""The crane's OPC UA profile: it fits the device, and a wrong one names its row."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("asyncua")

from asyncua import ua

from tests.crane.port import Port, play
from twin.errors import ConfigError, HarnessError, UnknownName
from twin.profiles import opcua as profiles
from twin.profiles.opcua import instances
from twin.wires.opcua.methods import Methods
from twin.wires.opcua.model import PROTECTIONS, unit_id


def test_every_point_of_the_profile_is_there_and_every_method_is_known() -> None:
    """The profile fits the device; a wrong point, type or value is an error of the file."""

    async def test(p: Port) -> None:
        assert Methods(p.site.crane).check(p.server.profile) == []
        with pytest.raises(HarnessError, match="already started"):
            await p.server.start()

    port = play(test)
    shown = {bound.row.point for bound in port.server._space.bound}
    assert shown <= set(port.site.crane.points)
    assert len(shown) > 60
    with pytest.raises(UnknownName, match="OPC UA profile"):
        profiles.load("types")


def test_every_variable_can_be_read() -> None:
    """Constants of the profile, too, are coded as their data types say."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            rows = instances(p.server.profile, "crane-1", PROTECTIONS)
            nodes = [p.node(client, row.id) for row in rows if row.data]
            values = await client.uaclient.read_attributes(
                [node.nodeid for node in nodes], ua.AttributeIds.Value
            )
            bad = [node for node, value in zip(nodes, values, strict=True)
                   if value.StatusCode.name not in ("Good", "BadNotSupported")]  # fmt: skip
            assert not bad
            assert len(nodes) > 100

    play(test)


def test_a_wrong_profile_names_its_row(tmp_path: Any) -> None:
    """An undefined type, a variable without a value and a double id are refused."""
    text = (profiles.FOLDER / "crane.toml").read_text(encoding="utf-8")
    for old, new, words in [
        ('type = "C:2112"', 'type = "C:9999"', "'C:9999' is not defined"),
        ('data = "Int32", point = "trouble"', 'data = "Int32"', "exactly one of point"),
        ('id = "cycles"', 'id = "trouble"', "there twice"),
    ]:
        path = tmp_path / "wrong.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        profiles._load.cache_clear()
        with pytest.raises(ConfigError, match=words):
            profiles.load(path)


def test_units_are_those_of_opc_10000_8() -> None:
    """MTR is 5067858 and KGM 4933453, the numbers of the published table."""
    assert unit_id("MTR") == 5067858
    assert unit_id("KGM") == 4933453
