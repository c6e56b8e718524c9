"""Documentation pages with generated tables, between `<!-- generated: NAME -->` and `<!-- end -->`.

A test compares what stands there with what the code says, so a page cannot fall behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

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
