"""The signal at the stop line, as a driver sees it."""

from __future__ import annotations

from collections.abc import Callable

from twin.trace import Trace


class Lamp:
    """Red, green and a divert arrow; starts red."""

    def __init__(self, id: str, trace: Trace) -> None:
        self.id = id
        self.red, self.green, self.divert = True, False, False
        self._trace = trace
        self._watchers: list[Callable[[], None]] = []

    def set(
        self,
        *,
        red: bool | None = None,
        green: bool | None = None,
        divert: bool | None = None,
        cause: int = -1,
    ) -> None:
        """Light or darken what is given; what is not given stays."""
        before = (self.red, self.green, self.divert)
        self.red = self.red if red is None else red
        self.green = self.green if green is None else green
        self.divert = self.divert if divert is None else divert
        if (self.red, self.green, self.divert) == before:
            return
        self._trace(self.id, "lamp", cause, red=self.red, green=self.green, divert=self.divert)
        for watcher in self._watchers:
            watcher()

    def on_change(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever what the driver sees has changed."""
        self._watchers.append(watcher)
