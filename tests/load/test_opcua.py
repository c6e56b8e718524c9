"""A crane under load: its own server in virtual time, asyncua's in real time."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncua")

from click.testing import CliRunner

from loadtests import cli
from loadtests.alerts import Delays
from loadtests.arrivals import schedule
from loadtests.driver import OpenDriver
from loadtests.errors import LoadError, TargetError
from loadtests.opcua import (
    CHANGE,
    READ,
    SUBSCRIBE,
    OpcUaTarget,
    OpcUaWorkload,
    SubscriptionListener,
    find_variables,
    node_ids,
)
from loadtests.result import Recorder
from tests.crane.port import Port, play, start
from tests.load import children
from tests.load.runs import info

NODES = ["ns=6;s=crane-1.hoist.place", "ns=6;s=crane-1.trolley.place"]


def drive(nodes: list[str], **options: Any) -> Recorder:
    """Twenty virtual seconds on our crane while it carries a box."""
    kept: list[Recorder] = []

    async def test(p: Port) -> None:
        target = OpcUaTarget(f"opc.tcp://127.0.0.1:{p.port}/", **options)
        async with p.client() as client:
            await start(client, p)
            run = info(workload="opcua", rate_per_s=5.0, planned_s=20.0, connections=1)
            delays = Delays()
            driver = OpenDriver(
                OpcUaWorkload(target, nodes),
                schedule("constant", rate_per_s=5.0, duration_s=20.0, seed=1),
                run,
                listeners=[SubscriptionListener(target, nodes, delays) for _ in range(2)],
                now=p.clock.loop.time,
                cpu_time=lambda: 0.0,
            )
            kept.append(await driver.run())

    play(test)
    return kept[0]


@pytest.mark.slow
def test_reads_are_answered_and_samples_come_while_the_crane_works() -> None:
    """A hundred reads, and each of two subscribers hears both axes move for twenty seconds."""
    got = drive(NODES)
    assert got.total().failed == 0
    assert got.series[READ].ok == 100
    assert got.series[SUBSCRIBE].ok == 2
    # Lifting and travelling; 100 ms of publishing, so up to ten samples of a moving axis a second.
    assert got.series[CHANGE].ok > 100
    assert got.series[CHANGE].response.max_s < 0.2


@pytest.mark.slow
def test_a_node_that_is_not_there_fails_by_its_status() -> None:
    """The status code's name is the word that it is counted by."""
    got = drive(["ns=6;s=nowhere"])
    assert got.series[READ].failures == {"opcua BadNodeIdUnknown": 100}


@pytest.mark.slow
def test_a_server_of_others_is_browsed_and_loaded() -> None:
    """asyncua's own server, found by browsing: exit code 0, all reads good."""
    from asyncua import Server

    async def main() -> tuple[str, list[str]]:
        server = Server()
        await server.init()
        server.set_endpoint("opc.tcp://127.0.0.1:0/")
        space = await server.register_namespace("urn:test")
        folder = await server.nodes.objects.add_object(space, "crane")
        for number in range(3):
            await folder.add_variable(space, f"v{number}", float(number))
        async with server:
            port = server.bserver._server.sockets[0].getsockname()[1]
            url = f"opc.tcp://127.0.0.1:{port}/"
            names = await find_variables(OpcUaTarget(url), 2)
            said = await asyncio.to_thread(
                CliRunner().invoke, cli.load,
                ["opcua", "--target", url, "--duration", "2", "--json", "--browse", "3"],
            )  # fmt: skip
            return said.output, names

    said, names = asyncio.run(main())
    assert len(names) == 2
    found = json.loads(said[said.index("{") :])
    assert found["names"][READ]["ok"] > 5
    assert found["names"][READ]["failures"] == {}
    assert found["names"][CHANGE]["ok"] == 3


def test_what_cannot_be_is_refused() -> None:
    """No server there, no address, no node id: each with the next step."""
    with pytest.raises(TargetError, match=re.escape("opc.tcp://127.0.0.1:1/: no session")):
        asyncio.run(find_variables(OpcUaTarget("opc.tcp://127.0.0.1:1/"), 1))
    with pytest.raises(LoadError, match=r"expected opc\.tcp"):
        OpcUaTarget("http://gate")
    with pytest.raises(LoadError, match="not a node id"):
        node_ids(["hoist"])
    assert "secret" not in repr(OpcUaTarget("opc.tcp://gate", "u", "secret"))


_SERVER = """
import asyncio, sys
from asyncua import Server, ua
async def main():
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/")
    space = await server.register_namespace("urn:test")
    node = await server.nodes.objects.add_variable(ua.NodeId("place", space), "place", 0.0)
    async with server:
        print(server.bserver._server.sockets[0].getsockname()[1], flush=True)
        for number in range(600):
            await node.write_value(float(number))
            await asyncio.sleep(0.1)
asyncio.run(main())
"""
"""asyncua's own, with a value that changes ten times a second; in a process of its own."""


@pytest.mark.slow
@pytest.mark.parametrize(("node", "good"), [("", True), ("ns=2;s=nowhere", False)])
def test_locusts_readers_read_and_listen(tmp_path: Path, node: str, good: bool) -> None:
    """Three users read at their pace and hear each change; a node that is not there is a breach."""
    slo = tmp_path / "slo.toml"
    slo.write_text(
        "version = 1\n[generator]\nlag_p99_s = 5.0\n[[limit]]\nname = '*'\nerror_rate = 0.0\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        more = ("--opcua-node", node) if node else ()
        command = cli.locust_command(
            "opcua", f"127.0.0.1:{port}", 3, 30, 4, slo=slo, out=tmp_path, extra=more
        )
        done = children.run(command)
        server.kill()
    got = Recorder.read(tmp_path)
    if not good:
        assert done.returncode == 99, done.stdout + done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert got.series[READ].ok > 40
    assert got.series[SUBSCRIBE].ok == 3
    assert got.series[CHANGE].ok > 3 * 20
    assert got.series[CHANGE].response.percentile_s(50) < 0.5
