"""The page is whole, safe and the same in each language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.judge.stories import day, honest
from tests.judge.tape import Tape
from tests.report.reading import check_plots, data_of
from twin.errors import GateTwinError
from twin.judge import collect, judge, kpis
from twin.report import charts, page, words, write_html
from twin.report.civil import Civil
from twin.report.folder import complete

TEMPLATES = Path(page.__file__).parent / "templates"


def rendered(tape: Tape, language: str = "en") -> str:
    """The page without the plotting library, which is 5 MB of somebody else's text."""
    facts = collect(tape.records())
    judgement = judge(facts)
    text = page.render(
        facts, judgement, complete(kpis(facts, wall_s=3.0), judgement, "ab" * 32), language=language
    )
    return text.replace(page.get_plotlyjs().replace("</script", "<\\/script"), "")


@pytest.fixture(scope="module")
def broken() -> Tape:
    tape = honest()
    tape.drop("partner.alarm", code="tailgating")
    tape.drop("partner.gate_record", declaration="D-A")
    return tape


def test_needs_no_network(broken: Tape) -> None:
    """Nothing in the page is fetched from anywhere."""
    text = rendered(broken)
    assert not re.findall(r"(?:src|href)\s*=|@import|url\(|https?://", text)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_opens_in_the_language_asked_for(broken: Tape, language: str) -> None:
    """The page carries all languages and opens in the chosen one."""
    text = rendered(broken, language)
    assert f'<html lang="{language}" data-lang="{language}">' in text
    for other in words.LANGUAGES:
        assert words.text("h_lanes", other) in text
        assert words.text("verdict_broken", other, broken=3, n=12) in text


def test_says_what_was_broken_with_time_and_evidence(broken: Tape) -> None:
    """Each violation is listed with its rule, its civil time, its sentence and its records."""
    text = rendered(broken)
    judgement = judge(broken.records())
    civil = Civil.of("2023-05-30", 7.0)
    for violation in judgement.violations:
        assert civil.clock(violation.t_s) in text
        for language in words.LANGUAGES:
            assert violation.say(language) in text
        assert ", ".join(map(str, violation.records)) in text


def test_a_run_without_gaps_says_so() -> None:
    """All held is said only when each rule was put to the test."""
    assert words.text("verdict_held", "en", n=12) in rendered(honest())
    quiet = Tape()
    quiet.passes(100, "A")
    text = rendered(quiet)
    assert words.text("lead_empty", "en") in text
    assert words.text("verdict_held", "en", n=12) not in text


def test_hostile_words_stay_words() -> None:
    """What a trace says can neither become markup nor end a script."""
    tape = Tape()
    nasty = "</script><img onerror=alert(1)>"
    tape.passes(100, nasty)
    tape.alarm(150, "in-1", nasty)
    tape.drop("partner.release")
    text = rendered(tape)
    assert "<img" not in text
    assert text.count("</script>") == 3
    assert "&lt;img onerror" in text


def test_an_empty_run_makes_a_page() -> None:
    """A trace without a vehicle is a page without figures, not an error."""
    text = page.render([], judge([]), kpis([]))
    assert "gatetwin" in text


def test_an_unknown_language_is_named() -> None:
    """The error says which languages there are."""
    with pytest.raises(GateTwinError, match="en, vi, zh"):
        page.render([], judge([]), kpis([]), language="fr")


def test_who_is_stuck_does_not_look_like_a_short_wait() -> None:
    """Waiting is of those who left: the page says how many did not, and draws them to the end."""
    tape = Tape()
    for number, name in enumerate("ABC"):
        tape.passes(100 + 100 * number, name)
    assert "of those who left" not in rendered(tape)
    for name in "BC":
        tape.drop("vehicle.crossed", vehicle=name)
        tape.drop("vehicle.left", vehicle=name)
    tape.drop("vehicle.entered", vehicle="C")
    text = rendered(tape)
    assert "of those who left; 2 still there" in text
    queue = [t for t in data_of(text)["charts"]["day"]["data"] if t.get("mode") == "lines"]
    inbound = queue[0]
    assert inbound["y"][-1] == 1
    assert inbound["x"][-1] > inbound["x"][-2]


def test_plots_use_known_words_and_colours() -> None:
    """Each text key of a plot is in the page's words, each colour in both of its palettes."""
    check_plots(rendered(day(hours=1.2)))


def test_plots_have_their_places() -> None:
    """Each plot has its place in the page, and each place its plot."""
    check_plots(rendered(honest()))


def test_timeline_shows_each_vehicle_once() -> None:
    """Every vehicle that entered a lane has one bar, as long as its stay."""
    tape = honest()
    facts = collect(tape.records())
    figure = charts.figures(facts, judge(facts), kpis(facts), Civil.of("2023-05-30", 7.0))["lanes"]
    bars = [trace for trace in figure["data"] if trace.get("hovertext")]
    assert sum(len(trace["x"]) for trace in bars) == len(facts.stays)
    by_name = {trace["name"]: trace for trace in bars}
    assert len(by_name["#tl_followed"]["x"]) == 1
    assert len(by_name["#tl_diverted"]["x"]) == 2
    stayed_ms = round(1000 * (facts.stays["F"].left.t_s - facts.stays["F"].entered.t_s))  # type: ignore[union-attr]
    assert by_name["#tl_followed"]["x"] == [stayed_ms]


def test_every_word_is_used() -> None:
    """No text of words.toml is left without its use."""
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in [
            *TEMPLATES.iterdir(),
            *TEMPLATES.parent.glob("*.py"),
            TEMPLATES.parents[1] / "sizing.py",
        ]
    )
    stems = ("flow_", "tile_", "verdict_", "lead_", "state_", "why_", "stage_", "tl_", "meta_",
             "cap_case_", "cap_part_", "cap_rule_", "cap_use_", "br_tile_",
             "br_carrier_", "ch_stage_", "ch_flow_", "ch_span_", "ch_kind_", "ch_why_", "ch_tile_",
             "ch_out_")  # fmt: skip
    for key in words.known():
        assert key in source or key.startswith(stems), key


def test_same_run_same_page(broken: Tape, tmp_path: Path) -> None:
    """The page is a function of the trace: two renderings are the same bytes."""
    facts = collect(broken.records())
    for name in ("one", "two"):
        write_html(tmp_path / name, facts, judge(facts), kpis(facts))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_size < 6_000_000
