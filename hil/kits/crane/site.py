"""Names, boxes and masses of the emulated bench; synthetic, the numbers with right check digits."""

from __future__ import annotations

CRANE = "crane-1"
FROM, TO = "truck-1", "igv-1"
BOX, OTHER_BOX = "QNHU6959012", "QNHU8645031"
MASS_KG, HEAVY_KG = 24_000.0, 46_000.0
USER, PASSWORD = "scheduler", "swordfish"
OBSERVER, OBSERVER_PASSWORD = "eye", "look-and-see"
