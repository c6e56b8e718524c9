"""The shapes of a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from twin.judge import words
from twin.judge.facts import Facts

State = Literal["held", "broken", "not_exercised"]


class Violation(Struct, frozen=True):
    """One breach: when, what happened in a person's words, and the records that show it."""

    t_s: float
    code: str
    """Name of the sentence in words.toml, so that it can be said in each language."""
    values: dict[str, str | int | float]
    records: list[int]
    """Ids of the records that prove it, in order of importance."""
    lane: str = ""
    vehicle: str = ""

    @property
    def text(self) -> str:
        """What happened, in English."""
        return self.say("en")

    def say(self, language: str) -> str:
        """What happened, in `en`, `vi` or `zh`."""
        return words.sentence(self.code, self.values, language)


class Finding(Struct):
    """What a rule found while it was looking: grown by the rule, frozen into a result."""

    checked_count: int = 0
    excused_count: int = 0
    violations: list[Violation] = field(default_factory=list)

    def breach(
        self, code: str, t_s: float, records: list[int], **values: str | float | None
    ) -> None:
        """Note a violation; `values` (lane, vehicle and others) fill the sentence `code`."""
        said = {name: "–" if value is None else value for name, value in values.items()}
        lane, vehicle = str(said.get("lane", "")), str(said.get("vehicle", ""))
        self.violations.append(Violation(t_s, code, said, records, lane, vehicle))


class InvariantResult(Struct, frozen=True):
    """The verdict on one invariant of one run."""

    id: str
    held: bool
    """No violation. An invariant that was never put to the test holds too: see `state`."""
    violations: list[Violation]
    checked_count: int
    """How often the run gave it something to judge."""
    excused_count: int = 0
    """How often it could not be judged fairly: broken equipment or a driver was the cause."""

    @property
    def state(self) -> State:
        """`not_exercised` marks a green that proves nothing."""
        if not self.held:
            return "broken"
        return "held" if self.checked_count else "not_exercised"


class SometimesResult(Struct, frozen=True):
    """Whether something worth seeing happened at all in the run."""

    id: str
    count: int
    first_s: float | None

    @property
    def seen(self) -> bool:
        """It happened at least once."""
        return self.count > 0


class Judgement(Struct, frozen=True):
    """All verdicts on one run."""

    invariants: list[InvariantResult]
    sometimes: list[SometimesResult]

    def __repr__(self) -> str:
        told = f"broken: {', '.join(self.broken)}" if self.broken else "held"
        return f"<Judgement {told}>"

    @property
    def held(self) -> bool:
        """No invariant was broken."""
        return all(result.held for result in self.invariants)

    @property
    def kept(self) -> list[str]:
        """Ids of the invariants without a violation, exercised or not."""
        return [result.id for result in self.invariants if result.held]

    @property
    def broken(self) -> list[str]:
        """Ids of the invariants with at least one violation."""
        return [result.id for result in self.invariants if not result.held]

    @property
    def not_exercised(self) -> list[str]:
        """Ids of the invariants that the run never put to the test."""
        return [result.id for result in self.invariants if result.state == "not_exercised"]

    @property
    def violations(self) -> list[Violation]:
        """Every violation of the run, in the order of time."""
        found = [violation for result in self.invariants for violation in result.violations]
        return sorted(found, key=lambda violation: violation.t_s)

    @property
    def told(self) -> list[str]:
        """The first violation of each broken invariant, in words, in the order of time."""
        found = [
            (violation.t_s, f"{result.id} at {violation.t_s:.1f} s: {violation.text}")
            for result in self.invariants
            for violation in result.violations[:1]
        ]
        return [text for _, text in sorted(found)]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values, each violation with its English sentence."""
        return {
            "held": self.held,
            "invariants": [
                {
                    "id": result.id,
                    "title": words.rule(result.id, "en").title,
                    "state": result.state,
                    "checked_count": result.checked_count,
                    "excused_count": result.excused_count,
                    "violations": [
                        {
                            "t_s": violation.t_s,
                            "lane": violation.lane,
                            "vehicle": violation.vehicle,
                            "code": violation.code,
                            "text": violation.text,
                            "records": violation.records,
                        }
                        for violation in result.violations
                    ],
                }
                for result in self.invariants
            ],
            "sometimes": [
                {"id": seen.id, "count": seen.count, "first_s": seen.first_s}
                for seen in self.sometimes
            ],
        }

    def __getitem__(self, id: str) -> InvariantResult:
        return next(result for result in self.invariants if result.id == id)


class Invariant(Struct, frozen=True):
    """A rule of the register: its id and the function that looks for breaches."""

    id: str
    look: Callable[[Facts, Finding], None]
    limits: Mapping[str, float] = {}
    """Named numbers of the rule, with units last, for the documentation."""

    def title(self, language: str = "en") -> str:
        """A few words."""
        return words.rule(self.id, language).title

    def text(self, language: str = "en") -> str:
        """The whole rule in a sentence or two."""
        return words.rule(self.id, language).text

    def judge(self, facts: Facts) -> InvariantResult:
        """Look at one run."""
        finding = Finding()
        self.look(facts, finding)
        found = sorted(finding.violations, key=lambda violation: violation.t_s)
        return InvariantResult(
            self.id, not found, found, finding.checked_count, finding.excused_count
        )


Look = Callable[[Facts, Finding], None]
REGISTRY: dict[str, Invariant] = {}
"""All invariants by id; filled by the rule modules, in the order of their ids."""


def invariant(id: str, **limits: float) -> Callable[[Look], Look]:
    """Enter a rule into the register."""

    def enter(look: Look) -> Look:
        REGISTRY[id] = Invariant(id, look, limits)
        return look

    return enter
