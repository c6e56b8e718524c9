"""Serving on the wall clock, in this process: a stack works, the trace is kept and judged."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from twin import serve as serving
from twin import site as sites
from twin.errors import HarnessError
from twin.serving import Place
from twin.trace import read_trace

SITE = sites.load("bac-luan-2")


def place(folder: Path, for_s: float, *stacks: str) -> Place:
    """Wire list and trace in `folder`, `stacks` in the same process."""
    return Place(
        endpoints=folder / "e.json", trace=folder / "t.parquet", for_s=for_s, stacks=stacks
    )


@pytest.mark.slow
def test_a_stack_works_on_the_wall_clock_and_the_trace_is_kept(tmp_path: Path) -> None:
    """Three minutes at sixty times real time: trucks come, the stack polls, all is recorded."""
    seen: list[dict[str, Any]] = []
    lively = msgspec.structs.replace(
        SITE, lanes=[lane for lane in SITE.lanes if lane.id in ("in-1", "out-2")]
    )
    serving.serve(
        serving.Order(lively, place(tmp_path, 3, "reference"), dt.date(2023, 5, 30), speed=60),
        seen.append,
    )  # fmt: skip
    assert json.loads((tmp_path / "e.json").read_text()) == seen[0]
    kinds = {record.kind for record in read_trace(tmp_path / "t.parquet")}
    assert {"run.start", "run.end", "modbus.rx", "vehicle.arrived"} <= kinds


@pytest.mark.slow
def test_arms_move_by_an_engine_in_its_own_process(tmp_path: Path) -> None:
    """With `fidelity` physics the trace names the engine, and arms move by its plans."""
    order = serving.Order(
        SITE, place(tmp_path, 8, "reference"), dt.date(2023, 5, 30), speed=30, fidelity="physics",
        engine="ode",
    )  # fmt: skip
    serving.serve(order, lambda _: None)
    records = list(read_trace(tmp_path / "t.parquet"))
    assert (records[0].payload["fidelity"], records[0].payload["engine"]) == ("physics", "ode")
    kinds = [record.kind for record in records]
    assert kinds.count("arm.rest") >= 2
    assert "engine.lost" not in kinds
    rests = [record.payload["angle_deg"] for record in records if record.kind == "arm.rest"]
    # the closed form ends at 0 and 90 to the last digit; a body with a servo does not
    assert any(angle not in (0.0, 90.0) for angle in rests), rests


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A wire list that cannot be left anywhere is an error before anybody waits for it."""
    order = serving.Order(SITE, Place(endpoints=tmp_path / "no" / "e.json", for_s=0.1))
    with pytest.raises(HarnessError, match=r"e\.json: cannot be written"):
        serving.serve(order, lambda _: None)


def test_ports_in_a_row(tmp_path: Path) -> None:
    """With a first port, a firewall rule can name the rest."""
    seen: list[dict[str, Any]] = []
    where = Place(endpoints=tmp_path / "e.json", for_s=0.05, first_port=21_800)
    order = serving.Order(SITE, where)
    serving.serve(order, seen.append)
    ports = [
        lane[role]["port"]
        for lane in seen[0]["lanes"]
        for role in ("barrier", "io", "scale", "camera")
        if "port" in lane[role]
    ]
    assert sorted(ports) == list(range(21_800, 21_800 + len(ports)))
