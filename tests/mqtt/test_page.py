"""The page and the list of clauses say what the code and the tests do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.mqtt.behaviour import DIFFERENT
from twin.wires.mqtt.clauses import CLAUSES
from twin.wires.mqtt.page import text

ROOT = Path(__file__).parents[2]


def named(paths: Iterable[Path]) -> set[str]:
    return {
        clause
        for path in paths
        for clause in re.findall(r"MQTT-\d\.\d+\.\d+-\d+", path.read_text(encoding="utf-8"))
    }


def test_the_page_is_what_the_generator_writes() -> None:
    """`python -m twin.wires.mqtt.page` has been run."""
    assert (ROOT / "docs/wires/mqtt.md").read_text(encoding="utf-8") == text()


def test_every_clause_is_in_the_list_and_every_one_listed_is_tested() -> None:
    """The code names no clause that is not listed; no clause is listed without a test."""
    code = named((ROOT / "twin/wires/mqtt").glob("*.py"))
    tests = named((ROOT / "tests/mqtt").glob("*.py"))
    assert code - set(CLAUSES) == set()
    assert set(CLAUSES) - tests == set()
    assert tests - set(CLAUSES) == set()


def test_the_page_counts_the_differences_from_mosquitto() -> None:
    """Five rows, as the page says."""
    assert len(DIFFERENT) == 5
    assert "it differs in five rows" in text()
