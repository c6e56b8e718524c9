"""Instant actions: those that the logic answers itself, and those that it hands to the vehicle."""

from __future__ import annotations

from collections.abc import Callable

from twin.wires.vda5050.actions import ActionState, Status
from twin.wires.vda5050.effects import Begin, Sleep
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.records import Action, MalformedError, read_instant_actions

ALWAYS = frozenset({"stateRequest", "factsheetRequest"})
"""They change nothing, so they are answered in every mode."""


def receive_instant_actions(logic: OrderLogic, payload: bytes) -> bool:
    """Take a message of instant actions as it came; False if it was malformed."""
    try:
        message, findings = read_instant_actions(payload, logic.dialect)
    except MalformedError as error:
        if logic.problems.report("validation", str(error), error.references):
            logic.revision += 1
        return False
    for finding in findings:
        logic.find(finding.id, finding.text)
    facts = logic.facts
    if (message.manufacturer, message.serial_number) != (facts.manufacturer, facts.serial_number):
        text = f"instant actions for {message.manufacturer!r} / {message.serial_number!r}"
        logic.problems.report("validation", text, {"serialNumber": message.serial_number})
        logic.revision += 1
        return False
    again = payload == logic.last_instant
    logic.last_instant = payload
    for action in message.actions:
        take_instant_action(logic, action, again=again)
    return True


def take_instant_action(logic: OrderLogic, action: Action, *, again: bool = False) -> None:
    """Do one instant action, or hand it to the vehicle, or refuse it.

    `again`: its message is the last one, delivered twice. Masters in the field use one actionId for
    every pause; a new message with the id of an action that has ended is a new action.
    """
    known = logic.instant.get(action.action_id)
    if known is not None:
        if again or not known.ended:
            logic.find("instant-again", f"instant action {action.action_id!r} came again")
            return
        logic.find("instant-id-reused", f"actionId {action.action_id!r} is used for a new action")
        del logic.instant[action.action_id]
    state = ActionState(action, "INSTANT")
    why = _refused(logic, action)
    if action.blocking_type != "NONE" and logic.dialect.instant_states:
        logic.find("instant-blocking", f"instant action with blockingType {action.blocking_type}")
    if logic.hibernating and action.action_type != "stopHibernation":
        return  # "shall only receive and respond to stopHibernation" (3.0 table 4)
    logic.instant[action.action_id] = state
    logic.revision += 1
    _trim(logic)
    if why:
        state.become(Status.FAILED, why)
        logic.problems.report("invalid_instant_action", why, {"actionId": action.action_id})
        return
    logic.problems.over("instant")
    if "Map" in action.action_type:
        logic.problems.over("map")
    answer = _ANSWERS.get(action.action_type)
    if answer is not None:
        answer(logic, state)
    else:
        state.become(Status.RUNNING)
        logic.effect(Begin(action, "INSTANT"))
    logic.settle()


def _refused(logic: OrderLogic, action: Action) -> str:
    """Empty if the action may be tried, else why not."""
    kind, mode = action.action_type, logic.facts.mode
    if action.action_id in logic.actions:
        return f"actionId {action.action_id!r} is one of the order's"
    if kind in ALWAYS:
        return ""
    if mode == "INTERVENED" and kind != "cancelOrder":
        return f"{kind} in mode INTERVENED, which takes cancelOrder only"
    if mode not in ("AUTOMATIC", "SEMIAUTOMATIC", "INTERVENED"):
        return f"{kind} in mode {mode}"
    return (
        ""
        if kind in _ANSWERS and kind in logic.dialect.actions.instant
        else logic.facts.can(action, "INSTANT")
    )


def _trim(logic: OrderLogic) -> None:
    limit = logic.limits["state.instantActionStates"]
    for key in [key for key, state in logic.instant.items() if state.ended]:
        if len(logic.instant) <= limit:
            return
        del logic.instant[key]


def _cancel_order(logic: OrderLogic, state: ActionState) -> None:
    wanted = state.action.parameter("orderId")
    active = not logic.idle
    if active and (wanted is None or wanted == logic.order_id):
        logic.cancel(state)
        return
    state.become(Status.FAILED, "no active order" if not active else "another order is active")
    where = {"actionId": state.action.action_id}
    logic.problems.report("no_order_to_cancel", "there is no such order to cancel", where)


def _start_pause(logic: OrderLogic, state: ActionState) -> None:
    # FINISHED means that it no longer moves; until then it is RUNNING (3.0 table 5)
    state.become(Status.RUNNING)
    logic.set_paused(True)
    logic.pausing.append(state)


def _stop_pause(logic: OrderLogic, state: ActionState) -> None:
    why = logic.facts.held_by_hand()
    if why:
        state.become(Status.FAILED, why)
        return
    logic.set_paused(False)
    logic.effect(Sleep("restart"))
    state.become(Status.FINISHED)


def _start_hibernation(logic: OrderLogic, state: ActionState) -> None:
    logic.clear_order("startHibernation")
    state.become(Status.RUNNING)
    logic.sleeping.append(state)


def _stop_hibernation(logic: OrderLogic, state: ActionState) -> None:
    if logic.hibernating:
        logic.hibernating = False
        logic.effect(Sleep("wake"))
    state.become(Status.FINISHED)


def _shutdown(logic: OrderLogic, state: ActionState) -> None:
    if not logic.idle or logic.facts.driving:
        state.become(Status.FAILED, "the vehicle is not idle")
        return
    state.become(Status.FINISHED)
    logic.effect(Sleep("shutdown"))


def _trigger(logic: OrderLogic, state: ActionState) -> None:
    """Release every waitForTrigger that runs."""
    waiting = [
        other
        for other in (*logic.actions.values(), *logic.zone_actions.values())
        if other.action.action_type == "waitForTrigger" and other.status is Status.RUNNING
    ]
    if not waiting:
        state.become(Status.FAILED, "nothing waits for a trigger")
        return
    for other in waiting:
        other.become(Status.FINISHED, "triggered")
        logic.abort(other)
    state.become(Status.FINISHED)


def _retry(logic: OrderLogic, state: ActionState) -> None:
    _on_retriable(logic, state, again=True)


def _skip_retry(logic: OrderLogic, state: ActionState) -> None:
    _on_retriable(logic, state, again=False)


def _on_retriable(logic: OrderLogic, state: ActionState, *, again: bool) -> None:
    wanted = state.action.parameter("actionId")
    other = logic.state_of(wanted) if isinstance(wanted, str) else None
    if other is None or other.status is not Status.RETRIABLE:
        state.become(Status.FAILED, f"action {wanted!r} is not RETRIABLE")
        return
    if again:
        other.become(Status.RUNNING)
        logic.begin(other)
    else:
        other.become(Status.FAILED, "skipRetry")
    state.become(Status.FINISHED)


def _clear_instant(logic: OrderLogic, state: ActionState) -> None:
    logic.instant = {key: one for key, one in logic.instant.items() if not one.ended}
    state.become(Status.FINISHED)


def _clear_zone(logic: OrderLogic, state: ActionState) -> None:
    logic.zone_actions = {key: one for key, one in logic.zone_actions.items() if not one.ended}
    state.become(Status.FINISHED)


def _state_request(logic: OrderLogic, state: ActionState) -> None:
    state.become(Status.FINISHED)
    logic.send("state")


def _factsheet_request(logic: OrderLogic, state: ActionState) -> None:
    state.become(Status.FINISHED)
    logic.send("factsheet")


_ANSWERS: dict[str, Callable[[OrderLogic, ActionState], None]] = {
    "cancelOrder": _cancel_order,
    "startPause": _start_pause,
    "stopPause": _stop_pause,
    "startHibernation": _start_hibernation,
    "stopHibernation": _stop_hibernation,
    "shutdown": _shutdown,
    "trigger": _trigger,
    "retry": _retry,
    "skipRetry": _skip_retry,
    "clearInstantActions": _clear_instant,
    "clearZoneActions": _clear_zone,
    "stateRequest": _state_request,
    "factsheetRequest": _factsheet_request,
}
ANSWERED = frozenset(_ANSWERS)
"""Instant actions that need nothing of the vehicle's own."""
