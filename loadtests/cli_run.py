"""What the sub-commands of `gatetwin load` share: options, one open run, the verdict.

What measures is imported inside the functions, so that `--help` works without the extra `load`.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from loadtests.arrivals import SHAPES, schedule
from loadtests.errors import MissingExtra

if TYPE_CHECKING:
    from loadtests.driver import Workload
    from loadtests.result import Recorder
    from loadtests.streams import Listener

Command = Callable[..., Any]


def common(*, rate: float = 10.0, connections: int = 16) -> Callable[[Command], Command]:
    """Options of the open drivers, with the defaults that suit one of them."""
    return together(
        click.option(
            "--rate", type=float, default=rate, show_default=True, help="Mean arrivals/s."
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
            "--connections",
            type=click.IntRange(1, 10_000),
            default=connections,
            show_default=True,
            help="Connections that serve the arrivals; many devices take only a few.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0.001, 3600),
            default=5.0,
            show_default=True,
            help="Deadline of a request, and patience of an arrival without a connection, s.",
        ),
        slo_option(),
        out_option(),
        json_option(),
    )


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; `--help` shows them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def account_options(envvar: str, user: str, *, default: str = "") -> Callable[[Command], Command]:
    """Who comes, and the password; `user` is the help of its name."""
    return together(
        click.option("--user", default=default, show_default=bool(default), help=user),
        click.option("--password", default="", envvar=envvar, help="Its password."),
    )


def many_option(name: str, most: int, default: int, help: str) -> Callable[[Command], Command]:
    """How many of something are held open, 0 to `most`."""
    kind = click.IntRange(0, most)
    return click.option(name, type=kind, default=default, show_default=True, help=help)


def slo_option() -> Callable[[Command], Command]:
    """The limits."""
    return click.option(
        "--slo", type=click.Path(path_type=Path), help="slo.toml: limits that set the exit code."
    )


def out_option() -> Callable[[Command], Command]:
    """Where results go."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for result.json, verdict.json, report.html, junit.xml.",
    )


def endpoints_option() -> Callable[[Command], Command]:
    """The wire list."""
    return click.option(
        "--endpoints",
        type=click.Path(path_type=Path),
        help="Wire list of the gate, as `gatetwin serve` writes it.",
    )


def device_option(what: str) -> Callable[[Command], Command]:
    """One device of the wire list; `what` is its kind and an example."""
    return click.option("--device", help=f"Id of {what}.")


def named(target: str | None, endpoints: Path | None, device: str | None) -> str | tuple[Path, str]:
    """What is loaded: --target, or a device of a wire list; a usage error unless it is one."""
    if endpoints and device and not target:
        return endpoints, device
    if target and not (endpoints or device):
        return target
    raise click.UsageError("give --target, or --endpoints together with --device")


def json_option() -> Callable[[Command], Command]:
    """For machines."""
    return click.option("--json", "json_out", is_flag=True, help="Print JSON instead of a table.")


def needs(module: str, package: str, extra: str = "load") -> None:
    """Say which extra is missing before anything is measured."""
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(package, "the load generator", extra)


def run_open(
    ctx: click.Context,
    kind: str,
    target: str,
    workload: Workload,
    run: dict[str, Any],
    listeners: Sequence[Listener] = (),
    *,
    sockets: bool = False,
) -> None:
    """Send a whole schedule, with `listeners` beside it, judge it, and exit with the verdict.

    `sockets` asks for a loop that watches sockets, which Windows' own does not.
    """
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
        listeners=listeners,
        abort=abort,
        progress=each_second if progress.is_terminal else None,
    )
    with asyncio.Runner(loop_factory=fine_loop(sockets=sockets)) as runner, quiet_collector():
        recorder = runner.run(driver.run())
    if progress.is_terminal:
        progress.print()
    finish(ctx, recorder, limits, run)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """No full garbage collection within the block: one over 500 clients stops us for 0.3 s.

    A run is short and what it makes is counted by references; young garbage goes as ever.
    """
    gc.collect()
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def fine_loop(*, sockets: bool = False) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where it exists: the stock loop rounds timers up to a millisecond."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.SelectorEventLoop if sockets else None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def finish(ctx: click.Context, recorder: Recorder, limits: Any, run: dict[str, Any]) -> None:
    """Judge, write, print, and exit with the verdict's code."""
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
