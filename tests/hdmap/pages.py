"""Fill the generated table of docs/devices/map-service.md: `python -m tests.hdmap.pages`."""

from __future__ import annotations

from tests.pages import Page, fault_table
from twin.devices.hdmap import MapService

PAGE = Page("devices/map-service.md", {"faults": lambda: fault_table(MapService.FAULTS)})

if __name__ == "__main__":
    PAGE.write()
