"""`gatetwin load`: put load on a gate's interfaces and decide.

Exit codes: 0 every limit held; 1 the harness failed; 2 the run cannot decide; 99 a limit was
breached. What measures is imported inside the commands, so that `--help` works without the
extra `load`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console

from loadtests.arrivals import SHAPES, schedule
from loadtests.errors import MissingExtra
from twin.errors import GateTwinError

if TYPE_CHECKING:
    from loadtests.driver import Workload
    from loadtests.result import Recorder

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
    gatetwin load locust modbus --target 10.0.0.5:502 --users 50 -- --processes 4
    gatetwin load judge load-out --slo slo.toml

    \b
    Exit codes: 0 every limit held, 1 the harness failed, 2 undecided (generator starved or
    too few samples), 99 a limit was breached.
    """


Command = Callable[..., Any]


def _common(command: Command) -> Command:
    """Options of the two open drivers."""
    options = [
        click.option(
            "--rate", type=float, default=10.0, show_default=True, help="Mean arrivals/s."
        ),
        click.option(
            "--duration", type=float, default=30.0, show_default=True, help="Seconds of arrivals."
        ),
        click.option(
            "--shape",
            type=click.Choice(list(SHAPES)),
            default="poisson",
            show_default=True,
            help="How arrivals fall; the mean rate is the same for all.",
        ),
        click.option("--seed", type=int, default=1, show_default=True, help="Seed of arrivals."),
        click.option(
            "--connections", type=click.IntRange(1, 10_000), default=16, show_default=True
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0.001, 3600),
            default=5.0,
            show_default=True,
            help="Deadline of a request, and patience of an arrival without a connection, s.",
        ),
        _slo_option(),
        _out_option(),
        _json_option(),
    ]
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    return cast("Command", decorated)


def _slo_option() -> Callable[[Command], Command]:
    return click.option(
        "--slo", type=click.Path(path_type=Path), help="slo.toml: limits that set the exit code."
    )


def _out_option() -> Callable[[Command], Command]:
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for result.json, verdict.json, report.html, junit.xml.",
    )


def _endpoints_option() -> Callable[[Command], Command]:
    return click.option(
        "--endpoints",
        type=click.Path(path_type=Path),
        help="Wire list of the gate, as `gatetwin serve` writes it.",
    )


def _json_option() -> Callable[[Command], Command]:
    return click.option("--json", "json_out", is_flag=True, help="Print JSON instead of a table.")


@load.command()
@click.option("--target", help="HOST:PORT of a Modbus TCP device.")
@_endpoints_option()
@click.option("--device", help="Id of a device in --endpoints, e.g. in-1.barrier.")
@click.option(
    "--read",
    "reads",
    multiple=True,
    help="TABLE:ADDRESS[:COUNT] with the address from 0, or with --device the name of a point. "
    "Several are polled in turn.  [default: all points of the device, or holding:100:2]",
)
@click.option("--unit", type=click.IntRange(0, 255), help="Unit id.  [default: 1]")
@_common
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
    _needs("hdrh", "hdrhistogram")
    from loadtests.endpoints import modbus_device
    from loadtests.modbus import ModbusWorkload, parse_block

    if endpoints and device and not target:
        known = modbus_device(endpoints, device)
        named = tuple(text for text in reads if ":" not in text)
        blocks = [parse_block(text) for text in reads if ":" in text]
        blocks += known.blocks(named) if named or not reads else []
        target, unit = known.target, known.unit if unit is None else unit
    elif target and not (endpoints or device):
        blocks = [parse_block(text) for text in reads or ("holding:100:2",)]
    else:
        raise click.UsageError("give --target, or --endpoints together with --device")
    workload = ModbusWorkload(target, blocks, 1 if unit is None else unit)
    _run_open(ctx, "modbus", target, workload, run)


@load.command()
@click.option("--target", help="Address of the customs service, with or without /v1.")
@click.option("--token", default="", envvar="GATETWIN_TOKEN", help="Bearer token.")
@_endpoints_option()
@click.option(
    "--trucks",
    type=click.Path(path_type=Path),
    help="JSON list of {plate, declaration, container, gross_kg, direction}; "
    "without it the service's own list is used.",
)
@_common
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
    _needs("hdrh", "hdrhistogram")
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
    _run_open(ctx, "rest", target, RestWorkload(target, token, run["seed"], known), run)


def _needs(module: str, package: str) -> None:
    """Say which extra is missing before anything is measured."""
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(package, "the load generator")


def _run_open(
    ctx: click.Context, kind: str, target: str, workload: Workload, run: dict[str, Any]
) -> None:
    from loadtests import slo
    from loadtests.driver import OpenDriver
    from loadtests.result import RunInfo, slot_width_s

    limits = slo.load(run["slo"]) if run["slo"] else None
    info = RunInfo(
        workload=kind,
        target=target,
        model="open",
        rate_per_s=run["rate"],
        shape=run["shape"],
        seed=run["seed"],
        connections=run["connections"],
        timeout_s=run["timeout"],
        planned_s=run["duration"],
        warm_up_s=limits.warm_up_s if limits else 0.0,
        started_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        slot_s=slot_width_s(run["duration"]),
    )
    if info.warm_up_s >= info.planned_s:
        raise click.UsageError(
            f"--duration {info.planned_s:g} s is not longer than the warm-up of "
            f"{info.warm_up_s:g} s in {run['slo']}: nothing would be measured"
        )
    instants = schedule(
        info.shape, rate_per_s=info.rate_per_s, duration_s=info.planned_s, seed=info.seed
    )
    progress = Console(stderr=True)

    def each_second(recorder: Recorder, now_s: float) -> None:
        first = (now_s - 2) / info.slot_s
        recent = [slot.max_s for index, slot in recorder.slots.items() if index >= first]
        worst = f"{max(recent) * 1000:,.1f} ms" if recent else "–"
        done = sum(slot.offered for slot in recorder.slots.values())
        progress.print(
            f"\r{now_s:5.0f} s  {done:8,} of {len(instants):,} done, slowest now {worst}   ", end=""
        )

    abort = limits.abort.rule() if limits and limits.abort else None
    driver = OpenDriver(
        workload,
        instants,
        info,
        abort=abort,
        progress=each_second if progress.is_terminal else None,
    )
    with asyncio.Runner(loop_factory=_fine_loop()) as runner:
        recorder = runner.run(driver.run())
    if progress.is_terminal:
        progress.print()
    _finish(ctx, recorder, limits, run)


def _fine_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where it exists: the stock loop rounds timers up to a millisecond."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _finish(ctx: click.Context, recorder: Recorder, limits: Any, run: dict[str, Any]) -> None:
    from loadtests import outcome

    verdict = outcome.conclude(recorder, limits, run["out"])
    if run["json_out"]:
        click.echo(json.dumps(outcome.as_data(recorder, verdict), indent=2, ensure_ascii=False))
    else:
        console = Console(width=None if sys.stdout.isatty() else 140)
        outcome.show(console, recorder, verdict)
        if run["out"]:
            console.print(f"report: {run['out'] / 'report.html'}", highlight=False)
    ctx.exit(verdict.exit_code)


@load.command()
@click.argument("result", type=click.Path(path_type=Path, exists=True))
@_slo_option()
@_out_option()
@_json_option()
@click.pass_context
def judge(ctx: click.Context, /, result: Path, slo: Path | None, **run: Any) -> None:
    """Judge a RESULT (result.json or its folder) again, e.g. against other limits."""
    _needs("hdrh", "hdrhistogram")
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
    _finish(ctx, recorder, limits, run)


USERS = {"modbus": "ModbusPoller", "rest": "CustomsClient"}


@load.command(context_settings={"ignore_unknown_options": True})
@click.argument("kind", type=click.Choice(list(USERS)))
@click.option("--target", required=True, help="HOST:PORT for modbus, an address for rest.")
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
    drivers `modbus` and `rest`. The exit code is that of the verdict on the merged sum.
    """
    _needs("locust", "locust")
    _needs("hdrh", "hdrhistogram")
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
    users_file = Path(__file__).with_name("locust_users.py")
    command = [sys.executable, "-m", "locust", "-f", str(users_file), USERS[kind]]
    if kind == "modbus":
        target = target.removeprefix("modbus://")
    command += ["--host", target, "--rate-per-user", f"{rate / users:g}"]
    if "--worker" not in extra:
        command += ["--headless", "--users", str(users), "--spawn-rate", str(users)]
        command += ["--run-time", f"{max(1, round(duration_s))}s", "--stop-timeout", "10"]
        command += ["--slo", str(slo)] if slo else []
        command += ["--load-out", str(out)] if out else []
    return command + list(extra)
