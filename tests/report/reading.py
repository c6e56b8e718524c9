"""What every page is held to: its plots have places, and words and colours that the page knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from twin.report import page, words

TEMPLATES = Path(page.__file__).parent / "templates"


def data_of(text: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def check_plots(text: str) -> None:
    """Each `#key` is a word in every language, each `@name` a colour of both palettes."""
    data = data_of(text)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    light, dark = style.split('html[data-theme="dark"]')[:2]
    for found in _strings(data["charts"]):
        if found.startswith("#"):
            for language in words.LANGUAGES:
                assert found[1:] in data["words"][language], found
        if found.startswith("@"):
            assert f"--{found[1:]}:" in light, found
            assert f"--{found[1:]}:" in dark, found
    assert set(re.findall(r'id="plot-(\w+)"', text)) == set(data["charts"])


def _strings(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set().union(*map(_strings, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_strings, value)) if value else set()
    return set()
