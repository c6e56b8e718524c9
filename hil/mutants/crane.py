# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken crane for each MUST; here methods and writes, the rest in the files `crane_*`.

Wire mutants bend what the server shows or answers; each reproduces a defect that somebody's
product has had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua

from hil.kits.crane.emulation import CraneVariant, edited
from hil.variant import Maker, said
from twin.profiles.opcua import MethodRow, OpcUaProfile
from twin.wires.opcua.methods import Methods
from twin.wires.opcua.server import OpcUaServer

from . import crane_values as values
from .crane_access import MUTANTS as ACCESS
from .crane_body import MUTANTS as BODY

# ---------------------------------------------------------------- methods and writes


class _Ordered(OpcUaServer):
    """Its methods are broken in some way."""

    methods: type[Methods]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._methods = self.methods(self.device)


def _ordered(broken: type[Methods]) -> type[OpcUaServer]:
    return type(broken.__name__, (_Ordered,), {"methods": broken, "__doc__": broken.__doc__})


class AllTheSame(Methods):
    """Too few and too many arguments are BadInvalidArgument, as everything that is wrong."""

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        result = super().call(row, given, cause)
        if len(given) != len(row.inputs):
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        return result


class Casts(Methods):
    """Turns whatever number comes into the type that it wants."""

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        cast = []
        for variant, (_, data) in zip(given, row.inputs, strict=False):
            if isinstance(variant.Value, int | float) and data in ("Double", "Int32"):
                kind = float if data == "Double" else int
                variant = ua.Variant(kind(variant.Value), ua.VariantType[data])
            cast.append(variant)
        return super().call(row, cast if len(given) == len(row.inputs) else given, cause)


class NoLimits(Methods):
    """Takes a declared mass that is not a number."""

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        known = [
            ua.Variant(0.0, one.VariantType) if one.Value != one.Value else one for one in given
        ]
        return super().call(row, known, cause)


class AlwaysYes(Methods):
    """Accepts what cannot be done now, and does nothing."""

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        result = super().call(row, given, cause)
        if row.name in ("ResumeMission", "CancelMission") and result.OutputArguments:
            result.OutputArguments = [
                ua.Variant(True, ua.VariantType.Boolean), ua.Variant("", ua.VariantType.String)
            ]  # fmt: skip
        return result


class HushHush(Methods):
    """Refuses without a reason."""

    def call(self, row: MethodRow, given: Sequence[ua.Variant], cause: int) -> ua.CallMethodResult:
        result = super().call(row, given, cause)
        if row.name == "SetMode" and result.OutputArguments:
            result.OutputArguments[1] = ua.Variant("", ua.VariantType.String)
        return result


class KnowsEverything(OpcUaServer):
    """A method that it does not have is Good."""

    async def call(self, session: Any, request: ua.CallMethodRequest) -> ua.CallMethodResult:
        result = await super().call(session, request)
        if result.StatusCode.name == "BadMethodInvalid":
            result.StatusCode = ua.StatusCode()
        return result


class Clips(OpcUaServer):
    """A value out of range is taken to the next that is in it, and the write is Good."""

    def order(self, session: Any, value: ua.WriteValue) -> ua.StatusCode:
        status = super().order(session, value)
        if status.name == "BadOutOfRange":
            return ua.StatusCode()
        return status


_wire = Maker(CraneVariant, "CRN-", OpcUaServer)


def _method(name: str, kills: str, broken: type[Methods]) -> CraneVariant:
    return CraneVariant(name, f"CRN-{kills}", said(broken), server=_ordered(broken))


def _rows(name: str, kills: str, doc: str, **rows: Mapping[str, Any]) -> CraneVariant:
    def change(profile: OpcUaProfile) -> OpcUaProfile:
        return edited(profile, **rows)

    return CraneVariant(name, f"CRN-{kills}", doc, profile=change)


MUTANTS: list[CraneVariant] = [
    _rows("renames-rope", "DOC-01", "Its slack-rope switch has another browse name.",
          spreader__slack={"name": "G:RopeSlack"}),
    _wire("factory-default", "TYP-01", values.WrongNamespace),
    _rows("plain-object", "TYP-02", "Crane is no CraneMotionDeviceSystem, but an object.",
          system={"type": "BaseObjectType"}),
    _rows("no-serial", "TYP-03", "Its serial number is empty.", ident__serial={"value": ""}),
    _rows("half-precision", "TYP-04", "Shows the wind as a Float.", wind={"data": "Float"}),
    _wire("millimetres", "TYP-05", values.Millimetres),
    _wire("strange-mode", "TYP-06", values.StrangeMode),
    _wire("long-tape", "VAL-01", values.LongTape),
    _wire("flatters", "VAL-02", values.Flatters),
    _wire("drifting-stamps", "VAL-03", values.Ahead),
    CraneVariant("restamps", "CRN-VAL-04", "Every sample has a new time stamp.",
                 quirks={"restamp": True}),
    _wire("brave", "VAL-05", values.Brave),
    _wire("counts-twice", "VAL-06", values.CountsTwice),
    _wire("shy-brake", "VAL-07", values.BrakeIsShy),
    _wire("lazy", "SUB-01", values.Lazy),
    _wire("mute", "SUB-02", values.Mute),
    _wire("skips-numbers", "SUB-03", values.SkipsNumbers),
    _wire("keeps-the-oldest", "SUB-04", values.KeepsTheOldest),
    _wire("coalesces", "SUB-05", values.Coalesces),
    _wire("waits-for-a-change", "SUB-06", values.WaitsForAChange),
    _wire("no-ends", "SUB-07", values.NoEnds),
    _method("all-the-same", "MET-01", AllTheSame),
    _method("casts", "MET-02", Casts),
    _method("no-limits", "MET-03", NoLimits),
    _method("always-yes", "MET-04", AlwaysYes),
    _method("hush-hush", "MET-05", HushHush),
    _wire("knows-everything", "MET-06", KnowsEverything),
    _wire("clips", "MET-07", Clips),
    *BODY,
    *ACCESS,
]  # fmt: skip
