"""`gatetwin load mqtt`: a fleet of VDA 5050 vehicles on a broker, and orders to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from loadtests.cli_run import Command, account_options, common, needs, run_open, together


def broker_options() -> Callable[[Command], Command]:
    """Where the broker is and how to come in."""
    pem = click.Path(path_type=Path, exists=True, dir_okay=False)
    return together(
        click.option("--target", required=True, help="HOST:PORT, mqtt://… or mqtts://… (TLS)."),
        account_options("GATETWIN_MQTT_PASSWORD", "User name at the broker."),
        click.option("--ca", type=pem, help="PEM file of the authority to trust; asks for TLS."),
        click.option("--cert", type=pem, help="PEM file of a client certificate."),
        click.option("--key", type=pem, help="PEM file of its key."),
    )


@click.command()
@broker_options()
@click.option("--vehicles", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--state-hz", type=float, default=2.0, show_default=True, help="States/s of each.")
@click.option(
    "--visualization-hz", type=float, default=0.0, show_default=True, help="Positions/s of each."
)
@click.option(
    "--instant-share",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of arrivals that are instant actions, not orders.",
)
@click.option("--ramp", type=float, help="Seconds in which vehicles come; 200 a second without it.")
@click.option("--prefix", default="uagv", show_default=True, help="First level of every topic.")
@click.option("--manufacturer", default="gatetwin-load", show_default=True, help="Third level.")
@common(rate=5.0, connections=64)
@click.pass_context
def mqtt(
    ctx: click.Context,
    /,
    target: str,
    user: str,
    password: str,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    vehicles: int,
    state_hz: float,
    visualization_hz: float,
    instant_share: float,
    ramp: float | None,
    prefix: str,
    manufacturer: str,
    **run: Any,
) -> None:
    """Put a fleet of VDA 5050 vehicles on an MQTT broker, hear it, and send it orders.

    Vehicles send states at --state-hz; --rate is that of orders and instant actions to all of
    them together. A fleet manager that listens to the same prefix sees these vehicles: point it
    at a test broker, or give a --prefix of its own.
    """
    needs("hdrh", "hdrhistogram")
    from loadtests.mqtt import Fleet, FleetPlan, MqttWorkload
    from loadtests.mqtt_broker import broker_address
    from loadtests.vda5050 import Interface

    broker = broker_address(target, user, password, ca, cert, key)
    plan = FleetPlan(
        vehicles,
        state_hz,
        run["duration"],
        run["timeout"],
        visualization_hz=visualization_hz,
        instant_share=instant_share,
        ramp_s=vehicles / 200 if ramp is None else ramp,
        seed=run["seed"],
        # Two runs on one broker must not take each other's names.
        run=f"load-{secrets.token_hex(3)}",
    )
    fleet = Fleet(broker, Interface(prefix, manufacturer), plan)
    run_open(ctx, "mqtt", broker.url, MqttWorkload(fleet), run, fleet.listeners, sockets=True)
