"""Runs each benchmark in a child process, with a time limit and a look at the neighbours."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import benchmarks
from benchmarks import Ratio
from benchmarks._machine import BUSY_SHARE, Neighbours

_ROOT = Path(__file__).parent.parent
_LOOK_S = 0.2
"""Between two looks at a child: often enough for a bar, too seldom to disturb it."""


@dataclass(slots=True)
class Outcome:
    """What one benchmark module gave: its ratios, or why it has none."""

    name: str
    ratios: list[Ratio] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""
    took_s: float = 0.0
    others_share: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether others used the machine too much meanwhile to judge a missed bar."""
        return self.others_share > BUSY_SHARE


def discover() -> list[str]:
    """Names of the benchmark modules, in alphabetical order."""
    found = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(m.name for m in found if not m.name.startswith("_"))


def times_s(name: str) -> tuple[float, float]:
    """How long this benchmark usually takes, and how long it may."""
    try:
        module: object = importlib.import_module(f"benchmarks.{name}")
    except Exception:  # noqa: BLE001 - the child tells what is wrong with it
        module = benchmarks
    usual_s = float(getattr(module, "USUAL_S", benchmarks.USUAL_S))
    return usual_s, float(getattr(module, "LIMIT_S", benchmarks.LIMIT_S))


def run_one(
    name: str, *, quick: bool, limit_s: float, watch: Callable[[float], None] = lambda _: None
) -> Outcome:
    """Run one module to its end or its limit; `watch` gets the seconds so far."""
    neighbours, began_s = Neighbours(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.json"
        command = [sys.executable, "-m", "benchmarks._child", name, str(out)]
        command += [os.pathsep.join(benchmarks.__path__), *(["--quick"] if quick else [])]
        # What a benchmark prints is not its result; errors are kept to be told.
        with (
            open(Path(folder) / "stderr", "w+b") as errors,
            subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=errors,
            ) as child,
        ):  # fmt: skip
            late = _await(child, began_s, limit_s, watch)
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
        outcome = _read(name, out, said)
    outcome.took_s = time.perf_counter() - began_s
    outcome.others_share = neighbours.share()
    if late:
        outcome.failed = f"ended after its time limit of {limit_s:g} s"
    return outcome


def _await(
    child: subprocess.Popen[bytes], began_s: float, limit_s: float, watch: Callable[[float], None]
) -> bool:
    """Wait for the child; True if it had to be ended. Its own children end with their pipes."""
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK_S)
                return False
            so_far_s = time.perf_counter() - began_s
            watch(so_far_s)
            if so_far_s > limit_s:
                return True
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _read(name: str, out: Path, said: list[str]) -> Outcome:
    try:
        found = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return Outcome(name, failed=said[-1] if said else "ended without a result")
    ratios = [Ratio(**ratio) for ratio in found.pop("ratios")]
    return Outcome(name, ratios, **found)
