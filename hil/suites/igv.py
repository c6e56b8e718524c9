"""A vehicle: what is declared, its connection, and how its messages look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hil.kits.igv.orders import Message
from hil.kits.igv.papers import IgvPics, IgvPixit
from hil.kits.igv.session import IgvSession
from hil.kits.igv.shape import fault
from hil.kits.igv.view import Heard, IgvView
from hil.suite import Suite
from hil.verdict import Finding, check, failed, inconclusive, passed

suite = Suite[IgvSession, IgvView](
    "igv",
    "1.0",
    view=IgvView,
    pics=IgvPics,
    pixit=IgvPixit,
    declaration="IGV-DOC-01",
)

UINT32 = 1 << 32
NAMES = ("state", "visualization", "connection", "factsheet")
RETAINED = ("connection", "factsheet")
BROKEN = "CONNECTION_BROKEN"


@suite.case()
async def declaration(session: IgvSession) -> None:
    """Who it is, and whether its factsheet says what is declared."""
    await session.wire.probe()
    if "factsheetRequest" in session.pics.instant_actions:
        await session.now("factsheetRequest")
    await session.settle()


@suite.judge("IGV-DOC-01", case="declaration")
def the_pics_is_true(view: IgvView) -> Finding:
    """It speaks the declared version; its factsheet has the declared actions and limits."""
    if not view.of("mqtt.probed"):
        return inconclusive("it was not asked")
    versions = {
        str(one.message.get("version")) for one in (*view.heard, *view.retained) if one.message
    }
    wrong = [
        f"it speaks {version}, declared is {view.pics.version}"
        for version in sorted(versions)
        if not version.startswith(f"{view.pics.version}.")
    ]
    sheets = [one for one in (*view.retained, *view.heard) if one.topic == "factsheet"]
    if bool(sheets) != view.pics.factsheet:
        wrong.append(f"a factsheet is declared {view.pics.factsheet}, found {bool(sheets)}".lower())
    elif sheets and sheets[-1].message:
        wrong += _differs(view.pics, sheets[-1].message)
    if not versions:
        return inconclusive("it said nothing")
    return check(not wrong, "as declared", "; ".join(wrong))


def _differs(pics: IgvPics, sheet: Message) -> list[str]:
    wrong = []
    features: dict[str, Any] = sheet.get("protocolFeatures") or {}
    for scope, declared in (
        ("INSTANT", pics.instant_actions),
        ("NODE", pics.node_actions),
        ("EDGE", pics.edge_actions),
    ):
        offered = {
            one.get("actionType")
            for one in features.get("mobileRobotActions", ())
            if scope in one.get("actionScopes", ())
        }
        odd = sorted(str(one) for one in offered ^ set(declared))
        if odd:
            wrong.append(f"{scope}: {', '.join(odd)} only in one of factsheet and PICS")
    limits = (sheet.get("protocolLimits") or {}).get("maximumArrayLengths", {})
    nodes = limits.get("order.nodes", 0)
    if nodes != pics.nodes_max:
        wrong.append(f"nodes of an order: the factsheet says {nodes}, declared {pics.nodes_max}")
    return wrong


# ---------------------------------------------------------------- headers and structure


@suite.case(limit_s=600)
async def messages(session: IgvSession) -> None:
    """A short drive; every message on the way, and what is retained after it."""
    await session.wire.probe()
    if "factsheetRequest" in session.pics.instant_actions:
        await session.now("factsheetRequest")
    session.mark("begin")
    await session.take(session.orders.drive([0, 1]))
    await session.legs(2)
    await session.fresh_state()
    session.mark("end")
    await session.wire.probe()


def _all(view: IgvView) -> list[Heard]:
    """Every message, if the drive came to its end."""
    return [*view.heard, *view.retained] if len(view.of("mqtt.probed")) > 1 else []


def _each(view: IgvView, wrong: Callable[[Heard], str], good: str) -> Finding:
    """The first message about which `wrong` has something to say."""
    heard = _all(view)
    if not heard:
        return inconclusive("it said nothing")
    for one in heard:
        text = wrong(one)
        if text:
            return failed(f"{one.topic} at {one.t_s:.2f} s: {text}")
    return passed(f"{good} ({len(heard)} messages)")


@suite.judge("IGV-CON-01", case="messages")
def connection_at_qos_1(view: IgvView) -> Finding:
    """The retained connection message was published with QoS 1."""
    found = [one for one in view.retained if one.topic == "connection"]
    if not found:
        return inconclusive("no connection message was retained")
    return check(all(one.qos == 1 for one in found), "QoS 1", f"QoS {found[-1].qos}")


@suite.judge("IGV-CON-02", case="messages")
def connection_is_retained(view: IgvView) -> Finding:
    """A late subscriber learns that it is ONLINE."""
    if not view.of("mqtt.probed"):
        return inconclusive("nobody subscribed late")
    found = [one for one in view.retained if one.topic == "connection"]
    if not found:
        return failed("a late subscriber is told nothing on connection")
    states = {str((one.message or {}).get("connectionState")) for one in found}
    return check(states == {"ONLINE"}, "ONLINE", f"a late subscriber is told {sorted(states)}")


@suite.judge("IGV-CON-03", case="messages")
def nothing_else_is_retained(view: IgvView) -> Finding:
    """Neither state nor visualization is retained."""
    if not view.of("mqtt.probed"):
        return inconclusive("nobody subscribed late")
    odd = sorted({one.topic for one in view.retained} - set(RETAINED))
    return check(not odd, "only connection and factsheet", f"retained: {', '.join(odd)}")


@suite.judge("IGV-CON-04", case="messages")
def the_rest_at_qos_0(view: IgvView) -> Finding:
    """State, visualization and factsheet are published with QoS 0."""
    return _each(
        view,
        lambda one: f"QoS {one.qos}" if one.qos and one.topic != "connection" else "",
        "QoS 0 but for connection",
    )


@suite.judge("IGV-CON-05", case="messages")
def only_known_topics(view: IgvView) -> Finding:
    """Every message comes on a topic of the standard."""
    return _each(
        view, lambda one: "" if one.topic in NAMES else "no topic of the standard", "known topics"
    )


@suite.judge("IGV-HDR-01", case="messages")
def header_ids_count(view: IgvView) -> Finding:
    """The headerId of each topic grows by one with each message."""
    last: dict[str, int] = {}
    heard = [one for one in view.heard if one.message and "headerId" in one.message]
    if not _all(view) or len(heard) < 2:
        return inconclusive("too few messages")
    for one in heard:
        number = (one.message or {})["headerId"]
        expected = (last.get(one.topic, number - 1) + 1) % UINT32
        if number != expected:
            return failed(f"{one.topic} at {one.t_s:.2f} s: headerId {number}, not {expected}")
        last[one.topic] = number
    return passed(f"{len(heard)} messages")


@suite.judge("IGV-HDR-02", case="messages")
def stamps_are_utc(view: IgvView) -> Finding:
    """Every time stamp is ISO 8601 in UTC."""

    def wrong(one: Heard) -> str:
        stamp = str((one.message or {}).get("timestamp", ""))
        plain = stamp.partition(".")[0].removesuffix("Z")
        form = len(plain) == 19 and plain[10] == "T" and stamp.endswith("Z")
        return "" if form else f"timestamp {stamp!r}"

    return _each(view, wrong, "ISO 8601 in UTC")


@suite.judge("IGV-HDR-03", case="messages")
def headers_name_the_vehicle(view: IgvView) -> Finding:
    """Manufacturer and serial number in the header are those of the topic."""
    wanted = (view.pixit.manufacturer, view.pixit.serial_number)

    def wrong(one: Heard) -> str:
        message = one.message or {}
        named = (message.get("manufacturer"), message.get("serialNumber"))
        return "" if named == wanted else f"header names {named}, topic {wanted}"

    return _each(view, wrong, "as in the topic")


@suite.judge("IGV-HDR-04", case="messages")
def messages_are_json(view: IgvView) -> Finding:
    """Every message is a JSON object; NaN and infinity are no JSON."""
    return _each(view, lambda one: "" if one.message is not None else "no JSON object", "JSON")


def _shaped(view: IgvView, name: str) -> Finding:
    found = [one for one in _all(view) if one.topic == name and one.message is not None]
    if not found:
        return inconclusive(f"no {name} message came")
    for one in found:
        text = fault(name, one.message or {}, view.dialect)
        if text:
            return failed(f"{name} at {one.t_s:.2f} s: {text}")
    return passed(f"{len(found)} messages")


@suite.judge("IGV-HDR-05", case="messages")
def states_are_whole(view: IgvView) -> Finding:
    """Every state has its required members, of their types and values."""
    return _shaped(view, "state")


@suite.judge("IGV-HDR-06", case="messages")
def connections_are_whole(view: IgvView) -> Finding:
    """So has every connection message."""
    return _shaped(view, "connection")


@suite.judge("IGV-HDR-07", case="messages")
def factsheets_are_whole(view: IgvView) -> Finding:
    """So has the factsheet."""
    return _shaped(view, "factsheet")


@suite.judge("IGV-HDR-08", case="messages")
def visualizations_are_whole(view: IgvView) -> Finding:
    """So has every visualization."""
    return _shaped(view, "visualization")


@suite.judge("IGV-HDR-09", case="messages")
def stamps_do_not_fall(view: IgvView) -> Finding:
    """The time stamps of one topic never go back."""
    last: dict[str, str] = {}
    if not _all(view):
        return inconclusive("it said nothing")
    for one in view.heard:
        stamp = str((one.message or {}).get("timestamp", ""))
        if stamp < last.get(one.topic, ""):
            return failed(f"{one.topic} at {one.t_s:.2f} s: {stamp} after {last[one.topic]}")
        last[one.topic] = stamp
    return passed("never falling")
