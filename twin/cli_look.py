"""Commands that only look: sites, their wires, what can break."""

from __future__ import annotations

import fnmatch
import itertools
import json
from typing import Any

import click

from twin import faults as fault_schedule
from twin import site as sites
from twin.bridge import Bridge, CarrierKind, access, cargo_of, endpoints, in_phase
from twin.chain.papers import FarSide, Papers
from twin.cli_group import refuse
from twin.cli_options import carrier_option, json_option, phase_option, show
from twin.clock import Clock, run_virtual
from twin.errors import HarnessError, UnknownName
from twin.gate import Gate
from twin.site import Site
from twin.trace import Trace
from twin.wires.mqtt.access import acl_text


@click.command(name="sites")
@json_option
def sites_command(as_json: bool) -> None:
    """List the sites that come with the product.

    A site is one bridge with its lanes, devices and traffic. Wherever a command takes SITE, the
    path of a site file of your own (TOML) will do as well.
    """
    found = [sites.load(name) for name in sites.known_sites()]
    rows = [
        {
            "site": site.id, "name": site.name.en, "lanes": len(site.lanes),
            "smart_lanes": sum(lane.kind == "smart" for lane in site.lanes),
            "hours": f"{site.hours.opens}–{site.hours.closes}",
            "days": [day.date.isoformat() for day in site.traffic.days],
        }
        for site in found
    ]  # fmt: skip
    show(rows, as_json, "Sites")


@click.command(short_help="List the endpoints of SITE and their maps.")
@click.argument("site")
@click.option("--map", "show_map", is_flag=True, help="Also list every register of every wire.")
@click.option("--smart-lane", is_flag=True, help="The bridge's wires instead of the lanes'.")
@carrier_option
@phase_option
@click.option("--acl", is_flag=True,
              help="With --smart-lane: topic rights, as mosquitto's acl_file.")  # fmt: skip
@json_option
def wires(
    site: str, show_map: bool, smart_lane: bool, carrier: str | None, phase: str | None, acl: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """List every endpoint of SITE with its protocol and, with --map, its registers.

    With --smart-lane: the broker, every vehicle, crane and receiver, transfers, maps, racks and
    the reefers' messages, in the order of their ports; the map has topics, nodes, methods,
    requests, sentences and registers.
    """
    if smart_lane:
        kind = CarrierKind(carrier or "igv")
        ground = in_phase(sites.load(site), int(phase or 1), kind)
        if acl:
            rules = access(cargo_of(ground, kind), {}).rules
            click.echo(acl_text(rules or ()), nl=False)
            return None
        return _bridge_wires(ground, kind, show_map=show_map, as_json=as_json)
    if acl or carrier or phase:
        refuse("--acl, --carrier and --phase go with --smart-lane")
    wire_list = _built(site)[0]
    if as_json:
        click.echo(json.dumps(wire_list, indent=2, ensure_ascii=False))
        return None
    endpoints = [
        entry
        for lane in wire_list["lanes"]
        for role in ("barrier", "io", "scale", "camera")
        for entry in [lane[role]]
    ]
    show(
        [
            {
                "endpoint": entry["id"], "protocol": entry["protocol"],
                "profile": entry.get("profile", "–"),
                "points": len(entry["points"]) if "points" in entry else "–",
            }
            for entry in endpoints
        ] + [
            {
                "endpoint": "customs", "protocol": "rest", "profile": "OpenAPI at /openapi.json",
                "points": "–",
            }
        ],
        False, f"Wires of {wire_list['site']}; `gatetwin serve` opens them",
    )  # fmt: skip
    if show_map:
        for entry in endpoints:
            if "points" in entry:
                rows = [
                    {
                        "point": name, "table": point["table"], "address": point["address"],
                        "encoding": point["encoding"], "access": point["access"],
                    }
                    for name, point in entry["points"].items()
                ]  # fmt: skip
                show(rows, False, f"{entry['id']} ({entry['profile']})")
    return None


def _bridge_wires(ground: Site, kind: CarrierKind, *, show_map: bool, as_json: bool) -> None:
    async def look(clock: Clock) -> list[dict[str, Any]]:
        return endpoints(Bridge(ground, clock, Trace(clock), carrier=kind))

    found = run_virtual(look)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    title = f"Wires of the smart lane of {ground.id}; `gatetwin serve --smart-lane` opens them"
    rows = [{**one, "points": len(one["map"])} for one in found]
    show([{k: v for k, v in row.items() if k != "map"} for row in rows], False, title)
    for one in found if show_map else ():
        show(one["map"], False, f"{one['endpoint']} ({one['profile']})")


@click.command(name="faults", short_help="List what can break in SITE, and how.")
@click.argument("site")
@click.argument("target", default="*")
@carrier_option
@phase_option
@json_option
def faults_command(
    site: str, target: str, carrier: str | None, phase: str | None, as_json: bool
) -> None:
    """List the fault menu of every device, wire and service of SITE, or of TARGET alone.

    TARGET is a name or a pattern: in-1.barrier, '*.camera', customs; igv-01, 'broker.link*'.

    A line can be injected by a schedule (gatetwin run --faults FILE), in a pytest test
    (gate.inject("in-1.barrier", "slow", factor=0.5)) and by the Hypothesis strategies.
    """
    menu = _built(site)[1] + _bridge_menu(site, CarrierKind(carrier or "igv"), int(phase or 1))
    rows = [row for row in menu if fnmatch.fnmatchcase(row["target"], target)]
    if not rows:
        raise UnknownName(f"fault target of {site}", target, {row["target"] for row in menu})
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, group in itertools.groupby(rows, key=lambda row: str(row["target"])):
        show([_fault_row(row) for row in group], False, name)
        click.echo()


def _bridge_menu(site: str, kind: CarrierKind, phase: int) -> list[dict[str, Any]]:
    """What can break on the bridge, if there is one and its cranes can be served here."""
    loaded = in_phase(sites.load(site), phase, kind)
    cargo = loaded.bridge.cargo
    if cargo is None:
        return []

    async def look(clock: Clock) -> list[dict[str, Any]]:
        trace = Trace(clock)
        targets = dict(Bridge(loaded, clock, trace, carrier=kind).targets)
        if cargo.trucks is not None:  # lanes and bridge may run together
            targets |= {one.id: one for one in (Papers(trace), FarSide(trace))}
        return fault_schedule.menu(targets)

    try:
        return run_virtual(look)
    except HarnessError as error:  # an extra is missing
        click.echo(f"The smart lane is left out: {error}", err=True)
        return []


def _fault_row(row: dict[str, Any]) -> dict[str, Any]:
    given = ", ".join(
        f"{name}={spec['default']}{' ' + spec['unit'] if 'unit' in spec else ''}"
        for name, spec in row["parameters"].items()
    )
    return {"kind": row["kind"], "what it does": f"{row['does']}{f'  [{given}]' if given else ''}"}


def _built(site: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The wire list and the fault menu of a site, without traffic."""
    loaded = sites.load(site)

    async def look(clock: Clock) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        gate = Gate(loaded, clock, Trace(clock))
        wire_list = await gate.start()
        await gate.stop()
        for lane in wire_list["lanes"]:
            for role in ("barrier", "io", "scale", "camera"):
                for key in ("host", "port", "password"):
                    lane[role].pop(key, None)
        del wire_list["services"], wire_list["operations"]
        return wire_list, fault_schedule.menu(gate.targets)

    return run_virtual(look)
