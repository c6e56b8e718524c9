"""`python -m benchmarks`: what it finds, what it prints, when it fails, and that it always ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import benchmarks
from benchmarks import Ratio, Verdict, _machine, _runs
from benchmarks.__main__ import main
from benchmarks._machine import Machine, Neighbours

QUIET = Machine("Linux", "3.11", 2, others_share=0.0, jitter_ms=0.1)
LOUD = Machine("Linux", "3.11", 2, others_share=0.6, jitter_ms=4.0)

MODULES = {
    "held": """
from benchmarks import Ratio
def run(quick):
    yield Ratio("requests", 20_000.0, 10_000.0, "1/s", "the other server", limit=15_000.0)
""",
    "missed": """
from benchmarks import Ratio
def run(quick):
    yield Ratio("lateness", 2.0, 1.0, "ms", "bare loop", better="lower", ratio_limit=1.5)
""",
    "absent": """
from benchmarks import Skipped
def run(quick):
    raise Skipped("libmodbus is absent; install libmodbus-dev")
""",
    "broken": "def run(quick):\n    return 1 / 0\n",
    "endless": "import time\nLIMIT_S = 0.5\ndef run(quick):\n    time.sleep(600)\n",
    "dying": "import os\ndef run(quick):\n    os._exit(3)\n",
    "_helper": "raise RuntimeError('a helper is not a benchmark')\n",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Benchmark modules and a helper in place of the real ones, on a quiet machine."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(benchmarks, "__path__", [str(tmp_path), *benchmarks.__path__])
    monkeypatch.setattr(_runs.pkgutil, "iter_modules", lambda _: _found(tmp_path))
    monkeypatch.setattr("benchmarks.__main__.measure", lambda _: QUIET)
    monkeypatch.setattr(Neighbours, "share", lambda _: 0.0)
    yield
    for name in MODULES:
        sys.modules.pop(f"benchmarks.{name}", None)


def _found(folder: Path) -> Iterator[object]:
    for path in folder.glob("*.py"):
        yield type("Module", (), {"name": path.stem})


def invoke(*names: str, options: tuple[str, ...] = ()) -> Result:
    only = [argument for name in names for argument in ("--only", name)]
    return CliRunner().invoke(main, [*options, *only])


@pytest.mark.slow
def test_the_table_names_reference_ratio_bar_and_verdict(made: None) -> None:
    """A row has ours, the named reference, their ratio, the bar and whether it is met."""
    got = invoke("held", "missed", "absent")
    assert got.exit_code == 0, got.output
    for text in ("20,000 1/s", "10,000 1/s", "2×", "the other server", "≥ 15,000 1/s", "met"):
        assert text in got.stdout
    assert "≤ 1.5×" in got.stdout
    assert "libmodbus is absent" in got.stdout
    assert "1 of 2 bars met; 1 missed" in got.stdout


@pytest.mark.slow
def test_strict_fails_on_a_missed_bar_only(made: None) -> None:
    """`--strict` is for CI; without it a missed bar is shown and does not fail."""
    assert invoke("held", options=("--strict",)).exit_code == 0
    assert invoke("missed", options=("--strict",)).exit_code == 1
    assert invoke("missed").exit_code == 0


@pytest.mark.slow
def test_a_broken_benchmark_fails_the_run_but_not_the_others(made: None) -> None:
    """All of them run; one that raises, dies or never ends is named and sets the exit code."""
    began_s = time.monotonic()
    got = invoke()
    assert got.exit_code == 1
    assert "ZeroDivisionError" in got.stdout
    assert "ended without a result" in got.stdout
    assert "ended after its time limit of 0.5 s" in got.stdout
    assert "20,000 1/s" in got.stdout
    assert time.monotonic() - began_s < 120


@pytest.mark.slow
def test_a_busy_machine_judges_no_missed_bar(made: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missed bar is then `busy`, which the closing line explains and --strict exits 3 on."""
    monkeypatch.setattr("benchmarks.__main__.measure", lambda _: LOUD)
    got = invoke("held", "missed", options=("--strict",))
    assert got.exit_code == 3, got.output
    assert "too busy to judge" in got.stderr
    assert "1 of 2 bars met; 1 not judged" in got.stdout


@pytest.mark.slow
def test_json_has_the_same_figures(made: None) -> None:
    """`--json` gives every figure with its ratio and verdict, and the machine."""
    data = json.loads(invoke("held", "absent", options=("--json",)).stdout)
    held, absent = data["benchmarks"]
    assert held["ratios"][0]["ratio"] == 2.0
    assert held["ratios"][0]["verdict"] == "met"
    assert absent["skipped"].startswith("libmodbus")
    assert data["machine"]["busy"] is False


def test_an_unknown_name_is_refused_with_the_known_ones(made: None) -> None:
    """A misspelt benchmark is not silently nothing."""
    got = invoke("hled")
    assert got.exit_code == 2
    assert "known: absent, broken, dying, endless, held, missed" in got.stderr


@pytest.mark.parametrize(
    ("ratio", "held"),
    [
        (Ratio("n", 1, 2, "s", "r"), None),
        (Ratio("n", 1, 2, "s", "r", limit=1), True),
        (Ratio("n", 1, 2, "s", "r", limit=1, ratio_limit=0.6), False),
        (Ratio("n", 1, 2, "s", "r", better="lower", ratio_limit=0.5), True),
        (Ratio("n", 1, 2, "s", "r", better="lower", limit=0.9), False),
    ],
)
def test_a_bar_is_held_at_its_value(ratio: Ratio, held: bool | None) -> None:
    """Bars are closed, every one counts, and without one there is no verdict."""
    assert ratio.held is held


@pytest.mark.parametrize(
    ("ratio", "busy", "verdict"),
    [
        (Ratio("n", 1, 2, "s", "r"), True, Verdict.NO_BAR),
        (Ratio("n", 1, 2, "s", "r", limit=1), True, Verdict.MET),
        (Ratio("n", 1, 2, "s", "r", limit=3), False, Verdict.MISSED),
        (Ratio("n", 1, 2, "s", "r", limit=3), True, Verdict.BUSY),
        (Ratio("n", 1, 2, "s", "r", limit=3, counted=True), True, Verdict.MISSED),
        (Ratio("n", 5, 2, "s", "r", better="lower", limit=3), False, Verdict.MISSED),
        (Ratio("n", 5, 4, "s", "r", better="lower", limit=3), False, Verdict.MISSED),
        (Ratio("n", 5, 4, "s", "r", better="lower", limit=3, floor=True), False, Verdict.BUSY),
        (Ratio("n", 5, 2, "s", "r", better="lower", limit=3, floor=True), False, Verdict.MISSED),
    ],
)
def test_only_time_on_a_quiet_machine_is_held_against_us(
    ratio: Ratio, busy: bool, verdict: Verdict
) -> None:
    """Neighbours excuse a missed time, and so does a floor beyond the bar."""
    assert ratio.verdict(busy=busy) is verdict


def test_our_own_work_is_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's busy time minus that of ourselves and our children, over all its cores."""
    looks = iter([(0.0, 100.0, 10.0), (10.0, 112.0, 17.0), (20.0, 112.0, 18.0)])
    monkeypatch.setattr(Neighbours, "_look", staticmethod(lambda: next(looks)))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    neighbours = Neighbours()
    assert neighbours.share() == pytest.approx((12 - 7) / 20)
    assert neighbours.share() == 0.0, "ticks of the kernel's clocks may differ; never below 0"


@pytest.mark.slow
def test_a_neighbour_is_seen() -> None:
    """A process that nobody of us has waited for counts as somebody else's."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        neighbours = Neighbours()
        time.sleep(1.0)
        share = neighbours.share()
        other.kill()
    assert share > 0.2 / (os.cpu_count() or 1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_told_to_end_it_prints_what_it_has() -> None:
    """A time limit from outside still gets a table, and leaves no child behind."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--only", "trace_record", "--only", "demo_day"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(benchmarks.__file__).parent.parent,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "demo_day" in line:
                break
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a trace record on the hot path" in out
    assert "broken off after 1 of 2 benchmarks" in out


def test_the_real_benchmarks_are_found() -> None:
    """What the issue's bars need is there."""
    wanted = {"arm", "clock_tick", "demo_day", "lane_machine", "modbus", "trace_record"}
    assert wanted <= set(_runs.discover())


def test_all_limits_together_are_bounded() -> None:
    """The usual times fit in four minutes, and each has a limit beyond its usual time."""
    times = [_runs.times_s(name) for name in _runs.discover()]
    assert sum(usual for usual, _ in times) <= 240
    assert all(limit > usual for usual, limit in times)


def test_the_machine_says_whether_it_is_quiet() -> None:
    """One line names cores, neighbours and jitter, and the word that follows from them."""
    assert str(QUIET).endswith("quiet")
    assert str(LOUD).endswith("too busy to judge a missed bar")
    assert _machine.measure(0.1).jitter_ms > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["clock_tick", "engine_tick", "trace_record", "virtual_loop", "lane_machine"]
)
def test_a_smoke_run_gives_positive_ratios(name: str) -> None:
    """The benchmarks of clock, trace and lane run to their end and measure something."""
    got = invoke(name, options=("--quick", "--json"))
    assert got.exit_code == 0, got.output
    (entry,) = json.loads(got.stdout)["benchmarks"]
    assert entry["ratios"]
    assert all(row["ours"] > 0 and row["reference"] > 0 for row in entry["ratios"])
