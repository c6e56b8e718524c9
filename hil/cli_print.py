"""How certification shows its results on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table

from .register import Register
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


def console() -> Console:
    """The terminal; a pipe or a file gets wide lines, so that nothing is cut off."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=160)


def table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """A table without frames; the columns in `whole` are never cut or wrapped."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        shown.add_column(name, no_wrap=name in whole)
    return shown


class Teller:
    """Tells on the error stream what begins, and how long the rest may take."""

    SHARE_MIN = 0.1
    """Before this share is done there is too little to reckon from."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun_s = now()

    def __call__(self, text: str, done: float) -> None:
        """`done`: share of the run, 0 to 1; what comes before the first case is not reckoned."""
        if done == 0.0:
            self._begun_s = self._now()
        rest = ""
        if self.SHARE_MIN <= done < 1.0:
            to_go_s = (self._now() - self._begun_s) * (1.0 - done) / done
            rest = f" (about {_roughly(to_go_s)} to go)"
        click.echo(f"  {text}{rest}", err=True)


def _roughly(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def print_results(to: Console, results: Sequence[Result], register: Register) -> None:
    """The results that apply, a line each."""
    shown = table("requirement", "level", "verdict", "finding", whole=("level", "verdict"))
    for result in results:
        if result.verdict is Verdict.NOT_APPLICABLE:
            continue
        # Of a failure only the values that are wrong: the right ones would hide them.
        wrong = [m for m in result.measurements if m.outcome != Verdict.PASS.value]
        shown_of = wrong if result.verdict is Verdict.FAIL and wrong else result.measurements
        measured = "; ".join(map(str, shown_of))
        text = f"{result.text}{': ' if measured else ''}{measured}"
        item = register[result.requirement]
        style = STYLES[result.verdict.value]
        shown.add_row(
            f"{item.id} {item.title}", item.level, f"[{style}]{result.verdict.value}[/]", text
        )
    to.print(shown)


def print_outcome(to: Console, final: Outcome) -> None:
    """What the run amounts to, and why."""
    shown: Iterable[str] = (f"{n} {name}" for name, n in final.counts.items() if n)
    style = STYLES[final.verdict.value]
    words = {0: "CERTIFIED", 1: "NOT CERTIFIED"}.get(final.exit_code, "INCONCLUSIVE")
    to.print(f"[{style}]{words}[/]  {', '.join(shown)}")
    for reason in final.reasons:
        to.print(f"  {reason}", soft_wrap=True)
