"""The register of invariants as a page: ``python -m twin.judge.docs > docs/invariants.md``."""

from __future__ import annotations

import inspect

from twin.judge import REGISTRY, SOMETIMES, words
from twin.judge.bridge import BRIDGE, Rule
from twin.judge.chain import CHAIN, ChainRule

_HEAD = """# Invariants

<!-- Made by `python -m twin.judge.docs`; a test keeps it so. Change the register instead. -->

Rules that no honest gate may break. They are judged after every run, from the trace alone: from
what truly happened and from what the stack said over its wires, never from what a device or the
stack believes. A verdict is one of

- **held**: judged at least once and never broken;
- **broken**: with the time, what happened, and the ids of the records that prove it;
- **not exercised**: the run gave it nothing to judge; such a green proves nothing.

What cannot be held against a stack fairly (broken equipment it cannot see through, a driver who
jumps the light) is *excused*, and excuses are counted beside the verdict. *Beyond control* is a
tail-gater, or a driver who goes on without a green light through an arm that broken equipment keeps
open, provided that the stack has raised an alarm about it; where the lane's loops or remote I/O are
broken and nothing can count the vehicles, an alarm of that lane about whatever it has noticed.
"""

_BRIDGE = """## The bridge

The same for what crosses by itself (`gatetwin run SITE --smart-lane`, docs/bridge.md).
"""

_CHAIN = """## From end to end

Held in addition where lanes and bridge run together (`gatetwin run SITE --smart-lane --day DAY`,
docs/chain.md).
"""

_SOMETIMES = """## What must be seen

A campaign of runs must also show that the difficult things happened. Each run counts:
"""


def invariants_page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for name in sorted(REGISTRY):
        rule = REGISTRY[name]
        parts.append(f"## {name} · {rule.title()}\n\n*{rule.text()}*\n")
        doc = inspect.getdoc(rule.look) or ""
        parts.append(doc + "\n")
        if rule.limits:
            listed = ", ".join(f"`{key}` = {value:g}" for key, value in rule.limits.items())
            parts.append(f"Limits: {listed}.\n")
    parts.append(_BRIDGE)
    parts.extend(part for name in sorted(BRIDGE) for part in _section(BRIDGE[name]))
    parts.append(_CHAIN)
    parts.extend(part for name in sorted(CHAIN) for part in _section(CHAIN[name]))
    parts.append(_SOMETIMES)
    parts.append("\n".join(f"- `{name}`: {words.sometimes(name, 'en')}" for name in SOMETIMES))
    return "\n".join(parts) + "\n"


def _section(rule: Rule | ChainRule) -> list[str]:
    said = words.rule(rule.id, "en")
    parts = [f"## {rule.id} · {said.title}\n\n*{said.text}*\n"]
    parts.append((inspect.getdoc(rule.look) or "") + "\n")
    if rule.limits:
        listed = ", ".join(f"`{key}` = {value:g}" for key, value in rule.limits.items())
        parts.append(f"Limits: {listed}.\n")
    return parts


if __name__ == "__main__":
    print(invariants_page(), end="")
