"""What is declared of a plate camera (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import Pics, Pixit, Seconds, Secret, Text

Digest = Literal["MD5", "SHA-256"]


class CameraPics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a plate camera is declared to do."""

    digest: Annotated[list[Digest], msgspec.Meta(min_length=1)]
    """Algorithms that its challenge offers."""
    replay_protection: bool
    """A digest that was used once is refused."""
    streams: Annotated[int, msgspec.Meta(ge=1, le=64)]
    """Clients of the alert stream that are served at the same time."""
    push: bool
    """Sends events to a registered host."""
    polling: bool
    """Gives the latest plates to who asks."""
    manual_trigger: bool
    pictures: bool
    """Sends pictures with an event."""
    power_controllable: bool


class CameraPixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this camera is to be tested."""

    user: Text
    password: Secret
    heartbeat_s: Seconds
    latency_s: Seconds
    """From the trigger line to the event."""
    start_up_s: Seconds
    clock_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    """How far its clock may be wrong."""
    read_share: Annotated[float, msgspec.Meta(gt=0.5, le=1)]
    """Declared share of clean plates that are read whole."""
    plates: Annotated[int, msgspec.Meta(ge=5, le=1000)] = 60
    """Vehicles of the reading case."""
    push_host: Text = "127.0.0.1"
    """Address of this computer, as the camera reaches it."""
    push_retry_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 5.0
    quiet_s: Annotated[float, msgspec.Meta(gt=1, le=600)] = 35.0
    """How long the stream is watched with nothing before the lens."""
