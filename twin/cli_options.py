"""What several commands share: options, tables, dates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twin.bridge import CarrierKind, Wish
from twin.brokers import IMAGE
from twin.cli_group import refuse
from twin.world.boxes import Profile

F = TypeVar("F", bound=Callable[..., Any])

BROKEN = 1
"""Exit code: an invariant was broken."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="One seed, one run."
)
language_option = click.option(
    "--language", type=click.Choice(["en", "vi", "zh"]), default="en", show_default=True,
    help="Language the report opens in; it carries all three.",
)  # fmt: skip

fidelity_option = click.option(
    "--fidelity", type=click.Choice(["kinematic", "physics"]), default="kinematic",
    show_default=True, help="How bodies move: closed form, or rigid bodies at 240 Hz.",
)  # fmt: skip
engine_option = click.option(
    "--engine", type=click.Choice(["pybullet", "mujoco"]), default="pybullet", show_default=True,
    help="Rigid-body engine for --fidelity physics.",
)  # fmt: skip


boxes_option = click.option(
    "--boxes", type=click.IntRange(0, 10_000),
    help="With --smart-lane: containers a day, both ways [the site's demand].",
)  # fmt: skip
demand_option = click.option(
    "--demand", type=click.Choice([one.value for one in Profile]),
    help="With --smart-lane: boxes evenly over the day, or with its peaks [even].",
)  # fmt: skip
carrier_option = click.option(
    "--carrier", type=click.Choice([kind.value for kind in CarrierKind]),
    help="With --smart-lane: driverless vehicles on the lane, or a sky-rail beside it [igv].",
)  # fmt: skip
vehicles_option = click.option(
    "--vehicles", type=click.IntRange(1, 2000),
    help="With --smart-lane: so many driverless vehicles [the site's fleet].",
)  # fmt: skip
phase_option = click.option(
    "--phase", type=click.Choice(["1", "2"]),
    help="With --smart-lane: lanes, cranes and vehicles of Phase 1 or 2 [1].",
)  # fmt: skip


def broker_options(command: F) -> F:
    """Which MQTT broker the vehicles of a smart lane use; `wish_of` makes one thing of it."""
    options = (
        click.option(
            "--broker", default="inproc", show_default=True, metavar="RUNG",
            help="With --smart-lane: container, process, inproc, auto (the first that there is), "
            "or HOST:PORT. Only inproc has faults and runs in virtual time.",
        ),
        click.option(
            "--broker-file", type=click.Path(path_type=Path),
            help="Names, passwords and authority of a broker at HOST:PORT (TOML).",
        ),
        click.option(
            "--broker-image", default=IMAGE, show_default=True, metavar="IMAGE",
            help="Container image with mosquitto.",
        ),
        click.option("--tls", is_flag=True, help="The broker speaks TLS only."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def wish_of(broker: str, broker_file: Path | None, broker_image: str, *, tls: bool) -> Wish:
    """What `broker_options` say."""
    return Wish(broker, broker_file, broker_image, tls)


def date_of(text: str) -> dt.date:
    """A civil date, or the end of the command."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        refuse(f"--day {text}: not a date; write YYYY-MM-DD")


def show(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    """Print rows of equal keys as a table, or as JSON."""
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    # no frame, and the name in the first column is never cut
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None,
        pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    names = list(rows[0]) if rows else []
    for name in names:
        table.add_column(name, no_wrap=name == names[0])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return escape(text)
