"""The bench file that a kit begins with: every role is played by the emulated device."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from .bench import RoleRule
from .emulator import Where

WIDTH = 99
"""Of comments, in characters."""
COLUMN = 30
"""Where the comment beside the name of a table begins."""

TITLE = "A bench: which role is played by what. Limits do not stand here but in the requirements."
TWIN = "twin (an emulated device in another process)"
MANUAL = "manual (a person who answers prompts)"
"""Drivers that every kit has, as the comment at the top tells them."""


@dataclass(frozen=True, slots=True)
class BenchText:
    """What one kit's bench file says beside what all of them say."""

    drivers: tuple[str, ...]
    """Each with a word about it, as `TWIN`."""
    about: str = ""
    """A sentence more at the top."""
    device: str = "the device under test"
    """The comment beside the device's table."""
    keys: tuple[str, ...] = ()
    """Lines more of the device's table; `{limit_s}` is a second of the wall clock."""
    more: str = ""
    """What follows the roles."""

    def write(
        self, table: str, driver: str, rules: Mapping[str, RoleRule], id: str, where: Where
    ) -> str:
        """The whole file; the device's table first, then one for each of `rules`."""
        limit_s = min(10.0, max(1.0, where.speed))  # another process has to be scheduled
        keys = [line.format(limit_s=limit_s) for line in self.keys]
        device = [f'driver = "{driver}"', 'host = "127.0.0.1"', f"port = {where.port}", *keys]
        role = ['driver = "twin"', f'url = "{where.control}"']
        parts = [
            self._top(),
            ["[bench]", f'id = "{id}"', 'site = "laboratory"', f"speed = {where.speed}"],
            [_head(table, self.device), *device],
            *([_head(name, rule.doc), *role] for name, rule in rules.items()),
        ]
        return "\n\n".join("\n".join(part) for part in parts) + f"\n{self.more}"

    def _top(self) -> list[str]:
        said = (
            TITLE,
            self.about,
            f"Drivers: {', '.join(self.drivers)}.",
        )
        return [f"# {line}" for text in said for line in textwrap.wrap(text, WIDTH - 2)]


def _head(table: str, doc: str) -> str:
    return f"[{table}]".ljust(COLUMN) + f"# {doc}" if doc else f"[{table}]"
