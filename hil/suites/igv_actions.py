"""A vehicle: actions of nodes and edges, and their blocking types."""

from __future__ import annotations

from collections.abc import Iterable

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import MOVES_M_S, IgvView, Said
from hil.verdict import Finding, check, failed, inconclusive, passed

from .igv import suite

LAWFUL = {
    "": {"WAITING", "INITIALIZING", "RUNNING", "FINISHED", "FAILED"},
    "WAITING": {"INITIALIZING", "RUNNING", "PAUSED", "FINISHED", "FAILED"},
    "INITIALIZING": {"RUNNING", "PAUSED", "FINISHED", "FAILED"},
    "RUNNING": {"PAUSED", "RETRIABLE", "FINISHED", "FAILED"},
    "PAUSED": {"INITIALIZING", "RUNNING", "FINISHED", "FAILED"},
    "RETRIABLE": {"INITIALIZING", "RUNNING", "FINISHED", "FAILED"},
    "FINISHED": set(),
    "FAILED": set(),
}
"""3.0 table 12; FINISHED after PAUSED and INITIALIZING too, since a state may be missed."""
ACTIVE = ("INITIALIZING", "RUNNING")


@suite.case(limit_s=900)
async def blocking(session: IgvSession) -> None:
    """Two HARD actions, a SOFT one, one that shares the road, each at its own node."""
    orders, types = session.orders, session.pics.blocking
    first, second = orders.work("HARD", orders.name("hard")), orders.work("HARD")
    soft = [orders.work("SOFT", orders.name("soft"))] if "SOFT" in types else []
    free = [orders.work("NONE", orders.name("none"))] if "NONE" in types else []
    alone = [orders.work("SINGLE", orders.name("single"))] if "SINGLE" in types else []
    order = orders.drive([0, 1, 2, 3, 4], actions={0: [first, second], 1: soft, 2: free, 3: alone})
    if alone:
        order["nodes"][3]["actions"].append(orders.work("NONE", orders.name("beside")))
    await session.step("begin")
    await session.take(order, label="order")
    await session.until(lambda: session.idle, 5 * session.pixit.leg_s + 6 * session.pixit.action_s)
    await session.fresh_state()
    await session.step("end")


def _actions(view: IgvView, index: int) -> list[str]:
    sent = view.ours("order")
    if sent is None or sent.message is None:
        return []
    return [one["actionId"] for one in sent.message["nodes"][index]["actions"]]


def _stands(view: IgvView, name: str) -> Finding:
    """Whether the vehicle stood as long as an action was active."""
    while_active = list(view.while_(name, *ACTIVE))
    if not while_active:
        return inconclusive("the action never ran")
    drives = [one for one in while_active if one.state["driving"]]
    if drives:
        return failed(f"it drives at {drives[0].t_s:.2f} s while the action runs")
    first, last = while_active[0].t_s, while_active[-1].t_s
    moved = [one for one in view.truth if first < one.t_s < last and one.speed_m_s > MOVES_M_S]
    return check(not moved, "it stood", "it moves while the action runs")


def _alone(view: IgvView, name: str, others: Iterable[str]) -> Finding | None:
    for one in view.while_(name, *ACTIVE):
        beside = [other for other in others if one.status(other) in ACTIVE]
        if beside:
            return failed(f"at {one.t_s:.2f} s {beside[0]} runs beside it")
    return None


@suite.judge("IGV-ACT-02", case="blocking")
def actions_take_their_course(view: IgvView) -> Finding:
    """Every action ends, by lawful changes only."""
    names = [name for index in range(5) for name in _actions(view, index)]
    if not names or view.mark("end") is None:
        return inconclusive("no order was sent")
    for name in names:
        course = view.course(name)
        for before, after in zip(["", *course], course, strict=False):
            if after not in LAWFUL.get(before, set()):
                return failed(f"{name}: {before} became {after}")
        if course[-1:] not in (["FINISHED"], ["FAILED"]):
            return failed(f"{name} ended as {course[-1:] or 'nothing'}")
    return passed(f"{len(names)} actions")


@suite.judge("IGV-ACT-03", case="blocking")
def all_actions_are_listed(view: IgvView) -> Finding:
    """As soon as an order is taken, the state lists every action of it."""
    names = [name for index in range(5) for name in _actions(view, index)]
    sent = view.ours("order")
    if not names or sent is None or sent.message is None:
        return inconclusive("no order was sent")
    taken = [one for one in view.said if one.order[0] == sent.message["orderId"]]
    if not taken:
        return inconclusive("the order was not taken")
    missing = [name for name in names if not taken[0].status(name)]
    return check(not missing, "all listed", f"not listed: {missing}")


@suite.judge("IGV-ACT-04", case="blocking")
def hard_stands(view: IgvView) -> Finding:
    """It stands while a HARD action runs, and no other action runs beside it."""
    names = _actions(view, 0)
    if len(names) < 2:
        return inconclusive("no order was sent")
    return _alone(view, names[0], names[1:]) or _stands(view, names[0])


@suite.judge("IGV-ACT-05", case="blocking")
def actions_run_in_order(view: IgvView) -> Finding:
    """The actions of a node begin in the order of their array."""
    names = _actions(view, 0)
    begun = []
    for name in names[:2]:
        first = next(view.while_(name, *ACTIVE, "FINISHED"), None)
        if first is None:
            return inconclusive(f"{name} never ran")
        begun.append(first.t_s)
    if len(begun) < 2:
        return inconclusive("no order was sent")
    return check(begun[0] < begun[1], "in order", "the second one began first, or with the first")


@suite.judge("IGV-ACT-06", case="blocking")
def soft_stands(view: IgvView) -> Finding:
    """It stands while a SOFT action runs."""
    names = _actions(view, 1)
    return _stands(view, names[0]) if names else inconclusive("no order was sent")


@suite.judge("IGV-ACT-07", case="blocking")
def none_drives_on(view: IgvView) -> Finding:
    """With blockingType NONE it drives on while the action runs."""
    names = _actions(view, 2)
    active = list(view.while_(names[0], *ACTIVE)) if names else []
    if not active:
        return inconclusive("the action never ran")
    drives = any(one.state["driving"] for one in active)
    return check(drives, "it drives on", "it stands until the action has ended")


@suite.judge("IGV-ACT-08", case="blocking")
def single_is_alone(view: IgvView) -> Finding:
    """No other action runs beside a SINGLE one."""
    names = _actions(view, 3)
    if len(names) < 2 or not list(view.while_(names[0], *ACTIVE)):
        return inconclusive("the action never ran")
    return _alone(view, names[0], names[1:]) or passed("alone")


@suite.case(limit_s=300)
async def edge_action(session: IgvSession) -> None:
    """An action on the second of two edges."""
    orders, pixit = session.orders, session.pixit
    action = orders.action(pixit.edge_action, "NONE", id=orders.name("edge"))
    await session.step("begin")
    await session.take(orders.drive([0, 1, 2], edge_actions={1: [action]}), label="order")
    await session.until(lambda: session.idle, 3 * pixit.leg_s + pixit.action_s)
    await session.fresh_state()
    await session.step("end")


def _of_edge(view: IgvView) -> tuple[str, list[Said]]:
    sent = view.ours("order")
    if sent is None or sent.message is None or view.mark("end") is None:
        return "", []
    name = sent.message["edges"][1]["actions"][0]["actionId"]
    return name, list(view.while_(name, *ACTIVE))


@suite.judge("IGV-ACT-09", case="edge_action")
def an_edge_begins_its_action(view: IgvView) -> Finding:
    """An edge's action begins when the edge is entered, not before."""
    name, active = _of_edge(view)
    if not name:
        return inconclusive("no order was sent")
    early = [one for one in active if one.at < 2]
    if early:
        return failed(f"it runs at {early[0].t_s:.2f} s, before the node at which its edge begins")
    return check(bool(active), "on its edge", f"it never ran: {view.course(name)}")


@suite.judge("IGV-ACT-10", case="edge_action")
def an_edge_ends_its_action(view: IgvView) -> Finding:
    """When the edge is left, its action has ended."""
    _, active = _of_edge(view)
    if not active:
        return inconclusive("the action never ran")
    late = [one for one in active if one.at >= 4]
    return check(not late, "ended with its edge", "it still runs behind its edge")
