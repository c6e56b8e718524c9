"""The barrier's page says what the code does."""

from __future__ import annotations

import re

from tests.devices import pages


def test_the_tables_of_the_page_are_what_code_and_profiles_say():
    """Regenerating changes nothing; if it does: python -m tests.devices.pages."""
    text = pages.PAGE.read_text(encoding="utf-8")
    assert pages.filled(text) == text
    assert len(re.findall("<!-- generated: ", text)) == 5


def test_every_point_that_a_profile_maps_exists():
    """A profile never names a point that the barrier does not have."""
    known = pages.points()
    for name in ("barrier.came-gard", "barrier.magnetic-mgc"):
        for row in pages.profiles.load(name).rows:
            for point in (row.point, *row.commands):
                assert not point or f"| `{point}` |" in known
