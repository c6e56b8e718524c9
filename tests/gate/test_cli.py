"""The command line: what a person types, prints, writes and gets as an exit code."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import needs
from twin import site as sites
from twin.cli import main
from twin.rig import Program, Step
from twin.trace import Trace, read_trace

RUN = ["run", "bac-luan-2", "--day", "2023-05-30", "--hours", "0.1"]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of six minutes of the day."""
    path = tmp_path_factory.mktemp("runs") / "short"
    result = call(*RUN, "--out", str(path))
    assert result.exit_code == 0, result.output
    return path


def test_run_writes_trace_figures_and_page(folder: Path) -> None:
    """A run leaves its record, its figures and a page that needs no network."""
    assert {path.name for path in folder.iterdir()} >= {
        "trace.parquet", "kpis.json", "report.html",
    }  # fmt: skip
    figures = json.loads((folder / "kpis.json").read_text())
    assert len(figures["trace_sha256"]) == 64
    assert figures["invariants_broken"] == []
    assert figures["invariants_held"]
    assert figures["simulated_s"] >= 360
    assert figures["wall_s"] > 0
    assert set(figures["waiting_s"]["all"]) >= {"p50", "p95", "p99", "max"}
    assert "http://" not in (folder / "report.html").read_text().split("<body")[0]


def test_judge_report_and_replay_take_the_folder(folder: Path, tmp_path: Path) -> None:
    """The record alone is enough to judge, to draw and to play again."""
    judged = call("judge", str(folder), "--json")
    assert judged.exit_code == 0
    assert json.loads(judged.output)["invariants"]
    drawn = call("report", str(folder), "--out", str(tmp_path / "r.html"), "--language", "vi")
    assert drawn.exit_code == 0
    assert (tmp_path / "r.html").stat().st_size > 100_000
    again = call("replay", str(folder), "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.output)["same"] is True
    figures = json.loads((folder / "kpis.json").read_text())
    assert json.loads(again.output)["trace_sha256"] == figures["trace_sha256"]


def test_a_broken_invariant_is_exit_code_1(tmp_path: Path) -> None:
    """With a stack that does nothing, nobody gets through, and the run says so."""
    result = call(*RUN, "--out", str(tmp_path / "x"), "--stack", "tests.gate.idle_stack:create",
                  "--json")  # fmt: skip
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout)["invariants_broken"] == ["LANE-10"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "bac-luan-9", "--day", "2023-05-30"], "did you mean 'bac-luan-2'"),
        (["run", "bac-luan-2", "--day", "30.5.2023"], "not a date; write YYYY-MM-DD"),
        (["run", "bac-luan-2", "--day", "2024-05-30"], "Known: 2023-05-30"),
        (["run", "bac-luan-2", "--day", "2023-05-30", "--speed", "0"], "--speed 0"),
        (["run", "bac-luan-2", "--day", "2023-05-30", "--speed", "fast"], "--speed fast"),
        ([*RUN, "--stack", "nobody"], "unknown stack 'nobody'"),
        ([*RUN, "--stack", "nobody:here"], "No module named 'nobody'"),
        ([*RUN, "--faults", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["judge", "nowhere"], "no such trace"),
        (["replay", "nowhere.json"], "cannot be read"),
        (["wires", "x"], "unknown site 'x'"),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_one_plain_line(arguments: list[str], says: str) -> None:
    """What is wrong is said in one line on stderr, without a traceback."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_fault_schedule_is_checked_against_the_menu(tmp_path: Path) -> None:
    """A misspelt fault names file, line and the nearest known kind."""
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\nat = "07:30"\ntarget = "in-1.barrier"\nkind = "stuk"\n')
    result = call(*RUN, "--faults", str(path))
    assert result.exit_code == 2
    assert f"{path}:1" in result.stderr
    assert "did you mean 'stuck'" in result.stderr


def test_lists_are_for_people_and_for_programs() -> None:
    """sites, wires and faults print tables, and JSON on request."""
    assert "bac-luan-2" in call("sites").output
    assert json.loads(call("sites", "--json").output)[0]["site"] == "bac-luan-2"
    wires = json.loads(call("wires", "bac-luan-2", "--json").output)
    assert wires["lanes"][0]["barrier"]["points"]["gate_status"]["address"] == 100
    assert "password" not in call("wires", "bac-luan-2", "--json").output
    assert "gate_status" in call("wires", "bac-luan-2", "--map").output
    menu = json.loads(call("faults", "bac-luan-2", "--json").output)
    assert {"customs", "in-1.barrier", "in-1.camera", "in-1.scale"} <= {
        row["target"] for row in menu
    }
    assert "ok_but_no_motion" in call("faults", "bac-luan-2").output


@pytest.mark.parametrize(
    "command",
    ["run", "serve", "sites", "wires", "faults", "judge", "replay", "report", "certify", "load"],
)
def test_every_command_helps(command: str) -> None:
    """--help of every command is text a person can work from."""
    result = call(command, "--help")
    assert result.exit_code == 0, result.output
    assert len(result.output) > 200


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--fidelity", "physics", "--engine", "mujoco"]])
def test_serve_opens_the_wires_for_an_outside_stack(tmp_path: Path, options: list[str]) -> None:
    """Another process can connect to what endpoints.json says, and a signal ends the service."""
    if options:
        found = importlib.util.find_spec("mujoco") is not None
        needs.system(found, "mujoco is absent: pip install 'gatetwin[physics]'")
    endpoints = tmp_path / "endpoints.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "twin.cli", "serve", "bac-luan-2", "--out", str(endpoints),
         "--for", "60", "--json", *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["site"] == "bac-luan-2"
        wires = json.loads(endpoints.read_text())
        assert endpoints.stat().st_mode & 0o077 == 0 or os.name == "nt"
        barrier = wires["lanes"][0]["barrier"]
        with socket.create_connection((barrier["host"], barrier["port"]), timeout=5) as line:
            line.sendall(bytes.fromhex("000100000006010300640001"))
            assert line.recv(64)[7:9] == bytes([3, 2])
        customs = wires["services"]["customs"]
        with urllib.request.urlopen(customs["openapi"], timeout=5) as answer:
            assert json.load(answer)["openapi"].startswith("3.")
    finally:
        process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


@pytest.mark.slow
def test_two_processes_with_two_hash_seeds_record_the_same_trace(tmp_path: Path) -> None:
    """PYTHONHASHSEED, process and folder change nothing in the trace."""
    hashes = []
    for number in ("0", "4242"):
        result = subprocess.run(
            [sys.executable, "-m", "twin.cli", *RUN, "--seed", "7", "--json",
             "--out", str(tmp_path / number)],
            env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
        hashes.append(json.loads(result.stdout)["trace_sha256"])
    assert hashes[0] == hashes[1]


def test_the_site_can_be_ones_own_file(tmp_path: Path) -> None:
    """A path to a TOML file stands wherever a site's name does."""
    text = (sites.SITES / "bac-luan-2.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('id = "bac-luan-2"', 'id = "mine"', 1), encoding="utf-8")
    assert json.loads(call("wires", str(path), "--json").output)["site"] == "mine"


def test_another_run_is_told_from_the_recorded_one(folder: Path, tmp_path: Path) -> None:
    """A record that was changed by hand does not replay, and the first difference is named."""
    trace = Trace()
    for record in read_trace(folder):
        payload = dict(record.payload)
        if record.kind == "run.start":
            payload["seed"] = 99
        trace(record.source, record.kind, record.cause, **payload)
    trace.write(tmp_path / "trace.parquet")
    again = call("replay", str(tmp_path), "--json")
    assert again.exit_code == 1
    told = json.loads(again.output)
    assert told["same"] is False
    assert told["differs_at"] is not None
    assert "Another run" in call("replay", str(tmp_path)).output


def test_a_saved_example_is_played(tmp_path: Path) -> None:
    """The file of a failing example is played and judged."""
    path = tmp_path / "p.json"
    Program(site="bac-luan-2", lanes=["in-1"], steps=[Step("vehicle", {"lane": "in-1"}),
                                                      Step("until_clear")]).save(path)  # fmt: skip
    result = call("replay", str(path))
    assert result.exit_code == 0, result.output
    assert "all invariants held" in result.output
