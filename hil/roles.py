"""Roles of a bench that every kit knows; real, emulated and human drivers all satisfy them.

Every method is bounded in time by its driver and raises a `BenchError` when it cannot do its
work. What only one kind of device needs stands in its kit.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

AnswerKind = Literal["confirm", "number", "text"]


@runtime_checkable
class Power(Protocol):
    """The device's mains."""

    async def switch(self, on: bool) -> None:
        """Cut the power or give it back."""


@runtime_checkable
class Operator(Protocol):
    """A person beside the device."""

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:
        """Put `question`; raises `OperatorTimeout` after `limit_s`."""
