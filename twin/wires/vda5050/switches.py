"""Rules on which the documents contradict themselves or each other: named, with both sources.

None of them is ever a reason to call a master or a vehicle wrong; the default is the reading that
the newest text, or the schema that messages are checked with, supports.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Switches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this vehicle reads the doubtful rules."""

    paused_status: Literal["text", "schema"] = "text"
    """PAUSED as an actionStatus: 2.x text 6.11 has it, the enum in 2.1.0 state.schema does not
    ("schema" reports RUNNING)."""
    queued_status: Literal["text", "schema"] = "text"
    """QUEUED as a requestStatus: 3.0 text 6.9 has it, the enum in state.schema does not
    ("schema" reports REQUESTED)."""
    revoked_request: Literal["keep", "remove"] = "keep"
    """A request revoked while inside its zone: 3.0 6.9 keeps it as REVOKED until the behaviour has
    ended, 6.4.3 removes it."""
    equality_first: bool = True
    """Figure 8 of 3.0 asks (6) "less than or equal" before (8) "equal", so (8) could never hold;
    true asks for equality first, false is the letter (equal is outdated)."""
    discontinuous_update: Literal["validation", "no_route"] = "validation"
    """An update that does not begin at the decision point: 3.0 figure 8 (9) rejects it, table
    6.6.5.4 has no type for it. 2.x says orderUpdateError."""
    no_route: Literal["orderError", "noRouteError"] = "orderError"
    """2.x for a node that cannot be reached: the text has orderError; openTCS and vda-5050-lib use
    noRouteError."""
    changed_stitch_node: Literal["reject", "ignore"] = "reject"
    """An update whose first node carries other actions than the decision point: 6.1.2 says that
    its content must not change; no text says what follows. Other fields are only a finding."""
    edge_action_at_end: Literal["finish", "fail", "wait"] = "finish"
    """An edge action that still runs when the edge ends: 3.0 6.6.2 "shall be finished"; issue 344
    lists the other readings."""
    cancel_stop: Literal["at_once", "next_node"] = "at_once"
    """cancelOrder: a vehicle that drives freely stops at once, a line-guided one at the next node
    (3.0 6.1.3); 2.x leaves it open."""
    manual_clears_order: bool = True
    """Entering MANUAL clears the order: 3.0 table 10; 2.x does not say."""
