"""Maps on board: which versions there are, which one is used, what the site really has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Maps:
    """Versions by map; at most one of a map is enabled. `offered` is what can be downloaded."""

    def __init__(self, map_id: str, version: str) -> None:
        self.current = map_id
        """The map that the vehicle is on."""
        self.site_version: dict[str, str] = {map_id: version}
        """The version that fits the site; with another one nothing is where it should be."""
        self.offered: set[tuple[str, str]] | None = None
        """None: whatever is asked for."""
        self.stored: dict[tuple[str, str], bool] = {(map_id, version): True}
        """(map, version) to whether it is enabled."""

        self.fetch: Callable[[Mapping[str, Any], Callable[[str], None]], None] | None = None
        """Fetches a map and calls back with why it could not; None: all that is asked for is."""

    def enabled(self, map_id: str) -> str | None:
        """The enabled version of a map."""
        for (one, version), on in self.stored.items():
            if one == map_id and on:
                return version
        return None

    @property
    def fits(self) -> bool:
        """Whether the enabled version of the present map is the site's."""
        version = self.enabled(self.current)
        return version is not None and version == self.site_version.get(self.current, version)

    def change(self, how: str, values: Mapping[str, Any]) -> str:
        """`download`, `enable` or `delete` (mapId, mapVersion); empty, or why not."""
        key = (str(values.get("mapId", "")), str(values.get("mapVersion", "")))
        if how == "download":
            if key in self.stored:
                return f"map {key[0]} version {key[1]} is here already"
            if self.offered is not None and key not in self.offered:
                return f"map {key[0]} version {key[1]} is not on the map server"
            self.stored[key] = False
            return ""
        if key not in self.stored:
            return f"map {key[0]} version {key[1]} is not here"
        if how == "delete":
            if self.stored[key]:
                return f"map {key[0]} version {key[1]} is in use"
            del self.stored[key]
            return ""
        for other in self.stored:
            if other[0] == key[0]:
                self.stored[other] = other == key
        return ""
