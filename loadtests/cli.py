"""`gatetwin load`: put load on a gate's interfaces and decide.

Exit codes: 0 every limit held; 1 the harness failed; 2 the run cannot decide; 99 a limit was
breached. What measures is imported inside the commands, so that `--help` works without the
extra `load`.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from loadtests.cli_mqtt import mqtt
from loadtests.cli_run import (
    common,
    device_option,
    endpoints_option,
    finish,
    json_option,
    named,
    needs,
    out_option,
    run_open,
    slo_option,
)
from loadtests.cli_streams import isapi, opcua, toledo
from twin.errors import GateTwinError

HARNESS_ERROR = 1
"""Exit code where the harness failed; 2, click's own for a wrong option, means undecided here."""


class LoadGroup(click.Group):
    """Wrong usage and harness errors both end with 1, so that 2 and 99 keep their meaning."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(HARNESS_ERROR)
        except GateTwinError as error:
            click.echo(f"gatetwin load: {error}", err=True)
            ctx.exit(HARNESS_ERROR)


@click.group(cls=LoadGroup, context_settings={"help_option_names": ["-h", "--help"]})
def load() -> None:
    """Load a gate's interfaces with open arrivals and hold the times against limits.

    \b
    gatetwin load modbus --endpoints endpoints.json --device in-1.barrier --rate 200 --slo slo.toml
    gatetwin load modbus --target 10.0.0.5:502 --read holding:100:2 --rate 200 --duration 30
    gatetwin load rest   --endpoints endpoints.json --rate 20 --shape convoy --out load-out
    gatetwin load isapi  --endpoints endpoints.json --device in-1.camera --subscribers 4
    gatetwin load toledo --endpoints endpoints.json --device in-1.scale
    gatetwin load locust modbus --target 10.0.0.5:502 --users 50 -- --processes 4
    gatetwin load judge load-out --slo slo.toml

    \b
    Exit codes: 0 every limit held, 1 the harness failed, 2 undecided (generator starved or
    too few samples), 99 a limit was breached.
    """


load.add_command(isapi)
load.add_command(toledo)
load.add_command(mqtt)
load.add_command(opcua)


@load.command()
@click.option("--target", help="HOST:PORT of a Modbus TCP device.")
@endpoints_option()
@device_option("a device in --endpoints, e.g. in-1.barrier")
@click.option(
    "--read",
    "reads",
    multiple=True,
    help="TABLE:ADDRESS[:COUNT] with the address from 0, or with --device the name of a point. "
    "Several are polled in turn.  [default: all points of the device, or holding:100:2]",
)
@click.option("--unit", type=click.IntRange(0, 255), help="Unit id.  [default: 1]")
@common(connections=1)
@click.pass_context
def modbus(
    ctx: click.Context,
    /,
    target: str | None,
    endpoints: Path | None,
    device: str | None,
    reads: tuple[str, ...],
    unit: int | None,
    **run: Any,
) -> None:
    """Poll a Modbus TCP device: coils, discrete inputs, holding or input registers.

    Name it by --target, or by --endpoints and --device.
    """
    needs("hdrh", "hdrhistogram")
    from loadtests.endpoints import modbus_device
    from loadtests.modbus import ModbusWorkload, parse_block

    address = named(target, endpoints, device)
    if isinstance(address, tuple):
        known = modbus_device(*address)
        points = tuple(text for text in reads if ":" not in text)
        blocks = [parse_block(text) for text in reads if ":" in text]
        blocks += known.blocks(points) if points or not reads else []
        address, unit = known.target, known.unit if unit is None else unit
    else:
        blocks = [parse_block(text) for text in reads or ("holding:100:2",)]
    workload = ModbusWorkload(address, blocks, 1 if unit is None else unit)
    run_open(ctx, "modbus", address, workload, run)


@load.command()
@click.option("--target", help="Address of the customs service, with or without /v1.")
@click.option("--token", default="", envvar="GATETWIN_TOKEN", help="Bearer token.")
@endpoints_option()
@click.option(
    "--trucks",
    type=click.Path(path_type=Path),
    help="JSON list of {plate, declaration, container, gross_kg, direction}; "
    "without it the service's own list is used.",
)
@common()
@click.pass_context
def rest(
    ctx: click.Context,
    /,
    target: str | None,
    token: str,
    endpoints: Path | None,
    trucks: Path | None,
    **run: Any,
) -> None:
    """Ask and tell the customs service as a gate does: decisions, records, lookups, alarms.

    Name it by --target and --token, or by --endpoints. It asks for releases of declared trucks:
    point it at a test instance.
    """
    needs("hdrh", "hdrhistogram")
    from loadtests.endpoints import customs
    from loadtests.rest import RestWorkload, declared_trucks
    from loadtests.rest_calls import read_trucks

    if endpoints and not target:
        target, listed = customs(endpoints)
        token = token or listed
    elif not target or endpoints:
        raise click.UsageError("give --target, or --endpoints")
    known = (
        read_trucks(trucks)
        if trucks
        else asyncio.run(declared_trucks(target, token, run["seed"], run["timeout"]))
    )
    if not any(truck.declaration for truck in known):
        click.echo(
            "note: no declared trucks are known, so made-up plates are looked up and no release "
            "is asked for; a served gate lists some once traffic comes (--day), or give --trucks",
            err=True,
        )
    run_open(ctx, "rest", target, RestWorkload(target, token, run["seed"], known), run)


@load.command()
@click.argument("result", type=click.Path(path_type=Path, exists=True))
@slo_option()
@out_option()
@json_option()
@click.pass_context
def judge(ctx: click.Context, /, result: Path, slo: Path | None, **run: Any) -> None:
    """Judge a RESULT (result.json or its folder) again, e.g. against other limits."""
    needs("hdrh", "hdrhistogram")
    from loadtests import slo as slo_module
    from loadtests.result import Recorder

    limits = slo_module.load(slo) if slo else None
    recorder = Recorder.read(result)
    if limits and limits.warm_up_s != recorder.info.warm_up_s:
        click.echo(
            f"note: measured with a warm-up of {recorder.info.warm_up_s:g} s, the limits ask for "
            f"{limits.warm_up_s:g} s; what was cut cannot be cut otherwise afterwards",
            err=True,
        )
    finish(ctx, recorder, limits, run)


USERS = {
    "modbus": ("ModbusPoller",),
    "rest": ("CustomsClient",),
    "isapi": ("CameraClient",),
    "toledo": ("ScaleReader",),
    "mqtt": ("VehicleUser", "OrderUser"),
    "opcua": ("OpcUaReader",),
    "reefer": ("ReeferUser",),
}
_FILES = {"mqtt": "locust_mqtt.py", "opcua": "locust_opcua.py", "reefer": "locust_reefer.py"}


@load.command(context_settings={"ignore_unknown_options": True})
@click.argument("kind", type=click.Choice(list(USERS)))
@click.option(
    "--target", required=True, help="HOST:PORT, or an address (rest, mqtt, opcua, reefer)."
)
@click.option("--users", type=click.IntRange(1), default=10, show_default=True)
@click.option(
    "--rate", type=float, default=50.0, show_default=True, help="Arrivals/s of all users together."
)
@click.option("--duration", type=float, default=30.0, show_default=True, help="Seconds of load.")
@click.option("--slo", type=click.Path(path_type=Path), help="slo.toml, judged on the merged sum.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of results.")
@click.option(
    "--print", "print_only", is_flag=True, help="Print the Locust command, do not run it."
)
@click.option("--json", "as_json", is_flag=True, help="Locust's statistics as JSON.")
@click.argument("locust_args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def locust(
    ctx: click.Context,
    kind: str,
    target: str,
    users: int,
    rate: float,
    duration: float,
    slo: Path | None,
    out: Path | None,
    print_only: bool,
    as_json: bool,
    locust_args: tuple[str, ...],
) -> None:
    """Run Locust with our users; what follows `--` goes to Locust as it is.

    \b
    One machine, four processes:   … locust modbus --target … -- --processes 4
    Master, then each worker:      … locust modbus --target … -- --master --expect-workers 2
                                   … locust modbus --target … -- --worker --master-host HOST

    Locust's users are a closed model: each sends its next request only after the last answer. Ours
    keep a pace and count from the instant a request was due, but for a gate prefer the open
    drivers. The exit code is that of the verdict on the merged sum.
    """
    needs("locust", "locust")
    needs("hdrh", "hdrhistogram")
    if kind == "opcua":
        needs("asyncua", "asyncua", "cranes")
    extra = ("--json", *locust_args) if as_json else locust_args
    command = locust_command(kind, target, users, rate, duration, slo=slo, out=out, extra=extra)
    if print_only:
        click.echo(json.dumps(command) if as_json else shlex.join(command))
        return
    ctx.exit(subprocess.run(command, check=False).returncode)


def locust_command(
    kind: str,
    target: str,
    users: int,
    rate: float,
    duration_s: float,
    *,
    slo: Path | None = None,
    out: Path | None = None,
    extra: tuple[str, ...] = (),
) -> list[str]:
    """The Locust command line for our users; a worker takes what its master says."""
    users_file = Path(__file__).with_name(_FILES.get(kind, "locust_users.py"))
    command = [sys.executable, "-m", "locust", "-f", str(users_file), *USERS[kind]]
    if kind == "modbus":
        target = target.removeprefix("modbus://")
    if kind == "isapi" and not target.startswith(("http://", "https://")):
        target = f"http://{target}"
    if kind in ("mqtt", "reefer") and "://" not in target:
        target = f"mqtt://{target}"
    if kind == "opcua" and "://" not in target:
        target = f"opc.tcp://{target}"
    command += ["--host", target, "--rate-per-user", f"{rate / users:g}"]
    if "--worker" not in extra:
        everybody = users + (kind == "mqtt")  # one of them sends orders
        command += ["--headless", "--users", str(everybody), "--spawn-rate", str(everybody)]
        command += ["--run-time", f"{max(1, round(duration_s))}s", "--stop-timeout", "10"]
        command += ["--slo", str(slo)] if slo else []
        command += ["--load-out", str(out)] if out else []
    return command + list(extra)
