"""The one error of this room."""

from __future__ import annotations

from twin.errors import GateTwinError


class DocumentError(GateTwinError, ValueError):
    """A plate, container number or declaration breaks a rule of its format."""

    def __init__(self, what: str, text: str, why: str) -> None:
        self.what, self.text, self.why = what, text, why
        super().__init__(f"{what} {text!r} is not valid: {why}")
