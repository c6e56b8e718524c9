"""Errors of the load generator.

The tree, below `twin.errors`::

    GateTwinError
    └── HarnessError
        └── LoadError          the generator could not do its work: exit code 1
            ├── MissingExtra   a package of the extra `load` is not installed
            └── TargetError    the system under load cannot be reached at all
    CallFailed                 one request failed: counted, never raised to the user
    └── SessionBroken          and its connection cannot be used again
"""

from __future__ import annotations

from twin.errors import HarnessError


class LoadError(HarnessError):
    """The load generator could not do its work; says nothing about the system under load."""


class MissingExtra(LoadError):  # noqa: N818 - it names what happened
    """A package of an extra, mostly `load`, is not installed."""

    def __init__(self, package: str, use: str, extra: str = "load") -> None:
        super().__init__(
            f"{package} is not installed, and {use} needs it; next: pip install 'gatetwin[{extra}]'"
        )


class TargetError(LoadError):
    """The system under load cannot be reached, so there is nothing to measure."""


class CallFailed(Exception):  # noqa: N818 - an outcome, not a defect of ours
    """One request failed; `kind` is a short stable word that failures are counted by."""

    def __init__(self, kind: str, detail: str = "") -> None:
        self.kind = kind
        super().__init__(f"{kind}: {detail}" if detail else kind)


class SessionBroken(CallFailed):
    """One request failed and left its connection unusable; the next one opens a new one."""


def failure_kind(error: BaseException) -> str:
    """The short word that a failed request is counted by."""
    if isinstance(error, CallFailed):
        return error.kind
    if isinstance(error, TimeoutError):
        return "timeout"
    return type(error).__name__
