"""The command `serve`: a site's wires on the wall clock."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from twin import serve as serving
from twin import site as sites
from twin.bridge import CarrierKind, endpoints_of
from twin.cli_group import refuse
from twin.cli_options import (
    boxes_option,
    broker_options,
    carrier_option,
    date_of,
    demand_option,
    engine_option,
    fidelity_option,
    json_option,
    phase_option,
    seed_option,
    show,
    wish_of,
)
from twin.serve_bridge import BridgeOrder, serve_bridge
from twin.serve_chain import ChainOrder, serve_chain
from twin.serving import Place, WireList
from twin.world.boxes import Profile

Row = dict[str, Any]


@click.command(short_help="Serve the wires of SITE for a stack of your own.")
@click.argument("site")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--first-port",
    type=click.IntRange(1024, 65000),
    help="First of the ports in a row  [default: any free ports].",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("endpoints.json"),
              show_default=True, help="Where to write the wire list.")  # fmt: skip
@click.option("--day", metavar="YYYY-MM-DD", help="Let the traffic of that day come.")
@click.option("--smart-lane", is_flag=True,
              help="Serve the bridge instead: vehicles, cranes, transfers. With --day both: "
              "trucks bring boxes from their lanes to the cranes.")  # fmt: skip
@click.option("--hours", type=click.FloatRange(min=0.01, max=24 * 31),
              help="With --smart-lane: how long boxes come [24]; with --day too: how long trucks "
              "come [the site's hours].")  # fmt: skip
@boxes_option
@demand_option
@carrier_option
@phase_option
@click.option("--faults", type=click.Path(path_type=Path),
              help="With --smart-lane: a fault schedule (TOML).")  # fmt: skip
@seed_option
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True,
              help="Times the wall clock.")  # fmt: skip
@fidelity_option
@engine_option
@click.option("--for", "for_s", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="Stop after so many seconds.")  # fmt: skip
@click.option("--stack", help="Also run this stack in the same process, as `reference`; with "
              "--smart-lane alone a fleet manager, as `reference-fleet`.")  # fmt: skip
@click.option("--fleet-stack", help="With --smart-lane and --day: also run this fleet manager, "
              "as `reference-fleet`; --stack is the lanes'.")  # fmt: skip
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write the trace.")
@broker_options
@json_option
def serve(
    site: str,
    host: str,
    first_port: int | None,
    out: Path,
    day: str | None,
    smart_lane: bool,
    hours: float | None,
    boxes: int | None,
    demand: str | None,
    carrier: str | None,
    phase: str | None,
    faults: Path | None,
    seed: int,
    speed: float,
    fidelity: Any,
    engine: str,
    for_s: float | None,
    stack: str | None,
    fleet_stack: str | None,
    trace_path: Path | None,
    as_json: bool,
    **broker: Any,
) -> None:
    """Serve the wires of SITE on the wall clock, for a stack that you start yourself.

    Prints where to connect and writes the wire list for the stack. Ends with Ctrl-C.
    """
    loaded, wish, kind = sites.load(site), wish_of(**broker), CarrierKind(carrier or "igv")
    if smart_lane and day is None and stack == "reference":
        stack = "reference-fleet"
    named = tuple(name for name in (stack, fleet_stack) if name)
    place = Place(host, first_port or 0, out, for_s, named, trace_path)
    tell = partial(_tell, place, loaded.id, as_json=as_json)
    if fleet_stack and not (smart_lane and day):
        refuse("--fleet-stack goes with --smart-lane and --day; else --stack means the same")
    if smart_lane:
        logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    if smart_lane and day is not None:
        if phase == "2" or demand:
            refuse("--phase 2 and --demand are of the bridge alone: leave out --day")
        chain = ChainOrder(
            loaded, date_of(day), place, hours, boxes, seed, speed, fidelity, engine, faults, kind,
            wish,
        )  # fmt: skip
        return serve_chain(chain, tell(lambda wires: _lanes(wires) + _bridge(wires)))
    if smart_lane:
        bridge = BridgeOrder(
            loaded, place, 24.0 if hours is None else hours, boxes, seed, speed,
            "kinematic" if fidelity == "kinematic" else engine, faults, kind, int(phase or 1), wish,
            Profile(demand or "even"),
        )  # fmt: skip
        return serve_bridge(bridge, tell(_bridge))
    only = (hours, boxes, demand, carrier, phase, faults)
    if any(one is not None for one in only) or not wish.plain:
        refuse(
            "--hours, --boxes, --demand, --carrier, --phase, --faults, --broker and --tls go with "
            "--smart-lane"
        )
    told = tell(_lanes)
    order = serving.Order(
        loaded, place, date_of(day) if day else None, seed, speed, fidelity, engine
    )  # fmt: skip
    return serving.serve(order, lambda wires: told(wires, ""))


def _tell(
    place: Place, site: str, rows: Callable[[WireList], list[Row]], *, as_json: bool
) -> Callable[[WireList, str], None]:
    """Says what is open once it is: a table of `rows`, or a line of JSON."""

    def ready(wire_list: WireList, broker: str) -> None:
        if as_json:
            told = {"endpoints": str(place.endpoints), "site": site}
            click.echo(json.dumps({**told, **({"broker": broker} if broker else {})}))
            return
        show(rows(wire_list), False, f"Serving {site}; Ctrl-C ends")
        console = Console()
        if broker:
            fleet = wire_list["fleet"]
            console.print(f"{len(fleet['vehicles'])} vehicles are on the broker ({broker}).")
        console.print(
            f"The wire list, with user names and passwords, is in {place.endpoints} (mode 600)."
        )

    return ready


def _lanes(wire_list: WireList) -> list[Row]:
    return [
        {"endpoint": lane[role]["id"], "protocol": lane[role]["protocol"],
         "connect to": f"{lane[role]['host']}:{lane[role]['port']}"
         if "port" in lane[role] else f"relays of {lane['id']}.io"}
        for lane in wire_list["lanes"] for role in ("barrier", "io", "scale", "camera")
    ] + [
        {"endpoint": "customs", "protocol": "rest",
         "connect to": wire_list["services"]["customs"]["url"]}
    ]  # fmt: skip


def _bridge(wire_list: WireList) -> list[Row]:
    return [
        {"endpoint": name, "protocol": protocol, "connect to": where}
        for name, protocol, where in endpoints_of(wire_list)
        if where
    ]
