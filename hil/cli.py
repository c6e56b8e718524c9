"""`gatetwin certify`: hold a device against its requirements and keep the evidence.

Exit codes: 0 certified, 1 not certified (or forged evidence), 2 inconclusive or a bench error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from twin.errors import UnknownName

from . import certify as certification
from . import evidence, matrix
from . import kit as kits
from . import register as registers
from .cli_kit import PATH, as_json_option, command
from .cli_print import console, print_outcome, print_results, table

_device = click.argument("device", type=click.Choice(kits.names()))


class _Kits(click.Group):
    """One command for each device that can be certified, made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Devices first, then the rest."""
        return [*kits.names(), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a kit, or one of the others."""
        if cmd_name in kits.names():
            return command(kits.load(cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Kits, context_settings={"help_option_names": ["-h", "--help"]})
def certify() -> None:
    """Certify a device on a bench: real hardware, an emulator, or a person who answers prompts.

    \b
    gatetwin certify init barrier --out bench     write the four files to begin with
    gatetwin certify barrier --bench bench/bench.toml
    gatetwin certify barrier --emulated           the same against an emulated barrier
    gatetwin certify verify BUNDLE                check the evidence
    """


@certify.command()
@click.argument("bundle", type=PATH)
@click.option("--signers", type=PATH, help="OpenSSH allowed-signers file of those you trust.")
@click.option("--identity", default="*", help="Who must have signed; anyone in the file if absent.")
@click.option("--allow-unsigned", is_flag=True, help="Files and chain are enough.")
@as_json_option
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
        to = console()
        for check in checks:
            style = {"ok": "green", "bad": "bold red"}.get(check.state, "yellow")
            shown = f"[{style}]{check.state:>4}[/]  {check.name}: {check.text}"
            to.print(shown, soft_wrap=True)
    states = {check.state for check in checks}
    if "bad" in states:
        sys.exit(1)
    sys.exit(0 if allow_unsigned or "open" not in states else 2)


@certify.command()
@click.argument("bundle", type=PATH)
@as_json_option
def rejudge(bundle: Path, as_json: bool) -> None:
    """Judge the events of a BUNDLE again with the rules of this version."""
    again = certification.rejudge(bundle)
    final = again.outcome
    if as_json:
        body = {
            "outcome": final.verdict.value,
            "changed": again.changed,
            "reasons": list(final.reasons),
            "results": certification.results_list(again.results),
        }
        click.echo(json.dumps(body, indent=1, ensure_ascii=False))
    else:
        to = console()
        print_results(to, again.results, again.kit.register)
        to.print("\n".join(again.changed) or "No verdict has changed.")
        print_outcome(to, final)
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
@as_json_option
def kill_matrix(device: str, jobs: int, own: bool, as_json: bool) -> None:
    """Prove the tests: the good emulators pass, each mutant fails its own requirement.

    Exit code 0 if every MUST is killed by its mutant and the good ones pass everything, else 1.
    """
    kit = kits.load(device)
    register, suite = kit.register, kit.suite
    kills = [variant.kills for variant in kit.mutants]
    wrong = registers.audit(register, suite.judges, kills, kit.pics_type.__struct_fields__)
    total = len(matrix.names(device))
    seen: list[str] = []

    def progress(row: matrix.Row) -> None:
        seen.append(row.name)
        click.echo(f"  {len(seen)}/{total} {row.name}: {'ok' if row.ok else 'NOT OK'}", err=True)

    rows = matrix.matrix(device, jobs=jobs, own=own, progress=progress)
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
    to = console()
    shown = table(
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
        shown.add_row(row.name, row.kills, f"[{style}]{verdict}[/]", others, row.doc)
    to.print(shown)
    for line in wrong:
        to.print(f"[red]{line}[/]", soft_wrap=True)
    killed = sum(1 for row in rows if row.kills and row.ok)
    to.print(
        f"{killed} of {len(kills)} mutants killed, "
        f"{len(kit.good)} good twin{'s' * (len(kit.good) != 1)}, {len(register)} requirements"
    )
    sys.exit(1 if wrong else 0)


@certify.command()
@_device
@as_json_option
def requirements(device: str, as_json: bool) -> None:
    """List the requirements of a DEVICE with clause, test and mutant."""
    kit = kits.load(device)
    suite = kit.suite
    killers = {variant.kills: variant.name for variant in kit.mutants}
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
        for item in kit.register
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    shown = table(
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
        shown.add_row(
            row["id"],
            row["level"],
            row["title"],
            row["clause"],
            row["observe"],
            row["case"],
            row["mutant"],
        )
    console().print(shown)


@certify.command()
@_device
@click.option("--out", type=PATH, default=Path("bench"), show_default=True, help="Folder to fill.")
@click.option("--profile", default="", help="Wire map; the kit's first one if absent.")
@as_json_option
def init(device: str, out: Path, profile: str, as_json: bool) -> None:
    """Write bench.toml, product.toml, pics.toml and pixit.toml to begin with."""
    kit = kits.load(device)
    chosen = profile or kit.good[0]
    if chosen not in kit.good:
        raise UnknownName(f"profile of a {device}", chosen, kit.good)
    written = [str(path) for path in kit.write_templates(out, chosen)]
    if as_json:
        click.echo(json.dumps({"written": written}))
        return
    click.echo("\n".join(written))
    click.echo(f"Fill them in, then:  gatetwin certify {device} --bench {written[0]}")
