"""The HTML report: one file, no network, three languages, light and dark, fit to print."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from twin import site as sites
from twin.errors import GateTwinError
from twin.judge import Facts, Judgement, Kpis, collect
from twin.judge import words as judge_words
from twin.report import charts, words
from twin.report.civil import Civil
from twin.trace import Record

VIOLATIONS_SHOWN = 200
"""Longest list of violations in the page; verdicts.json has them all."""

_DEFAULT_OPENS_H = 7.0


def write_html(
    path: Path,
    records: Iterable[Record] | Facts,
    judgement: Judgement,
    kpis: Kpis,
    *,
    language: str = "en",
) -> None:
    """Write the report of one run to `path`; it opens in `language` (`en`, `vi` or `zh`)."""
    path.write_text(render(records, judgement, kpis, language=language), encoding="utf-8")


def render(
    records: Iterable[Record] | Facts, judgement: Judgement, kpis: Kpis, *, language: str = "en"
) -> str:
    """The page as text."""
    facts = collect(records)
    site = _site(kpis.site)
    civil = Civil.of(kpis.day, site.hours.opens_h if site else _DEFAULT_OPENS_H)
    data = {
        "charts": charts.figures(facts, judgement, kpis, civil),
        "zooms": charts.zooms(facts, judgement, civil),
        "words": spoken("flow_", "stage_", "tl_", "ax_"),
    }
    return environment().get_template("report.html").render(
        facts=facts, k=kpis, civil=civil, heading=_heading(site, kpis), date=date_of(kpis.day),
        tiles=_tiles(facts, kpis, civil), estimates=estimates_of(site),
        slot_minutes=round(charts.slot_s(facts) / 60),
        **frame(judgement, data, language=language),
    )  # fmt: skip


@cache
def environment() -> Environment:
    """The templates with their words and filters."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(
        t=words.said, every=words.every, id=id, rule=judge_words.rule, min=min,
        seen=lambda name: words.every(lambda language: judge_words.sometimes(name, language)),
        say=lambda violation: words.every(violation.say),
        known=words.known, include=_include,
    )  # fmt: skip
    made.filters["s"] = seconds
    made.filters["n"] = lambda value: f"{value:,}".replace(",", "\u202f")
    return made


def _include(name: str) -> Markup:
    """A style or script of our own, as it is."""
    text = (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - a file of this package


def script_json(data: object) -> Markup:
    """JSON that cannot end the script element around it."""
    text = msgspec.json.encode(data).decode()
    text = text.replace("<", "\\u003c").replace("\u2028", " ").replace("\u2029", " ")
    return Markup(text)  # noqa: S704 - nothing in it can begin a tag any more


def seconds(value: float | None) -> str:
    """A duration for reading: tenths below a minute and a half, then minutes and seconds."""
    if value is None:
        return "–"
    if value < 90:
        return f"{value:.1f}\u202fs"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}\u202fmin"
    return f"{whole // 3600}:{whole // 60 % 60:02d}\u202fh"


def _site(name: str) -> sites.Site | None:
    """The site of the run, if this installation knows it: for its name and its estimates."""
    try:
        return sites.load(name) if name else None
    except GateTwinError:
        return None


def _heading(site: sites.Site | None, kpis: Kpis) -> Markup:
    if site is None:
        return Markup("{}").format(kpis.site or "gatetwin")
    return words.every(lambda language: str(getattr(site.name, language)))


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


def date_of(day: object) -> Markup:
    """A civil date as each language writes it."""
    try:
        date = dt.date.fromisoformat(str(day))
    except ValueError:
        return Markup("")
    forms = {
        "en": f"{date.day} {_MONTHS[date.month - 1]} {date.year}",
        "vi": f"{date.day}/{date.month}/{date.year}",
        "zh": f"{date.year} 年 {date.month} 月 {date.day} 日",
    }
    return words.every(forms.__getitem__)


def frame(judgement: Judgement, figures: Mapping[str, Any], *, language: str) -> dict[str, Any]:
    """What the page of every run has: its languages, verdict, violations and plots.

    `figures` by the name of their place; texts that begin with `#` are words of words.toml.
    """
    if language not in words.LANGUAGES:
        raise GateTwinError(
            f"report language {language!r} is not known; one of {', '.join(words.LANGUAGES)}"
        )
    return {
        "language": language, "languages": words.LANGUAGES, "judgement": judgement,
        "verdict": verdict_of(judgement), "data": script_json(figures),
        "plotly": Markup(get_plotlyjs().replace("</script", "<\\/script")),  # noqa: S704 - a library
        "violations": judgement.violations[:VIOLATIONS_SHOWN],
        "more": max(0, len(judgement.violations) - VIOLATIONS_SHOWN),
        "rule_of": {id(violation): result.id for result in judgement.invariants
                    for violation in result.violations},
    }  # fmt: skip


def spoken(*prefixes: str) -> dict[str, dict[str, str]]:
    """The words of the plots, by language: those whose key begins with one of `prefixes`."""
    return {
        name: {key: text[name] for key, text in words.known().items() if key.startswith(prefixes)}
        for name in words.LANGUAGES
    }


def verdict_of(judgement: Judgement) -> dict[str, Any]:
    """State, sentence and comment for the head of a page."""
    n, broken, empty = len(judgement.invariants), judgement.broken, judgement.not_exercised
    state = "broken" if broken else "empty" if empty else "held"
    held = n - len(broken) - len(empty)
    return {
        "state": state,
        "text": words.said(
            f"verdict_{state}", n=n, broken=len(broken), empty=len(empty), held=held
        ),
        "lead": words.said(f"lead_{state}"),
    }


def _tiles(facts: Facts, kpis: Kpis, civil: Civil) -> list[dict[str, Any]]:
    """The figures a reader looks for first: label, value, note, and whether it is bad."""
    count, waits = kpis.vehicles.get("all"), kpis.waiting_s.get("all")
    if count is None or waits is None:
        return []
    worst, lane = kpis.waiting_worst_interval.get("all"), kpis.transaction_s.get("smart")
    done, plates = kpis.decisions, kpis.plates
    decided = done.right + done.wrong
    tiles: list[tuple[str, str, dict[str, object], bool]] = [
        ("vehicles", f"{count.crossed + count.diverted}",
         {"crossed": count.crossed, "diverted": count.diverted, "waiting": count.waiting}, False),
        # Waiting is known of those who have left: what is stuck must not look like a short wait.
        ("wait", seconds(waits.p95), {"p50": seconds(waits.p50), "max": seconds(waits.max),
                                      "waiting": count.waiting}, False),
    ]  # fmt: skip
    if worst is not None:
        clock = civil.clock(worst.start_s, seconds=False)
        tiles.append(("worst", seconds(worst.p95), {"clock": clock, "n": worst.n}, False))
    if lane is not None:
        tiles.append(("lane", seconds(lane.p95), {"p50": seconds(lane.p50)}, False))
    if decided:
        share = f"{100 * done.right / decided:.4g}\u202f%"
        tiles.append(("decisions", share, {"wrong": done.wrong, "n": decided}, bool(done.wrong)))
    if plates.first_right_share is not None:
        tiles.append(("plates", f"{100 * plates.first_right_share:.1f}\u202f%",
                      {"n": plates.vehicles, "checks": kpis.manual_checks}, False))  # fmt: skip
    tiles.append(("peak", f"{kpis.throughput_peak_per_h['all']}",
                  {"queue": kpis.queue_max["all"]}, False))  # fmt: skip
    frames = f"{sum(kpis.frames.values()):,}".replace(",", "\u202f")
    note = "tile_speed_note" if kpis.speed else "tile_speed_nowall"
    made = [
        {"label": words.said(f"tile_{key}"), "value": value, "bad": bad,
         "note": words.said(
             "tile_wait_left_note" if key == "wait" and count.waiting else f"tile_{key}_note",
             **values)}
        for key, value, values, bad in tiles
    ]  # fmt: skip
    made.append({
        "label": words.said("tile_speed"), "value": seconds(facts.end_s), "bad": False,
        "note": words.said(note, speed=f"{kpis.speed or 0:.0f}", frames=frames),
    })  # fmt: skip
    return made


def estimates_of(site: sites.Site | None, *places: str) -> list[tuple[str, str]]:
    """Keys of the site that are estimates, with why; only those below `places`, if there are."""
    if site is None:
        return []
    return [
        (key, source.partition(":")[2].strip() or source)
        for key, source in site.sources.items()
        if source.startswith("estimate") and key.startswith(places or ("",))
    ]
