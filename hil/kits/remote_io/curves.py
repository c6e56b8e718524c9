"""Charts of an I/O module's certificate: how long relays and inputs take."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hil.kits.lane_io.curves import delays, has
from hil.kits.lane_io.session import LaneIoView

BOTH = (("closing", True, "True"), ("opening", False, "False"))


def curves(
    relays: LaneIoView[Any, Any] | None, inputs: LaneIoView[Any, Any] | None
) -> list[tuple[str, Markup]]:
    """From order to contact, and from contact to wire; none where a person moved them."""
    found = []
    if relays is not None and relays.at_once("contacts"):
        limits = [("declared", relays.pixit.relay_s)]
        svg = delays(relays, relays.pics.relays, "contacts", has, BOTH, limits)
        found.append(("From the order to the relay's contact", svg))
    if inputs is not None and inputs.at_once("contacts"):
        limits = [("declared", inputs.pixit.input_s)]
        svg = delays(inputs, inputs.pics.inputs, "state", has, BOTH, limits)
        found.append(("From the contact at an input to the wire", svg))
    return [(title, svg) for title, svg in found if svg]
