"""The errors that a vehicle reports, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.profiles.vda5050 import Dialect, Lifetime

EXECUTION = frozenset(
    {
        "outside_corridor",
        "blocked_zone",
        "release_lost",
        "zone_action_conflict",
        "node_unreachable",
        "localization",
        "action_failed",
        "drive_fault",
        "load_lost",
        "battery_empty",
        "emergency_stop",
        "power_lost",
        "hoist_fault",
        "lock_fault",
        "wind",
        "backup_drive",
    }
)
"""Problems of the vehicle itself. A rejected message is none, whatever its level: "the mobile robot
shall continue with executing the previous order" (3.0 6.1.4)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `errors`; `references` by key."""

    key: str
    references: tuple[tuple[str, str], ...] = ()
    text: str = ""


class Problems:
    """All active errors, oldest first, each once; `limit` as the factsheet says."""

    def __init__(self, dialect: Dialect, limit: int = 32) -> None:
        self._dialect = dialect
        self._limit = limit
        self.active: list[Problem] = []

    def report(self, key: str, text: str, references: Mapping[str, Any] | None = None) -> bool:
        """Add an error; False if it stands there already."""
        pairs = tuple((name, str(value)) for name, value in (references or {}).items())
        new = Problem(key, pairs, text)
        if any(old.key == key and old.references == pairs for old in self.active):
            return False
        if len(self.active) >= self._limit:
            # what a master did wrong long ago goes first; the vehicle's own troubles stay
            old = next((p for p in self.active if p.key not in EXECUTION), self.active[0])
            self.active.remove(old)
        self.active.append(new)
        return True

    def clear(self, *keys: str) -> bool:
        """Remove these errors; True if any was there."""
        return self._keep(lambda problem: problem.key not in keys)

    def clear_one(self, key: str, name: str, value: str) -> bool:
        """Remove error `key` that refers to (`name`, `value`)."""
        return self._keep(lambda p: p.key != key or (name, value) not in p.references)

    def over(self, lifetime: Lifetime) -> bool:
        """Remove every error that is reported until `lifetime`; True if any was there."""
        rules = self._dialect.errors
        return self._keep(lambda problem: rules[problem.key].until != lifetime)

    def _keep(self, wanted: Any) -> bool:
        kept = [problem for problem in self.active if wanted(problem)]
        changed = len(kept) != len(self.active)
        self.active = kept
        return changed

    @property
    def stop_driving(self) -> bool:
        """Whether an error forbids to continue the order."""
        rules = self._dialect.errors
        return any(
            problem.key in EXECUTION and rules[problem.key].level in ("CRITICAL", "FATAL")
            for problem in self.active
        )

    def __contains__(self, key: str) -> bool:
        return any(problem.key == key for problem in self.active)
