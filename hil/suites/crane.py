"""A crane over OPC UA: its nodes, types, units and endpoints, and values at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from hil.kits.crane.papers import CranePics, CranePixit
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView
from hil.suite import Suite
from hil.verdict import Finding, check, failed, inconclusive, passed
from twin.profiles import opcua as profiles
from twin.profiles.opcua import InstanceRow

suite = Suite[CraneSession, CraneView](
    "crane",
    "1.0",
    view=CraneView,
    pics=CranePics,
    pixit=CranePixit,
    declaration="CRN-DOC-01",
    start="rest",
)

PROTECTIONS = [
    ("emergency_stop", "EmergencyStop"), ("wind", "WindLimiter"),
    ("overload", "RatedCapacityLimiter"), ("slack_rope", "SlackRopeLimiter"),
    ("twist_lock", "TwistLockInterlock"),
]  # fmt: skip
UNITS = {"m": "MTR", "m/s": "MTS", "m/s2": "MSK", "kg": "KGM", "%": "P1", "Cel": "CEL"}
"""UNECE Recommendation 20."""
UNIT_URI = "http://www.opcfoundation.org/UA/units/un/cefact"
OWN_URI = "http://opcfoundation.org/UA/"
READ, WRITE = 1, 2
"""Bits of AccessLevel."""
REST_S = 10.0
CONSTANT = ("mode", "cycles", "lock.1", "hoist.rated", "on")
"""Points that do not change at rest."""


@cache
def _rows(profile: str, crane: str) -> dict[str, InstanceRow]:
    return {row.id: row for row in profiles.instances(profiles.load(profile), crane, PROTECTIONS)}


def rows(view: CraneView) -> dict[str, InstanceRow]:
    """The nodes of the declared profile."""
    return _rows(view.pics.profile, view.pixit.crane)


def _nodes(view: CraneView) -> dict[str, dict[str, Any]]:
    return {r.payload["point"]: dict(r.payload) for r in view.of("opc.node")}


def first_problem(problems: Iterable[str], good: str) -> Finding:
    """PASS with `good`, or FAIL with the first of the problems and how many there are."""
    listed = [one for one in problems if one]
    if not listed:
        return passed(good)
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    return failed(listed[0] + more)


@suite.case(start="any")
async def declaration(session: CraneSession) -> None:
    """Every node of the profile is looked for, and what it is."""
    await session.wire.survey()


def _each(
    view: CraneView, wrong: Callable[[InstanceRow, dict[str, Any]], str], good: str
) -> Finding:
    nodes = _nodes(view)
    if not any(node["there"] for node in nodes.values()):
        return inconclusive("no node of the profile was found")
    return first_problem(
        (
            wrong(row, nodes[key])
            for key, row in rows(view).items()
            if nodes.get(key, {}).get("there")
        ),
        good,
    )


@suite.judge("CRN-DOC-01", case="declaration")
def the_pics_is_true(view: CraneView) -> Finding:
    """Nodes, methods, good values, endpoints."""
    nodes, wanted = _nodes(view), rows(view)
    if not nodes:
        return inconclusive("nothing was looked for")
    problems = [f"{row.name} ({key}) is not there" for key, row in wanted.items()
                if not nodes.get(key, {}).get("there")]  # fmt: skip
    problems += [
        f"{wanted[key].name} ({key}) is {node['status']}" for key, node in nodes.items()
        if node["there"] and wanted[key].data and not wanted[key].bad and node["status"] != "Good"
    ]  # fmt: skip
    problems += [
        f"{wanted[key].name} ({key}) is {node['status']}, its papers: {wanted[key].bad}"
        for key, node in nodes.items()
        if node["there"] and wanted[key].bad and node["status"] != wanted[key].bad
    ]
    problems += [f"method {r.payload['method']} is not there" for r in view.of("opc.method")
                 if not r.payload["there"]]  # fmt: skip
    offered = {r.payload["policy"] for r in view.of("opc.endpoint")}
    if offered != set(view.pics.policies):
        said, true = ", ".join(sorted(view.pics.policies)), ", ".join(sorted(offered)) or "none"
        problems.append(f"declared policies: {said}; offered: {true}")
    return first_problem(problems, f"{len(nodes)} nodes and the endpoints are as declared")


@suite.judge("CRN-TYP-01", case="declaration")
def namespaces_are_there(view: CraneView) -> Finding:
    """OPC UA's, the server's, and those of the profile."""
    told = view.of("opc.server")
    if not told:
        return inconclusive("the server was not asked")
    array, application = told[0].payload["namespaces"], told[0].payload["application"]
    profile = profiles.load(view.pics.profile)
    wanted = [*profiles.types().namespaces.values(), *profile.namespaces.values()]
    problems = [] if array[:1] == [OWN_URI] else [f"index 0 is {array[:1]}"]
    if array[1:2] != [application] or not application:
        problems.append(f"index 1 is {array[1:2]}, the server's ApplicationUri is {application!r}")
    problems += [
        f"{uri} is there {array.count(uri)} times" for uri in wanted if array.count(uri) != 1
    ]
    return first_problem(problems, f"{len(array)} namespaces")


@suite.judge("CRN-TYP-02", case="declaration")
def types_are_those_of_the_specifications(view: CraneView) -> Finding:
    """Objects, and variables with a type of their own."""

    def wrong(row: InstanceRow, node: dict[str, Any]) -> str:
        if not row.type or node["type"] == row.type:
            return ""
        return f"{row.name} ({row.id}) is of type {node['type'] or 'none'}, not {row.type}"

    return _each(view, wrong, "types as in the profile")


@suite.judge("CRN-TYP-03", case="declaration")
def it_says_who_it_is(view: CraneView) -> Finding:
    """Manufacturer, serial number, ProductInstanceUri."""
    nodes = _nodes(view)
    kept = {key: node["value"] for key, node in nodes.items()
            if key.rpartition(".")[2] in ("maker", "serial", "uri")}  # fmt: skip
    if not kept:
        return inconclusive("no identification was read")
    problems = [f"{key} is empty" for key, value in kept.items() if not str(value or "").strip()]
    uris = [value for key, value in kept.items() if key.endswith(".uri")]
    problems += [f"{uri} is the ProductInstanceUri of {uris.count(uri)}" for uri in sorted(
        {str(uri) for uri in uris if uris.count(uri) > 1})]  # fmt: skip
    return first_problem(problems, f"{len(kept)} texts")


@suite.judge("CRN-TYP-04", case="declaration")
def data_types_are_declared(view: CraneView) -> Finding:
    """DataType, coding, AccessLevel."""

    def wrong(row: InstanceRow, node: dict[str, Any]) -> str:
        if not row.data or row.bad:
            return ""
        coded = "Int32" if ":" in row.data else row.data
        if node["data"] != row.data:
            return f"{row.name} ({row.id}): data type {node['data']}, not {row.data}"
        if node["coded"] != coded:
            return f"{row.name} ({row.id}): coded as {node['coded']}, not {coded}"
        access = int(node["access"] or 0)
        if not access & READ:
            return f"{row.name} ({row.id}) cannot be read"
        if bool(access & WRITE) != row.write:
            return f"{row.name} ({row.id}) can {'' if access & WRITE else 'not '}be written"
        return ""

    return _each(view, wrong, "data types, coding and access as in the profile")


@suite.judge("CRN-TYP-05", case="declaration")
def units_are_declared(view: CraneView) -> Finding:
    """EngineeringUnits of each analog value."""

    def wrong(row: InstanceRow, node: dict[str, Any]) -> str:
        if not row.unit:
            return ""
        unit = int.from_bytes(UNITS[row.unit].encode())
        if node["unit"] == unit and node["unit_uri"] == UNIT_URI:
            return ""
        return f"{row.name} ({row.id}): unit {node['unit']} of {node['unit_uri']}, not {row.unit}"

    return _each(view, wrong, "units as in the profile")


@suite.judge("CRN-TYP-06", case="declaration")
def enumerations_are_lawful(view: CraneView) -> Finding:
    """Values that the data type defines."""
    known = {row.id: len(row.strings or row.values) for row in profiles.types().enums}

    def wrong(row: InstanceRow, node: dict[str, Any]) -> str:
        if row.data not in known or node["status"] != "Good":
            return ""
        value = node["value"]
        if isinstance(value, int) and 0 <= value < known[row.data]:
            return ""
        return f"{row.name} ({row.id}) is {value}; its type ends at {known[row.data] - 1}"

    return _each(view, wrong, "values of enumerations are defined")


# ---------------------------------------------------------------- at rest


@suite.case()
async def rest(session: CraneSession) -> None:
    """Nothing happens for ten seconds; the same values are read twice."""
    await session.link.show("before", *CONSTANT)
    await session.clock.sleep(REST_S)
    await session.link.show("after", *CONSTANT)


@suite.judge("CRN-VAL-04", case="rest")
def what_rests_keeps_its_time(view: CraneView) -> Finding:
    """Source time stamps of values that did not change."""
    reads = [{r.payload["point"]: r.payload for r in view.records_of("opc.read", label)}
             for label in ("before", "after")]  # fmt: skip
    same = [name for name in reads[0] if name in reads[1]
            and reads[0][name]["value"] == reads[1][name]["value"]
            and reads[0][name]["source_s"] is not None]  # fmt: skip
    if not same:
        return inconclusive("no value was read twice")
    moved = [name for name in same if reads[0][name]["source_s"] != reads[1][name]["source_s"]]
    return check(not moved, f"{len(same)} values keep their time stamps",
                 f"{', '.join(moved)}: a new time stamp without a change")  # fmt: skip


@suite.case(roles=["attendant"])
async def sensor(session: CraneSession) -> None:
    """The load cells are unplugged, and plugged in again."""
    await session.link.show("before", "hoist.load.mass")
    await session.hands("load_cell", True)
    await session.clock.sleep(2.0)
    await session.link.show("unplugged", "hoist.load.mass")
    await session.hands("load_cell", False)
    await session.clock.sleep(2.0)
    await session.link.show("after", "hoist.load.mass")


@suite.judge("CRN-VAL-05", case="sensor")
def a_failed_sensor_is_told(view: CraneView) -> Finding:
    """Bad or uncertain, then good."""
    seen = {}
    for label in ("before", "unplugged", "after"):
        found = view.records_of("opc.read", label)
        if found:
            seen[label] = str(found[-1].payload["status"])
    if len(seen) < 3 or seen["before"] != "Good":
        return inconclusive(f"the mass was read as {seen or 'nothing'}")
    if not seen["unplugged"].startswith(("Bad", "Uncertain")):
        return failed(f"unplugged load cells are {seen['unplugged']}")
    return check(seen["after"] == "Good", f"{seen['unplugged']}, then Good",
                 f"plugged in again, the mass is {seen['after']}")  # fmt: skip
