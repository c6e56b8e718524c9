"""`gatetwin certify DEVICE`: one command per kit."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from . import certify as certification
from .cli_print import Teller, console, print_outcome, print_results
from .emulator import Emulator
from .kit import Kit

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, not tables.")
PATH = click.Path(path_type=Path)


def command(kit: Kit) -> click.Command:
    """The command that certifies a device of this kit."""

    moves = len(kit.engines) > 1
    what = kit.help[0].upper() + kit.help[1:]

    @click.command(kit.device, help=f"Certify {kit.device}: {kit.help}", short_help=what)
    @click.option("--bench", type=PATH, help="Bench file; the others are looked for beside it.")
    @click.option("--product", type=PATH, help="Which sample is tested [product.toml].")
    @click.option("--pics", type=PATH, help="What it is declared to do [pics.toml].")
    @click.option("--pixit", type=PATH, help="How it is to be tested [pixit.toml].")
    @click.option("--emulated", is_flag=True, help=f"Start an emulated {kit.device} for it.")
    @click.option(
        "--profile",
        type=click.Choice(kit.good),
        default=kit.good[0],
        show_default=True,
        help="Wire map of the emulated device.",
    )
    @click.option("--mutant", default="", help="Let the emulated device be broken in this way.")
    @click.option(
        "--engine",
        type=click.Choice(kit.engines),
        default="kinematic",
        show_default=True,
        hidden=not moves,
        help="How the emulated device moves; pybullet and mujoco need the extra physics.",
    )
    @click.option(
        "--speed",
        type=click.FloatRange(min=0.1, max=100.0),
        default=1.0,
        show_default=True,
        help="Times real time; emulated only.",
    )
    @click.option(
        "--out",
        type=PATH,
        default=Path("runs/certify"),
        show_default=True,
        help="Folder of the evidence bundle.",
    )
    @click.option("--key", type=PATH, help="OpenSSH private key that signs the bundle.")
    @click.option(
        "--wait",
        "wait_s",
        type=click.FloatRange(min=0, max=86_400),
        default=0.0,
        show_default=True,
        help="Seconds to wait for a bench that is in use.",
    )
    @click.option(
        "--only",
        multiple=True,
        metavar="ID",
        help="Only these requirements: for work on a device; never certifies.",
    )
    @click.option(
        "--health/--no-health",
        default=True,
        show_default=True,
        help="First prove that this installation tells good from bad.",
    )
    @as_json_option
    def run(
        bench: Path | None,
        product: Path | None,
        pics: Path | None,
        pixit: Path | None,
        emulated: bool,
        profile: str,
        mutant: str,
        engine: str,
        speed: float,
        out: Path,
        key: Path | None,
        wait_s: float,
        only: tuple[str, ...],
        health: bool,
        as_json: bool,
    ) -> None:
        if emulated == (bench is not None):
            raise click.UsageError("give either --bench FILE or --emulated")
        if mutant and not emulated:
            raise click.UsageError(f"--mutant {mutant}: only an emulated device can be broken so")
        if mutant:
            kit.mutant(mutant)  # an unknown name is refused before anything is started
        for wanted in only:
            kit.register[wanted]  # an unknown id is refused before anything moves
        with ExitStack() as stack:
            if emulated:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                emulator = stack.enter_context(
                    Emulator(kit.device, profile, mutant=mutant, speed=speed, engine=engine)
                )
                bench = kit.write_templates(folder, profile, emulator.where)[0]
            assert bench is not None
            beside = bench.parent
            plan = certification.Plan(
                kit=kit,
                bench=kit.load_bench(bench),
                bench_text=bench.read_text(encoding="utf-8"),
                product=kit.load_product(product or beside / "product.toml"),
                pics=kit.load_pics(pics or beside / "pics.toml"),
                pixit=kit.load_pixit(pixit or beside / "pixit.toml"),
                out=out,
                key=key,
                wait_s=wait_s,
                only=only,
                health=health,
            )
            done = certification.run(plan, Teller())
        if as_json:
            body = certification.results_json(done) | {"bundle": str(done.bundle)}
            click.echo(json.dumps(body, indent=1, ensure_ascii=False))
        else:
            to = console()
            print_results(to, done.results, kit.register)
            print_outcome(to, done.outcome)
            to.print(f"Evidence: {done.bundle}", soft_wrap=True)
        sys.exit(done.outcome.exit_code)

    return run
