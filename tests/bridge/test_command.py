"""The bridge on the command line: a run's folder, its wires and faults, serving on a wall clock."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("asyncua")

from fixtures.stack.fleet import FleetManager, create
from tests import needs
from tests.listening import listening
from tests.mqtt import engine
from twin import site as sites
from twin.bridge import CarrierKind, Credentials, Radio, Wish, endpoints_of, radio_of
from twin.brokers import mosquitto
from twin.cli import main
from twin.clock import Clock, run_real
from twin.errors import GateTwinError, HarnessError
from twin.serve_bridge import BridgeOrder, serve_bridge
from twin.serving import Place
from twin.trace import Trace, read_trace
from twin.wires.mqtt import MqttClient, Settings

SITE = sites.load("bac-luan-2")
CARGO = SITE.bridge.cargo
assert CARGO is not None
SPEED = 30.0
RAIL, RAIL_WAYS = {"carrier": CarrierKind.SKY_RAIL}, ("--carrier", "sky-rail")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# --- a run and its record -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of one box, with a fault."""
    path = tmp_path_factory.mktemp("runs") / "short"
    faults = path.parent / "faults.toml"
    faults.write_text(
        '[[faults]]\nat_s = 5\ntarget = "broker.link"\nkind = "half_open"\nfor_s = 9\n'
    )
    result = call(
        "run", "bac-luan-2", "--smart-lane", "--hours", "0.05", "--boxes", "480", "--seed", "4",
        "--faults", str(faults), "--out", str(path), "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["boxes"]["home.far"]["crossed"] == 1
    return path


@pytest.mark.covers
@pytest.mark.slow
def test_the_record_alone_is_judged_and_drawn_again(folder: Path, tmp_path: Path) -> None:
    """judge and report say of trace.parquet what the run said of itself, to the byte."""
    judged = call("judge", str(folder / "trace.parquet"), "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.output) == json.loads((folder / "verdicts.json").read_text())
    page = tmp_path / "again.html"
    drawn = call("report", str(folder), "--out", str(page), "--json")
    assert json.loads(drawn.output) == {"report": str(page)}
    assert page.read_bytes() == (folder / "report.html").read_bytes()


@pytest.mark.slow
def test_a_replay_is_the_same_run_or_names_what_differs(folder: Path, tmp_path: Path) -> None:
    """Record for record, faults included; a record that was changed is found by its id."""
    records = list(read_trace(folder))
    number = next(one.id for one in records if one.kind == "transfer.permitted")
    clock = iter(one.t_ns for one in records)
    doctored = Trace(type("Stood", (), {"now_ns": lambda _: next(clock)})())  # type: ignore[arg-type]
    for one in records:
        changed = {"box": "VNTU0000018"} if one.id == number else {}
        doctored(one.source, one.kind, one.cause, **{**one.payload, **changed})
    doctored.write(tmp_path / "trace.parquet")
    again = call("replay", str(tmp_path / "trace.parquet"), "--json")
    assert again.exit_code == 1, again.output
    told = json.loads(again.output)
    assert told["differs_at"] == number
    assert told["same"] is False
    figures = json.loads((folder / "kpis.json").read_text())
    assert told["trace_sha256"] == figures["trace_sha256"] != told["recorded_sha256"]


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ({"scope": "bridge", "served": True}, "not recorded by `gatetwin run`"),
        ({"scope": "bridge", "speed": 8.0}, "on the wall clock, 8 times as fast"),
    ],
)
def test_what_cannot_be_replayed_says_why(start: dict[str, Any], says: str, tmp_path: Path) -> None:
    """A run that waited for the wall clock is no function of its seed."""
    trace = Trace()
    trace("run", "run.start", **start)
    trace.write(tmp_path / "trace.parquet")
    result = call("replay", str(tmp_path))
    assert result.exit_code == 2
    assert says in result.output


# --- what is there ------------------------------------------------------------------------------


def test_wires_lists_every_endpoint_with_its_map() -> None:
    """Topics, nodes, methods, requests, sentences and registers, in the order of the ports."""
    found = {one["endpoint"]: one for one in json.loads(
        call("wires", "bac-luan-2", "--smart-lane", "--json").output
    )}  # fmt: skip
    assert list(found) == [
        "broker", *(f"igv-{n:02d}" for n in range(1, 7)), "crane-vn", "crane-cn", "transfers",
        *(f"igv-{n:02d}.gnss" for n in range(1, 7)), "maps", "rack-vn", "rack-cn", "reefers",
    ]  # fmt: skip
    assert found["igv-02.gnss"]["map"][0]["sentence"] == "GNGGA"
    assert {"request": "GET /v1/maps/{map}/active", "answer": "the version that is in force"} in (
        found["maps"]["map"]
    )
    assert {row["table"] for row in found["rack-cn"]["map"]} >= {"coil", "input"}
    assert found["reefers"]["map"][0]["topic"] == "terminal/cargo/NUMBER/rms"
    topics = {row["topic"]: row for row in found["igv-03"]["map"]}
    assert topics["uagv/v2/gatetwin/igv-03/order"]["from"] == "fleet manager"
    assert topics["uagv/v2/gatetwin/igv-03/connection"]["retained"] is True
    nodes = {row["node"] for row in found["crane-cn"]["map"]}
    assert {"crane-cn.mission.state", "crane-cn.missions StartMission"} <= nodes
    shown = call("wires", "bac-luan-2", "--smart-lane", "--map")
    assert "POST /v1/transfers/{id}/receipt" in shown.output
    assert "user igv-01\ntopic readwrite uagv/v2/gatetwin/igv-01/#" in (
        call("wires", "bac-luan-2", "--smart-lane", "--acl").output
    )
    assert call("wires", "bac-luan-2", "--acl").exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "ways", "first"),
    [({}, (), 22_100), ({"phase": 2}, ("--phase", "2"), 22_200), (RAIL, RAIL_WAYS, 22_300)],
)
def test_what_wires_lists_is_what_serve_opens(
    more: dict[str, Any], ways: tuple[str, ...], first: int, tmp_path: Path
) -> None:
    """Phase 1, Phase 2, sky-rail: names and protocols of endpoints.json, and every open port."""
    listed = json.loads(call("wires", "bac-luan-2", "--smart-lane", *ways, "--json").output)
    before, opened = listening(), set[int]()
    place = Place(endpoints=tmp_path / "e.json", first_port=first, for_s=0.1)

    def ready(*_: object) -> None:
        opened.update(listening() - before)

    serve_bridge(BridgeOrder(SITE, place, boxes_day=0, **more), ready)
    served = list(endpoints_of(json.loads((tmp_path / "e.json").read_text())))
    assert [(one["endpoint"], one["protocol"]) for one in listed] == [one[:2] for one in served]
    ports = [int(re.findall(r":(\d+)", where)[-1]) for _, _, where in served if where]
    assert ports == list(range(first, first + len(ports)))
    assert opened == set(ports)


def test_faults_lists_the_bridge_beside_the_lanes() -> None:
    """Vehicles, cranes and their servers, the broker and each of its links, papers, people."""
    rows = json.loads(call("faults", "bac-luan-2", "--json").output)
    kinds = {(row["target"], row["kind"]) for row in rows}
    assert kinds >= {
        ("in-1.barrier", "stuck"), ("igv-01", "motor_fault"), ("crane-vn", "power"),
        ("crane-cn.opcua", "link_down"), ("broker", "down"), ("broker.link", "loss"),
        ("broker.link.gatetwin-igv-06", "handover"), ("transfers", "slow"),
        ("trucks", "wrong_box"), ("closed-area", "intrusion"),
    }  # fmt: skip
    rail = json.loads(call("faults", "bac-luan-2", "sky-*", *RAIL_WAYS, "--json").output)
    assert {("sky-rail", "gale"), ("sky-06", "hoist_fault")} <= {
        (row["target"], row["kind"]) for row in rail
    }


# --- which broker -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "bac-luan-2", "--smart-lane", "--broker", "process"], "give --speed 1"),
        (["run", "bac-luan-2", "--smart-lane", "--tls"], "inproc without TLS"),
        (["run", "bac-luan-2", "--day", "2023-05-30", "--tls"], "go with --smart-lane"),
        (
            ["run", "bac-luan-2", "--smart-lane", "--day", "2023-05-30", "--vehicles", "6"],
            "bridge alone",
        ),
        (["run", "bac-luan-2", "--day", "2023-05-30", "--vehicles", "6"], "go with --smart-lane"),
        (["run", "bac-luan-2", "--smart-lane", "--vehicles", "8"], "but there are 8 bays"),
        (["run", "bac-luan-2", "--smart-lane", "--vehicles", "7"], "7, with 6 parking places"),
        (
            ["run", "bac-luan-2", "--smart-lane", "--carrier", "sky-rail", "--vehicles", "5"],
            "go with --carrier igv",
        ),
        (["serve", "bac-luan-2", "--boxes", "5"], "go with --smart-lane"),
        (["serve", "bac-luan-2", "--fleet-stack", "a:b"], "--smart-lane and --day"),
        (["serve", "bac-luan-2", "--phase", "2"], "go with --smart-lane"),
        (
            ["serve", "bac-luan-2", "--smart-lane", "--day", "2023-05-30", "--phase", "2"],
            "bridge alone",
        ),
        (["serve", "bac-luan-2", "--smart-lane", "--day", "2023-05-31"], "2023-05-31"),
        (
            ["serve", "bac-luan-2", "--smart-lane", "--phase", "2", "--carrier", "sky-rail"],
            "goes with carrier igv",
        ),
        (["wires", "bac-luan-2", "--phase", "2"], "go with --smart-lane"),
        (["fuzz", "--phase", "2"], "go with --smart-lane"),
        (["serve", "bac-luan-2", "--smart-lane", "--broker", "docker"], "is not auto, container"),
        (["serve", "bac-luan-2", "--smart-lane", "--broker", "127.0.0.1:1"], "no MQTT 3.1.1"),
        (
            ["serve", "bac-luan-2", "--smart-lane", "--tls", "--host", "0.0.0.0"],
            "listens on loopback alone",
        ),
    ],
)
def test_brokers_that_cannot_be_are_refused_before_anything_starts(
    arguments: list[str], says: str
) -> None:
    """Exit code 2 and one line that says what to do instead."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('ca = "no.pem"\n', "ca"),
        ('[users]\nfleet = "x"\nrms = "y"\n', "no password for igv-01"),
        ("[user]\n", "user"),
    ],
)
def test_a_broker_file_is_read_strictly(text: str, says: str, tmp_path: Path) -> None:
    """An unknown key, a vehicle without a password, a certificate that is not there."""
    path = tmp_path / "broker.toml"
    path.write_text(text)
    with (
        pytest.raises(GateTwinError, match=says),
        radio_of(Wish("127.0.0.1:1", path), CARGO, {}),
    ):
        pass


RUNGS = [("inproc", True), ("process", False), ("process", True), ("container", True)]


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.parametrize(("rung", "tls"), RUNGS)
def test_each_vehicle_writes_on_its_own_topics_alone(rung: str, tls: bool) -> None:
    """On every real broker: igv-01 is not heard as igv-02, and the cranes' user is not let in."""
    _need(rung)
    drawn = Credentials.draw(CARGO, random.Random(0))
    users = drawn.passwords

    async def story(clock: Clock, radio: Radio) -> None:
        heard: list[str] = []

        def client(user: str) -> MqttClient:
            settings = Settings(
                radio.host, radio.port, user, user=user, password=users[user],
                tls=radio.client_tls(), backoff=None,
            )  # fmt: skip
            return MqttClient(
                settings, loop=clock.loop, rng=random.Random(user),
                on_message=lambda topic, *_: heard.append(topic),
            )  # fmt: skip

        fleet, igv, stranger = client("fleet"), client("igv-01"), client("scheduler")
        fleet.subscribe("uagv/v2/#", 1)
        for one in (fleet, igv):
            one.start()
            await one.wait_connected()
        stranger.start()
        with pytest.raises(HarnessError, match="did not connect"):
            await stranger.wait_connected(1.0)
        await asyncio.sleep(0.2)
        for name in ("igv-02", "igv-01"):
            igv.publish(f"uagv/v2/gatetwin/{name}/state", b"{}", 1)
        async with asyncio.timeout(10):
            while not heard:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert heard == ["uagv/v2/gatetwin/igv-01/state"]
        for one in (fleet, igv):
            await one.stop()
        stranger.kill()

    wish = Wish(rung, tls=tls, image=engine.IMAGE)
    with radio_of(wish, CARGO, drawn.passwords) as radio:
        assert (radio.ca is not None) == tls
        run_real(lambda clock: story(clock, radio))


def _need(rung: str) -> None:
    if rung == "container":
        engine.need()
    elif rung == "process":
        needs.system(mosquitto.binary(), "mosquitto is not installed")


# --- serving ------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.slow
def test_a_stack_of_the_user_s_own_drives_a_served_bridge(tmp_path: Path) -> None:
    """`gatetwin serve` in one process on mosquitto with TLS; a fleet manager in this one."""
    _need("process")
    endpoints, trace = tmp_path / "e.json", tmp_path / "t.parquet"
    command = [
        sys.executable, "-m", "twin.cli", "serve", "bac-luan-2", "--smart-lane", "--broker",
        "process", "--tls", "--speed", f"{SPEED:g}", "--hours", "0.05", "--boxes", "480",
        "--out", str(endpoints), "--trace", str(trace), "--for", "60", "--json",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert "mosquitto" in told["broker"]
            assert os.name == "nt" or endpoints.stat().st_mode & 0o777 == 0o600
            wire_list = json.loads(endpoints.read_text())
            assert Path(wire_list["fleet"]["tls"]["ca"]).is_file()
            driven = run_real(lambda clock: _drive(clock, wire_list), speed=SPEED)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert process.returncode == 0
    assert driven
    kinds = [record.kind for record in read_trace(trace)]
    assert "igv.move" in kinds
    assert kinds[-1] == "run.end"
    judged = call("judge", str(trace), "--json")
    assert {one["id"] for one in json.loads(judged.output)["invariants"]} >= {"BRIDGE-01"}


async def _drive(clock: Clock, wire_list: dict[str, Any]) -> str:
    """Until the fleet manager has seen a vehicle drive; which."""
    stack: FleetManager = create(wire_list, {})
    await stack.start()
    try:
        async with asyncio.timeout(600):
            while True:
                for name, vehicle in stack.vehicles.items():
                    if vehicle.state is not None and vehicle.state.driving:
                        return name
                await clock.sleep(1.0)
    finally:
        await stack.stop()


@pytest.mark.covers
@pytest.mark.slow
def test_a_broker_that_is_there_already_and_ports_in_a_row(tmp_path: Path) -> None:
    """HOST:PORT with its own users in a file; the other ports follow each other."""
    needs.system(mosquitto.binary(), "mosquitto is not installed")
    names = ["fleet", "rms", *(f"igv-{n:02d}" for n in range(1, 7))]
    users = {name: f"word of {name}" for name in names}
    path = tmp_path / "broker.toml"
    path.write_text("[users]\n" + "".join(f'{name} = "{word}"\n' for name, word in users.items()))
    seen: list[dict[str, Any]] = []
    with mosquitto.running(mosquitto.Variant(users=users)) as port:
        place = Place(
            endpoints=tmp_path / "e.json", first_port=21_900, for_s=0.5,
            trace=tmp_path / "t.parquet",
        )  # fmt: skip
        order = BridgeOrder(SITE, place, boxes_day=0, wish=Wish(f"127.0.0.1:{port}", path))
        serve_bridge(order, lambda wires, _: seen.append(wires))
    assert (seen[0]["fleet"]["port"], seen[0]["fleet"]["password"]) == (port, "word of fleet")
    ports = [yard["crane"]["url"].rstrip("/").rpartition(":")[2] for yard in seen[0]["yards"]]
    assert ports == ["21901", "21902"]
    assert ":21903/" in seen[0]["transfers"]["url"]
    start = next(iter(read_trace(tmp_path / "t.parquet")))
    assert start.payload["broker"] == f"--broker 127.0.0.1:{port}"
