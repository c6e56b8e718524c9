"""The report of a run of the bridge: one HTML file, no network, three languages.

A map with the ways that vehicles took, waiting as a distribution, and a time line of vehicles and
cranes; verdicts and figures as tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from twin.judge.bridge_facts import BridgeFacts, VehicleFacts
from twin.judge.bridge_kpis import BridgeKpis
from twin.judge.measures import Spread
from twin.judge.verdict import Judgement
from twin.report import words
from twin.report.page import environment, estimates_of, frame, seconds, spoken
from twin.site import Site
from twin.site_sky_rail import seen_with

Figure = dict[str, Any]
_COLOURS = ("@in", "@out", "@held", "@followed", "@alarm", "@empty", "@crossed", "@diverted")
_SOURCES = (("bridge.cargo",), ("bridge.cargo", "bridge.sky_rail"))
"""Keys of the site that matter, with vehicles on the lane and with a sky-rail."""
_FLOWS = {"home.far": "flow_out", "far.home": "flow_in"}
_MARGIN = {"t": 10, "r": 10, "b": 48}


def write_bridge_html(
    path: Path, site: Site, facts: BridgeFacts, judgement: Judgement, kpis: BridgeKpis,
    *, language: str = "en",
) -> None:  # fmt: skip
    """Write the report of one run to `path`; it opens in `language` (`en`, `vi` or `zh`)."""
    page = bridge_page(site, facts, judgement, kpis, language=language)
    path.write_text(page, encoding="utf-8")


def bridge_page(
    site: Site, facts: BridgeFacts, judgement: Judgement, kpis: BridgeKpis, *, language: str = "en"
) -> str:
    """The page as text."""
    data = {
        "charts": {
            "map": _map(site, facts, kpis.carrier), "waiting": _waiting(facts),
            "lanes": _timeline(facts),
        },
        "zooms": {},
        "words": spoken("flow_", "br_ax_"),
    }  # fmt: skip
    return environment().get_template("bridge.html").render(
        k=kpis, flows=_FLOWS, heading=words.every(lambda name: str(getattr(site.name, name))),
        tiles=_tiles(kpis), estimates=estimates_of(site, *_keys(facts, kpis)), clock=clock,
        **frame(judgement, data, language=language),
    )  # fmt: skip


def _keys(facts: BridgeFacts, kpis: BridgeKpis) -> tuple[str, ...]:
    """Where the numbers that matter to this run stand in the site file."""
    if facts.run.get("phase") == 2:
        return "bridge.phase_2", "bridge.cargo.crossing"
    return _SOURCES[kpis.carrier == "sky-rail"]


def clock(t_s: float) -> str:
    """Time of the run: hours, minutes, seconds."""
    whole = int(t_s)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _tiles(kpis: BridgeKpis) -> list[dict[str, Any]]:
    """The figures a reader looks for first: label, value, note, and whether it is bad."""
    counts = list(kpis.boxes.values())
    received, ready, failed, under_way = (
        sum(getattr(count, name) for count in counts)
        for name in ("crossed", "ready", "failed", "under_way")
    )
    tiles: list[tuple[str, str, Markup, bool]] = [
        ("boxes", f"{received}",
         words.said("br_tile_boxes_note", ready=ready, failed=failed, open=under_way),
         bool(failed or under_way)),
    ]  # fmt: skip
    for key, spreads in (("load", kpis.ready_to_load_s), ("cycle", kpis.cycle_s)):
        worst = max(spreads.values(), key=lambda one: one.p95, default=Spread())
        if worst.n:
            note = words.said(
                "br_tile_spread", p50=seconds(worst.p50), max=seconds(worst.max)
            )  # fmt: skip
            tiles.append((key, seconds(worst.p95), note, False))
    if kpis.crane_busy_share:
        name, share = max(kpis.crane_busy_share.items(), key=lambda one: one[1])
        note = words.said("br_tile_crane_note", name=name)
        tiles.append(("crane", f"{100 * share:.0f}\u202f%", note, False))
    note = words.said("br_tile_empty_note", n=kpis.line_crossings_laden)
    tiles.append(("empty", f"{kpis.line_crossings_empty}", note, False))
    if received:
        used = sum(kpis.vehicle_kwh.values()) / received
        note = words.said("br_tile_energy_note", km=f"{sum(kpis.vehicle_km.values()):.0f}")
        tiles.append(("energy", f"{used:.1f}\u202fkWh", note, False))
    return [
        {"label": words.said(f"br_tile_{key}"), "value": value, "note": note, "bad": bad}
        for key, value, note, bad in tiles
    ]


def _map(site: Site, facts: BridgeFacts, carrier: str) -> Figure:
    assert site.bridge.cargo is not None
    cargo = seen_with(site.bridge.cargo, site.bridge.sky_rail, carrier)
    place = {node.id: (node.x_m, node.y_m) for node in cargo.nodes}
    lines: list[float | None] = []
    across: list[float | None] = []
    for a, b, _ in cargo.edges():
        lines += [place[a][0], place[b][0], None]
        across += [place[a][1], place[b][1], None]
    data: list[Figure] = [
        {"x": lines, "y": across, "mode": "lines", "name": "#br_ax_lanes",
         "hoverinfo": "skip", "line": {"color": "@line", "width": 5}}
    ]  # fmt: skip
    for index, (name, vehicle) in enumerate(sorted(facts.vehicles.items())):
        xs, ys = [], []
        for _, kind, _, event in vehicle.events:
            if kind in ("igv.passed", "igv.rest", "igv.put"):
                xs.append(event["x"])
                ys.append(event["y"])
        data.append(
            {"x": xs, "y": ys, "mode": "lines", "name": name,
             "line": {"width": 1, "color": _COLOURS[index % len(_COLOURS)]}}
        )  # fmt: skip
    border = {"type": "line", "x0": cargo.line_m, "x1": cargo.line_m, "y0": -25, "y1": 25,
              "line": {"color": "@broken", "dash": "dash"}}  # fmt: skip
    layout = {
        "shapes": [border], "xaxis": {"title": {"text": "#br_ax_along"}}, "margin": _MARGIN,
        "yaxis": {"title": {"text": "#br_ax_across"}}, "height": 380,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _waiting(facts: BridgeFacts) -> Figure:
    flows: dict[str, list[float]] = {}
    for one in facts.crossings.values():
        if one.lifted_s is not None:
            flows.setdefault(one.direction, []).append((one.lifted_s - one.ready_s) / 60)
    data = []
    for name, waits in sorted(flows.items()):
        ordered = sorted(waits)
        share = [(index + 1) / len(ordered) for index in range(len(ordered))]
        data.append({
            "x": ordered, "y": share, "mode": "lines", "name": f"#{_FLOWS[name]}",
            "line": {"shape": "hv", "color": "@out" if name == "home.far" else "@in"},
        })  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "#br_ax_wait"}, "rangemode": "tozero"}, "margin": _MARGIN,
        "yaxis": {"title": {"text": "#br_ax_share"}, "range": [0, 1.01]}, "height": 330,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _timeline(facts: BridgeFacts) -> Figure:
    """A bar for each move of a vehicle and each mission of a crane; faults in red."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, vehicle in sorted(facts.vehicles.items(), reverse=True):
        rows[name] = list(_moves(vehicle, facts.end_s))
    cranes: dict[str, list[tuple[float, float]]] = {}
    for crane, from_s, until_s, _ in facts.missions:
        cranes.setdefault(crane, []).append((from_s, until_s))
    rows |= dict(sorted(cranes.items(), reverse=True))
    faults: dict[str, list[tuple[float, float]]] = {}
    for fault in facts.faults:
        span = (fault.begin_s, min(fault.end_s, facts.end_s))
        faults.setdefault(fault.target, []).append(span)
    data = [_bars(name, spans, "@in") for name, spans in rows.items()]
    data += [_bars(name, spans, "@broken") for name, spans in faults.items()]
    names = len(rows.keys() | faults.keys())
    layout = {
        "barmode": "overlay", "showlegend": False, "height": 100 + 22 * names,
        "xaxis": {"title": {"text": "#br_ax_minutes"}}, "margin": _MARGIN, "bargap": 0.35,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _bars(name: str, spans: list[tuple[float, float]], colour: str) -> Figure:
    return {
        "type": "bar", "orientation": "h", "y": [name] * len(spans), "name": name,
        "base": [round(from_s / 60, 3) for from_s, _ in spans],
        "x": [round((until_s - from_s) / 60, 3) for from_s, until_s in spans],
        "marker": {"color": colour, "line": {"width": 0}},
    }  # fmt: skip


def _moves(vehicle: VehicleFacts, end_s: float) -> Iterable[tuple[float, float]]:
    began_s = math.nan
    for t_s, kind, _, _ in vehicle.events:
        if kind == "igv.move" and math.isnan(began_s):
            began_s = t_s
        elif kind == "igv.rest" and not math.isnan(began_s):
            yield began_s, t_s
            began_s = math.nan
    if not math.isnan(began_s):
        yield began_s, end_s
