"""What is declared of a map service (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from hil.papers import Pics, Pixit, Seconds, Secret, Text


class MapServicePics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a map service is declared to do."""

    maps: Annotated[list[Text], msgspec.Meta(min_length=1)]
    """Ids of the maps of which it has a version in force."""
    conditional: bool
    """ETag and If-None-Match."""
    digest: bool
    """Repr-Digest of RFC 9530."""
    power_controllable: bool
    """The bench can stop and start it."""


class MapServicePixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this map service is to be tested."""

    token: Secret
    show_s: Seconds
    """From publishing, or from coming into force, to the list."""
    lead_s: Seconds = 10.0
    """A version of the test comes into force so long after it is published."""
    fleet: Annotated[int, msgspec.Meta(ge=2, le=200)] = 30
    """Vehicles that download at the same time."""
    fleet_s: Seconds
    """Within this all of them have the map."""
    start_up_s: Seconds
