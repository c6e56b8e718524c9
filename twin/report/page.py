"""stub"""
from __future__ import annotations
from typing import Any
def write_html(path: Any, records: Any, judgement: Any, kpis: Any, *, language: str = "en") -> None:
    """Write."""
    path.write_text("")
