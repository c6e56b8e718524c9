"""The kill matrix: the good twins pass everything, every mutant fails its own requirement.

The same suite runs in virtual time on one event loop with an emulated barrier, a few hundred
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

from . import register as registers
from . import suite as suites
from .drivers.modbus import BarrierWire, Endpoint
from .emulation import EmulatedBarrier, EmulatedOperator, Forget, Variant, load_profile
from .mutants import find, load
from .pics import BarrierPics, BarrierPixit
from .runner import drive, judge
from .session import Roles, Session
from .templates import EMULATED_PRODUCT, emulated_pics, emulated_pixit
from .verdict import Result, Verdict

GOOD = ("came-gard", "remote-io", "magnetic-mgc")
"""Profiles whose good twin has to pass everything."""


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
    profile: str,
    pics: BarrierPics,
    pixit: BarrierPixit,
    variant: Variant | None = None,
    *,
    only: Iterable[str] | None = None,
    engine: str = "kinematic",
) -> list[Record]:
    """Drive the suite on an emulated barrier on this clock; the records of the bench."""
    trace = Trace(clock)
    bench = EmulatedBarrier(
        clock, load_profile(profile), variant, trace=Forget(clock), engine=engine
    )
    port = await bench.start()
    # The client works by the papers, not by what the mutant has made of them.
    wire = BarrierWire(
        Endpoint("127.0.0.1", port, 1), load_profile(profile), clock, trace, limit_s=1.0
    )
    roles = Roles(wire, bench, bench, bench, bench, EmulatedOperator(bench))
    try:
        session = Session(clock, trace, roles, pics, pixit)
        suite, register = suites.load("barrier"), registers.load("barrier")
        await drive(session, suite, register, product=EMULATED_PRODUCT, only=only)
    finally:
        await bench.stop()
    return list(trace.records())


def results(
    profile: str,
    variant: Variant | None = None,
    *,
    only: Iterable[str] | None = None,
    seed: int = 0,
    engine: str = "kinematic",
) -> tuple[list[Result], float]:
    """Results for one emulated barrier in virtual time, and how long it lived, s."""
    pics, pixit = emulated_pics(profile), emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        return await record(clock, profile, pics, pixit, variant, only=only, engine=engine)

    records = run_virtual(main, seed=seed)
    judged = judge(records, suites.load("barrier"), registers.load("barrier"))
    return judged, records[-1].t_s


def row(name: str, *, own: bool = False) -> Row:
    """One row; `name` is a mutant, or a profile for its good twin. `own`: its own test alone."""
    good = name in GOOD
    variant = Variant(base=name) if good else find("barrier", name)
    only = [variant.kills] if own and not good else None
    judged, lived_s = results(variant.base, None if good else variant, only=only)
    return Row(
        name if not good else f"good {name}",
        variant.kills,
        variant.doc or "The good twin.",
        {result.requirement: result.verdict.value for result in judged},
        {result.requirement: result.text for result in judged},
        lived_s,
    )


def names() -> list[str]:
    """All rows of the matrix: good twins first."""
    return [*GOOD, *(variant.name for variant in load("barrier"))]


def matrix(
    chosen: Sequence[str] | None = None,
    *,
    jobs: int = 2,
    own: bool = False,
    progress: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """All rows (or the chosen ones), on `jobs` processes; `progress` sees each as it is done."""
    wanted = list(chosen or names())
    rows: list[Row] = []
    with ExitStack() as stack:
        if jobs <= 1:
            coming: Iterable[Row] = map(partial(row, own=own), wanted)
        else:
            pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
            coming = stack.enter_context(pool).map(partial(row, own=own), wanted)
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
