"""`gatetwin certify weighbridge` against an emulator in another process, as if it were hardware."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil import cli, evidence
from hil.emulator import Emulator
from hil.kits.weighbridge import KIT


def call(*arguments: object) -> Any:
    return CliRunner().invoke(cli.certify, [str(argument) for argument in arguments])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "wanted"),
    [
        ("modbus", ("WGH-WIR-08", "WGH-MET-01", "WGH-MET-20", "WGH-DOC-03")),
        ("toledo", ("WGH-TOL-01", "WGH-TOL-11", "WGH-MET-14")),
    ],
)
def test_an_emulator_in_another_process(
    tmp_path: Path, profile: str, wanted: tuple[str, ...]
) -> None:
    """The same suite runs over real TCP against a process that it shares nothing with."""
    only = [word for name in wanted for word in ("--only", name)]
    done = call("weighbridge", "--emulated", "--profile", profile, "--speed", "4", "--no-health",
                "--json", "--out", tmp_path, *only)  # fmt: skip
    body = json.loads(done.stdout)
    verdicts = {row["requirement"]: row["verdict"] for row in body["results"]}
    assert {name: verdicts[name] for name in wanted} == dict.fromkeys(wanted, "PASS")
    assert done.exit_code == 2  # narrowed by --only: nothing is certified
    assert {check.state for check in evidence.verify(Path(body["bundle"]))} <= {"ok", "open"}


@pytest.mark.slow
def test_a_broken_emulator_in_another_process(tmp_path: Path) -> None:
    """A mutant behind real TCP fails its requirement, and the exit code is 1."""
    done = call("weighbridge", "--emulated", "--mutant", "no-overload", "--speed", "4",
                "--no-health", "--out", tmp_path, "--only", "WGH-MET-20")  # fmt: skip
    assert done.exit_code == 1
    assert "NOT CERTIFIED" in done.stdout


@pytest.mark.slow
def test_ctrl_c_leaves_the_platform_empty(tmp_path: Path) -> None:
    """SIGINT in the middle of a weighing: the weights come off, the evidence is kept."""
    with Emulator("weighbridge", "modbus", speed=4.0) as emulator:
        where = emulator.where
        bench = KIT.write_templates(tmp_path / "b", "modbus", where)[0]
        main = "from twin.cli import main; main()"
        command = [sys.executable, "-c", main, "certify", "weighbridge", "--no-health",
                   "--only", "WGH-MET-06", "--bench", str(bench),
                   "--out", str(tmp_path / "out")]  # fmt: skip

        def load_kg() -> float:
            with urllib.request.urlopen(f"{where.control}/v1/load", b"{}", timeout=10) as answer:
                return float(json.load(answer)["load_kg"])

        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as run:  # fmt: skip
            assert run.stderr is not None
            for line in run.stderr:
                if " eccentricity:" in line:
                    break
            end_s = time.monotonic() + 60
            while load_kg() < 10_000 and time.monotonic() < end_s:
                time.sleep(0.1)
            assert load_kg() > 10_000
            run.send_signal(signal.SIGINT)
            rest = run.stderr.read()
            assert run.wait(120) == 2, rest
        assert "safe state: platform empty, zero shown" in rest
        assert load_kg() == 0.0
    (bundle,) = (tmp_path / "out").glob("*.tar.gz")
    records, _ = evidence.unchained(evidence.unpack(bundle)[evidence.EVENTS])
    assert "certify.interrupted" in {record.kind for record in records}
