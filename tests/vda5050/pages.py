"""Fill the generated tables of docs/devices/igv.md: `python -m tests.vda5050.pages`.

A test compares what stands there with what the code and the dialects say.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from fixtures.igv_bench import IgvBench
from tests.devices.pages import table
from tests.vda5050.rig import play
from twin.devices.base import FaultKind
from twin.devices.igv import Igv
from twin.profiles import vda5050
from twin.wires.vda5050.abilities import ABILITIES, offered
from twin.wires.vda5050.switches import Switches

PAGE = Path(__file__).parents[2] / "docs" / "devices" / "igv.md"
_BLOCK = re.compile(r"(<!-- generated: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DIALECTS = [vda5050.load(name) for name in vda5050.names()]


def topics() -> str:
    """Topics with QoS and retain, and the versions that have them."""
    rows = []
    for name, rule in DIALECTS[-1].topics.items():
        versions = ", ".join(d.name for d in DIALECTS if name in d.topics)
        way = "vehicle" if rule.sent else "fleet control"
        rows.append((f"`{name}`", way, rule.qos, "yes" if rule.retain else "no", versions))
    return table(("topic", "sent by", "QoS", "retained", "versions"), rows)


def actions() -> str:
    """Actions with their scopes in each dialect."""
    scopes = {dialect.name: offered(dialect) for dialect in DIALECTS}
    kinds = dict.fromkeys(kind for found in scopes.values() for kind in found)
    rows = []
    for kind in kinds:
        ability = ABILITIES.get(kind)
        keys = ", ".join(
            f"`{key.key}`" + ("" if key.optional else " (needed)")
            for key in (ability.keys if ability else ())
        )
        where = [", ".join(s.lower() for s in scopes[d.name].get(kind, ())) for d in DIALECTS]
        rows.append((f"`{kind}`", *where, keys))
    return table(("action", *(d.name for d in DIALECTS), "parameters"), rows)


def errors() -> str:
    """Errors: our key, and type and level in 2.x and 3.0."""
    two, three = vda5050.load("2.1"), vda5050.load("3.0")
    rows = (
        (
            key.replace("_", " "),
            f"`{two.errors[key].type}`, {two.errors[key].level}",
            f"`{rule.type}`, {rule.level}",
            rule.until,
        )
        for key, rule in three.errors.items()
    )
    return table(("what", "2.x", "3.0", "reported until"), rows)


def switches() -> str:
    """The doubtful rules, from the docstrings beside the fields."""
    tree = ast.parse(inspect.getsource(Switches)).body[0]
    assert isinstance(tree, ast.ClassDef)
    docs, name = {}, ""
    for line in tree.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif name and isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            docs[name] = " ".join(str(line.value.value).split())
    defaults = msgspec.structs.asdict(Switches())
    rows = ((f"`{key}`", f"`{value}`", docs[key]) for key, value in defaults.items())
    return table(("switch", "default", "what it decides"), rows)


def faults(menu: Mapping[str, FaultKind] = Igv.FAULTS) -> str:
    """A fault menu with its parameters."""
    rows = []
    for kind, fault in menu.items():
        parameters = ", ".join(
            f"`{name}` = {spec.default}{' ' + spec.unit if spec.unit else ''} ({spec.doc})"
            for name, spec in fault.parameters.items()
        )
        rows.append((f"`{kind}`", fault.doc, parameters))
    return table(("fault", "what happens", "parameters"), rows)


def points(bench_type: type[IgvBench] = IgvBench) -> str:
    """Every point of a vehicle."""

    async def nothing(rig: object) -> None:
        del rig

    igv = play(nothing, bench_type=bench_type).igv
    rows = ((f"`{point.name}`", point.unit, point.doc) for point in igv.points.values())
    return table(("point", "unit", "what"), rows)


def filled(text: str, makers: Mapping[str, Callable[[], str]] | None = None) -> str:
    """The page with all its tables made anew."""
    makers = makers or {
        "topics": topics,
        "actions": actions,
        "errors": errors,
        "switches": switches,
        "faults": faults,
        "points": points,
    }
    return _BLOCK.sub(lambda found: f"{found[1]}\n{makers[found[2]]()}\n{found[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
