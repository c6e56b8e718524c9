"""The page about customs says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from twin.partner import models, openapi, problems, service
from twin.partner.menu import MENU

PAGE = (Path(__file__).parents[2] / "docs/partner.md").read_text(encoding="utf-8")


def test_requests_words_and_codes_stand_on_the_page() -> None:
    """Each path, reason, flag, event type and problem code is on the page."""
    for path, item in openapi._paths(60.0).items():
        for method in item:
            assert re.search(rf"`{method.upper()} {re.escape(path)}[`?]", PAGE), path
    for words in (models.Reason, models.Flag, models.EventType):
        for word in get_args(words):
            assert f"`{word}`" in PAGE
    source = Path(service.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r"\b[45]\d\d, \"(\w+)\"", source)) | set(problems._CODES.values())
    assert len(codes) >= 10
    for code in codes:
        assert f"`{code}`" in PAGE, code


def test_faults_stand_on_the_page() -> None:
    """Each fault, parameter and choice is on the page."""
    for kind, fault in MENU.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
        for name, parameter in fault.parameters.items():
            default = parameter.default
            shown = default if isinstance(default, str) else f"{default:g}"
            assert f"`{name}` = {shown}" in row
            assert all(choice in row for choice in parameter.choices)
