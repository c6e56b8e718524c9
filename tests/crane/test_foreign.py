"""node-opcua, which is not ours, against the crane's server in real time."""

from __future__ import annotations

import asyncio
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.crane.ground import NUMBERS, Site
from tests.needs import system
from twin.clock import Clock, run_real
from twin.profiles.opcua import types
from twin.wires.opcua import serve_crane

pytest.importorskip("asyncua")
from twin.wires.opcua.security import Account, Role

HERE = Path(__file__).parent / "foreign"
NODESETS = HERE / "node_modules" / "node-opcua-nodesets" / "nodesets"
USERS = {"scheduler": Account("swordfish", Role.OPERATOR), "eye": Account("look", Role.OBSERVER)}


def visit(
    *arguments: str, speed: float = 20.0, secure: bool = False, box: str = NUMBERS[0]
) -> tuple[dict[str, Any], Site]:
    """What the foreign client saw of a crane that runs `speed` times as fast as real time."""
    system(shutil.which("node"), "node is not installed")
    system(
        (HERE / "node_modules" / "node-opcua-client").is_dir(), "run npm ci in tests/crane/foreign"
    )
    sites: list[Site] = []

    async def main(clock: Clock) -> dict[str, Any]:
        site = Site(clock)
        sites.append(site)
        server = serve_crane(
            site.crane, clock=clock, trace=site.trace, accounts=USERS, secure=secure
        )
        port = await server.start()
        child = await asyncio.create_subprocess_exec(
            "node", str(HERE / "client.mjs"), f"opc.tcp://127.0.0.1:{port}/", *arguments, box,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(child.communicate(), 90 * speed)
        finally:
            if child.returncode is None:
                child.kill()
            await server.stop()
        assert out, err.decode()
        found: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
        return found

    return run_real(main, speed=speed), sites[0]


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("policy", ["None", "Basic256Sha256"])
def test_a_foreign_client_browses_reads_writes_calls_and_subscribes(policy: str) -> None:
    """Without security and with Basic256Sha256 the whole of a move is seen and driven by it."""
    seen, site = visit("scheduler", "swordfish", policy, secure=policy != "None")
    assert "error" not in seen, seen
    assert seen["type"] == [True, 2112, "CraneMotionDeviceSystemType"]
    assert seen["path"].endswith("s=crane-1.hoist.place")
    names = {name.partition(":")[2] or name for name in seen["children"]}
    assert names >= {
        "MotionDevices", "Controllers", "SafetyStates", "ProtectiveFunctions", "ParameterSet",
        "Identification", "Operational", "Configuration", "Missions",
    }  # fmt: skip
    assert seen["place"][:3] == [12.0, "Double", "Good"]
    assert seen["unit"] == [int.from_bytes(b"MTR"), "m"]
    assert seen["heat"] == "BadNotSupported"
    assert seen["mode"] == 3
    assert seen["enumValues"][3] == "FULLAUTOMATIC"
    assert (seen["write"], seen["written"]) == ("Good", 80.0)
    assert seen["tooMuch"] == "BadOutOfRange"
    assert seen["wrongType"] == "BadTypeMismatch"
    assert seen["readOnly"] == "BadNotWritable"
    assert seen["missing"] == ["BadArgumentsMissing"]
    assert seen["wrong"][:2] == ["Good", False]
    assert "container number" in seen["wrong"][2]
    assert seen["start"] == ["Good", True, ""]
    assert [what for what, _ in seen["events"]] == ["mission m1: running", "mission m1: done"]
    assert seen["samples"] > 30
    assert seen["lowest"] == pytest.approx(site.yard.places["truck-1"].seat_m + 2.591, abs=0.01)
    assert seen["ordered"]
    assert seen["box"] == NUMBERS[0]
    assert site.yard.find(NUMBERS[0]) is site.yard.places["igv-1"]


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize(
    ("user", "password", "word"),
    [("scheduler", "wrong", "BadUserAccessDenied"), ("nobody", "", "BadUserAccessDenied"),
     ("", "", "")],
)  # fmt: skip
def test_a_foreign_client_with_wrong_credentials_stays_outside(
    user: str, password: str, word: str
) -> None:
    """A wrong password, an unknown name and no name at all are refused, and nothing moves."""
    seen, site = visit(user, password, "None")
    assert word in seen["error"]
    events = {record["event"] for record in site.kinds("opcua.session")}
    assert "activated" not in events
    assert site.kinds("crane.mission") == []


@pytest.mark.slow
@pytest.mark.system
def test_an_observer_looks_and_orders_nothing() -> None:
    """Reading is answered; writes and calls of an observer are BadUserAccessDenied."""
    seen, site = visit("eye", "look", "None")
    assert seen["mode"] == 3
    assert seen["write"] == "BadUserAccessDenied"
    assert seen["start"] == ["BadUserAccessDenied"]
    assert site.kinds("crane.mission") == []


@pytest.mark.system
@pytest.mark.parametrize(
    ("prefix", "file"),
    [("D", "Opc.Ua.Di.NodeSet2.xml"), ("M", "Opc.Ua.Machinery.NodeSet2.xml"),
     ("R", "Opc.Ua.Robotics.NodeSet2.xml")],
)  # fmt: skip
def test_our_types_are_those_of_the_published_nodesets(prefix: str, file: str) -> None:
    """NodeId, class, browse name, type definition and modelling rule agree, node for node."""
    system((NODESETS / file).is_file(), "run npm ci in tests/crane/foreign")
    space = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
    root = ET.parse(NODESETS / file).getroot()
    uris = [uri.text for uri in root.find(f"{space}NamespaceUris") or []]
    index = uris.index(types().namespaces[prefix]) + 1
    nodes = {node.get("NodeId"): node for node in root if node.get("NodeId")}
    rows = [row for row in types().types.rows if row.id.startswith(f"{prefix}:")]
    assert len(rows) >= 3
    for row in rows:
        node = nodes[f"ns={index};i={row.id.partition(':')[2]}"]
        assert node.tag == f"{space}UA{row.cls}"
        number, _, name = str(node.get("BrowseName")).partition(":")
        own, _, ours = row.name.partition(":")
        assert name == ours
        assert uris[int(number) - 1] == types().namespaces[own]
        references = node.find(f"{space}References")
        assert references is not None
        rules = [r.text for r in references if r.get("ReferenceType") == "HasModellingRule"]
        wanted = {"Mandatory": ["i=78"], "Optional": ["i=80"], "": []}[row.rule]
        assert rules == wanted, row.id
