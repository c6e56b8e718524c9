"""What is declared of a container crane (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import Pics, Pixit, Seconds, Secret, Text

Policy = Literal["None", "Basic256Sha256"]
Metres = Annotated[float, msgspec.Meta(gt=0, le=100)]
Kilograms = Annotated[float, msgspec.Meta(gt=0, le=100_000)]
BoxNumber = Annotated[str, msgspec.Meta(pattern="^[A-Z]{4}[0-9]{7}$")]


class CranePics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a crane is declared to do."""

    policies: Annotated[list[Policy], msgspec.Meta(min_length=1)]
    """Security policies that its endpoints offer; other than None, with sign and encrypt."""
    anonymous: bool
    """A client without a name is let in."""
    observer: bool
    """There is a user who may look and order nothing."""
    max_connections: Annotated[int, msgspec.Meta(ge=2, le=64)]
    sampling_s: Seconds
    """How often a value is sampled while something moves."""
    keeps_state: bool
    """A mission and what hangs on the spreader are known after the controller's restart."""
    power_controllable: bool


class CranePixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this crane is to be tested. `crane` is its browse name below Machines."""

    crane: Text
    user: Text
    password: Secret
    observer: str = ""
    observer_password: Secret = ""
    box: BoxNumber
    """Stands on `from_place` and is moved to `to_place`, both names that the crane knows."""
    other_box: BoxNumber
    """Takes its place in the case of the wrong box."""
    from_place: Text
    to_place: Text
    mass_kg: Kilograms
    """Of the box, declared with the mission."""
    heavy_kg: Kilograms
    """Of the box of the overload case: above the rated capacity by more than a tenth."""
    latency_s: Seconds
    """From a change to its notification at a publishing interval of 0.1 s, without sampling."""
    mission_s: Seconds
    """Within which a mission is over."""
    stop_s: Seconds
    """From the emergency stop, the gust or the loss of power until nothing moves."""
    start_up_s: Seconds
    """From the controller's restart until a client is served."""
    dead_man_s: Seconds
    """How long one order by hand lasts, with the ramp."""
    gust_m_s: Annotated[float, msgspec.Meta(gt=0, le=75)]
    """Wind beyond the limit, as the anemometer's input gets it."""
    gust_release_s: Seconds
    """How long after the gust the wind counts as calm."""
    travel_m: Metres
    """Lowest height of the spreader at which the crane travels by itself."""
    sway_m: Metres
    """Largest swing with which a load may be lowered onto something."""
    place_m: Metres
    """Permissible error of a shown place at rest."""
    load_share: Annotated[float, msgspec.Meta(gt=0, le=0.2)]
    """Permissible error of the shown mass."""
    garbage_s: Seconds
    """Within which a connection that sends no OPC UA is ended."""
    clock_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 0.5
    """How far a time stamp may be ahead of the server's own time."""
    poll_s: Annotated[float, msgspec.Meta(ge=0.02, le=1)] = 0.25
