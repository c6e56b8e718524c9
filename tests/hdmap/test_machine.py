"""A state machine publishes versions, lets time pass and breaks the service, and asks over HTTP."""

from __future__ import annotations

import json
import random
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from twin.clock import Session
from twin.devices.hdmap import MapService, MapStore, MapVersion
from twin.trace import Trace
from twin.wires.hdmap import MapServer

TOKEN = "t"


class MapMachine(RuleBasedStateMachine):
    """The model is the versions with their instants; a vehicle's store believes the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        clock = self.session.clock
        trace = Trace(clock)
        self.service = MapService("maps", clock, trace, random.Random(1))
        self.server = MapServer(self.service, clock=clock, trace=trace, token=TOKEN)
        self.port = self.session.run(self.server.start())
        self.store = MapStore(clock)
        self.model: list[tuple[str, float]] = []
        self.shown: int | None = None
        """How many versions a list that stands still has."""

    def _ask(self, path: str) -> tuple[int, Any, bytes]:
        """Status (0 without an answer), the document, empty if it is none, and the bytes."""

        async def visit() -> tuple[int, bytes]:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with aiohttp.ClientSession(headers=headers) as client:
                try:
                    async with client.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                        return answer.status, await answer.read()
                except aiohttp.ClientError:
                    return 0, b""

        status, body = self.session.run(visit())
        try:
            return status, json.loads(body), body
        except ValueError:
            return status, {}, body

    @property
    def now_s(self) -> float:
        return self.session.clock.now_s()

    @rule(in_s=st.sampled_from([-5.0, 1.0, 60.0]))
    def publishes(self, in_s: float) -> None:
        at_s = max(self.now_s + in_s, self.model[-1][1] + 1.0 if self.model else -1e9)
        version = str(len(self.model) + 1)
        self.service.publish("m", version, {"lanes": []}, active_from_s=at_s)
        self.model.append((version, at_s))

    @rule(seconds=st.sampled_from([0.5, 10.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self.session.clock.sleep(seconds))

    @rule(kind=st.sampled_from(sorted(MapService.FAULTS)))
    def breaks_or_is_mended(self, kind: str) -> None:
        if kind in self.service.faults:
            self.service.heal(kind)
        else:
            self.service.inject(kind)
        if kind == "stale":
            self.shown = len(self.model) if kind in self.service.faults else None

    @invariant()
    def the_wire_tells_what_is_in_force(self) -> None:
        status, body, _ = self._ask("/v1/maps")
        if "offline" in self.service.faults:
            assert status == 0
            return
        if "unavailable" in self.service.faults:
            assert status == 503
            return
        assert status == 200
        shown = self.model[: self.shown] if self.shown is not None else self.model
        begun = [version for version, at_s in shown if at_s <= self.now_s]
        wanted = {
            version: "announced" if version not in begun
            else "active" if version == begun[-1] else "retired"
            for version, _ in shown
        }  # fmt: skip
        assert {one["mapVersion"]: one["status"] for one in body["maps"]} == wanted
        code, active, _ = self._ask("/v1/maps/m/active")
        assert (code, active.get("mapVersion")) == ((200, begun[-1]) if begun else (404, None))

    @invariant()
    def a_vehicle_keeps_nothing_wrong(self) -> None:
        if not self.model or {"offline", "unavailable"} & self.service.faults.keys():
            return
        version, at_s = self.model[-1]
        code, _, content = self._ask(f"/v1/maps/m/{version}")
        if code != 200:
            assert self.shown is not None
            return
        _, body, _ = self._ask("/v1/maps")
        entry = next(one for one in body["maps"] if one["mapVersion"] == version)
        why = self.store.offer("m", version, content, entry["sha256"], at_s)
        assert bool(why) == bool({"corrupt", "wrong_hash"} & self.service.faults.keys())
        if not why:
            # on board: refused only while it is not in force
            assert bool(self.store.refusal("m", version)) == (at_s > self.now_s)

    def teardown(self) -> None:
        self.session.run(self.server.stop())
        self.session.__exit__(None, None, None)


QUICK = settings(
    max_examples=12, stateful_step_count=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_the_service_tells_the_truth_whatever_happens() -> None:
    """In any order of versions, time and faults the wire says what is in force, or nothing."""
    run_state_machine_as_test(MapMachine, settings=QUICK)


@pytest.mark.slow
def test_the_machine_finds_a_service_that_announces_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A version that never comes into force does not survive the machine."""

    def status(self: MapService, version: MapVersion) -> str:
        return "active" if version == self.versions()[0] else "announced"

    monkeypatch.setattr(MapService, "status", status)
    found = settings(
        QUICK, max_examples=60, phases=[Phase.generate], print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(MapMachine, settings=found)
