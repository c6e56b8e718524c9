"""The command `serve`: a site's wires on the wall clock."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from twin import serve as serving
from twin import site as sites
from twin.bridge import CarrierKind
from twin.cli_group import refuse
from twin.cli_options import (
    broker_options,
    date_of,
    engine_option,
    fidelity_option,
    json_option,
    seed_option,
    show,
    wish_of,
)
from twin.serve_bridge import BridgeOrder, serve_bridge


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
              help="Serve the bridge instead: vehicles, cranes, transfers.")  # fmt: skip
@click.option("--hours", type=click.FloatRange(min=0.01, max=24 * 31),
              help="With --smart-lane: how long boxes come [24].")  # fmt: skip
@click.option("--boxes", type=click.IntRange(0, 10_000),
              help="With --smart-lane: containers a day, both ways [as the site].")  # fmt: skip
@click.option("--carrier", type=click.Choice([kind.value for kind in CarrierKind]),
              help="With --smart-lane: vehicles on the lane, or a sky-rail [igv].")  # fmt: skip
@click.option("--faults", type=click.Path(path_type=Path),
              help="With --smart-lane: a fault schedule (TOML).")  # fmt: skip
@seed_option
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True,
              help="Times the wall clock.")  # fmt: skip
@fidelity_option
@engine_option
@click.option("--for", "for_s", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="Stop after so many seconds.")  # fmt: skip
@click.option("--stack", help="Also run this stack in the same process, as `reference`.")
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
    carrier: str | None,
    faults: Path | None,
    seed: int,
    speed: float,
    fidelity: Any,
    engine: str,
    for_s: float | None,
    stack: str | None,
    trace_path: Path | None,
    as_json: bool,
    **broker: Any,
) -> None:
    """Serve the wires of SITE on the wall clock, for a stack that you start yourself.

    Prints where to connect and writes the wire list for the stack. Ends with Ctrl-C.
    """
    loaded = sites.load(site)
    if smart_lane:
        if day is not None:
            refuse("--day is of the lanes; --smart-lane has --hours and --boxes")
        bridge = BridgeOrder(
            loaded, host, first_port or 0, out, 24.0 if hours is None else hours, boxes, seed,
            speed, "kinematic" if fidelity == "kinematic" else engine, for_s,
            "reference-fleet" if stack == "reference" else stack, trace_path, faults,
            CarrierKind(carrier or "igv"), wish_of(**broker),
        )  # fmt: skip
        return _serve_bridge(bridge, as_json=as_json)
    if (hours, boxes, carrier, faults) != (None, None, None, None) or not wish_of(**broker).plain:
        refuse("--hours, --boxes, --carrier, --faults, --broker and --tls go with --smart-lane")
    order = serving.Order(
        site=loaded,
        host=host,
        first_port=first_port or 0,
        endpoints=out,
        day=date_of(day) if day else None,
        seed=seed,
        speed=speed,
        fidelity=fidelity,
        engine=engine,
        for_s=for_s,
        stack=stack,
        trace=trace_path,
    )
    console = Console(stderr=as_json)

    def ready(wire_list: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps({"endpoints": str(out), "site": loaded.id}))
            return
        show(
            [
                {"endpoint": lane[role]["id"], "protocol": lane[role]["protocol"],
                 "connect to": f"{lane[role]['host']}:{lane[role]['port']}"
                 if "port" in lane[role] else f"relays of {lane['id']}.io"}
                for lane in wire_list["lanes"] for role in ("barrier", "io", "scale", "camera")
            ] + [
                {"endpoint": "customs", "protocol": "rest",
                 "connect to": wire_list["services"]["customs"]["url"]}
            ],
            False, f"Serving {loaded.id}; Ctrl-C ends",
        )  # fmt: skip
        console.print(f"The wire list, with user names and passwords, is in {out} (mode 600).")

    serving.serve(order, ready)
    return None


def _serve_bridge(order: BridgeOrder, *, as_json: bool) -> None:
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback

    def ready(wire_list: dict[str, Any], broker: str) -> None:
        if as_json:
            told = {"endpoints": str(order.endpoints), "site": order.site.id, "broker": broker}
            click.echo(json.dumps(told))
            return
        fleet = wire_list["fleet"]
        cranes = [yard["crane"] for yard in wire_list["yards"]]
        rows = [
            {"endpoint": "broker", "protocol": "mqtt, TLS" if "tls" in fleet else "mqtt",
             "connect to": f"{fleet['host']}:{fleet['port']}"},
            *({"endpoint": one["id"], "protocol": one["protocol"], "connect to": one["url"]}
              for one in cranes),
            {"endpoint": "transfers", "protocol": "rest",
             "connect to": wire_list["transfers"]["url"]},
        ]  # fmt: skip
        show(rows, False, f"Serving the smart lane of {order.site.id}; Ctrl-C ends")
        console = Console()
        console.print(
            f"{len(fleet['vehicles'])} vehicles are on the broker ({broker}).\n"
            f"The wire list, with user names and passwords, is in {order.endpoints} (mode 600)."
        )

    serve_bridge(order, ready)
