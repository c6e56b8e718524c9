"""What is declared of a weighbridge (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import FunctionCode, ModbusPics, ModbusPixit, Seconds

Mass = Annotated[float, msgspec.Meta(gt=0, le=200_000)]
Protocol = Literal["modbus-tcp", "mettler-toledo-continuous"]


class WeighbridgePics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a weighbridge is declared to do; every item must be answered.

    `function_codes`, `unit_filter` and `read_only_register` are empty or false on a wire that is
    not Modbus.
    """

    protocol: Protocol
    """The wire under test; the profile has to be one of it."""
    function_codes: list[FunctionCode]
    accuracy_class: Literal["III", "IIII"]
    max_kg: Mass
    min_kg: Mass
    e_kg: Mass
    """Verification scale interval; the actual one, d, is the same."""
    tare_command: bool
    """A tare can be taken over the wire."""
    zero_signal: bool
    """The wire says when the scale is at zero."""
    check_character: bool
    """Toledo: a check character follows the carriage return."""
    overload_loadable: bool
    """The bench can put more than Max + 9 e on the platform."""
    power_controllable: bool
    """The bench can cut the power."""


class WeighbridgePixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this weighbridge is to be tested: declared times and the bench's own numbers."""

    settling_s: Seconds
    """From a change of load to a settled indication."""
    loads_kg: Annotated[list[Mass], msgspec.Meta(min_length=3)]
    """Test loads of the weighing test, rising: near Min, where the limits of error change, Max."""
    eccentric_kg: Mass
    """Load that is put at both ends and in the middle, at most 0.8 Max."""
    repeat_kg: Mass
    repeats: Annotated[int, msgspec.Meta(ge=3, le=20)] = 3
    creep_kg: Mass
    creep_s: Annotated[float, msgspec.Meta(ge=60, le=14_400)] = 1800.0
    """How long a load stays for creep and return to zero; half an hour is what R 76 asks for."""
    rolling_kg: Mass
    """The truck that is driven over the platform."""
    frames_per_s: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.0
    """Toledo: declared rate of the continuous output."""
    temperature_c: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)] = msgspec.field(
        default_factory=lambda: [-10.0, 40.0]
    )
    """Limits of ambient temperature for which the scale is declared."""
