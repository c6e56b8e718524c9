"""`python -m benchmarks`: what it finds, what it prints and when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import benchmarks
from benchmarks import Ratio
from benchmarks.__main__ import discover, main

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
    "_helper": "raise RuntimeError('a helper is not a benchmark')\n",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four benchmark modules and a helper in place of the real ones."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(benchmarks, "__path__", [str(tmp_path)])


def invoke(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def test_the_table_names_reference_ratio_and_bar(made: None) -> None:
    """A row has ours, the named reference, their ratio and whether the bar is held."""
    got = invoke("held", "missed", "absent")
    assert got.exit_code == 0, got.output
    for text in ("20,000 1/s", "10,000 1/s", "2×", "the other server", "≥ 15,000 1/s held"):
        assert text in got.stdout
    assert "≤ 1.5× missed" in got.stdout
    assert "libmodbus is absent" in got.stdout


def test_strict_fails_on_a_missed_bar_only(made: None) -> None:
    """`--strict` is for CI; without it a missed bar is shown and does not fail."""
    assert invoke("--strict", "held").exit_code == 0
    assert invoke("--strict", "missed").exit_code == 1
    assert invoke("missed").exit_code == 0


def test_a_broken_benchmark_fails_the_run_but_not_the_others(made: None) -> None:
    """All of them run; the broken one is named and sets the exit code."""
    got = invoke()
    assert got.exit_code == 1
    assert "ZeroDivisionError" in got.stdout
    assert "20,000 1/s" in got.stdout


def test_json_has_the_same_figures(made: None) -> None:
    """`--json` gives every figure with its ratio, and the machine."""
    data = json.loads(invoke("--json", "held", "absent").stdout)
    held, absent = data["benchmarks"]
    assert held["ratios"][0]["ratio"] == 2.0
    assert held["ratios"][0]["held"] is True
    assert absent["skipped"].startswith("libmodbus")
    assert data["machine"]["cpus"] >= 1


def test_an_unknown_name_is_refused_with_the_known_ones(made: None) -> None:
    """A misspelt benchmark is not silently nothing."""
    got = invoke("hled")
    assert got.exit_code == 2
    assert "known: absent, broken, held, missed" in got.stderr


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


def test_the_real_benchmarks_are_found() -> None:
    """What the issue's bars need is there."""
    assert {"clock_tick", "modbus", "trace_record", "virtual_loop"} <= set(discover())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clock_tick", "trace_record", "virtual_loop"])
def test_a_smoke_run_gives_positive_ratios(name: str) -> None:
    """The benchmarks of clock and trace run to their end and measure something."""
    got = invoke("--quick", "--json", name)
    assert got.exit_code == 0, got.stdout
    (entry,) = json.loads(got.stdout)["benchmarks"]
    assert entry["ratios"]
    assert all(row["ours"] > 0 and row["reference"] > 0 for row in entry["ratios"])
