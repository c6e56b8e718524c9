"""Applicability expressions over a PICS: `stop_command and 5 in function_codes`.

A small, closed part of Python's grammar: names, literals, `and`, `or`, `not`, comparisons and
`in`. Names are checked when the register is loaded, so that a misspelt one cannot silently
exclude a requirement.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from .errors import RegisterError

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}


class Expression:
    """A parsed applicability expression; empty text is always true."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        try:
            self._tree = ast.parse(self.text or "True", mode="eval").body
        except SyntaxError as error:
            raise RegisterError(f"applies_if {text!r}: not an expression: {error.msg}") from None
        self.names = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)}
        _evaluate(self._tree, None, text)

    def __call__(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for these PICS values; an unknown name is a `RegisterError`."""
        return bool(_evaluate(self._tree, values, self.text))


def _evaluate(node: ast.expr, values: Mapping[str, Any] | None, text: str) -> Any:
    """Value of `node`; with `values` None only its form is checked."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        if values is None:
            return None
        if node.id not in values:
            known = ", ".join(sorted(values))
            raise RegisterError(
                f"applies_if {text!r}: unknown PICS item {node.id!r}; known: {known}"
            )
        return values[node.id]
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(part, values, text) for part in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _evaluate(node.operand, values, text)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        left = _evaluate(node.left, values, text)
        right = _evaluate(node.comparators[0], values, text)
        return True if values is None else _COMPARE[type(node.ops[0])](left, right)
    raise RegisterError(
        f"applies_if {text!r}: {ast.unparse(node)!r} is not allowed; "
        "use names, numbers, texts, and, or, not, comparisons and in"
    )
