"""Loads on mosquitto, in child processes: exit codes, TLS, Locust's workers."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests import cli
from loadtests.result import Recorder
from loadtests.tic40 import MESSAGE
from loadtests.vda5050 import ORDER, STATE
from tests.load import children
from tests.needs import system
from twin.brokers import mosquitto
from twin.brokers.certificates import Authority
from twin.brokers.mosquitto import Variant

SLO = """
version = 1
warm_up_s = 1.0
[generator]
lag_p99_s = 5.0   # the test machine may be busy; what is tested here is the decision
[[limit]]
name = "state"
p95_s = 0.6
error_rate = 0.0
"""


@pytest.fixture
def slo(tmp_path: Path) -> Path:
    system(mosquitto.binary(), "mosquitto is missing: install mosquitto")
    path = tmp_path / "slo.toml"
    path.write_text(SLO)
    return path


def freeze(port: int, at_s: float, for_s: float) -> threading.Timer:
    """Stop the mosquitto on `port` for a while; it is ours alone."""
    (pid,) = (
        int(found.name)
        for found in Path("/proc").iterdir()
        if found.name.isdigit() and _is_broker(found, port)
    )

    def stop() -> None:
        import os

        os.kill(pid, signal.SIGSTOP)
        back = threading.Timer(for_s, os.kill, (pid, signal.SIGCONT))
        back.start()

    timer = threading.Timer(at_s, stop)
    timer.start()
    return timer


def _is_broker(process: Path, port: int) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        config = Path(words[2].decode()) if len(words) > 2 else None
        return (
            b"mosquitto" in words[0] and config is not None
            and f"listener {port} " in config.read_text()
        )  # fmt: skip
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.skipif(sys.platform != "linux", reason="finds the broker's process in /proc")
@pytest.mark.parametrize(("freeze_s", "expected"), [(2.0, 99), (0.0, 0)])
def test_a_frozen_broker_exits_99_and_a_sound_one_0(
    slo: Path, freeze_s: float, expected: int
) -> None:
    """mosquitto stopped for 2 s breaches by its states; without it the same run passes."""
    with mosquitto.running() as port:
        timer = freeze(port, 2.5, freeze_s) if freeze_s else None
        got = CliRunner().invoke(
            cli.load,
            ["mqtt", "--target", f"127.0.0.1:{port}", "--vehicles", "20", "--duration", "6",
             "--timeout", "4", "--slo", str(slo), "--json"],
        )  # fmt: skip
        if timer is not None:
            timer.join()
    assert got.exit_code == expected, got.output
    state = json.loads(got.stdout)["names"][STATE]
    assert state["failures"] == {}
    assert (state["response_s"]["max"] > 1.5) is (expected == 99)


@pytest.mark.slow
@pytest.mark.system
def test_a_broker_with_tls_and_a_password_is_loaded_too(slo: Path, tmp_path: Path) -> None:
    """User, password and the authority's file are enough; the password is not printed."""
    authority = Authority(tmp_path)
    variant = Variant(users={"fleet": "s3cret"}, tls=(authority.issue("broker"), authority))
    with mosquitto.running(variant) as port:
        command = ["mqtt", "--target", f"mqtts://localhost:{port}", "--user", "fleet", "--vehicles",
                   "5", "--duration", "3", "--ca", str(authority.certificate)]  # fmt: skip
        got = CliRunner(env={"GATETWIN_MQTT_PASSWORD": "s3cret"}).invoke(cli.load, command)
        wrong = CliRunner(env={"GATETWIN_MQTT_PASSWORD": "other"}).invoke(cli.load, command)
    assert "inconclusive" in got.output or got.exit_code == 0, got.output
    assert "state" in got.output
    assert "missing" not in got.output
    assert wrong.exit_code == 1
    assert "refused" in wrong.output
    assert "s3cret" not in got.output + wrong.output


@pytest.mark.slow
@pytest.mark.system
def test_locusts_users_share_a_fleet_between_workers(slo: Path, tmp_path: Path) -> None:
    """Two Locust workers and their master: no state is lost, and the sum is judged."""
    slo.write_text(SLO.replace("p95_s = 0.6", "p50_s = 0.6"))
    out = tmp_path / "out"
    with mosquitto.running() as port:
        command = cli.locust_command(
            "mqtt", f"127.0.0.1:{port}", 20, 40, 6, slo=slo, out=out,
            extra=("--processes", "2", "--master-bind-port", str(mosquitto.free_port("127.0.0.1"))),
        )  # fmt: skip
        port_option = command[command.index("--master-bind-port") + 1]
        done = children.run([*command, "--master-port", port_option])
    assert done.returncode == 0, done.stdout + done.stderr
    got = Recorder.read(out)
    assert got.processes == 2
    assert got.total().failed == 0
    assert got.series[STATE].ok > 100
    assert got.series[ORDER].ok > 1


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.skipif(sys.platform != "linux", reason="finds the broker's process in /proc")
def test_a_frozen_broker_is_caught_by_locusts_vehicles(slo: Path, tmp_path: Path) -> None:
    """mosquitto stopped for 2 s: exit code 99 from when the states were due."""
    out = tmp_path / "out"
    with mosquitto.running() as port:
        command = cli.locust_command("mqtt", f"127.0.0.1:{port}", 10, 20, 7, slo=slo, out=out)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as locust:
            timer = freeze(port, 5.0, 2.0)
            said, _ = locust.communicate(timeout=children.DEADLINE_S)
        timer.join()
    assert locust.returncode == 99, said
    assert Recorder.read(out).series[STATE].response.max_s > 1.0


@pytest.mark.slow
@pytest.mark.system
def test_locusts_reefers_are_heard_and_leave_nothing(slo: Path, tmp_path: Path) -> None:
    """Every message comes back within the limit, and no retained one stays on the broker."""
    system(shutil.which("mosquitto_sub"), "mosquitto-clients is not installed")
    head, _, _ = SLO.partition("[[limit]]")
    limit = f'[[limit]]\nname = "{MESSAGE}"\np50_s = 0.6\nerror_rate = 0.0\n'
    slo.write_text(head + limit)
    out = tmp_path / "out"
    with mosquitto.running() as port:
        command = cli.locust_command("reefer", f"127.0.0.1:{port}", 10, 20, 5, slo=slo, out=out)
        done = children.run(command)
        left = children.run(
            ["mosquitto_sub", "-p", str(port), "-t", "terminal/#", "-W", "1", "--retained-only"]
        )
    assert done.returncode == 0, done.stdout + done.stderr
    got = Recorder.read(out)
    assert got.total().failed == 0
    assert got.series[MESSAGE].ok > 50
    assert left.stdout == ""
