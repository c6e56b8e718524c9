"""Our users and hooks inside Locust, in child processes: Locust patches the standard library."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.cli import locust_command
from loadtests.histogram import Latencies
from loadtests.result import Recorder
from tests.load import children

pytestmark = pytest.mark.slow

# The machine of the test may be busy for a second: what is tested here is the decision, so the
# generator's own limits are wide, its start is cut, and the freeze is twice the limit.
SLO = """
version = 1
warm_up_s = 1.0
[generator]
lag_p99_s = 5.0
[[limit]]
name = "*"
p99_s = 1.0
error_rate = 0.0
"""

LAX = SLO.replace("p99_s = 1.0", "p99_s = 30.0")
"""For tests of anything but time."""


@pytest.fixture
def slo(tmp_path: Path) -> Path:
    path = tmp_path / "slo.toml"
    path.write_text(SLO)
    return path


@pytest.fixture
def lax(tmp_path: Path) -> Path:
    path = tmp_path / "lax.toml"
    path.write_text(LAX)
    return path


def locust_p99_ms(stdout: str) -> float:
    """Locust's own 99th percentile, from what `--json` prints."""
    stats = json.loads(stdout[stdout.index("[\n") :])
    (entry,) = stats
    seen = 0
    for ms, count in sorted((float(ms), n) for ms, n in entry["response_times"].items()):
        seen += count
        if seen >= 0.99 * entry["num_requests"]:
            return ms
    raise AssertionError("no requests")


def test_the_frozen_server_is_caught_and_locust_alone_would_miss_it(
    tmp_path: Path, slo: Path
) -> None:
    """A 2 s freeze: our gate exits 99, while Locust's own p99 stays below the same limit."""
    out = tmp_path / "out"
    with children.server("modbus", 2.5, 2.0) as port:
        done = children.run(
            locust_command(
                "modbus", f"127.0.0.1:{port}", 4, 200, 8, slo=slo, out=out, extra=("--json",)
            )
        )
    assert done.returncode == 99, done.stdout + done.stderr
    series = Recorder.read(out).series["modbus holding 100+2"]
    ours_ms, theirs_ms = series.response.percentile_s(99) * 1000, locust_p99_ms(done.stdout)
    print(
        f"p99 of the same run: from the intended start {ours_ms:.0f} ms, Locust {theirs_ms:.0f} ms"
    )
    assert ours_ms > 1500
    assert theirs_ms < 1000


def test_a_healthy_server_passes(tmp_path: Path, slo: Path) -> None:
    """Without a freeze the same run passes: the gate can do both."""
    with children.server("modbus") as port:
        done = children.run(
            locust_command("modbus", f"127.0.0.1:{port}", 4, 200, 3, slo=slo, out=tmp_path)
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rest_user_speaks_rest_v1(tmp_path: Path, lax: Path) -> None:
    """Decisions, records, lookups and alarms are all answered well by the service."""
    with children.server("http") as port:
        command = locust_command(
            "rest", f"http://127.0.0.1:{port}/v1", 4, 100, 3, slo=lax, out=tmp_path
        )
        done = children.run(command, GATETWIN_TOKEN="secret")
    assert done.returncode == 0, done.stdout + done.stderr
    recorder = Recorder.read(tmp_path)
    assert recorder.total().failed == 0
    assert {"gate decision", "gate record", "POST /v1/releases"} <= set(recorder.series)
    assert recorder.series["POST /v1/releases"].step
    assert recorder.series["gate decision"].count == recorder.series["POST /v1/releases"].count


@pytest.mark.parametrize(
    ("server", "kind", "names"),
    [
        ("camera", "isapi", {"picture", "event delay"}),
        ("scale", "toledo", {"frame"}),
    ],
)
def test_the_stream_users_listen(
    tmp_path: Path, lax: Path, server: str, kind: str, names: set[str]
) -> None:
    """Pictures and an alert stream, or frames, of each user: all well, with the right names."""
    lax.write_text(LAX.replace("\np99_s", "\np95_s"))
    with children.server(server) as port:
        done = children.run(
            locust_command(
                kind, f"127.0.0.1:{port}", 3, 60, 4, slo=lax, out=tmp_path,
                extra=("--frames-per-s", "10"),
            )
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    recorder = Recorder.read(tmp_path)
    assert names <= set(recorder.series)
    assert recorder.total().failed == 0
    if kind == "toledo":
        frame = recorder.series["frame"]
        assert frame.ok == pytest.approx(3 * 3 * 10, rel=0.2)
        assert frame.service.percentile_s(50) == pytest.approx(0.1, abs=0.05)
        assert frame.response.percentile_s(50) < 0.05


def test_a_frozen_scale_is_caught_by_the_stream_user(tmp_path: Path) -> None:
    """Two seconds without frames: exit code 99 from the frames that were due."""
    path = tmp_path / "slo.toml"
    path.write_text(LAX.replace("p99_s = 30.0", "p95_s = 0.5").replace("error_rate = 0.0", ""))
    with children.server("scale", 2.0, 2.0) as port:
        done = children.run(
            locust_command(
                "toledo", f"127.0.0.1:{port}", 2, 20, 7, slo=path, out=tmp_path,
                extra=("--frames-per-s", "10"),
            )
        )  # fmt: skip
    assert done.returncode == 99, done.stdout + done.stderr
    assert Recorder.read(tmp_path).series["frame"].failures["missing"] > 10


def test_master_and_two_workers_add_up(tmp_path: Path, lax: Path) -> None:
    """The master's merged histogram is exactly the sum of what the two workers measured."""
    lax.write_text(LAX.replace("warm_up_s = 1.0", "warm_up_s = 0.0"))  # the sum is of everything
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        master_port = str(free.getsockname()[1])
    parts, out = tmp_path / "parts", tmp_path / "out"
    parts.mkdir()
    env = {**os.environ, "LOAD_PARTS": str(parts)}
    users = Path(__file__).with_name("locustfile_parts.py")
    with children.server("modbus") as port:
        target = f"127.0.0.1:{port}"
        master = locust_command(
            "modbus",
            target,
            4,
            200,
            3,
            slo=lax,
            out=out,
            extra=(
                *("--master", "--expect-workers", "2", "--expect-workers-max-wait", "30"),
                *("--master-bind-host", "127.0.0.1", "--master-bind-port", master_port),
            ),
        )
        worker = locust_command(
            "modbus",
            target,
            4,
            200,
            3,
            extra=("--worker", "--master-host", "127.0.0.1", "--master-port", master_port),
        )
        processes = []
        for command in (master, worker, worker):
            command[command.index("-f") + 1] = str(users)
            processes.append(
                subprocess.Popen(
                    command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            )
        try:
            said = [process.communicate(timeout=children.DEADLINE_S)[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
    assert processes[0].returncode == 0, said
    files = list(parts.iterdir())
    assert len(files) == 2
    expected = Latencies()
    for file in files:
        expected.merge(Latencies([ms / 1000 for ms in json.loads(file.read_text())]))
    merged = Recorder.read(out)
    assert merged.processes == 2
    service = merged.series["modbus holding 100+2"].service
    assert service.count == expected.count > 300
    # Each process turns start and end into a difference again: a microsecond of rounding.
    assert service.sum_us == pytest.approx(expected.sum_us, abs=expected.count)
    for percent in (50, 90, 99, 100):
        assert service.percentile_s(percent) == pytest.approx(
            expected.percentile_s(percent), rel=0.002, abs=2e-6
        )


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--slo", "/nowhere/slo.toml"), "cannot be read"),
        (("--read", "holdin:1:1"), "unknown table 'holdin'"),
    ],
)
def test_a_wrong_option_ends_the_run_before_it_starts(extra: tuple[str, ...], message: str) -> None:
    """A harness error inside Locust is exit code 1 and a sentence."""
    done = children.run(locust_command("modbus", "127.0.0.1:9", 1, 1, 1, extra=extra))
    assert done.returncode == 1
    assert message in done.stdout


def test_the_abort_rule_ends_locust_early(tmp_path: Path) -> None:
    """With nobody at the target the run ends long before its time, as a breach."""
    path = tmp_path / "slo.toml"
    path.write_text(SLO + "[abort]\nerror_rate = 0.5\nwindow_s = 2.0\n")
    command = locust_command("modbus", "127.0.0.1:1", 2, 50, 55, slo=path, out=tmp_path / "out")
    done = children.run(command)
    assert done.returncode == 99, done.stdout + done.stderr
    assert "arrivals of the last 2 s failed" in Recorder.read(tmp_path / "out").info.aborted


def test_locust_is_never_imported_beside_asyncio() -> None:
    """Importing the command does not import Locust, which would patch this very process."""
    modules = "sys, loadtests.cli, loadtests.rest, loadtests.modbus"
    code = f"import {modules}; print('locust' in sys.modules)"
    assert children.run([sys.executable, "-c", code]).stdout.strip() == "False"
