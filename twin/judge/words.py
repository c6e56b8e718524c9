"""The judge's words in English, Vietnamese and Chinese, kept in the words files beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct

from twin import strict_toml

LANGUAGES = ("en", "vi", "zh")
"""Languages of verdicts and reports, the default first."""


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing said three times."""

    en: str
    vi: str
    zh: str

    def __getitem__(self, language: str) -> str:
        return str(getattr(self, language))


class Rule(Struct, frozen=True):
    """An invariant in one language."""

    title: str
    text: str


class _RuleTexts(Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    text: Text


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    rules: dict[str, _RuleTexts]
    breaches: dict[str, Text]
    sometimes: dict[str, Text] = {}


@cache
def _words() -> _Words:
    here = Path(__file__)
    rules: dict[str, _RuleTexts] = {}
    breaches: dict[str, Text] = {}
    seen: dict[str, Text] = {}
    for name in ("words.toml", "bridge_words.toml", "chain_words.toml"):
        found = strict_toml.load(here.with_name(name), _Words)
        rules |= found.rules
        breaches |= found.breaches
        seen |= found.sometimes
    return _Words(rules, breaches, seen)


def rule(id: str, language: str) -> Rule:
    """Title and sentence of an invariant."""
    texts = _words().rules[id]
    return Rule(texts.title[language], texts.text[language])


def breach(code: str, language: str) -> str:
    """The sentence of a breach, its values still as `{names}`."""
    return _words().breaches[code][language]


def sentence(code: str, values: dict[str, str | int | float], language: str) -> str:
    """The sentence of a breach with its values filled in."""
    return breach(code, language).format_map(values)


def sometimes(id: str, language: str) -> str:
    """What a sometimes property looks out for."""
    return _words().sometimes[id][language]


def known() -> tuple[set[str], set[str], set[str]]:
    """Ids of rules, breach codes and sometimes properties that have words, for the tests."""
    words = _words()
    return set(words.rules), set(words.breaches), set(words.sometimes)
