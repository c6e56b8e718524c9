"""Fill the generated tables of docs/devices/barrier.md: `python -m tests.devices.pages`.

A page keeps its tables between `<!-- generated: NAME -->` and `<!-- end -->`; a test compares what
stands there with what the code and the profiles say, so a page cannot fall behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.devices.bench import Bench, play
from twin import profiles
from twin.devices.barrier import Barrier, BarrierError
from twin.profiles.modbus import Profile, Row

PAGE = Path(__file__).parents[2] / "docs" / "devices" / "barrier.md"
BLOCK = re.compile(r"(<!-- generated: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FIRST = {"coil": 1, "discrete": 10001, "input": 30001, "holding": 40001}


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def points() -> str:
    """Every point of a barrier."""

    async def nothing(bench: Bench) -> None:
        del bench

    barrier = play(nothing).barrier
    rows = (
        (f"`{point.name}`", "rw" if point.write else "r", point.unit, point.doc)
        for point in barrier.points.values()
    )
    return table(("point", "access", "unit", "what"), rows)


def faults() -> str:
    """The fault menu with its parameters."""

    def parameters(kind: str) -> str:
        return ", ".join(
            f"`{name}` = {spec.default}{' ' + spec.unit if spec.unit else ''} ({spec.doc})"
            for name, spec in Barrier.FAULTS[kind].parameters.items()
        )

    rows = ((f"`{kind}`", fault.doc, parameters(kind)) for kind, fault in Barrier.FAULTS.items())
    return table(("fault", "what happens", "parameters"), rows)


def errors() -> str:
    """The codes of `last_error`."""
    return table(("code", "name"), ((int(error), error.name.lower()) for error in BarrierError))


def wire_map(name: str) -> str:
    """The rows of a Modbus profile."""
    profile = profiles.load(name)
    assert isinstance(profile, Profile)
    rows = (
        (
            row.table,
            row.address,
            _FIRST[row.table] + row.address,
            _encoding(row),
            row.access,
            f"`{row.key}`"
            if row.key
            else ", ".join(f"`{c}` = {n}" for c, n in row.commands.items()),
            row.doc,
        )
        for row in profile.rows
    )
    head = ("table", "address", "Modicon", "encoding", "access", "point", "what")
    codes = ", ".join(str(code) for code in profile.function_codes)
    return f"Function codes {codes}. Source: {profile.source}.\n\n" + table(head, rows)


def _encoding(row: Row) -> str:
    if row.bit is not None:
        return f"bit {row.bit}"
    return f"{row.encoding} low word first" if row.word_order == "lsw" else row.encoding


def filled(text: str) -> str:
    """The page with all its tables made anew."""
    makers = {"points": points, "faults": faults, "errors": errors}

    def fill(found: re.Match[str]) -> str:
        name = found[2]
        made = makers[name]() if name in makers else wire_map(name)
        return f"{found[1]}\n{made}\n{found[3]}"

    return BLOCK.sub(fill, text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
