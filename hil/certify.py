"""One certification run: lock the bench, prove it, drive, judge, and pack the evidence."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.metadata
import os
import platform
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from twin.clock import Clock, run_real
from twin.trace import Record, Trace, write_records

from . import evidence, matrix
from . import kit as kits
from .bench import BenchFile
from .errors import BenchError
from .junit import junit
from .kit import Kit
from .lock import BenchLock
from .papers import Pics, Pixit, Product, redacted, to_toml
from .report import rates, render
from .roles import Operator
from .runner import JUDGE_VERSION, Progress, drive, judge, untold
from .verdict import Outcome, Result, Verdict, outcome

RUNNER_VERSION = "1.0"
"""Version of how cases are driven; register, suite and judge have their own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, on what, and where the evidence goes."""

    kit: Kit
    bench: BenchFile
    bench_text: str
    product: Product
    pics: Pics
    pixit: Pixit
    out: Path
    key: Path | None = None
    wait_s: float = 0.0
    only: tuple[str, ...] = ()
    health: bool = True
    operator: Operator | None = None
    lock_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run."""

    kit: Kit
    id: str
    started: str
    records: list[Record]
    results: list[Result]
    outcome: Outcome
    health: dict[str, str]
    bundle: Path


def health_check(kit: Kit) -> dict[str, str]:
    """Run the kit against itself in virtual time: a good emulator passes, bad ones fail.

    Raises `BenchError` if this computer cannot tell them apart; the result goes into the bundle.
    """
    found: dict[str, str] = {}
    kills = [kit.mutant(name).kills for name in kit.health]
    judged, _ = matrix.results(kit.device, kit.good[0], only=kills)
    verdicts = {result.requirement: result.verdict for result in judged}
    for kill in kills:
        found[f"good {kill}"] = verdicts[kill].value
        if verdicts[kill] is not Verdict.PASS:
            raise BenchError(
                f"health check: the known-good emulator does not pass {kill}, but "
                f"{verdicts[kill].value}; this installation cannot certify anything"
            )
    for name, kill in zip(kit.health, kills, strict=True):
        got = matrix.row(name, device=kit.device, own=True).verdicts[kill]
        found[f"{name} {kill}"] = got
        if got != Verdict.FAIL.value:
            raise BenchError(
                f"health check: the known-bad emulator {name} is not failed by {kill}, "
                f"but {got}; this installation cannot certify anything"
            )
    return found


def run(plan: Plan, progress: Progress = untold) -> Run:
    """Run `plan` and write its bundle. A run that was interrupted is judged as far as it got."""
    started = dt.datetime.now(dt.UTC)
    number = secrets.token_hex(4)
    with BenchLock(plan.bench.bench.id, run=number, wait_s=plan.wait_s, folder=plan.lock_folder):
        health = {}
        if plan.health:
            progress("health check: known-good and known-bad emulators", 0.0)
            health = health_check(plan.kit)

        async def main(clock: Clock) -> list[Record]:
            return await _drive(plan, clock, progress)

        records = run_real(main, speed=plan.bench.bench.speed)
    results = judge(records, plan.kit.suite, plan.kit.register)
    stamp = started.strftime("%Y%m%dT%H%M%SZ")
    path = plan.out / f"{stamp}_{plan.kit.device}_{number}.tar.gz"
    done = Run(plan.kit, number, stamp, records, results, outcome(results), health, path)
    _write(plan, done, path)
    return done


async def _drive(plan: Plan, clock: Clock, progress: Progress) -> list[Record]:
    trace = Trace(clock)
    async with AsyncExitStack() as stack:
        session = plan.kit.bind(
            plan.bench, plan.pics, plan.pixit, clock, trace, stack, operator=plan.operator
        )
        _cancel_on_signals(clock.loop, stack)
        try:
            await session.reach()
            await drive(
                session,
                plan.kit.suite,
                plan.kit.register,
                product=plan.product,
                only=plan.only or None,
                progress=progress,
            )
        except asyncio.CancelledError:
            trace("run", "certify.interrupted", by="signal")
            progress("interrupted", 1.0)
    return list(trace.records())


def _cancel_on_signals(loop: asyncio.AbstractEventLoop, stack: AsyncExitStack) -> None:
    """The first Ctrl-C cancels the run, which then goes through its safe state; later ones wait."""
    task = asyncio.current_task()
    assert task is not None
    asked: list[int] = []

    def stop(number: int) -> None:
        if not asked:
            asked.append(number)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop, number)
        except (NotImplementedError, RuntimeError, ValueError):
            continue  # Windows, or not the main thread: Ctrl-C arrives as KeyboardInterrupt
        stack.callback(loop.remove_signal_handler, number)


# ---------------------------------------------------------------- the bundle


def _write(plan: Plan, done: Run, path: Path) -> None:
    register = plan.kit.register
    product = {k: v for k, v in msgspec.structs.asdict(plan.product).items() if v}
    versions = _versions(plan.kit)
    about = {
        "run": done.id,
        "started": done.started,
        "bench": plan.bench.bench.id,
        "site": plan.bench.bench.site,
        **versions,
    }
    instruments = [msgspec.to_builtins(item) for item in plan.bench.instrument]
    files = {
        "attestation.json": evidence.pretty(attestation(plan.product, done)),
        "PRODUCT.toml": to_toml(product).encode(),
        "PICS.toml": to_toml(plan.pics.values()).encode(),
        "PIXIT.toml": to_toml(redacted(plan.pixit)).encode(),
        "BENCH.toml": plan.bench_text.encode(),
        "results.json": evidence.pretty(results_json(done)),
        "junit.xml": junit(done.results, register, suite=f"gatetwin.{plan.kit.device}"),
        "report.html": render(
            outcome=done.outcome,
            results=done.results,
            register=register,
            records=done.records,
            product=product,
            pics=plan.pics.values(),
            pixit=redacted(plan.pixit),
            about=about,
            instruments=instruments,
            curves=plan.kit.curves(done.records),
        ),
        "trace/trace.parquet": _parquet(done.records),
        "env.json": evidence.pretty(_environment(done)),
    }
    head = {
        "run": done.id,
        "started": done.started,
        "device": plan.kit.device,
        "versions": versions,
        "outcome": done.outcome.verdict.value,
    }
    evidence.pack(path, files, done.records, head, key=plan.key)


def results_json(done: Run) -> dict[str, Any]:
    """Machine-readable results."""
    register = done.kit.register
    return {
        "run": done.id,
        "device": done.kit.device,
        "versions": _versions(done.kit),
        "outcome": done.outcome.verdict.value,
        "exit_code": done.outcome.exit_code,
        "reasons": list(done.outcome.reasons),
        "counts": done.outcome.counts,
        "rates": {name: list(pair) for name, pair in rates(done.results, register).items()},
        "unstable": [result.requirement for result in done.results if result.unstable],
        "results": results_list(done.results),
    }


def results_list(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The results as plain values, measurements with their outcome."""
    return [
        {
            "requirement": result.requirement,
            "level": result.level,
            "verdict": result.verdict.value,
            "text": result.text,
            "case": result.case,
            "attempts": [verdict.value for verdict in result.attempts],
            "measurements": [
                msgspec.to_builtins(item) | {"outcome": item.outcome, "limit_text": str(item.limit)}
                for item in result.measurements
            ],
        }
        for result in results
    ]


def attestation(product: Product, done: Run) -> dict[str, Any]:
    """An in-toto statement with the predicate test-result/v0.1; its subject is the firmware."""
    musts = [r for r in done.results if r.level == "MUST"]
    failed = sorted(r.requirement for r in musts if r.verdict is Verdict.FAIL)
    warned = sorted(
        r.requirement
        for r in done.results
        if r.verdict is Verdict.MARGINAL or (r.level != "MUST" and r.verdict is Verdict.FAIL)
    )
    passed = sorted(r.requirement for r in done.results if r.verdict is Verdict.PASS)
    result = {Verdict.PASS: "WARNED" if warned else "PASSED"}.get(done.outcome.verdict, "FAILED")
    device, version = done.kit.device, done.kit.register.version
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": f"{product.vendor} {product.model} firmware {product.firmware}",
                "digest": {"sha256": product.digest()},
            }
        ],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": result,
            "configuration": [{"name": f"gatetwin {device} requirements {version}"}],
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    }


def _versions(kit: Kit) -> dict[str, str]:
    return {
        "requirements": kit.register.version,
        "suite": kit.suite.version,
        "judge": JUDGE_VERSION,
        "runner": RUNNER_VERSION,
        "gatetwin": importlib.metadata.version("gatetwin"),
    }


def _environment(done: Run) -> dict[str, Any]:
    packages = ("aiohttp", "msgspec", "pymodbus", "simpy", "pyarrow")
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "health": done.health,
    }


def _parquet(records: Sequence[Record]) -> bytes:
    """The same events as Parquet, for DuckDB and Polars."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.parquet"
        write_records(path, records)
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What today's rules say of old evidence, and where that differs from what was said then."""

    kit: Kit
    results: list[Result]
    outcome: Outcome
    changed: list[str]


def rejudge(path: Path) -> Rejudged:
    """Judge a bundle's events again with today's rules."""
    files = evidence.unpack(path)
    records, _ = evidence.unchained(files[evidence.EVENTS])
    then = msgspec.json.decode(files["results.json"])
    kit = kits.load(then["device"])
    results = judge(records, kit.suite, kit.register)
    old = {item["requirement"]: item["verdict"] for item in then["results"]}
    changed = [
        f"{result.requirement}: {old.get(result.requirement, 'absent')} > {result.verdict.value}"
        for result in results
        if old.get(result.requirement) != result.verdict.value
    ]
    return Rejudged(kit, results, outcome(results), changed)
