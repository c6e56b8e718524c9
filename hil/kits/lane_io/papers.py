"""What is declared of a loop detector, a traffic light and an I/O module, and how to test them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from hil.papers import ModbusPics, ModbusPixit, Seconds, Text

Names = Annotated[list[Text], msgspec.Meta(min_length=1)]


class LoopsPics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a loop detector is declared to do."""

    channels: Names
    """Inputs of the module that its outputs are wired to, in the direction of travel."""
    high_bed: bool
    """Sees a trailer whose bed is all that is above the loop."""
    counters: bool
    """The module counts the rising edges of the channels."""
    power_controllable: bool


class LightPics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a traffic light is declared to do."""

    lamps: Names
    """Relays of the module that switch the lamps; the first is the red one."""
    watchdog: bool
    """Shows red when the master is silent."""
    power_controllable: bool


class RemoteIoPics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a remote I/O module is declared to do."""

    inputs: Names
    relays: Names
    """Relays that follow their coil."""
    pulsed: list[Text]
    """Relays that close for the declared time and open by themselves."""
    counters: bool
    watchdog: bool
    fallback: list[Text]
    """Relays that are closed at fallback; the others are open."""
    power_controllable: bool


class LoopsPixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a loop detector is to be tested."""

    detect_s: Seconds
    """From metal above the loop to the output."""
    release_s: Seconds
    """From no metal to the output."""
    presence_s: Annotated[float, msgspec.Meta(gt=0, le=3600)]
    """How long a standing vehicle is shown at least."""
    gap_s: Seconds
    """Time between two vehicles that have to be told apart."""


class LightPixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a traffic light is to be tested."""

    switch_s: Seconds
    """From order to light."""
    watchdog_s: Seconds = 10.0
    intensity_cd_min: Annotated[float, msgspec.Meta(gt=0)]
    """Declared least luminous intensity on the axis; EN 12368 has classes for it."""


class RemoteIoPixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a remote I/O module is to be tested."""

    relay_s: Seconds
    """From order to contact."""
    input_s: Seconds
    """From contact to the value on the wire."""
    pulse_s: Seconds = 0.5
    watchdog_s: Seconds = 10.0
