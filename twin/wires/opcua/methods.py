"""Calls of clients as orders to the crane.

Wrong arguments are answered as OPC 10000-4, 5.12.2 says. A lawful call that the crane refuses is
answered Good with `Accepted` false and the reason in words, as job orders of ISA-95 are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asyncua import ua

from twin.devices.crane import Crane
from twin.devices.crane_words import CraneError, CraneMode, Mission
from twin.profiles.opcua import MethodRow, OpcUaProfile

Handler = Callable[[list[Any], int], None]


class Methods:
    """What each method of the profile does."""

    def __init__(self, crane: Crane) -> None:
        self._crane = crane
        self.handlers: Mapping[str, Handler] = {
            "StartMission": lambda a, cause: crane.start(Mission(*a), cause),
            "CancelMission": lambda _, cause: crane.cancel(cause),
            "ResumeMission": lambda _, cause: crane.resume(cause),
            "Stop": lambda _, cause: crane.stop(cause),
            "Reset": lambda _, cause: crane.reset(cause),
            "SetMode": self._set_mode,
            "Jog": self._jog,
            "TurnLocks": lambda a, cause: crane.turn_locks(a[0], cause),
        }

    def check(self, profile: OpcUaProfile) -> list[str]:
        """Methods of the profile that nobody here knows."""
        return [row.name for row in profile.methods if row.name not in self.handlers]

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        """Check the arguments, carry the order out, and answer."""
        result = ua.CallMethodResult()
        codes = ua.StatusCodes
        if len(given) != len(row.inputs):
            short = len(given) < len(row.inputs)
            code = codes.BadArgumentsMissing if short else codes.BadTooManyArguments
            result.StatusCode = ua.StatusCode(code)
            return result
        wrong = [
            ua.StatusCode(_fault(variant, data))
            for variant, (_, data) in zip(given, row.inputs, strict=True)
        ]
        if any(not status.is_good() for status in wrong):
            result.StatusCode = ua.StatusCode(codes.BadInvalidArgument)
            result.InputArgumentResults = wrong
            return result
        reason = ""
        try:
            self.handlers[row.name]([variant.Value for variant in given], cause)
        except CraneError as error:
            reason = str(error)
        result.InputArgumentResults = wrong
        result.OutputArguments = [
            ua.Variant(not reason, ua.VariantType.Boolean),
            ua.Variant(reason, ua.VariantType.String),
        ]
        return result

    def _set_mode(self, arguments: list[Any], cause: int) -> None:
        try:
            mode = CraneMode(arguments[0])
        except ValueError:
            raise CraneError(f"{arguments[0]} is no CraneOperationalModeEnum") from None
        self._crane.set_mode(mode, cause)

    def _jog(self, arguments: list[Any], cause: int) -> None:
        name, speed = arguments
        self._crane.jog(self._crane.axis(name), speed, cause)


def _fault(variant: ua.Variant, data: str) -> int:
    """What is wrong with an argument; Good if nothing."""
    if variant.VariantType is not ua.VariantType[data] or variant.is_array:
        return int(ua.StatusCodes.BadTypeMismatch)
    value = variant.Value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return int(ua.StatusCodes.BadOutOfRange)
    if isinstance(value, str) and len(value) > 200:
        return int(ua.StatusCodes.BadOutOfRange)
    return int(ua.StatusCodes.Good)
