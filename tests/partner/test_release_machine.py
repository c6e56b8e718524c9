"""A state machine drives releases over HTTP while answers get lost, late and repeated."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.partner.desk import Desk, declared
from twin.clock import Session
from twin.partner.service import PartnerService
from twin.partner.state import PartnerState

NUMBERS = ("301", "302", "303")
KEYS = ("a", "b", "c", "d")
CLIENT_TIMEOUT_S = 5.0


class ReleaseMachine(RuleBasedStateMachine):
    """One client, three declarations, four keys; the model is three small dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        self.desk = Desk(self.session.clock)
        self.session.run(self.desk.open())
        self.channel = dict.fromkeys((*NUMBERS, "399"), "green")
        self.bound: dict[str, tuple[tuple[str, int], str]] = {}
        """Key to the request that it is bound to and the decision on it."""
        self.released: set[str] = set()
        self.believed: Counter[str] = Counter()
        """Releases that the client has been told of, by their number."""

    @initialize()
    def declare(self) -> None:
        for number in NUMBERS:
            self.desk.state.register(declared(number))

    @rule(
        number=st.sampled_from((*NUMBERS, "399")),
        key=st.sampled_from(KEYS),
        gross_kg=st.sampled_from((38_000, 38_020, 50_000)),
    )
    def release(self, number: str, key: str, gross_kg: int) -> None:
        expected = self._model(number, key, gross_kg)
        got = self.session.run(self._ask(number, key, gross_kg))
        assert got == expected, f"{number} under {key}: got {got}, the model says {expected}"

    def _model(self, number: str, key: str, gross_kg: int) -> str:
        """What the client should see, and what then is true."""
        how = self.desk.service.faults.get("down", {}).get("how")
        delay_s = float(self.desk.service.faults.get("slow", {}).get("delay_s", 0.0))
        too_slow = delay_s > CLIENT_TIMEOUT_S
        if how == "unavailable":
            return "nothing" if too_slow else "503"
        if how == "closed":
            return "nothing"
        request = (number, gross_kg)
        if key in self.bound:
            seen = f"201 {self.bound[key][1]}" if self.bound[key][0] == request else "422"
        elif number in self.released:
            seen = "409"
        else:
            lawful = number in NUMBERS and self.channel[number] == "green" and gross_kg < 40_000
            decision = "released" if lawful else "refused"
            self.bound[key] = (request, decision)
            if lawful:
                self.released.add(number)
            seen = f"201 {decision}"
        return "nothing" if how == "lost_answer" or too_slow else seen

    async def _ask(self, number: str, key: str, gross_kg: int) -> str:
        try:
            async with asyncio.timeout(CLIENT_TIMEOUT_S):
                answer = await self.desk.release(key, declaration=number, gross_kg=gross_kg)
        except (TimeoutError, aiohttp.ClientError):
            return "nothing"
        if answer.status != 201:
            return str(answer.status)
        if answer.json["decision"] == "released":
            self.believed[answer.json["release"]] += 1
        return f"201 {answer.json['decision']}"

    @rule(how=st.sampled_from(("unavailable", "closed", "lost_answer")))
    def goes_down(self, how: str) -> None:
        self.desk.service.inject("down", how=how)

    @rule(delay_s=st.sampled_from((1.0, 8.0)))
    def grows_slow(self, delay_s: float) -> None:
        self.desk.service.inject("slow", delay_s=delay_s)

    @precondition(lambda self: self.desk.service.faults)
    @rule()
    def recovers(self) -> None:
        for kind in list(self.desk.service.faults):
            self.desk.service.heal(kind)

    @rule(number=st.sampled_from(NUMBERS), channel=st.sampled_from(("green", "yellow", "red")))
    def channel_changes(self, number: str, channel: Any) -> None:
        self.desk.state.set_channel(number, channel)
        self.channel[number] = channel

    @rule(seconds=st.sampled_from((0.5, 10.0, 600.0)))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self.desk.clock.sleep(seconds))

    @invariant()
    def each_declaration_is_released_at_most_once(self) -> None:
        traced = Counter(
            record["declaration"]
            for record in self.desk.kinds("partner.release")
            if record["decision"] == "released"
        )
        assert all(count == 1 for count in traced.values()), traced
        assert set(traced) == self.released

    @invariant()
    def the_client_believes_only_what_happened(self) -> None:
        real = {record["release"] for record in self.desk.kinds("partner.release")}
        assert set(self.believed) <= real

    def teardown(self) -> None:
        self.session.run(self.desk.close())
        self.session.__exit__(None, None, None)


QUICK = settings(
    max_examples=40, stateful_step_count=15, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_releases_are_idempotent_whatever_happens() -> None:
    """Under loss, delay and repetition each declaration is released once, and keys are kept."""
    run_state_machine_as_test(ReleaseMachine, settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", ["forgets_keys", "releases_twice", "ignores_body", "grants_all"])
def test_the_machine_finds_planted_bugs(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four planted bugs of a customs service are each found within the same few examples."""
    once, release, reasons = PartnerService._once, PartnerState.release, PartnerState.reasons

    def forgets_keys(self: Any, request: Any, key: str, *rest: Any) -> Any:
        self._keys.clear()
        return once(self, request, key, *rest)

    def ignores_body(self: Any, request: Any, key: str, wish: Any, *rest: Any) -> Any:
        return once(self, request, key, "anything", *rest)

    def releases_twice(self: Any, request: Any, key: str) -> Any:
        matter = self.matters.get(request.declaration)
        if matter is not None:
            matter.release = None
        return release(self, request, key)

    def grants_all(self: Any, request: Any) -> Any:
        return [reason for reason in reasons(self, request) if reason == "not_declared"]

    planted = {
        "forgets_keys": (PartnerService, "_once", forgets_keys),
        "ignores_body": (PartnerService, "_once", ignores_body),
        "releases_twice": (PartnerState, "release", releases_twice),
        "grants_all": (PartnerState, "reasons", grants_all),
    }[mutant]
    monkeypatch.setattr(*planted)
    # A failure is all that is wanted here, not the shortest one.
    found = settings(
        QUICK, phases=[Phase.generate], max_examples=200, print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(ReleaseMachine, settings=found)
