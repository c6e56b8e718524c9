"""The report of a run from lane to receipt: one HTML file, no network, three languages.

From a truck's arrival to the signed receipt as a distribution, the stages of a haul, a time line
with a bar for each container; verdicts and figures as tables. Its parts have pages of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from twin.judge.chain_facts import ChainFacts, HaulFacts
from twin.judge.chain_kpis import STAGES, ChainKpis, end_to_end_s, stages_s
from twin.judge.measures import Spread
from twin.judge.verdict import Judgement
from twin.report import words
from twin.report.bridge_page import Figure, clock
from twin.report.page import date_of, environment, estimates_of, frame, seconds, spoken
from twin.site import Site

_COLOURS = dict(
    zip(
        STAGES,
        (
            "rgb(63, 127, 166)", "rgb(127, 183, 216)", "rgb(138, 99, 176)",
            "rgb(169, 203, 224)", "rgb(209, 73, 91)", "rgb(224, 166, 60)",
            "rgb(58, 154, 99)", "rgb(141, 153, 174)", "rgb(179, 186, 201)",
        ),
        strict=True,
    )
)  # fmt: skip
"""Of neighbours in a bar, on light and dark paper; `#rrggbb` would be a word of words.toml."""
_HAULS_SHOWN = 400
_MARGIN = {"t": 10, "r": 10, "b": 48}
_OUT = {"diverted at the lane": "diverted", "sent away from the crane": "sent_away"}
_REFERRED = "referred at the scan: "
_SOURCES = {"igv": "bridge.cargo", "sky-rail": "bridge.sky_rail"}
"""Where the numbers of the carriers stand in the site file, besides those of the trucks."""


def write_chain_html(
    path: Path, site: Site, facts: ChainFacts, judgement: Judgement, kpis: ChainKpis,
    *, language: str = "en",
) -> None:  # fmt: skip
    """Write the report of one run to `path`; it opens in `language` (`en`, `vi` or `zh`)."""
    path.write_text(chain_page(site, facts, judgement, kpis, language=language), encoding="utf-8")


def chain_page(
    site: Site, facts: ChainFacts, judgement: Judgement, kpis: ChainKpis, *, language: str = "en"
) -> str:
    """The page as text."""
    data = {
        "charts": {
            "arrival": _arrival_to_receipt(facts), "stages": _stages(kpis), "hauls": _hauls(facts),
        },
        "zooms": {}, "words": spoken("flow_", "ch_"),
    }  # fmt: skip
    start = facts.lanes.start
    both = (start.get("stack"), start.get("fleet_stack"))
    return environment().get_template("chain.html").render(
        k=kpis, heading=words.every(lambda name: str(getattr(site.name, name))),
        date=date_of(kpis.day), tiles=_tiles(kpis), clock=clock, out=list(_out(kpis)),
        times=list(_times(kpis)), shown=_HAULS_SHOWN,
        stacks=", ".join(str(name) for name in both if name),
        estimates=estimates_of(site, "bridge.cargo.trucks", _SOURCES[kpis.bridge.carrier]),
        **frame(judgement, data, language=language),
    )  # fmt: skip


def _tiles(kpis: ChainKpis) -> list[dict[str, Any]]:
    """The figures a reader looks for first: label, value, note, and whether it is bad."""
    counts = kpis.hauls.values()
    came, received = sum(one.came for one in counts), sum(one.received for one in counts)
    out = sum(sum(one.out.values()) for one in counts)
    tiles: list[tuple[str, str, Markup, bool]] = [
        ("boxes", f"{received}", words.said("ch_tile_boxes_note", came=came, out=out),
         received + out < came),
    ]  # fmt: skip
    worse = [
        ("whole", kpis.end_to_end_s, "br_tile_spread"), ("queue", kpis.crane_queue_s,
         "br_tile_spread"),
    ]  # fmt: skip
    spreads = [(key, _worse(kinds), note) for key, kinds, note in worse]
    spreads.append(("turn", kpis.truck_turn_s.get("out", Spread()), "ch_tile_turn_note"))
    for key, one, note in spreads:
        if one.n:
            said = words.said(note, p50=seconds(one.p50), max=seconds(one.max))
            tiles.append((key, seconds(one.p95), said, False))
    lanes, waits = kpis.lanes.vehicles.get("all"), kpis.lanes.waiting_s.get("all")
    if lanes is not None and waits is not None:
        wrong = kpis.lanes.decisions.wrong
        said = words.said("ch_tile_lanes_note", wait=seconds(waits.p95), wrong=wrong)
        tiles.append(("lanes", f"{lanes.crossed + lanes.diverted}", said, bool(wrong)))
    return [
        {"label": words.said(f"ch_tile_{key}"), "value": value, "note": note, "bad": bad}
        for key, value, note, bad in tiles
    ]


def _worse(kinds: dict[str, dict[str, Spread]]) -> Spread:
    """Of all cargo, the direction with the longer times."""
    return max((one["all"] for one in kinds.values()), key=lambda one: one.p95, default=Spread())


def _out(kpis: ChainKpis) -> Iterator[tuple[str, Markup, int]]:
    """Direction, why and how many did not go by themselves."""
    for name, one in kpis.hauls.items():
        for why, number in one.out.items():
            yield name, reason(why), number


def reason(text: str) -> Markup:
    """A reason of the trace in all languages; one that has no words here as it is."""
    if text in _OUT:
        return words.said(f"ch_out_{_OUT[text]}")
    why = text.removeprefix(_REFERRED)
    key = f"ch_why_{why.replace(' ', '_')}"
    if why == text or key not in words.known():
        return words.every(lambda _: text)
    return words.every(
        lambda language: words.text("ch_out_referred", language, why=words.text(key, language))
    )


def _times(kpis: ChainKpis) -> Iterator[tuple[str, str, str, Spread]]:
    """Direction, which span, kind of cargo, and how long it took."""
    spans = (
        ("whole", kpis.end_to_end_s), ("queue", kpis.crane_queue_s), ("load", kpis.ready_to_load_s)
    )  # fmt: skip
    for span, by_flow in spans:
        for name, kinds in by_flow.items():
            yield from ((name, span, kind, one) for kind, one in kinds.items() if one.n)
    for name, one in kpis.truck_turn_s.items():
        if one.n:
            yield name, "turn" if name == "out" else "home", "all", one


def _arrival_to_receipt(facts: ChainFacts) -> Figure:
    flows: dict[tuple[str, str], list[float]] = {}
    for haul in facts.hauls.values():
        took_s = end_to_end_s(facts, haul)
        if took_s is not None:
            kind = "perishable" if haul.perishable else "other"
            flows.setdefault((haul.direction, kind), []).append(round(took_s / 60, 3))
    data = []
    for (direction, kind), minutes in sorted(flows.items()):
        ordered = sorted(minutes)
        share = [round((index + 1) / len(ordered), 4) for index in range(len(ordered))]
        dash = "dot" if kind == "perishable" else "solid"
        data.append({
            "x": ordered, "y": share, "mode": "lines+markers", "marker": {"size": 4},
            "name": f"#ch_flow_{direction}_{kind}",
            "line": {"shape": "hv", "color": f"@{direction}", "dash": dash},
        })  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "#ch_ax_minutes"}, "rangemode": "tozero"}, "margin": _MARGIN,
        "yaxis": {"title": {"text": "#ch_ax_share"}, "range": [0, 1.02]}, "height": 340,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _word(stage: str) -> str:
    return f"#ch_stage_{stage.replace(' ', '_')}"


def _stages(kpis: ChainKpis) -> Figure:
    data = [
        {
            "type": "bar", "orientation": "h", "name": _word(stage),
            "marker": {"color": _COLOURS[stage]},
            "y": [f"#flow_{name}" for name, found in kpis.stages_s.items() if stage in found],
            "x": [round(found[stage].p50 / 60, 3)
                  for found in kpis.stages_s.values() if stage in found],
        }
        for stage in STAGES
        if any(stage in found for found in kpis.stages_s.values())
    ]  # fmt: skip
    layout = {
        "barmode": "stack", "height": 260, "xaxis": {"title": {"text": "#ch_ax_medians"}},
        "yaxis": {"autorange": "reversed"}, "legend": {"traceorder": "normal"}, "margin": _MARGIN,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _hauls(facts: ChainFacts) -> Figure:
    """A row for each container, its stages side by side at their time of day."""
    shown = sorted(facts.hauls.values(), key=lambda haul: -haul.bound_s)[:_HAULS_SHOWN]
    data = [bars for stage in STAGES if (bars := _bars(facts, shown, stage))["x"]]
    layout = {
        "barmode": "overlay", "height": max(300, 130 + 14 * len(shown)), "margin": _MARGIN,
        "bargap": 0.3,
        "xaxis": {"title": {"text": "#ch_ax_hours"}},
        "yaxis": {"tickfont": {"size": 10}, "type": "category", "dtick": 1,
                  "categoryorder": "array", "categoryarray": [_label(one) for one in shown]},
        "legend": {"traceorder": "normal"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _bars(facts: ChainFacts, shown: Iterable[HaulFacts], stage: str) -> Figure:
    names: list[str] = []
    base: list[float] = []
    length: list[float] = []
    for haul in shown:
        since_s = haul.bound_s
        for name, took_s in stages_s(facts, haul).items():
            if name == stage:
                names.append(_label(haul))
                base.append(round(since_s / 3600, 4))
                length.append(round(took_s / 3600, 4))
            since_s += took_s
    return {
        "type": "bar", "orientation": "h", "name": _word(stage), "y": names, "base": base,
        "x": length, "marker": {"color": _COLOURS[stage], "line": {"width": 0}},
    }  # fmt: skip


def _label(haul: HaulFacts) -> str:
    arrow = "→" if haul.export else "←"
    return f"{arrow} {haul.container}{' ❄' if haul.perishable else ''}"
