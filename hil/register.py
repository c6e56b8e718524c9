"""The requirement register: what a device has to do, with its clause and how it is observed.

`requirements/<device>.toml` holds one `[[requirement]]` per statement. The register is loaded
strictly and audited against the suite and the mutants: a MUST without a test and without a
written reason why it cannot be tested is an error, and so is an unknown or duplicate id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from twin import strict_toml
from twin.errors import UnknownName

from .errors import RegisterError
from .expression import Expression

Level = Literal["MUST", "SHOULD"]
Observe = Literal["wire", "twin", "operator", "document"]

_ID = re.compile(r"^[A-Z]{3}-[A-Z]{3}-\d{2}$")


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One statement that the device fulfils or not.

    `observe` names the least that is needed to see it: the wire alone, an instrument or the
    twin's ground truth, an operator, or a document. `marginal` says whether a value inside the
    guard band is good enough for a certificate. `negative` marks tests with wrong input.
    """

    id: str
    title: str
    clause: str
    text: str
    level: Level
    observe: Observe
    rationale: str
    applies_if: str = ""
    marginal: Literal["accept", "reject"] = "accept"
    negative: bool = False
    not_testable: str = ""

    @property
    def group(self) -> str:
        """The middle part of the id: WIR, MOT, SAF, REC or DOC."""
        return self.id.split("-")[1]

    def applies(self, pics: Mapping[str, Any]) -> bool:
        """Whether a device with these PICS values has to fulfil it."""
        return Expression(self.applies_if)(pics)


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requirements that several registers include; their ids lack the prefix."""

    sources: dict[str, str]
    groups: dict[str, dict[str, str]]
    requirement: list[Requirement]


class _Include(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part that is taken only where `applies_if` holds, and `without` some of its ids."""

    part: str
    applies_if: str = ""
    without: list[str] = []


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    version: str
    sources: dict[str, str]
    groups: dict[str, dict[str, str]]
    requirement: list[Requirement]
    include: list[str | _Include] = []


class Register:
    """All requirements of one kind of device, in the order of the file."""

    def __init__(self, file: _File, path: str) -> None:
        self.device = file.device
        self.version = file.version
        self.sources = file.sources
        self.groups = file.groups
        self._by_id: dict[str, Requirement] = {}
        for item in file.requirement:
            _check(item, file, path)
            if item.id in self._by_id:
                raise RegisterError(f"{path}: requirement {item.id} stands there twice")
            self._by_id[item.id] = item

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, id: object) -> bool:
        return id in self._by_id

    def __getitem__(self, id: str) -> Requirement:
        if id not in self._by_id:
            raise UnknownName("requirement", id, self._by_id)
        return self._by_id[id]


def _check(item: Requirement, file: _File, path: str) -> None:
    if not _ID.match(item.id):
        raise RegisterError(f"{path}: {item.id!r} is not of the form BAR-WIR-01")
    if item.group not in file.groups:
        raise RegisterError(f"{path}: {item.id}: group {item.group} is not listed under [groups]")
    for name in ("title", "clause", "text", "rationale"):
        if not getattr(item, name).strip():
            raise RegisterError(f"{path}: {item.id}: {name} is empty")
    source = item.clause.split(" ", 1)[0]
    if source not in file.sources:
        raise RegisterError(
            f"{path}: {item.id}: clause {item.clause!r} does not begin with one of the sources: "
            f"{', '.join(file.sources)}"
        )
    Expression(item.applies_if)


def load(device: str) -> Register:
    """The register of `device`, from the package."""
    folder = files("hil") / "requirements"
    names = (entry.name for entry in folder.iterdir())
    known = sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
    if device not in known:
        raise UnknownName("device to certify", device, known)
    return loads((folder / f"{device}.toml").read_text(encoding="utf-8"), f"{device}.toml")


def loads(text: str, path: Path | str = "<register>") -> Register:
    """A register from TOML text."""
    file = strict_toml.loads(text, _File, path)
    for one in file.include:
        file = _with(file, _Include(part=one) if isinstance(one, str) else one)
    return Register(file, str(path))


def _with(file: _File, include: _Include) -> _File:
    """`file` with the requirements of one part before its own."""
    place = files("hil") / "requirements" / "parts" / f"{include.part}.toml"
    if not place.is_file():
        raise RegisterError(f"{file.device}: there is no part {include.part!r} to include")
    part = strict_toml.loads(place.read_text(encoding="utf-8"), _Part, place.name)
    for unknown in set(include.without) - {one.id for one in part.requirement}:
        raise UnknownName(
            f"requirement of part {include.part}", unknown, [one.id for one in part.requirement]
        )
    prefix = file.requirement[0].id.split("-")[0]
    taken = [
        msgspec.structs.replace(
            one,
            id=f"{prefix}-{one.id}",
            applies_if=_both(include.applies_if, one.applies_if),
        )
        for one in part.requirement
        if one.id not in include.without
    ]
    return msgspec.structs.replace(
        file,
        sources=part.sources | file.sources,
        groups=part.groups | file.groups,
        requirement=taken + file.requirement,
    )


def _both(first: str, second: str) -> str:
    return f"({first}) and ({second})" if first and second else first or second


def audit(
    register: Register,
    judged: Iterable[str],
    mutants: Iterable[str] | None = None,
    pics_names: Iterable[str] | None = None,
) -> list[str]:
    """What is wrong between register, suite and mutants; an empty list is what CI wants.

    `judged` are the ids with a test, `mutants` the ids that some mutant must fail.
    """
    tested, complaints = set(judged), []
    killers = None if mutants is None else set(mutants)
    names = None if pics_names is None else set(pics_names)
    for item in register:
        if item.level == "MUST" and item.id not in tested and not item.not_testable:
            complaints.append(f"{item.id}: a MUST with no test and no reason in not_testable")
        if item.id in tested and item.not_testable:
            complaints.append(f"{item.id}: has a test and says that it is not testable")
        if killers is not None and item.level == "MUST" and item.id in tested - killers:
            complaints.append(f"{item.id}: a MUST that no mutant fails")
        if names is not None:
            unknown = Expression(item.applies_if).names - names
            complaints += [f"{item.id}: applies_if names unknown PICS item {n}" for n in unknown]
    for named in sorted(tested | (killers or set())):
        if named not in register:
            complaints.append(f"{named}: the suite or a mutant names it, the register does not")
    return complaints
