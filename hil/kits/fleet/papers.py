"""What is declared of a fleet manager (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import Pics, Pixit, Seconds, Secret, Text

from .layout import Layout

Version = Literal["2.1", "3.0"]
Numbers = list[float]


class FleetPics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a fleet manager is declared to do."""

    version: Version
    horizon: bool
    """Its orders show the way beyond what is released."""
    cancels: bool
    """A job can be abandoned while the vehicle drives."""
    pauses: bool
    """A vehicle can be paused and go on."""
    watches_charge: bool
    """Gives no transport to a vehicle below the charge in the PIXIT."""
    exclusive_zone: bool
    """Keeps all but one vehicle out of the zone of the PIXIT."""
    leases: bool
    """Answers requests for RELEASE zones (3.0)."""
    power_controllable: bool


class FleetPixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this fleet manager is to be tested; the layout is what it has to be configured with."""

    poll_s: Annotated[float, msgspec.Meta(ge=0.05, le=2)] = 0.5
    prefix: Text
    manufacturer: Text
    vehicles: Annotated[list[Text], msgspec.Meta(min_length=2, max_length=2)]
    """Serial numbers of the bench's two vehicles; they stand at the first two nodes."""
    user: str = ""
    password: Secret = ""
    map_id: Text
    node_ids: Annotated[list[Text], msgspec.Meta(min_length=6, max_length=50)]
    """The first two are the homes, the last two the goals, in the vehicles' order."""
    node_x_m: Numbers
    node_y_m: Numbers
    edges: list[tuple[str, str]]
    zone: list[str]
    """Nodes of which only one vehicle may have any."""
    drive_s: Seconds
    """The longest from a home to its goal, free way."""
    react_s: Seconds
    """Within this a job becomes an order, and a state its consequence."""
    resend_s: Seconds
    """Within this an order that is not reflected is sent again."""
    state_age_s: Annotated[float, msgspec.Meta(gt=30, le=600)]
    """From this age on a state is no ground for a release."""
    charge_percent: Annotated[float, msgspec.Meta(ge=1, le=90)] = 20.0
    lease_s: Seconds = 30.0
    """Longer than a lease that it gives (3.0)."""
    refused_most: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """How often an order that was refused may be sent again."""
    start_up_s: Seconds = 10.0

    @property
    def layout(self) -> Layout:
        """The layout."""
        places = zip(self.node_x_m, self.node_y_m, strict=True)
        return Layout(
            dict(zip(self.node_ids, places, strict=True)),
            tuple(self.edges),
            frozenset(self.zone),
            self.map_id,
        )

    def home(self, number: int) -> str:
        """Where vehicle `number` (0 or 1) begins."""
        return self.node_ids[number]

    def goal(self, number: int) -> str:
        """Where vehicle `number` (0 or 1) is brought."""
        return self.node_ids[number - 2]
