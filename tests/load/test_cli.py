"""`gatetwin load`: exit codes, JSON and errors as a person or a CI job meets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loadtests import cli, cli_run
from tests.load import children

SLO = """
version = 1
warm_up_s = 0.5
[generator]
lag_p99_s = 5.0   # the test machine may be busy; what is tested here is the decision
[[limit]]
name = "*"
p99_s = 1.0
error_rate = 0.0
"""


@pytest.fixture
def slo(tmp_path: Path) -> Path:
    path = tmp_path / "slo.toml"
    path.write_text(SLO)
    return path


def invoke(*args: object) -> Result:
    return CliRunner().invoke(cli.load, [str(arg) for arg in args])


@pytest.mark.slow
def test_a_frozen_server_exits_99_and_shows_both_times(tmp_path: Path, slo: Path) -> None:
    """A server frozen for 2 s is caught from the intended start; most service times are fine."""
    out = tmp_path / "out"
    with children.server("modbus", 1.5, 2.0) as port:
        got = invoke(
            "modbus", "--target", f"127.0.0.1:{port}", "--rate", 100, "--duration", 5,
            "--shape", "constant", "--connections", 1, "--slo", slo, "--out", out, "--json",
        )  # fmt: skip
    assert got.exit_code == 99, got.output
    data = json.loads(got.stdout)
    times = data["names"]["modbus holding 100+2"]
    assert times["response_s"]["p99"] > 1.5
    assert times["service_s"]["p99"] < 1.0
    assert data["outcome"] == "breach"
    assert sorted(file.name for file in out.iterdir()) == [
        "junit.xml", "report.html", "result.json", "verdict.json",
    ]  # fmt: skip

    # The same result holds against a looser limit, and against none.
    loose = tmp_path / "loose.toml"
    loose.write_text(SLO.replace("p99_s = 1.0", "p99_s = 30.0"))
    again = invoke("judge", out, "--slo", loose)
    assert (again.exit_code, "pass: all 4 limits held" in again.stdout) == (0, True), again.output
    assert invoke("judge", out / "result.json", "--slo", slo).exit_code == 99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options", "name", "limit"),
    [
        ("scale", ("toledo", "--frames-per-s", 10, "--rate", 1), "frame", "p95_s = 0.5"),
        ("camera", ("isapi", "--rate", 60, "--shape", "constant"), "picture", "p95_s = 0.5"),
    ],
)
def test_a_frozen_stream_exits_99_and_a_sound_one_0(
    tmp_path: Path, kind: str, options: tuple[object, ...], name: str, limit: str
) -> None:
    """Frozen for 2 s, a scale and a camera breach; without a freeze the same run passes."""
    path = tmp_path / "slo.toml"
    path.write_text(
        f'version = 1\n[generator]\nlag_p99_s = 5.0\n[[limit]]\nname = "{name}"\n{limit}\n'
    )
    for freeze_s, expected in ((2.0, 99), (0.0, 0)):
        with children.server(kind, 1.5, freeze_s) as port:
            got = invoke(
                *options, "--target", f"127.0.0.1:{port}", "--duration", 5, "--slo", path, "--json"
            )
        assert got.exit_code == expected, got.output
        times = json.loads(got.stdout)["names"][name]["response_s"]
        assert (times["max"] > 1.0) is (expected == 99)


@pytest.mark.slow
def test_a_healthy_rest_service_passes(slo: Path) -> None:
    """The service's own list of declarations is used, and every answer is a right one."""
    with children.server("http") as port:
        got = invoke(
            "rest", "--target", f"http://127.0.0.1:{port}/v1", "--token", "t", "--rate", 150,
            "--duration", 2, "--shape", "convoy", "--seed", 3, "--slo", slo,
        )  # fmt: skip
    assert got.exit_code == 0, got.output
    assert "gate decision" in got.stdout
    assert "POST /v1/releases" in got.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("modbus", "--target", "127.0.0.1:1", "--duration", "1"), "no connection in"),
        (("modbus", "--target", "127.0.0.1"), "no connection in"),
        (("modbus", "--target", "host:http"), "expected HOST:PORT"),
        (("modbus", "--target", "h:1", "--read", "holding:x"), "TABLE:ADDRESS"),
        (("modbus", "--target", "h:1", "--read", "input:0:126"), "count 1 to 125"),
        (("modbus", "--target", "h:1", "--rate", "0"), "must be above 0"),
        (("modbus", "--target", "h:1", "--shape", "sine"), "Invalid value for '--shape'"),
        (("modbus",), "give --target, or --endpoints together with --device"),
        (("modbus", "--target", "h:1", "--device", "d"), "give --target, or --endpoints"),
        (("modbus", "--endpoints", "/nowhere.json", "--device", "d"), "cannot be read"),
        (("rest",), "give --target, or --endpoints"),
        (("rest", "--endpoints", "/nowhere.json"), "cannot be read"),
        (("modbus", "--target", "h:1", "--slo", "/nowhere.toml"), "cannot be read"),
        (("rest", "--target", "127.0.0.1:1"), "no answer"),
        (("rest", "--target", "h:1", "--trucks", "/nowhere.json"), "cannot be read"),
        (("isapi",), "give --target, or --endpoints together with --device"),
        (("isapi", "--target", "127.0.0.1:1"), "no answer"),
        (("isapi", "--target", "h:1", "--subscribers", "0"), "needs a subscriber"),
        (("isapi", "--endpoints", "/nowhere.json", "--device", "d"), "cannot be read"),
        (("toledo",), "give --target, or --endpoints together with --device"),
        (("toledo", "--target", "127.0.0.1:1"), "no connection in"),
        (("toledo", "--target", "h:1", "--frames-per-s", "0"), "must be 0.1 to 1000"),
        (("judge", str(Path(__file__).parent)), "cannot be read"),
        (("fly",), "No such command"),
    ],
)
def test_a_harness_error_exits_1_with_a_sentence(args: tuple[str, ...], message: str) -> None:
    """Wrong usage and unreachable targets are the harness's, never a verdict."""
    got = invoke(*args)
    assert got.exit_code == 1
    assert message in got.stderr


def wire_list(port: int, **changes: object) -> dict[str, object]:
    points = {
        "gate_status": {"table": "holding", "address": 100, "encoding": "u16", "access": "r"},
        "hours": {"table": "holding", "address": 104, "encoding": "u32", "access": "rw"},
        "open": {"table": "coil", "address": 1, "encoding": "bit", "access": "w"},
    }
    barrier = {"id": "in-1.barrier", "protocol": "modbus-tcp", "host": "127.0.0.1"}
    barrier |= {"port": port, "unit": 1, "points": points}
    scale = {"id": "in-1.scale", "protocol": "mettler-toledo-continuous"}
    lane = {"id": "in-1", "direction": "in", "barrier": barrier, "scale": scale}
    return {"version": 1, "lanes": [lane], "services": {}} | changes


@pytest.mark.slow
def test_points_of_a_wire_list_are_polled_by_name(tmp_path: Path) -> None:
    """With the gate's own wire list, devices and points are named instead of addresses."""
    path = tmp_path / "endpoints.json"
    with children.server("modbus") as port:
        path.write_text(json.dumps(wire_list(port)))
        common = ("--endpoints", path, "--device", "in-1.barrier", "--rate", 50, "--duration", 0.3)
        every = json.loads(invoke("modbus", *common, "--json").stdout)
        one = json.loads(invoke("modbus", *common, "--read", "hours", "--json").stdout)
        mixed = invoke("modbus", *common, "--read", "hours", "--read", "input:5", "--json")
    assert set(every["names"]) == {"in-1.barrier gate_status", "in-1.barrier hours"}
    assert set(one["names"]) == {"in-1.barrier hours"}
    assert set(json.loads(mixed.stdout)["names"]) == {"in-1.barrier hours", "modbus input 5+1"}


@pytest.mark.parametrize(
    ("args", "changes", "message"),
    [
        (("modbus", "--device", "in-1.bar"), {}, "did you mean 'in-1.barrier'?"),
        (("modbus", "--device", "in-1.scale"), {}, "speaks mettler-toledo-continuous"),
        (("modbus", "--device", "in-1.barrier", "--read", "open"), {}, "Known: gate_status, hours"),
        (("modbus", "--device", "in-1.barrier"), {"version": 2}, "this version reads 1"),
        (("rest",), {}, "lists no service `customs`"),
    ],
)
def test_a_name_that_the_wire_list_has_not_is_refused(
    tmp_path: Path, args: tuple[str, ...], changes: dict[str, object], message: str
) -> None:
    """Wrong device, protocol, point or version: the message names what there is."""
    path = tmp_path / "endpoints.json"
    path.write_text(json.dumps(wire_list(1, **changes)))
    got = invoke(*args, "--endpoints", path)
    assert got.exit_code == 1
    assert message in got.stderr


def test_a_warm_up_longer_than_the_run_is_refused(slo: Path) -> None:
    """Nothing would be measured, so nothing is sent."""
    got = invoke("modbus", "--target", "h:1", "--duration", "0.1", "--slo", slo)
    assert got.exit_code == 1
    assert "nothing would be measured" in got.stderr


def test_locust_is_printed_for_those_who_start_it_themselves(slo: Path) -> None:
    """`--print` shows the whole command, with what follows `--` untouched."""
    got = invoke(
        "locust", "modbus", "--target", "h:502", "--users", 10, "--rate", 50, "--slo", slo,
        "--print", "--", "--processes", 4,
    )  # fmt: skip
    assert got.exit_code == 0, got.output
    for part in (
        "-m locust -f", "locust_users.py ModbusPoller", "--host h:502", "--rate-per-user 5",
        "--users 10", f"--slo {slo}", "--processes 4",
    ):  # fmt: skip
        assert part in got.stdout


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the command explains itself."""
    monkeypatch.setattr(cli_run.importlib.util, "find_spec", lambda _: None)
    for args in (("modbus", "--target", "h:1"), ("locust", "rest", "--target", "h:1")):
        got = invoke(*args)
        assert got.exit_code == 1
        assert "next: pip install 'gatetwin[load]'" in got.stderr


@pytest.mark.slow
def test_help_works_without_the_extra() -> None:
    """The command can be read before anything of the extra is installed."""
    code = (
        "import sys; sys.modules.update(hdrh=None, locust=None); "
        "from loadtests.cli import load; load(['--help'])"
    )
    done = children.run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    assert "Exit codes: 0 every limit held" in done.stdout
