"""The requirement register and its audit."""

from __future__ import annotations

from typing import Any

import pytest

from hil import register
from hil.errors import RegisterError
from hil.expression import Expression
from hil.kits.barrier import KIT
from hil.kits.barrier.papers import BarrierPics
from hil.register import Register
from hil.suite import Suite
from twin.errors import ConfigError, UnknownName

HEAD = """
device = "barrier"
version = "1"
sources = { GT = "us" }
groups = { MOT = { en = "Motion" } }
"""
ONE = """
[[requirement]]
id = "BAR-MOT-01"
title = "t"
clause = "GT 1"
text = "x"
level = "MUST"
observe = "wire"
rationale = "r"
"""


def test_register_suite_and_mutants_fit(register: Register, suite: Suite[Any, Any]) -> None:
    """Every MUST has a test or a written reason, and a mutant; no id is unknown."""
    from hil.register import audit

    kills = [variant.kills for variant in KIT.mutants]
    assert audit(register, suite.judges, kills, BarrierPics.__struct_fields__) == []
    assert len(register) >= 30
    assert {item.group for item in register} == {"WIR", "MOT", "SAF", "REC", "DOC"}


PART = """
include = [{ part = "modbus", applies_if = "stop_command", without = ["WIR-06"] }]
"""


def test_a_part_on_a_condition() -> None:
    """What is included applies where both conditions hold; some of it can be left out."""
    loaded = register.loads(PART + HEAD + ONE)
    assert loaded["BAR-WIR-01"].applies_if == "stop_command"
    both = "(stop_command) and (3 in function_codes or 4 in function_codes)"
    assert loaded["BAR-WIR-02"].applies_if == both
    assert "BAR-WIR-06" not in loaded
    with pytest.raises(UnknownName, match="WIR-99"):
        register.loads(PART.replace("WIR-06", "WIR-99") + HEAD + ONE)


@pytest.mark.parametrize(
    ("judged", "kills", "complaint"),
    [
        ([], [], "a MUST with no test"),
        (["BAR-MOT-01"], [], "a MUST that no mutant fails"),
        (["BAR-MOT-01", "BAR-MOT-99"], ["BAR-MOT-01"], "the register does not"),
        (["BAR-MOT-01"], ["BAR-MOT-01", "BAR-XXX-01"], "the register does not"),
    ],
)
def test_audit_complains(judged: list[str], kills: list[str], complaint: str) -> None:
    """An untested MUST, one without mutant and unknown ids are named."""
    found = register.audit(register.loads(HEAD + ONE), judged, kills)
    assert any(complaint in line for line in found)


def test_audit_finds_unknown_pics_items() -> None:
    """A misspelt PICS item would exclude its requirement silently; the audit names it."""
    loaded = register.loads(HEAD + ONE + 'applies_if = "stop_comand"\n')
    found = register.audit(loaded, ["BAR-MOT-01"], None, ["stop_command"])
    assert found == ["BAR-MOT-01: applies_if names unknown PICS item stop_comand"]


def test_a_reason_excuses_a_must() -> None:
    """A written reason stands for a test, but not beside one."""
    loaded = register.loads(HEAD + ONE + 'not_testable = "a paper"\n')
    assert register.audit(loaded, []) == []
    assert "says that it is not testable" in register.audit(loaded, ["BAR-MOT-01"])[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + ONE + ONE, "stands there twice"),
        (HEAD + ONE.replace("BAR-MOT-01", "BAR-1"), "not of the form"),
        (HEAD + ONE.replace("MOT", "XYZ"), "not listed under"),
        (HEAD + ONE.replace('"GT 1"', '"ISO 1"'), "does not begin with one of the sources"),
        (HEAD + ONE.replace('"r"', '" "'), "rationale is empty"),
        (HEAD + ONE + 'applies_if = "import os"', "not an expression"),
    ],
)
def test_a_wrong_register_is_refused(text: str, message: str) -> None:
    """Duplicate and malformed ids, foreign clauses and empty reasons do not load."""
    with pytest.raises(RegisterError, match=message):
        register.loads(text)


def test_unknown_keys_name_their_line() -> None:
    """A misspelt key is an error with file and line."""
    with pytest.raises(ConfigError, match=r"my\.toml:\d+: .*levl"):
        register.loads(HEAD + ONE.replace("level", "levl"), "my.toml")


def test_unknown_names(register: Register) -> None:
    """Unknown devices and requirements name the nearest known one."""
    from hil.register import load

    with pytest.raises(UnknownName, match="barrier"):
        load("barier")
    with pytest.raises(UnknownName, match=r"did you mean .BAR-MOT-"):
        register["BAR-MOT-O1"]


VALUES = KIT.emulated_pics("came-gard").values()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("stop_command", True),
        ("not stop_command", False),
        ("5 in function_codes and status_register", True),
        ("6 in function_codes or watchdog", False),
        ("max_connections >= 4", True),
        ("profile == 'remote-io'", False),
        ("6 not in function_codes", True),
    ],
)
def test_expressions(text: str, expected: bool) -> None:
    """Applicability expressions mean what Python means."""
    assert Expression(text)(VALUES) is expected


@pytest.mark.parametrize("text", ["open('x')", "a.b", "1 + 1", "[x for x in y]", "a < b < c"])
def test_expressions_cannot_do_anything(text: str) -> None:
    """Calls, attributes, arithmetic and comprehensions are refused when the register loads."""
    with pytest.raises(RegisterError, match="is not allowed"):
        Expression(text)


def test_unknown_pics_item_is_an_error() -> None:
    """A name that the PICS does not have is never taken for false."""
    with pytest.raises(RegisterError, match="unknown PICS item 'stop'"):
        Expression("stop and watchdog")(VALUES)
