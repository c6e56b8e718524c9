"""A vehicle: wrong orders and wrong messages. None may move it, each has to be answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from hil.kits.igv.orders import Message
from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import IgvView
from hil.verdict import Finding, check, failed, inconclusive, passed

from .igv import suite

_TEXT_OF_2 = {"validationError", "orderError", "orderUpdateError", "noOrderToCancel"}
_FIELD_OF_2 = {"noRouteError"}
"""Not in the text of 2.x, yet openTCS and vda-5050-lib use it."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong order; `key` is the problem in the dialect's table."""

    id: str
    label: str
    doc: str
    make: Callable[[IgvSession], Message | bytes]
    key: str = "validation"
    applies: Callable[[IgvSession], bool] = lambda _: True


def _altered(
    change: Callable[[Message], object], places: tuple[int, ...] = (0, 1)
) -> Callable[[IgvSession], Message]:
    def make(session: IgvSession) -> Message:
        order = session.orders.drive(places)
        change(order)
        return order

    return make


def _set(part: str, index: int, key: str, value: object) -> Callable[[Message], object]:
    return lambda order: order[part][index].update({key: value})


def _gap(order: Message) -> None:
    order["edges"][1]["released"] = False  # its nodes are released


def _other_map(order: Message) -> None:
    order["nodes"][1]["nodePosition"]["mapId"] = "gatetwin-no-such-map"


def _x_as_text(order: Message) -> None:
    order["nodes"][1]["nodePosition"]["x"] = "twenty"


def _with_action(session: IgvSession, **changes: str) -> Message:
    action = session.orders.work() | changes
    return session.orders.drive([0, 1], actions={1: [action]})


def _too_long(session: IgvSession) -> Message:
    count = session.pics.nodes_max + 1
    return session.orders.drive(session.orders.to_and_fro(count))


def _twice(session: IgvSession) -> Message:
    action = session.orders.work()
    return session.orders.drive([0, 1], actions={0: [action], 1: [action]})


def _cut(session: IgvSession) -> bytes:
    return json.dumps(session.orders.drive([0, 1])).encode()[:-40]


_NO_ACTION = "gatetwinNoSuchAction"

WRONG = (
    Wrong("IGV-ORD-10", "unreleased start", "Its first node is not released, nor is anything.",
          lambda s: s.orders.drive([0, 1], released=0)),
    Wrong("IGV-ORD-11", "edge to nowhere", "A released edge ends at a node that is not.",
          _altered(_set("nodes", 1, "released", False))),
    Wrong("IGV-ORD-12", "gap in the base", "A node is released behind an edge that is not.",
          _altered(_gap, (0, 1, 2))),
    Wrong("IGV-ORD-13", "sequence gap", "Its sequenceIds have a gap.",
          _altered(_set("nodes", 1, "sequenceId", 4))),
    Wrong("IGV-ORD-14", "edge missing", "Two nodes are joined by no edge.",
          _altered(lambda order: order["edges"].pop(), (0, 1, 2))),
    Wrong("IGV-ORD-15", "wrong end", "An edge names another node as its end.",
          _altered(_set("edges", 0, "endNodeId", "T9")),
          applies=lambda s: s.pics.version != "3.0"),
    Wrong("IGV-ORD-16", "far start", "It begins where the vehicle is not.",
          _altered(lambda _: None, (2, 3)), "start_out_of_range"),
    Wrong("IGV-ORD-17", "unknown map", "A node is on a map that is not on board.",
          _altered(_other_map), "unknown_map"),
    Wrong("IGV-ORD-18", "unknown action", "It asks for an action that the vehicle cannot do.",
          lambda s: _with_action(s, actionType=_NO_ACTION), "invalid_order_action"),
    Wrong("IGV-ORD-19", "unknown blocking", "An action has a blockingType that does not exist.",
          lambda s: _with_action(s, blockingType="SOMETIMES")),
    Wrong("IGV-ORD-20", "text for a number", "A coordinate is a text.", _altered(_x_as_text)),
    Wrong("IGV-ORD-21", "nodes missing", "It has no nodes.",
          _altered(lambda order: order.pop("nodes"))),
    Wrong("IGV-ORD-22", "cut off", "It ends in the middle.", _cut),
    Wrong("IGV-ORD-23", "too long", "It has more nodes than the vehicle takes.", _too_long,
          "insufficient_memory", lambda s: 0 < s.pics.nodes_max <= 1000),
    Wrong("IGV-ORD-24", "first update", "A new order begins with orderUpdateId 1.",
          _altered(lambda order: order.update(orderUpdateId=1)), "first_update_not_zero",
          lambda s: s.pics.version == "3.0"),
    Wrong("IGV-ORD-25", "for another", "Its header names another vehicle.",
          _altered(lambda order: order.update(serialNumber="somebody-else"))),
    Wrong("IGV-ORD-26", "action twice", "Two of its actions have one actionId.", _twice),
)  # fmt: skip


@suite.case(limit_s=900)
async def wrong_orders(session: IgvSession) -> None:
    """Seventeen wrong orders to a vehicle that has nothing to do."""
    for wrong in WRONG:
        if not wrong.applies(session):
            continue
        if not session.idle or session.state.get("lastNodeSequenceId"):
            await session.ready("any")  # it took the one before
        await session.clean()
        await session.step(wrong.label)
        session.wire.send("order", wrong.make(session), wrong.label)
        await session.settle()
        await session.fresh_state()
        await session.step(f"after {wrong.label}")


def _rejected(view: IgvView, label: str) -> Finding:
    sent, end = view.ours(label), f"after {label}"
    after = view.span(label, end)
    if sent is None or not after or view.mark(end) is None:
        return inconclusive("no such order was sent")
    if sent.message is not None:
        wanted = sent.message["orderId"]
        if any(one.order[0] == wanted for one in after):
            return failed("it was taken")
    if any(one.state["driving"] for one in after):
        return failed("the vehicle drives")
    return check(bool(view.new_errors(label, end)), "refused", "no error was reported")


def _judge(wrong: Wrong) -> None:
    def refused(view: IgvView) -> Finding:
        return _rejected(view, wrong.label)

    refused.__doc__ = wrong.doc
    suite.judge(wrong.id, case="wrong_orders")(refused)


for _wrong in WRONG:
    _judge(_wrong)


def _answers(view: IgvView) -> list[tuple[Wrong, list[Message]]]:
    found = [(one, view.new_errors(one.label, f"after {one.label}")) for one in WRONG]
    return [(one, errors) for one, errors in found if errors]


@suite.judge("IGV-ERR-01", case="wrong_orders")
def words_of_3(view: IgvView) -> Finding:
    """Each refusal of 3.0 has the errorType of the table."""
    answers = _answers(view)
    if not answers:
        return inconclusive("nothing was refused")
    for wrong, errors in answers:
        types = {error.get("errorType") for error in errors}
        if view.word(wrong.key) not in types:
            return failed(f"{wrong.label}: {sorted(map(str, types))}, not {view.word(wrong.key)}")
    return passed(f"{len(answers)} refusals")


@suite.judge("IGV-ERR-02", case="wrong_orders")
def words_of_2(view: IgvView) -> Finding:
    """Each refusal of 2.x has an errorType of the text."""
    answers = _answers(view)
    if not answers:
        return inconclusive("nothing was refused")
    for wrong, errors in answers:
        types = {str(error.get("errorType")) for error in errors}
        if not types & (_TEXT_OF_2 | _FIELD_OF_2):
            return failed(f"{wrong.label}: {sorted(types)}")
    return passed(f"{len(answers)} refusals")


@suite.judge("IGV-ERR-03", case="wrong_orders")
def a_refusal_is_no_breakdown(view: IgvView) -> Finding:
    """No refusal is FATAL: nobody has to come."""
    answers = _answers(view)
    if not answers:
        return inconclusive("nothing was refused")
    for wrong, errors in answers:
        if any(error.get("errorLevel") == "FATAL" for error in errors):
            return failed(f"{wrong.label}: FATAL")
    return passed(f"{len(answers)} refusals")


@suite.judge("IGV-ERR-04", case="wrong_orders")
def a_refusal_names_the_order(view: IgvView) -> Finding:
    """The error refers to the orderId that it is about."""
    answers = [(one, errors) for one, errors in _answers(view) if one.label != "cut off"]
    if not answers:
        return inconclusive("nothing was refused")
    for wrong, errors in answers:
        sent = view.ours(wrong.label)
        wanted = str((sent.message or {}).get("orderId")) if sent is not None else ""
        named = {
            str(one.get("referenceValue"))
            for error in errors
            for one in error.get("errorReferences") or ()
        }
        if wanted not in named:
            return failed(f"{wrong.label}: it refers to {sorted(named)}")
    return passed(f"{len(answers)} refusals")


@suite.case(limit_s=300)
async def lifetime(session: IgvSession) -> None:
    """Two refused orders (another start, another map), a while, and one that is taken."""
    await session.clean()
    await session.step("refused")
    session.wire.send("order", session.orders.drive([2, 3]), "wrong")
    await session.settle()
    session.wire.send("order", _altered(_other_map)(session), "wrong map")
    await session.settle()
    await session.step("while")
    await session.watch(5.0)
    await session.fresh_state()
    await session.step("taken")
    await session.take(session.orders.drive([0, 1]), label="right")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-ERR-05", case="lifetime")
def a_refusal_stays(view: IgvView) -> Finding:
    """The error stands until a new order is taken."""
    found, kept = view.new_errors("refused", "while"), view.span("while", "taken")
    if not found or not kept:
        return inconclusive("nothing was refused")
    types = {error.get("errorType") for error in kept[-1].errors}
    wanted = {error.get("errorType") for error in found}
    return check(bool(types & wanted), "it stands", "it is gone after some seconds")


@suite.judge("IGV-ERR-06", case="lifetime")
def a_refusal_ends(view: IgvView) -> Finding:
    """Once an order is taken, the error of the refused one is gone."""
    found, after = view.new_errors("refused", "taken"), view.span("taken", "end")
    if not found or not after or view.mark("end") is None:
        return inconclusive("nothing was refused")
    types = {error.get("errorType") for error in after[-1].errors}
    old = sorted(str(e.get("errorType")) for e in found if e.get("errorType") in types)
    return check(not old, "it is gone", f"still reported: {old}")


@suite.judge("IGV-ERR-07", case="lifetime")
def it_works_after_a_refusal(view: IgvView) -> Finding:
    """A refused order does not keep it from the next one."""
    sent, after = view.ours("right"), view.span("taken", "end")
    if sent is None or sent.message is None or not after:
        return inconclusive("no order was sent")
    last = after[-1]
    ok = last.order[0] == sent.message["orderId"] and last.at == 2 and not last.nodes
    return check(ok, "driven", f"the state shows order {last.order} at {last.at}")


_GARBAGE = (b"", b"\x00\xff\xfe", b"[]", b"null", b'"order"', b"{" * 2000, b"[" * 100_000)


@suite.case(limit_s=300)
async def garbage(session: IgvSession) -> None:
    """Bytes that are no message, on both topics; then a drive."""
    await session.step("garbage")
    for name in ("order", "instantActions"):
        for data in _GARBAGE:
            session.wire.send(name, data)
    session.wire.send("order", b'{"a": "' + b"x" * 200_000 + b'"}')
    await session.settle()
    await session.step("after")
    await session.take(session.orders.drive([0, 1]), label="after")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-REC-01", case="garbage")
def it_outlives_garbage(view: IgvView) -> Finding:
    """After broken messages it still takes and drives an order."""
    sent, after = view.ours("after"), view.span("after", "end")
    if sent is None or sent.message is None or view.mark("end") is None:
        return inconclusive("no order was sent")
    if not after:
        return failed("no state came any more")
    last = after[-1]
    ok = last.order[0] == sent.message["orderId"] and not last.nodes
    return check(ok, "driven", f"the state shows order {last.order}, nodes {last.nodes}")


@suite.judge("IGV-SAF-03", case="garbage")
def garbage_moves_nothing(view: IgvView) -> Finding:
    """No broken message makes it drive."""
    after = view.span("garbage", "after")
    if view.mark("after") is None:
        return inconclusive("nothing was sent")
    moves = any(one.state["driving"] for one in after)
    moves |= any(one.speed_m_s > 0.02 for one in view.true_span("garbage", "after"))
    return check(not moves, "it stood", "it drove")
