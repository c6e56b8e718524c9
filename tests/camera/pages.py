"""Fill the generated tables of docs/devices/plate-camera.md: `python -m tests.camera.pages`."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from twin.clock import Clock, run_virtual
from twin.devices.camera import Camera
from twin.profiles import camera as profiles
from twin.trace import Trace

PAGE = Path(__file__).parents[2] / "docs" / "devices" / "plate-camera.md"
_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class NoLane:
    """A lane in which nothing ever moves."""

    id = "in-1"

    def watch_front(self, *_: Any) -> None: ...

    def watch_zone(self, *_: Any) -> None: ...


def points() -> list[tuple[str, ...]]:
    async def make(clock: Clock) -> Camera:
        return Camera("in-1.camera", clock, Trace(clock), random.Random(0), NoLane())

    camera = run_virtual(make)
    rows = [
        (f"`{p.name}`", "rw" if p.write else "r", p.unit, p.doc) for p in camera.points.values()
    ]
    return [("point", "access", "unit", "what"), *rows]


def faults() -> list[tuple[str, ...]]:
    rows = []
    for kind, fault in Camera.FAULTS.items():
        parameters = ", ".join(
            f"`{name}` = {spec.default}{f' {spec.unit}' if spec.unit else ''} ({spec.doc})"
            for name, spec in fault.parameters.items()
        )
        rows.append((f"`{kind}`", fault.doc, parameters))
    return [("fault", "what happens", "parameters"), *rows]


def quirks() -> list[tuple[str, ...]]:
    rows = [(f"`{name}`", doc, source) for name, (doc, source) in profiles.QUIRKS.items()]
    return [("quirk", "what it does", "reported in"), *rows]


def shipped() -> list[tuple[str, ...]]:
    rows = []
    for name in profiles.names():
        p = profiles.load(name)
        listed = ", ".join(f"`{quirk}`" for quirk in p.quirks) or "none"
        rows.append((f"`{name}`", p.title, ", ".join(p.digest), f"{p.heartbeat_s:g} s", listed))
    return [("profile", "what", "digest", "heartbeat", "quirks"), *rows]


MAKERS = {"points": points, "faults": faults, "quirks": quirks, "profiles": shipped}


def filled(text: str) -> str:
    """The page with its tables made anew."""

    def fill(found: re.Match[str]) -> str:
        head, *rows = MAKERS[found[2]]()
        lines = [head, tuple("---" for _ in head), *rows]
        made = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{found[1]}\n{made}\n\n{found[3]}"

    return _BLOCK.sub(fill, text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
