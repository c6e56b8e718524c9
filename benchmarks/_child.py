"""One benchmark in a process of its own: `python -m benchmarks._child NAME OUT FOLDERS [--quick]`.

Writes what it measured, why it could not, or what broke to OUT as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks import Skipped


def measured(name: str, *, quick: bool) -> dict[str, Any]:
    """The ratios, or why there are none; a broken benchmark is reported, not raised."""
    ratios: list[dict[str, Any]] = []
    try:
        # one by one: what was measured before something broke is kept
        ratios.extend(map(asdict, importlib.import_module(f"benchmarks.{name}").run(quick)))
    except Skipped as reason:
        return {"ratios": ratios, "skipped": str(reason)}
    except Exception as error:  # noqa: BLE001 - the parent tells, the others still run
        return {"ratios": ratios, "failed": f"{type(error).__name__}: {error}"}
    return {"ratios": ratios}


if __name__ == "__main__":
    name, out, folders, *options = sys.argv[1:]
    benchmarks.__path__ = folders.split(os.pathsep)
    Path(out).write_text(json.dumps(measured(name, quick="--quick" in options)))
