"""The report's words in three languages, and how they get into a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape
from msgspec import Struct

from twin import strict_toml
from twin.judge.words import LANGUAGES, Text

__all__ = ["LANGUAGES", "every", "known", "said", "text"]


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    words: dict[str, Text]


@cache
def known() -> dict[str, Text]:
    """All words by key."""
    return strict_toml.load(Path(__file__).with_name("words.toml"), _Words).words


def text(key: str, language: str, **values: object) -> str:
    """One text in one language, its `{values}` filled in."""
    found = known()[key][language]
    return found.format_map(values) if values else found


def every(say: Callable[[str], str]) -> Markup:
    """`say(language)` in all languages; the page's style shows the chosen one."""
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, escape(say(language)))
        for language in LANGUAGES
    )


def said(key: str, **values: object) -> Markup:
    """A text of words.toml in all languages."""
    return every(lambda language: text(key, language, **values))
