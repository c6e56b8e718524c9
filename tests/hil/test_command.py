"""`gatetwin certify` as a person uses it, and the emulator in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil import certify, cli, evidence, matrix
from hil.emulator import Emulator
from hil.errors import BenchError
from hil.kits.barrier import KIT
from twin.errors import UnknownName


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.certify, [str(argument) for argument in arguments])


def test_requirements(tmp_path: Path) -> None:
    """Each requirement is listed with clause, case and mutant."""
    done = call("requirements", "barrier", "--json")
    rows = json.loads(done.stdout)
    assert done.exit_code == 0
    assert len(rows) >= 30
    for row in rows:
        if row["level"] == "MUST" and not row["not_testable"]:
            assert row["case"], row["id"]
            assert row["mutant"], row["id"]
    assert "BAR-SAF-01" in call("requirements", "barrier").stdout


def test_init(tmp_path: Path) -> None:
    """`init` writes four files, says which, and what comes next."""
    done = call("init", "barrier", "--out", tmp_path / "b", "--profile", "remote-io")
    assert done.exit_code == 0
    *files, after = done.stdout.splitlines()
    assert len(files) == 4
    assert after.endswith(f"gatetwin certify barrier --bench {tmp_path / 'b/bench.toml'}")
    assert 'profile = "remote-io"' in (tmp_path / "b/pics.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["--emulated", "--bench", "x.toml"]])
def test_bench_or_emulated(arguments: list[str]) -> None:
    """One of the two must be said; the call is refused with 2."""
    done = call("barrier", *arguments)
    assert done.exit_code == 2
    assert "either --bench FILE or --emulated" in done.output


def test_a_mutant_is_known_and_emulated() -> None:
    """An unknown mutant is named at once; real hardware cannot be broken by an option."""
    done = call("light", "--emulated", "--mutant", "dim-gren")
    assert isinstance(done.exception, UnknownName)
    assert "did you mean 'dim-green'" in str(done.exception)
    done = call("light", "--bench", "bench.toml", "--mutant", "dim-green")
    assert done.exit_code == 2
    assert "only an emulated device" in done.output


def test_wrong_calls_are_refused_before_anything_moves(tmp_path: Path) -> None:
    """Unknown requirements and missing files are errors by name."""
    done = call("barrier", "--bench", tmp_path / "bench.toml", "--only", "BAR-MOT-0l")
    assert isinstance(done.exception, UnknownName)
    KIT.write_templates(tmp_path, "came-gard")
    (tmp_path / "pixit.toml").unlink()
    done = call("barrier", "--bench", tmp_path / "bench.toml")
    assert "there is no PIXIT file" in str(done.exception)


def test_matrix_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix prints every twin and exits 0 when each is as it should be."""
    monkeypatch.setattr(matrix, "names", lambda device: ["toggles", "short-reads"])
    done = call("matrix", "barrier", "--own", "--jobs", "1")
    assert done.exit_code == 0
    assert "toggles" in done.stdout
    assert "2 of 57 mutants killed" in done.stdout.replace(str(len(KIT.mutants)), "57")
    as_json = call("matrix", "barrier", "--own", "--jobs", "1", "--json")
    assert [row["kills"] for row in json.loads(as_json.stdout)["rows"]] == [
        "BAR-MOT-11", "BAR-WIR-02",
    ]  # fmt: skip


def test_matrix_command_complains(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that survives makes the exit code 1 and is named."""
    row = matrix.Row("m", "BAR-MOT-01", "d", {"BAR-MOT-01": "PASS"}, {"BAR-MOT-01": "fine"}, 1.0)
    monkeypatch.setattr(matrix, "matrix", lambda *_, **__: [row])
    done = call("matrix", "barrier")
    assert done.exit_code == 1
    assert "m: survives BAR-MOT-01" in done.stdout


@pytest.mark.slow
def test_health_check_tells_good_from_bad() -> None:
    """On a healthy computer the good emulator passes and each bad one fails its requirement."""
    found = certify.health_check(KIT)
    assert set(found.values()) == {"PASS", "FAIL"}
    assert sum(name.startswith("good") for name in found) == len(KIT.health)


def test_health_check_refuses_a_kit_that_cannot_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a known-bad emulator passes, nothing may be certified here."""
    monkeypatch.setattr(type(KIT), "health", ("zero-transaction",))
    good = matrix.row("zero-transaction", device="barrier", own=True)
    healed = matrix.Row(good.name, good.kills, "", {good.kills: "PASS"}, {}, 1.0)
    monkeypatch.setattr(matrix, "row", lambda name, device, own: healed)
    with pytest.raises(BenchError, match="zero-transaction is not failed by BAR-WIR-01, but PASS"):
        certify.health_check(KIT)


# ---------------------------------------------------------------- another process, as if hardware

SOME = ("BAR-WIR-08", "BAR-WIR-09", "BAR-MOT-01", "BAR-MOT-05", "BAR-DOC-03")
"""Requirements of each kind whose limits leave room for a busy machine."""


def only() -> list[str]:
    return [word for name in SOME for word in ("--only", name)]


@pytest.mark.slow
def test_an_emulator_in_another_process(tmp_path: Path) -> None:
    """The same suite runs over real TCP against a process that it shares nothing with."""
    done = call("barrier", "--emulated", "--speed", "3", "--no-health", "--json", "--out", tmp_path,
                *only())  # fmt: skip
    body = json.loads(done.stdout)
    verdicts = {row["requirement"]: row["verdict"] for row in body["results"]}
    assert {name: verdicts[name] for name in SOME} == dict.fromkeys(SOME, "PASS")
    assert done.exit_code == 2  # narrowed by --only: nothing is certified
    assert {check.state for check in evidence.verify(Path(body["bundle"]))} <= {"ok", "open"}


@pytest.mark.slow
def test_real_time(tmp_path: Path) -> None:
    """At speed 1 another event loop runs than at the others; a cut connection is survived."""
    wanted = ("BAR-WIR-16", "BAR-REC-07")
    done = call("barrier", "--emulated", "--no-health", "--json", "--out", tmp_path,
                *(word for name in wanted for word in ("--only", name)))  # fmt: skip
    body = json.loads(done.stdout)
    verdicts = {row["requirement"]: row["verdict"] for row in body["results"]}
    assert [verdicts[name] for name in wanted] == ["PASS", "PASS"]


@pytest.mark.covers
@pytest.mark.slow
def test_a_broken_emulator_in_another_process(tmp_path: Path) -> None:
    """A mutant behind real TCP fails its requirement, and the exit code is 1."""
    done = call("barrier", "--emulated", "--mutant", "short-reads", "--speed", "3", "--no-health",
                "--out", tmp_path, "--only", "BAR-WIR-02")  # fmt: skip
    assert done.exit_code == 1
    assert "NOT CERTIFIED" in done.stdout


@pytest.mark.slow
def test_ctrl_c_leaves_the_arm_up(tmp_path: Path) -> None:
    """SIGINT in the middle of a case: the arm goes up, the evidence is kept, the exit code is 2."""
    with Emulator("barrier", "came-gard", speed=4.0) as emulator:
        where = emulator.where
        bench = KIT.write_templates(tmp_path / "b", "came-gard", where)[0]
        main = "from twin.cli import main; main()"
        command = [sys.executable, "-c", main, "certify", "barrier", "--no-health",
                   "--only", "BAR-MOT-12", "--bench", str(bench),
                   "--out", str(tmp_path / "out")]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as run:  # fmt: skip
            assert run.stderr is not None
            for line in run.stderr:
                if " pulses:" in line:
                    break
            time.sleep(1.0)
            run.send_signal(signal.SIGINT)
            rest = run.stderr.read()
            assert run.wait(60) == 2, rest
        assert "safe state: arm up" in rest
        with urllib.request.urlopen(f"{where.control}/v1/angle", b"{}", timeout=5) as answer:
            assert json.load(answer)["angle_deg"] > 89.0
    (bundle,) = (tmp_path / "out").glob("*.tar.gz")
    records, _ = evidence.unchained(evidence.unpack(bundle)[evidence.EVENTS])
    assert "certify.interrupted" in {record.kind for record in records}


def test_an_emulator_that_cannot_start_says_why() -> None:
    """A wrong mutant is a bench error with the child's last words, not a hang."""
    with (
        pytest.raises(BenchError, match="unknown mutant 'no-such'"),
        Emulator("barrier", "came-gard", mutant="no-such"),
    ):
        pass
