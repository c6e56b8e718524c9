# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by how they connect and what silence does to them."""

from __future__ import annotations

from typing import Any

import msgspec

from twin.wires.vda5050.vehicle import Vehicle


class NoWill(Vehicle):
    """Connects without a will."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        client = super().connect(*arguments, **options)
        client._paho.will_clear()
        return client


class PassingWill(Vehicle):
    """Its will is not retained."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        client = super().connect(*arguments, **options)
        will = client.settings.will
        assert will is not None
        client._paho.will_set(will.topic, will.payload, 1, False)
        return client


class OnlineOnce(Vehicle):
    """Says ONLINE once in its life (vda-5050-lib #38)."""

    _said = False

    def _connected(self) -> None:
        if not self._said:
            self._said = True
            super()._connected()
        else:
            self._send_state()


class NoFarewell(Vehicle):
    """Goes without OFFLINE and without DISCONNECT."""

    async def stop(self) -> None:
        if self.client is not None:
            self.client.kill()
        await super().stop()


class NoFactsheet(Vehicle):
    """Sends its factsheet when it connects, and never again."""

    _sheets = 0

    def _send_factsheet(self) -> None:
        self._sheets += 1
        if self._sheets == 1:
            super()._send_factsheet()


class StopsWhenSilent(Vehicle):
    """Stops when the broker is gone."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        return super().connect(*arguments, **options | {"keep_alive_s": 4})

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        self.logic.set_paused(True)
        self._after()


class ForgetsWhenSilent(Vehicle):
    """Drops its order when the broker is gone."""

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        self.logic.clear_order("no broker")
        self._after()


class DrivesOnWhenSilent(Vehicle):
    """Without the broker it drives its horizon, too."""

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        logic, replace = self.logic, msgspec.structs.replace
        logic.nodes = [replace(node, released=True) for node in logic.nodes]
        logic.edges = [replace(edge, released=True) for edge in logic.edges]
        self._after()
