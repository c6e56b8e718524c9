"""The far side and the authorities, as systems with their own state.

First form: one REST service of customs for declarations, channels, pre-clearances and releases.
`state` knows the matters and no protocol, `service` is its protocol face, `models` are the shapes
on the wire and `openapi` describes them.
"""

from __future__ import annotations

from twin.partner.service import PartnerService
from twin.partner.state import Declaration, PartnerState

__all__ = ["Declaration", "PartnerService", "PartnerState"]
