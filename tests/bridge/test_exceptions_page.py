"""docs/exceptions.md: every exception of the list has its row, and what the row names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("asyncua")

from fixtures.chain_mutants import CHAIN_CAUGHT_BY
from fixtures.fleet_cold_mutants import COLD_CAUGHT_BY
from fixtures.fleet_exception_mutants import EXCEPTION_CAUGHT_BY
from fixtures.fleet_mutants import FLEET_CAUGHT_BY
from fixtures.stack_mutants import CAUGHT_BY
from twin.judge import REGISTRY
from twin.judge.bridge import BRIDGE
from twin.judge.chain import CHAIN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exceptions.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines()
        if re.match(r"\| E\d", line)]  # fmt: skip


def test_every_exception_of_the_list_has_one_row() -> None:
    """E1 to E24, in order; each is played and judged, or the row says why not."""
    assert [row[0] for row in ROWS] == [f"E{number}" for number in range(1, 25)]
    for number, _, scenarios, follows, rules, tests in ROWS:
        if scenarios == "–":
            assert "not in this version" in follows or "a matter of load" in follows, number
        else:
            assert "–" not in (follows, rules, tests), number


def test_what_the_rows_name_is_there() -> None:
    """Scenario files, rules and tests exist; a scenario's test reads its file."""
    known = {*REGISTRY, *BRIDGE, *CHAIN}
    for number, _, scenarios, _, rules, tests in ROWS:
        texts = [(ROOT / path).read_text(encoding="utf-8") for path in re.findall("`(.+?)`", tests)]
        for name in re.findall("`(.+?)`", scenarios):
            assert (ROOT / "examples" / f"{name}.toml").is_file(), name
            wanted = "chain-*.toml" if name.startswith("chain-") else name
            assert any(wanted in text for text in texts), f"{number}: nothing plays {name}"
        for rule in rules.split(", ") if rules != "–" else ():
            assert rule in known, rule


def test_every_rule_of_the_page_has_caught_something() -> None:
    """Each rule that a row names has a mutant, or is held against doctored facts."""
    mutants = {
        *FLEET_CAUGHT_BY.values(), *COLD_CAUGHT_BY.values(), *EXCEPTION_CAUGHT_BY.values(),
        *CHAIN_CAUGHT_BY.values(), *CAUGHT_BY.values(),
    }  # fmt: skip
    doctored = {"BRIDGE-05", "BRIDGE-06", "BRIDGE-09", "BRIDGE-12", "BRIDGE-14"}
    named = {rule for row in ROWS for rule in row[4].split(", ") if rule != "–"}
    assert named - mutants - doctored == set()


def test_every_scenario_is_on_the_page() -> None:
    """No file of `examples/` plays something that the page does not tell of."""
    files = [path.stem for kind in ("bridge", "chain") for path in
             (ROOT / "examples").glob(f"{kind}-*.toml")]  # fmt: skip
    assert [name for name in sorted(files) if f"`{name}`" not in PAGE] == []
