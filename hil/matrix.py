"""The kill matrix: the good twins pass everything, every mutant fails its own requirement.

The same suite runs in virtual time on one event loop with an emulated device, a few hundred
simulated seconds per mutant. Mutants are spread over processes; the result does not depend on
how many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from twin.clock import Clock, run_virtual
from twin.trace import Record, Trace

from .emulation import Forget
from .kit import Kit, load
from .papers import Pics, Pixit
from .runner import drive, judge
from .variant import Variant
from .verdict import Result, Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One twin and what the suite said about it."""

    name: str
    kills: str
    doc: str
    verdicts: dict[str, str]
    texts: dict[str, str]
    simulated_s: float

    @property
    def failed(self) -> list[str]:
        """Requirements that it failed."""
        return [name for name, got in self.verdicts.items() if got == Verdict.FAIL.value]

    @property
    def ok(self) -> bool:
        """A good twin passed everything; a mutant failed what it is meant to fail."""
        if self.kills:
            return self.verdicts.get(self.kills) == Verdict.FAIL.value
        fine = {Verdict.PASS.value, Verdict.NOT_APPLICABLE.value}
        return set(self.verdicts.values()) <= fine


async def record(
    clock: Clock,
    kit: Kit,
    profile: str,
    pics: Pics,
    pixit: Pixit,
    variant: Variant | None = None,
    *,
    only: Iterable[str] | None = None,
    engine: str = "kinematic",
) -> list[Record]:
    """Drive the suite on an emulated device on this clock; the records of the bench."""
    trace = Trace(clock)
    bench = kit.emulate(clock, profile, variant, Forget(clock), engine=engine)
    port = await bench.start()
    try:
        session = kit.beside(clock, trace, bench, port, pics, pixit)
        await drive(session, kit.suite, kit.register, product=kit.product, only=only)
    finally:
        await bench.stop()
    return list(trace.records())


def results(
    device: str,
    profile: str,
    variant: Variant | None = None,
    *,
    only: Iterable[str] | None = None,
    seed: int = 0,
    engine: str = "kinematic",
) -> tuple[list[Result], float]:
    """Results for one emulated device in virtual time, and how long it lived, s."""
    kit = load(device)
    pics, pixit = kit.emulated_pics(profile), kit.emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        return await record(clock, kit, profile, pics, pixit, variant, only=only, engine=engine)

    records = run_virtual(main, seed=seed)
    return judge(records, kit.suite, kit.register), records[-1].t_s


def row(name: str, *, device: str, own: bool = False) -> Row:
    """One row; `name` is a mutant, or a profile for its good twin. `own`: its own test alone."""
    kit = load(device)
    good = name in kit.good
    variant = Variant(base=name) if good else kit.mutant(name)
    only = [variant.kills] if own and not good else None
    base = variant.base or kit.good[0]
    judged, lived_s = results(device, base, None if good else variant, only=only)
    return Row(
        name if not good else f"good {name}",
        variant.kills,
        variant.doc or "The good twin.",
        {result.requirement: result.verdict.value for result in judged},
        {result.requirement: result.text for result in judged},
        lived_s,
    )


def names(device: str) -> list[str]:
    """All rows of the matrix: good twins first."""
    kit = load(device)
    return [*kit.good, *(variant.name for variant in kit.mutants)]


def matrix(
    device: str,
    chosen: Sequence[str] | None = None,
    *,
    jobs: int = 2,
    own: bool = False,
    progress: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """All rows (or the chosen ones), on `jobs` processes; `progress` sees each as it is done."""
    wanted = list(chosen or names(device))
    rows: list[Row] = []
    with ExitStack() as stack:
        if jobs <= 1:
            coming: Iterable[Row] = map(partial(row, device=device, own=own), wanted)
        else:
            pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
            coming = stack.enter_context(pool).map(partial(row, device=device, own=own), wanted)
        for item in coming:
            rows.append(item)
            progress(item)
    return rows


def complaints(rows: Iterable[Row]) -> list[str]:
    """What is wrong with the matrix; an empty list is what CI wants."""
    found = []
    for item in rows:
        if item.ok:
            continue
        if item.kills:
            got, why = item.verdicts.get(item.kills), item.texts.get(item.kills, "")
            found.append(f"{item.name}: survives {item.kills}: {got}: {why}")
        else:
            fine = ("PASS", "NOT_APPLICABLE")
            bad = {name: got for name, got in item.verdicts.items() if got not in fine}
            found += [f"{item.name}: {k}: {got}: {item.texts[k]}" for k, got in bad.items()]
    return found
