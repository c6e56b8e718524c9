"""A plain page: tables and pictures in English, as text."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable

from twin.judge import words
from twin.judge.verdict import Judgement

_VIOLATIONS_SHOWN = 200
STYLE = (
    "body{font:15px system-ui;margin:2em auto;max-width:1100px;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left}"
    "td+td{text-align:right}.broken{color:#b00020;font-weight:bold}"
)


def inline(value: object) -> str:
    """JSON that cannot end the script element around it."""
    return json.dumps(value).replace("</", "<\\/")


def verdicts_table(judgement: Judgement) -> str:
    """Every rule with its verdict, and the first violations in words."""
    rows = [
        f"<tr><td>{one.id} {html.escape(words.rule(one.id, 'en').title)}</td>"
        f"<td class={one.state}>{one.state.replace('_', ' ')}</td>"
        f"<td>{one.checked_count}</td><td>{len(one.violations)}</td></tr>"
        for one in judgement.invariants
    ]
    listed = "".join(
        f"<li>{one.t_s:.1f} s: {html.escape(one.text)} (records {one.records})</li>"
        for one in judgement.violations[:_VIOLATIONS_SHOWN]
    )
    return html_table(("rule", "verdict", "judged", "violations"), rows) + f"<ul>{listed}</ul>"


def html_table(head: Iterable[str], rows: Iterable[str]) -> str:
    """A table of ready rows."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<table><tr>{cells}</tr>{''.join(rows)}</table>"
