"""`gatetwin load isapi` and `gatetwin load toledo`: what sends by itself, and more beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from loadtests.cli_run import (
    account_options,
    common,
    device_option,
    endpoints_option,
    many_option,
    named,
    needs,
    run_open,
)


@click.command()
@click.option("--target", help="Address of the camera, HOST:PORT or a URL.")
@account_options("GATETWIN_CAMERA_PASSWORD", "User for HTTP digest.", default="admin")
@click.option("--channel", type=click.IntRange(1), default=1, show_default=True)
@endpoints_option()
@device_option("a camera in --endpoints, e.g. in-1.camera")
@many_option("--subscribers", 10_000, 4, "Alert streams that are held open.")
@click.option(
    "--echo",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of arrivals that trigger a reading and wait for its event; 0 only looks on.",
)
@common(rate=5.0, connections=8)
@click.pass_context
def isapi(
    ctx: click.Context,
    /,
    target: str | None,
    user: str,
    password: str,
    channel: int,
    endpoints: Path | None,
    device: str | None,
    subscribers: int,
    echo: float,
    **run: Any,
) -> None:
    """Subscribe to a plate camera's alert stream many times, and ask for pictures.

    Name it by --target, or by --endpoints and --device. An echo makes the camera read now, and
    every subscriber gets the event: point it at a test instance, or give --echo 0.
    """
    needs("hdrh", "hdrhistogram")
    from loadtests.endpoints import camera as listed_camera
    from loadtests.isapi import Camera, IsapiWorkload, base_url

    address = named(target, endpoints, device)
    if isinstance(address, tuple):
        address, user, password, channel = listed_camera(*address)
    camera = Camera(base_url(address), user, password, channel, run["timeout"])
    workload = IsapiWorkload(camera, subscribers=subscribers, echo_share=echo, seed=run["seed"])
    asyncio.run(camera.check())
    run_open(ctx, "isapi", camera.url, workload, run, workload.listeners)


@click.command()
@click.option("--target", required=True, help="opc.tcp://HOST:PORT/PATH of the server.")
@account_options("GATETWIN_OPCUA_PASSWORD", "User name; anonymous without one.")
@click.option("--node", "nodes", multiple=True, help="Node id, as ns=6;s=crane-1.hoist.place.")
@click.option(
    "--browse",
    type=click.IntRange(1, 1_000),
    default=20,
    show_default=True,
    help="Without --node: how many variables below Objects are taken.",
)
@many_option("--subscribers", 1_000, 1, "Sessions that subscribe to all nodes.")
@click.option(
    "--publishing-ms", type=click.FloatRange(1, 60_000), default=100.0, show_default=True,
    help="Publishing interval that subscribers ask for.",
)  # fmt: skip
@common(rate=10.0, connections=1)
@click.pass_context
def opcua(
    ctx: click.Context,
    /,
    target: str,
    user: str,
    password: str,
    nodes: tuple[str, ...],
    browse: int,
    subscribers: int,
    publishing_ms: float,
    **run: Any,
) -> None:
    """Read and subscribe to variables of an OPC UA server, e.g. a crane; nothing is written."""
    needs("hdrh", "hdrhistogram")
    from loadtests.alerts import Delays
    from loadtests.opcua import OpcUaTarget, OpcUaWorkload, SubscriptionListener, find_variables

    server = OpcUaTarget(target, user, password, run["timeout"], publishing_ms / 1000.0)
    chosen = list(nodes) or asyncio.run(find_variables(server, browse))
    workload, delays = OpcUaWorkload(server, chosen), Delays()
    ears = [SubscriptionListener(server, chosen, delays) for _ in range(subscribers)]
    run_open(ctx, "opcua", target, workload, run, ears)


@click.command()
@click.option("--target", help="HOST:PORT of a scale terminal or its serial server.")
@endpoints_option()
@device_option("a scale in --endpoints, e.g. in-1.scale")
@many_option(
    "--streams", 10_000, 1, "Connections that read every frame; most terminals take two in all."
)
@click.option(
    "--frames-per-s",
    type=float,
    default=7.0,
    show_default=True,
    help="How many frames the terminal sends: what it leaves out counts as missing.",
)
@click.option("--checksum", is_flag=True, help="Frames end with a check character.")
@common(rate=0.5, connections=1)
@click.pass_context
def toledo(
    ctx: click.Context,
    /,
    target: str | None,
    endpoints: Path | None,
    device: str | None,
    streams: int,
    frames_per_s: float,
    checksum: bool,
    **run: Any,
) -> None:
    """Read a scale's continuous frames, and connect anew at each arrival.

    Name it by --target, or by --endpoints and --device. Nothing is written to the scale.
    """
    needs("hdrh", "hdrhistogram")
    from loadtests.endpoints import toledo_scale
    from loadtests.toledo import FrameListener, ToledoTarget, ToledoWorkload

    address = named(target, endpoints, device)
    if isinstance(address, tuple):
        address = toledo_scale(*address)
    scale = ToledoTarget(address, frames_per_s, checksum, run["timeout"])
    listeners = [FrameListener(scale) for _ in range(streams)]
    run_open(ctx, "toledo", address, ToledoWorkload(scale), run, listeners)
