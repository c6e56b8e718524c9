"""The certificate page and JUnit."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.charts import gauge, ticks
from hil.junit import junit
from hil.kits.barrier import KIT
from hil.measurement import Measurement, at_least, at_most, between
from hil.register import Register
from hil.report import WORDS, rates, render
from hil.runner import judge
from hil.suite import Suite
from hil.verdict import Result, Verdict, outcome
from twin.trace import Record


def page(results: list[Result], records: list[Record], register: Register) -> str:
    return render(
        outcome=outcome(results), results=results, register=register, records=records,
        product={"vendor": "<b>ACME</b>", "model": "B1"},
        pics=KIT.emulated_pics("came-gard").values(), pixit={"opening_s": 3.5},
        about={"run": "abcd"}, curves=KIT.curves(records),
        instruments=[{"kind": "force gauge", "id": "F1", "uncertainty": "5 %",
                      "calibrated_on": "2023-01-01", "due_on": "2099-01-01", "certificate": "c"}],
    ).decode()  # fmt: skip


class Links(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {k}" for k, v in attrs if k in ("src", "href", "data") and v]
        self.found += [tag] if tag in ("script", "link", "iframe") else []


def test_the_page_is_whole_and_offline(
    good: list[Record], suite: Suite[Any, Any], register: Register
) -> None:
    """One file without script or link, in three languages, with every requirement and curve."""
    text = page(judge(good, suite, register), good, register)
    links = Links()
    links.feed(text)
    assert links.found == []
    assert not re.search(r"url\(|@import", text)
    for words in (WORDS["title"], WORDS["certified"], WORDS["requirements"]):
        assert all(word in text for word in words)
    assert all(item.id in text for item in register)
    assert text.count('class="chart"') == 3
    assert "<b>ACME</b>" not in text
    assert "&lt;b&gt;ACME" in text


@pytest.mark.parametrize(
    ("verdict", "word"), [(Verdict.FAIL, "Not certified"), (Verdict.ERROR, "Inconclusive")]
)
def test_the_page_says_why(register: Register, verdict: Verdict, word: str) -> None:
    """A page without a certificate begins with the reasons."""
    text = page([Result("BAR-MOT-01", "MUST", verdict, "too slow & sad")], [], register)
    assert f"<title>&lt;b&gt;ACME&lt;/b&gt; B1: {word}</title>" in text
    assert "too slow &amp; sad" in text


def test_positive_and_negative_rates(register: Register) -> None:
    """Right and wrong input are counted apart; what was not judged is not counted."""
    results = [
        Result("BAR-WIR-01", "MUST", Verdict.PASS, ""),
        Result("BAR-WIR-03", "MUST", Verdict.FAIL, ""),
        Result("BAR-WIR-04", "MUST", Verdict.MARGINAL, ""),
        Result("BAR-WIR-05", "MUST", Verdict.NOT_RUN, ""),
    ]
    assert rates(results, register) == {"positive": (1, 1), "negative": (1, 2)}


def test_junit_counts(register: Register) -> None:
    """Failures, errors and skips are counted; a failed SHOULD breaks no build."""
    measured = Measurement("peak", 450.0, "N", at_most(400))
    results = [
        Result("BAR-WIR-01", "MUST", Verdict.PASS, ""),
        Result("BAR-SAF-01", "MUST", Verdict.FAIL, "hard", (measured,)),
        Result("BAR-SAF-03", "SHOULD", Verdict.FAIL, "hm"),
        Result("BAR-MOT-01", "MUST", Verdict.INCONCLUSIVE, "?"),
        Result("BAR-MOT-02", "MUST", Verdict.NOT_RUN, ""),
    ]
    suite = ET.fromstring(junit(results, register, suite="x"))[0]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "EN12453" in str(failure.get("message"))
    assert "450 N" in str(suite.findtext("testcase/system-out"))


@given(st.floats(1e-3, 1e6))
def test_ticks_are_round_and_cover(most: float) -> None:
    """From 0 to at least the maximum in few equal steps of 1, 2 or 5."""
    found = ticks(most)
    assert found[0] == 0.0
    assert found[-1] >= most * (1 - 1e-9)
    assert 2 <= len(found) <= 8
    assert f"{found[1]:.0e}"[0] in "125"


@pytest.mark.parametrize(
    "measured",
    [
        Measurement("a", 1.0, "s", at_most(3)),
        Measurement("a", 5.0, "s", at_least(3), 0.5),
        Measurement("a", 2.5, "s", between(2, 4)),
        Measurement("a", 0.0, "N", at_most(0)),
    ],
)
def test_gauges_stay_in_their_frame(measured: Measurement) -> None:
    """Whatever is measured, every mark is between 0 and 200."""
    numbers = re.findall(r'(?:x1|x2|cx|x)="([-\d.]+)"', gauge(measured))
    assert numbers
    assert all(0 <= float(number) <= 200 for number in numbers)
