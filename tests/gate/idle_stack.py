"""A stack that does nothing at all."""

from __future__ import annotations

from typing import Any


class Idle:
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def create(wire_list: dict[str, Any], options: dict[str, Any]) -> Idle:
    return Idle()
