"""The official JSON schemas as a judge of messages, where they lie beside the repository.

`../shared/vda5050` holds `2.1.0/` and `3.0-main-0b2ae43/` of github.com/VDA5050/VDA5050. The text
of the document wins over a schema that forgets a value, so those values are added here, by name.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.needs import system

FOLDER = Path(__file__).parents[3] / "shared" / "vda5050"
SETS = {"2.0": "2.1.0", "2.1": "2.1.0", "3.0": "3.0-main-0b2ae43"}
"""2.0 is held against the set of 2.1.0: the tag 2.0.0 has no usable one."""


@cache
def _validator(version: str, topic: str) -> Draft202012Validator:
    path = FOLDER / SETS[version] / f"{topic}.schema"
    schema = json.loads(path.read_text(encoding="utf-8"))
    if topic == "state" and version != "3.0":
        # 2.1 chapter 6.11 has PAUSED, the enum of 2.1.0 does not
        states = schema["properties"]["actionStates"]["items"]["properties"]["actionStatus"]["enum"]
        assert "PAUSED" not in states
        states.append("PAUSED")
    if topic == "state" and version == "3.0":
        # 3.0 chapter 6.9 has QUEUED, the enums do not
        for kind in ("zoneRequest", "edgeRequest"):
            states = schema["definitions"][kind]["properties"]["requestStatus"]["enum"]
            assert "QUEUED" not in states
            states.append("QUEUED")
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check(version: str, topic: str, message: bytes | dict[str, Any]) -> dict[str, Any]:
    """`message` if the schema of its version and topic takes it; skips where schemas are absent."""
    system(FOLDER.is_dir(), f"the schemas of VDA 5050 are not in {FOLDER}")
    found: dict[str, Any] = json.loads(message) if isinstance(message, bytes) else message
    problems = [
        f"{error.json_path}: {error.message}"
        for error in _validator(version, topic).iter_errors(found)
    ]
    assert not problems, f"{topic} of {version}: {problems}"
    return found
