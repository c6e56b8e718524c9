"""What is declared of a vehicle (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import Pics, Pixit, Seconds, Secret, Text

Version = Literal["2.0", "2.1", "3.0"]
Blocking = Literal["NONE", "SOFT", "SINGLE", "HARD"]
Metres = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Place = tuple[float, float]


class IgvPics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a vehicle is declared to do; the names of actions are those of its own version."""

    version: Version
    instant_actions: list[str]
    node_actions: list[str]
    edge_actions: list[str]
    on_edges: bool
    """The `edge_action` of the PIXIT may stand on an edge."""
    blocking: Annotated[list[Blocking], msgspec.Meta(min_length=1)]
    """Blocking types that it takes."""
    cancellable: bool
    """The test action of the PIXIT can be broken off."""
    pausable: bool
    """The test action of the PIXIT can be paused."""
    new_base_request: bool
    factsheet: bool
    visualization: bool
    maps: bool
    """It reports the maps on board (from 2.1)."""
    zones: list[str]
    """Zone types that it knows (3.0); empty for none."""
    nodes_max: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    """Nodes of one order that it takes, as its factsheet says; 0 is no limit."""
    power_controllable: bool


class IgvPixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this vehicle is to be tested."""

    poll_s: Annotated[float, msgspec.Meta(ge=0.02, le=1)] = 0.2
    prefix: Text
    """First levels of its topics, e.g. `uagv/v2`."""
    manufacturer: Text
    serial_number: Text
    user: str = ""
    password: Secret = ""
    map_id: Text
    map_version: str = ""
    track: Annotated[list[Place], msgspec.Meta(min_length=6, max_length=50)]
    """A free test track: nodes (x, y) in m, in the order in which they can be driven."""
    way_back: Annotated[list[Place], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    """Nodes from the track's last one to its first, for a vehicle on a rail that drives in one
    direction only; empty for one that drives the track forth and back."""
    deviation_m: Metres = 0.5
    """allowedDeviationXY of the track's nodes."""
    position_m: Metres
    """How far its reported position may be from where it stands."""
    length_m: Metres
    """Of its body, for zones."""
    speed_m_s: Annotated[float, msgspec.Meta(gt=0, le=50)]
    """The fastest that it drives on the track."""
    slow_m_s: Annotated[float, msgspec.Meta(gt=0, le=50)]
    """Speed limit that the test of limits sets on an edge."""
    node_action: Text
    """An order action that takes some seconds and that every track node can have."""
    node_parameters: dict[str, str]
    """Its parameters; a table that may be empty."""
    edge_action: str = ""
    action_s: Seconds
    """The longest that the test action takes."""
    leg_s: Seconds
    """The longest from one node of the track to the next, standing start and stop."""
    settle_s: Seconds = 2.0
    """Within this a message shows in the state."""
    stop_s: Seconds
    """From an order to stop (pause, cancel, emergency stop) to standstill."""
    keep_alive_s: Seconds = 15.0
    start_up_s: Seconds
    """From power to ONLINE and ready for orders."""
