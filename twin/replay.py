"""Play a recorded run, or a saved example, again and hold the two against each other."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import run as running
from twin import site as sites
from twin.bridge_rig import is_bridge_program, load_bridge_program
from twin.bridge_rig import play as play_bridge
from twin.errors import TraceError
from twin.judge import judge
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_facts import is_bridge
from twin.judge.chain import judge_chain
from twin.judge.chain_facts import is_chain
from twin.playing import Outcome, faults_in
from twin.rig import load_program, play
from twin.run_bridge import plan_of, run_bridge
from twin.run_chain import plan_of as chain_plan_of
from twin.run_chain import run_chain
from twin.trace import Record, hash_records, read_trace


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it. `differs_at` is the id of the first record that is another one."""

    sha256: str
    recorded_sha256: str | None
    held: bool
    broken: tuple[str, ...]
    differs_at: int | None = None
    difference: str = ""
    told: tuple[str, ...] = ()
    """The first violation of each broken invariant, in words."""

    @property
    def good(self) -> bool:
        """The same trace as recorded; for a saved example, all invariants held."""
        if self.recorded_sha256 is None:
            return self.held
        return self.sha256 == self.recorded_sha256

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "trace_sha256": self.sha256, "recorded_sha256": self.recorded_sha256,
            "same": None if self.recorded_sha256 is None else self.good,
            "invariants_broken": list(self.broken), "violations": list(self.told),
            "differs_at": self.differs_at,
            "difference": self.difference,
        }  # fmt: skip

    def text(self) -> str:
        """For a person."""
        verdict = "all invariants held" if self.held else f"broken: {', '.join(self.broken)}"
        if self.recorded_sha256 is None:
            return "\n".join([*self.told, f"Played again: {verdict}. Trace {self.sha256[:16]}."])
        if self.good:
            return f"The same run, record for record: trace {self.sha256[:16]}; {verdict}."
        return f"Another run: record {self.differs_at} differs. {self.difference}"


def replay(path: Path) -> Replay:
    """Replay a run folder, a trace or a saved program."""
    if path.suffix == ".json":
        if is_bridge_program(path):
            judgement, sha256 = play_bridge(load_bridge_program(path))
        else:
            judgement, sha256 = play(load_program(path))
        return Replay(
            sha256, None, judgement.held, tuple(judgement.broken), told=tuple(judgement.told)
        )
    recorded = list(read_trace(path))
    if not recorded or recorded[0].kind != "run.start":
        raise TraceError(f"{path}: does not begin with run.start; only whole runs can be replayed")
    start = recorded[0].payload
    chain = is_chain(recorded)
    bridge = not chain and is_bridge(recorded)
    _refuse_others(path, start, bridge=bridge)
    outcome = _chain_again(start) if chain else _bridge_again(start) if bridge else _again(start)
    first = _first_difference(recorded, outcome.records)
    judged = judge_chain if chain else judge_bridge if bridge else judge
    judgement = judged(outcome.records)
    return Replay(
        outcome.trace.sha256(),
        hash_records(recorded),
        judgement.held,
        tuple(judgement.broken),
        None if first is None else first[0],
        "" if first is None else first[1],
    )


def _refuse_others(path: Path, start: dict[str, Any], *, bridge: bool) -> None:
    if start.get("served") or (start.get("day") is None and not bridge):
        raise TraceError(f"{path}: was not recorded by `gatetwin run`; there is nothing to replay")
    if start.get("speed") is not None:
        raise TraceError(
            f"{path}: was recorded on the wall clock, {start['speed']:g} times as fast; only runs "
            "in virtual time can be replayed"
        )


def _bridge_again(start: dict[str, Any]) -> Outcome:
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    with tempfile.TemporaryDirectory() as folder:
        return run_bridge(plan_of(start, Path(folder)))


def _chain_again(start: dict[str, Any]) -> Outcome:
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    with tempfile.TemporaryDirectory() as folder:
        return run_chain(chain_plan_of(start, Path(folder)))


def _again(start: dict[str, Any]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return running.run(
            running.Plan(
                site=sites.load(start["site"]),
                day=dt.date.fromisoformat(start["day"]),
                seed=start["seed"],
                hours=start["hours"],
                fidelity=start["fidelity"],
                engine=start["engine"],
                faults=faults_in(Path(folder), start),
                stack=start["stack"],
            )
        )


def _first_difference(
    recorded: Sequence[Record], again: Sequence[Record]
) -> tuple[int, str] | None:
    for old, new in zip(recorded, again, strict=False):
        if (old.t_ns, old.source, old.kind, old.cause, old.payload) != (
            new.t_ns, new.source, new.kind, new.cause, new.payload
        ):  # fmt: skip
            return old.id, (
                f"Recorded at {old.t_s:.6f} s: {old.source} {old.kind} {old.payload}. "
                f"Now at {new.t_s:.6f} s: {new.source} {new.kind} {new.payload}."
            )
    if len(recorded) != len(again):
        return min(len(recorded), len(again)), f"{len(recorded)} records then, {len(again)} now."
    return None
