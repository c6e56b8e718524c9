"""Stacks under test, found by name among the installed packages.

A stack is made by a factory ``create(wire_list, options)`` and has ``start`` and ``stop``. A
package offers one through the entry point group ``gatetwin.stacks``; ``module:factory`` works
too, for one that is not packaged.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, Protocol, cast

from twin.errors import HarnessError, UnknownName

GROUP = "gatetwin.stacks"


class Stack(Protocol):
    """The gate's own software, as far as a harness needs to know it."""

    async def start(self) -> None:
        """Connect to the wires; returns when the stack is ready for traffic."""

    async def stop(self) -> None:
        """Close all connections."""


Factory = Callable[[Mapping[str, Any], Mapping[str, Any]], Stack]


@cache  # looking through what is installed takes longer than building a lane
def _installed() -> EntryPoints:
    return entry_points(group=GROUP)


def names() -> list[str]:
    """Names of the installed stacks."""
    return sorted(entry.name for entry in _installed())


def find(name: str) -> Factory:
    """The factory called `name`, or the one at `module:factory`."""
    module, colon, attribute = name.partition(":")
    if colon:
        # As with `python -m`: a module beside the user is found, packaged or not.
        if os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        try:
            return cast("Factory", getattr(importlib.import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            raise HarnessError(
                f"stack {name}: {error}; looked in this folder and on PYTHONPATH"
            ) from error
    for entry in _installed():
        if entry.name == name:
            return cast("Factory", entry.load())
    raise UnknownName("stack", name, [*names(), "MODULE:FACTORY"])
