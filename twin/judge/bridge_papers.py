"""The rules about declarations: they must not run out in the queue."""

from __future__ import annotations

from twin.judge.bridge_facts import BridgeFacts
from twin.judge.verdict import Finding

RENEW_S = 120.0
"""Who is offered with less validity than this cannot be blamed: news come each 5 s, and a request
without an answer is given up after 15 s and made again."""


def renewed_in_time(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each transfer whose declaration runs out before its permit.

    It was to be renewed. Excused: it is not renewable, had less than `renew_s` when it was offered,
    or the authorities' service was out of order in the last `renew_s`.
    """
    for one in facts.crossings.values():
        if one.expired is None:
            continue
        t_s, record, renewable = one.expired
        finding.checked_count += 1
        deaf = any(
            fault.target == "transfers" and fault.kind in ("down", "slow")
            and fault.begin_s <= t_s and fault.end_s >= t_s - RENEW_S for fault in facts.faults
        )  # fmt: skip
        if not renewable or deaf or t_s - one.ready_s < RENEW_S:
            finding.excused_count += 1
        else:
            finding.breach("expired_in_queue", t_s, [record], transfer=one.id, box=one.box)
