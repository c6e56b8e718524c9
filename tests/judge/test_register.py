"""The register, its words and its page agree."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from tests.judge.stories import honest
from twin.judge import REGISTRY, SOMETIMES, judge, words
from twin.judge.bridge import BRIDGE
from twin.judge.chain import CHAIN
from twin.judge.docs import invariants_page
from twin.trace import Trace, read_trace

ROOT = Path(__file__).parents[2]


def test_page_is_made_from_the_register() -> None:
    """docs/invariants.md is what the register says today."""
    page = (ROOT / "docs" / "invariants.md").read_text(encoding="utf-8")
    assert page == invariants_page(), "run: python -m twin.judge.docs > docs/invariants.md"


def test_everything_has_words_and_no_word_is_left_over() -> None:
    """Each rule, breach and property has its three texts, and no text is without its use."""
    rules, breaches, sometimes = words.known()
    assert rules == set(REGISTRY) | set(BRIDGE) | set(CHAIN)
    assert sometimes == set(SOMETIMES)
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "twin" / "judge").glob("*.py")
    )
    for code in breaches:
        stem = re.sub(r"(no_motion|passed)_.*", r"\1_", code)
        assert f'"{stem}' in source or f'f"{stem}' in source, code


@pytest.mark.parametrize("code", sorted(words.known()[1]))
def test_a_breach_names_the_same_things_in_each_language(code: str) -> None:
    """No language leaves out a value that another one gives."""
    named = {
        language: {
            field
            for _, field, _, _ in string.Formatter().parse(words.breach(code, language))
            if field
        }
        for language in words.LANGUAGES
    }
    assert len(set(map(frozenset, named.values()))) == 1
    assert named["en"]


def test_a_judgement_reads_as_plain_json() -> None:
    """The verdicts carry ids, states, counts, and each violation with its sentence and evidence."""
    tape = honest()
    tape.drop("partner.release", declaration="D-A")
    judgement = judge(tape.records())
    plain = judgement.as_dict()
    assert plain["held"] is False
    first = plain["invariants"][0]
    assert (first["id"], first["state"]) == ("LANE-01", "broken")
    assert "A passed lane in-1" in first["violations"][0]["text"]
    assert "LANE-01" not in judgement.kept
    records = tape.records()
    crossing = records[first["violations"][0]["records"][0]]
    assert crossing.kind == "vehicle.crossed"
    assert {seen["id"] for seen in plain["sometimes"]} == set(SOMETIMES)


def test_sometimes_are_counted() -> None:
    """What happened in the run is seen, with its first instant; what did not is not."""
    tape = honest()
    tape.read(101, "B", plate="14C-8")
    seen = {found.id: found for found in judge(tape.records()).sometimes}
    assert seen["tail_gater"].count == 1
    assert seen["misread"].first_s == 101.0
    assert seen["late_preclearance"].seen
    assert seen["fault_healed"].count == 1
    assert not seen["revoked"].seen
    assert seen["revoked"].first_s is None


def test_a_live_trace_and_its_copy_are_judged_alike(tmp_path: Path) -> None:
    """Verdicts do not depend on whether the trace comes from memory or from a file."""
    trace = Trace()
    for record in honest().records():
        trace(record.source, record.kind, cause=record.cause, **record.payload)
    path = tmp_path / "trace.parquet"
    trace.write(path)
    assert judge(trace.records()).as_dict() == judge(read_trace(path)).as_dict()
