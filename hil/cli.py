"""`gatetwin certify`: hold a device against its requirements and keep the evidence.

Exit codes: 0 certified, 1 not certified (or forged evidence), 2 inconclusive or a bench error.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from twin.physics.engine import ENGINE_NAMES

from . import bench as benches
from . import certify as certification
from . import evidence, matrix, mutants, templates
from . import register as registers
from . import suite as suites
from .emulator import Emulator
from .pics import BarrierPics, load_pics, load_pixit, load_product
from .verdict import Outcome, Result, Verdict

STYLES = {
    "PASS": "green",
    "FAIL": "bold red",
    "MARGINAL": "yellow",
    "NOT_APPLICABLE": "dim",
    "NOT_RUN": "yellow",
    "INCONCLUSIVE": "yellow",
    "ERROR": "magenta",
}

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
_device = click.argument("device", type=click.Choice(["barrier"]))
_path = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def certify() -> None:
    """Certify a device on a bench: real hardware, an emulator, or a person who answers prompts.

    \b
    gatetwin certify init barrier --out bench     write the four files to begin with
    gatetwin certify barrier --bench bench/bench.toml
    gatetwin certify barrier --emulated           the same against an emulated barrier
    gatetwin certify verify BUNDLE                check the evidence
    """


@certify.command()
@click.option("--bench", type=_path, help="Bench file; the others are looked for beside it.")
@click.option("--product", type=_path, help="Which sample is tested [product.toml].")
@click.option("--pics", type=_path, help="What it is declared to do [pics.toml].")
@click.option("--pixit", type=_path, help="How it is to be tested [pixit.toml].")
@click.option("--emulated", is_flag=True, help="Start an emulated barrier and certify that.")
@click.option(
    "--profile",
    type=click.Choice(matrix.GOOD),
    default="came-gard",
    show_default=True,
    help="Wire map of the emulated barrier.",
)
@click.option("--mutant", default="", help="Let the emulated barrier be broken in this way.")
@click.option(
    "--engine",
    type=click.Choice(ENGINE_NAMES),
    default="kinematic",
    show_default=True,
    help="How the emulated arm moves; pybullet and mujoco need the extra physics.",
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
    type=_path,
    default=Path("runs/certify"),
    show_default=True,
    help="Folder of the evidence bundle.",
)
@click.option("--key", type=_path, help="OpenSSH private key that signs the bundle.")
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
@_json
def barrier(
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
    """Certify a BARRIER: Modbus behaviour, motion, safety, recovery."""
    if emulated == (bench is not None):
        raise click.UsageError("give either --bench FILE or --emulated")
    register = registers.load("barrier")
    for wanted in only:
        register[wanted]  # an unknown id is refused before anything moves
    with ExitStack() as stack:
        if emulated:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            emulator = stack.enter_context(
                Emulator(profile, mutant=mutant, speed=speed, engine=engine)
            )
            bench = templates.write(folder, profile, emulator=emulator.where)[0]
        assert bench is not None
        beside = bench.parent
        plan = certification.Plan(
            bench=benches.load(bench),
            bench_text=bench.read_text(encoding="utf-8"),
            product=load_product(product or beside / "product.toml"),
            pics=load_pics(pics or beside / "pics.toml"),
            pixit=load_pixit(pixit or beside / "pixit.toml"),
            out=out,
            key=key,
            wait_s=wait_s,
            only=only,
            health=health,
        )
        done = certification.run(plan, lambda text: click.echo(f"  {text}", err=True))
    if as_json:
        body = certification.results_json(done) | {"bundle": str(done.bundle)}
        click.echo(json.dumps(body, indent=1, ensure_ascii=False))
    else:
        console = _console()
        _print_results(console, done.results)
        _print_outcome(console, done.outcome)
        console.print(f"Evidence: {done.bundle}", soft_wrap=True)
    sys.exit(done.outcome.exit_code)


@certify.command()
@click.argument("bundle", type=_path)
@click.option("--signers", type=_path, help="OpenSSH allowed-signers file of those you trust.")
@click.option("--identity", default="*", help="Who must have signed; anyone in the file if absent.")
@click.option("--allow-unsigned", is_flag=True, help="Files and chain are enough.")
@_json
def verify(
    bundle: Path, signers: Path | None, identity: str, allow_unsigned: bool, as_json: bool
) -> None:
    """Check a BUNDLE: every file, the chain of events, the signature.

    Exit code 0 if all is well, 1 if something is forged or torn, 2 if the signer is not known.
    """
    checks = evidence.verify(bundle, signers=signers, identity=identity)
    if as_json:
        click.echo(json.dumps([{"name": c.name, "state": c.state, "text": c.text} for c in checks]))
    else:
        console = _console()
        for check in checks:
            style = {"ok": "green", "bad": "bold red"}.get(check.state, "yellow")
            shown = f"[{style}]{check.state:>4}[/]  {check.name}: {check.text}"
            console.print(shown, soft_wrap=True)
    states = {check.state for check in checks}
    if "bad" in states:
        sys.exit(1)
    sys.exit(0 if allow_unsigned or "open" not in states else 2)


@certify.command()
@click.argument("bundle", type=_path)
@_json
def rejudge(bundle: Path, as_json: bool) -> None:
    """Judge the events of a BUNDLE again with the rules of this version."""
    results, final, changed = certification.rejudge(bundle)
    if as_json:
        body = {
            "outcome": final.verdict.value,
            "changed": changed,
            "reasons": list(final.reasons),
            "results": certification.results_list(results),
        }
        click.echo(json.dumps(body, indent=1, ensure_ascii=False))
    else:
        console = _console()
        _print_results(console, results)
        console.print("\n".join(changed) or "No verdict has changed.")
        _print_outcome(console, final)
    sys.exit(final.exit_code)


@certify.command(name="matrix")
@_device
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes to spread the mutants over.",
)
@click.option("--own", is_flag=True, help="Run only each mutant's own test: quick.")
@_json
def kill_matrix(device: str, jobs: int, own: bool, as_json: bool) -> None:
    """Prove the tests: the good emulators pass, each mutant fails its own requirement.

    Exit code 0 if every MUST is killed by its mutant and the good ones pass everything, else 1.
    """
    register, suite = registers.load(device), suites.load(device)
    kills = [variant.kills for variant in mutants.load(device)]
    wrong = registers.audit(register, suite.judges, kills, BarrierPics.__struct_fields__)
    total = len(matrix.names())
    seen: list[str] = []

    def progress(row: matrix.Row) -> None:
        seen.append(row.name)
        click.echo(f"  {len(seen)}/{total} {row.name}: {'ok' if row.ok else 'NOT OK'}", err=True)

    rows = matrix.matrix(jobs=jobs, own=own, progress=progress)
    wrong += matrix.complaints(rows)
    if as_json:
        body = {
            "ok": not wrong,
            "complaints": wrong,
            "rows": [
                {
                    "name": r.name,
                    "kills": r.kills,
                    "failed": r.failed,
                    "ok": r.ok,
                    "simulated_s": r.simulated_s,
                }
                for r in rows
            ],
        }
        click.echo(json.dumps(body, indent=1, ensure_ascii=False))
        sys.exit(1 if wrong else 0)
    console = _console()
    table = _table(
        "twin",
        "must fail",
        "verdict",
        "fails besides",
        "what is wrong with it",
        whole=("twin", "must fail", "verdict"),
    )
    for row in rows:
        verdict = "survives" if row.kills and not row.ok else "killed" if row.kills else "passes"
        style = "green" if row.ok else "bold red"
        others = ", ".join(one for one in row.failed if one != row.kills)
        table.add_row(row.name, row.kills, f"[{style}]{verdict}[/]", others, row.doc)
    console.print(table)
    for line in wrong:
        console.print(f"[red]{line}[/]", soft_wrap=True)
    killed = sum(1 for row in rows if row.kills and row.ok)
    console.print(
        f"{killed} of {len(kills)} mutants killed, "
        f"{len(matrix.GOOD)} good twins, {len(register)} requirements"
    )
    sys.exit(1 if wrong else 0)


@certify.command()
@_device
@_json
def requirements(device: str, as_json: bool) -> None:
    """List the requirements of a DEVICE with clause, test and mutant."""
    register, suite = registers.load(device), suites.load(device)
    killers = {variant.kills: variant.name for variant in mutants.load(device)}
    rows = [
        {
            "id": item.id,
            "level": item.level,
            "title": item.title,
            "clause": item.clause,
            "text": item.text,
            "applies_if": item.applies_if,
            "observe": item.observe,
            "rationale": item.rationale,
            "case": suite.judges.get(item.id, ("",))[0],
            "mutant": killers.get(item.id, ""),
            "not_testable": item.not_testable,
        }
        for item in register
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = _table(
        "id",
        "level",
        "requirement",
        "clause",
        "seen by",
        "case",
        "mutant",
        whole=("id", "level", "mutant"),
    )
    for row in rows:
        table.add_row(
            row["id"],
            row["level"],
            row["title"],
            row["clause"],
            row["observe"],
            row["case"],
            row["mutant"],
        )
    _console().print(table)


@certify.command()
@_device
@click.option("--out", type=_path, default=Path("bench"), show_default=True, help="Folder to fill.")
@click.option(
    "--profile",
    type=click.Choice(matrix.GOOD),
    default="came-gard",
    show_default=True,
    help="Wire map to begin with.",
)
@_json
def init(device: str, out: Path, profile: str, as_json: bool) -> None:  # noqa: ARG001
    """Write bench.toml, product.toml, pics.toml and pixit.toml to begin with."""
    written = [str(path) for path in templates.write(out, profile)]
    click.echo(json.dumps({"written": written}) if as_json else "\n".join(written))


def _console() -> Console:
    """The terminal; a pipe or a file gets wide lines, so that nothing is cut off."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """A table without frames; the columns in `whole` are never cut or wrapped."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name in whole)
    return table


def _print_results(console: Console, results: Sequence[Result]) -> None:
    register = registers.load("barrier")
    table = _table("requirement", "level", "verdict", "finding", whole=("level", "verdict"))
    for result in results:
        if result.verdict is Verdict.NOT_APPLICABLE:
            continue
        measured = "; ".join(map(str, result.measurements))
        text = f"{result.text}{': ' if measured else ''}{measured}"
        item = register[result.requirement]
        style = STYLES[result.verdict.value]
        table.add_row(
            f"{item.id} {item.title}", item.level, f"[{style}]{result.verdict.value}[/]", text
        )
    console.print(table)


def _print_outcome(console: Console, final: Outcome) -> None:
    shown: Iterable[str] = (f"{n} {name}" for name, n in final.counts.items() if n)
    style = STYLES[final.verdict.value]
    words = {0: "CERTIFIED", 1: "NOT CERTIFIED"}.get(final.exit_code, "INCONCLUSIVE")
    console.print(f"[{style}]{words}[/]  {', '.join(shown)}")
    for reason in final.reasons:
        console.print(f"  {reason}", soft_wrap=True)
