"""TOML files that people write, read strictly.

An unknown key, a wrong type or a value out of range is a `ConfigError` with the file, the line
and the key. `tomllib` parses and `msgspec` validates; neither remembers lines, so a small index
of the text finds the line of a key afterwards, for the message only.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from twin.errors import ConfigError

T = TypeVar("T")

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\-\"']+)\s*=")
_PATH_STEP = re.compile(r"\.([A-Za-z0-9_\-]+)|\[(\d+|\.\.\.)\]|\[`?([^\]`]+)`?\]")


def load(path: Path, kind: type[T]) -> T:
    """Read `path` as TOML and validate it into `kind` (a msgspec Struct or any typed form)."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(path, None, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, None, "", f"is not UTF-8 text: {error.reason}") from error
    return loads(text, kind, path)


def loads(text: str, kind: type[T], path: Path | str = "<text>") -> T:
    """As `load`, for text at hand; `path` is only named in errors."""
    data = parse(text, path)
    return convert(data, kind, LineIndex(text), path)


def parse(text: str, path: Path | str = "<text>") -> dict[str, Any]:
    """Parse TOML; a syntax error names its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise ConfigError(path, line, "", f"is not valid TOML: {error}") from error


def convert(data: Any, kind: type[T], lines: LineIndex, path: Path | str) -> T:
    """Validate parsed `data` into `kind`; errors name the place in the text behind `lines`."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, key = _explain(str(error), data, kind)
        raise ConfigError(path, lines.find(key), key, message) from None


def _explain(text: str, data: Any, kind: Any) -> tuple[str, str]:
    """Msgspec's text as a message for a person, and the dotted key that it speaks of."""
    message, _, where = text.partition(" - at `")
    steps = _steps(where.rstrip("`"))
    unknown = re.search(r"contains unknown field `([^`]+)`", message)
    missing = re.search(r"missing required field `([^`]+)`", message)
    if unknown:
        steps = _named([*steps, unknown[1]], data)
        known = _fields(msgspec.inspect.type_info(kind), steps[:-1])
        return f"unknown key{suggest(unknown[1], known)}", ".".join(steps)
    key = ".".join(_named(steps, data))
    if missing:
        return f"the key {missing[1]!r} is missing in {key or 'the file'}", key
    value = _value_at(data, key)
    if value is not None and not isinstance(value, Mapping | list):
        message += f"; the value is {value!r}"
        choices = _choices(_type_at(msgspec.inspect.type_info(kind), key.split(".")))
        if choices and isinstance(value, str):
            message += f"; it must be one of {', '.join(choices)}{suggest(value, choices)}"
    return message[0].lower() + message[1:], key


def _steps(where: str) -> list[str]:
    return [name or index or key for name, index, key in _PATH_STEP.findall(where)]


def _named(steps: list[str], data: Any) -> list[str]:
    """`steps` with each `...` (some key of a table) replaced by the first that leads on."""
    if not steps:
        return []
    head, rest = steps[0], steps[1:]
    if head == "..." and isinstance(data, Mapping):
        for name, value in data.items():
            found = _named(rest, value)
            if "..." not in found and (not rest or _has(value, found)):
                return [name, *found]
        return steps
    inner = None
    if isinstance(data, Mapping):
        inner = data.get(head)
    elif isinstance(data, list) and head.isdigit() and int(head) < len(data):
        inner = data[int(head)]
    return [head, *_named(rest, inner)]


def _has(data: Any, steps: list[str]) -> bool:
    return _value_at(data, ".".join(steps)) is not None


def _type_at(info: msgspec.inspect.Type, steps: list[str]) -> msgspec.inspect.Type | None:
    """The declared type below `info` at `steps`, if it can be followed."""
    found: msgspec.inspect.Type | None = info
    for step in steps:
        while isinstance(found, msgspec.inspect.Metadata):
            found = found.type
        if isinstance(found, msgspec.inspect.StructType):
            found = next((f.type for f in found.fields if f.encode_name == step), None)
        elif isinstance(found, msgspec.inspect.DictType):
            found = found.value_type
        elif isinstance(found, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
            found = found.item_type
        else:
            return None
    return found


def _fields(info: msgspec.inspect.Type, steps: list[str]) -> list[str]:
    found = _type_at(info, steps)
    if isinstance(found, msgspec.inspect.StructType):
        return [field.encode_name for field in found.fields]
    return []


def _choices(info: msgspec.inspect.Type | None) -> list[str]:
    if isinstance(info, msgspec.inspect.LiteralType):
        return [str(value) for value in info.values]
    return []


def _value_at(data: Any, key: str) -> Any:
    for step in key.split(".") if key else []:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def suggest(name: str, known: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str:
    """“; did you mean …?” for a misspelt name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class LineIndex:
    """Where each dotted key of a TOML text stands; arrays of tables count from 0."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        prefix, counts = "", dict[str, int]()
        for number, line in enumerate(text.splitlines(), start=1):
            header = _HEADER.match(line)
            if header:
                name = self._resolve(_clean(header[2]), counts)
                if header[1] == "[[":
                    counts[name] = counts.get(name, -1) + 1
                    name = f"{name}.{counts[name]}"
                prefix = name
                self._lines.setdefault(prefix, number)
                continue
            key = _KEY.match(line)
            if key:
                full = f"{prefix}.{_clean(key[1])}" if prefix else _clean(key[1])
                self._lines.setdefault(full, number)
                # keys of an inline table share the line of the table
                for inner in re.findall(r"[{,]\s*([A-Za-z0-9_\-]+)\s*=", line[key.end() :]):
                    self._lines.setdefault(f"{full}.{inner}", number)

    @staticmethod
    def _resolve(name: str, counts: Mapping[str, int]) -> str:
        """`lanes.loops` below a `[[lanes]]` means the latest lane."""
        steps, full = name.split("."), ""
        for position, step in enumerate(steps):
            full = f"{full}.{step}" if full else step
            if full in counts and position < len(steps) - 1:
                full = f"{full}.{counts[full]}"
        return full

    def find(self, key: str) -> int | None:
        """Line of `key`, or of the nearest table above it."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key.rpartition(".")[0]
        return None


def _clean(name: str) -> str:
    return name.replace('"', "").replace("'", "").replace(" ", "")
