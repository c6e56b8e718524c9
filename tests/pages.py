"""Documentation pages with generated tables, between `<!-- generated: NAME -->` and `<!-- end -->`.

A test compares what stands there with what the code says, so a page cannot fall behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.devices.pages import table
from twin.devices.base import FaultKind

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- generated: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Page:
    """One page below docs/ and who makes its tables."""

    def __init__(self, name: str, makers: Mapping[str, Callable[[], str]]) -> None:
        self.path, self.makers = DOCS / name, makers

    def text(self) -> str:
        """What stands there."""
        return self.path.read_text(encoding="utf-8")

    def filled(self) -> str:
        """The page with all its tables made anew."""
        return _BLOCK.sub(
            lambda found: f"{found[1]}\n{self.makers[found[2]]()}\n{found[3]}", self.text()
        )

    def write(self) -> None:
        """Fill the page."""
        self.path.write_text(self.filled(), encoding="utf-8")

    def used(self) -> set[str]:
        """Names of the tables on the page."""
        return {found[2] for found in _BLOCK.finditer(self.text())}


def fault_table(menu: Mapping[str, FaultKind]) -> str:
    """A fault menu with its parameters."""
    return table(
        ("fault", "what happens", "parameters"),
        (
            (
                f"`{kind}`", fault.doc,
                ", ".join(
                    f"`{name}` = {spec.default}{' ' + spec.unit if spec.unit else ''} ({spec.doc})"
                    for name, spec in fault.parameters.items()
                ),
            )
            for kind, fault in menu.items()
        ),
    )  # fmt: skip


def quirk_table(quirks: Iterable[Any]) -> str:
    """The quirks of a profile with their sources."""
    return table(
        ("quirk", "default", "what", "source"),
        (
            (f"`{quirk.id}`", "on" if quirk.on else "off", quirk.doc, quirk.source)
            for quirk in quirks
        ),
    )
