"""Every error the twin raises on purpose.

The tree, to know what to catch::

    GateTwinError
    ├── ConfigError          a file a person wrote is wrong: file, line and key are named
    ├── HarnessError         the test equipment failed, never the device under test
    │   ├── CannotListen     a port or an address that a server cannot have
    │   └── DeadlockError    virtual time cannot go on: nothing is readable and no timer is due
    ├── UnknownName          a site, lane, device, fault or profile that does not exist
    └── TraceError           a trace file is missing, torn or of another version
"""

from __future__ import annotations

import difflib
import errno
import socket
from collections.abc import Iterable
from pathlib import Path

_LISTED_MAX = 12
"""A longer list of names is left out where the nearest one is told."""


class GateTwinError(Exception):
    """Base of all errors of the twin; the command line prints its text and exits with 2."""


class ConfigError(GateTwinError):
    """A configuration file is wrong at a known place."""

    def __init__(self, path: Path | str, line: int | None, key: str, message: str) -> None:
        self.path, self.line, self.key, self.message = Path(path), line, key, message
        place = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{place}: {key}: {message}" if key else f"{place}: {message}")


class HarnessError(GateTwinError):
    """The test equipment could not do its work; says nothing about the device under test."""


class CannotListen(HarnessError):  # noqa: N818 - it says what happened
    """A server that cannot open its port; says whether the port or the address is to be changed."""

    def __init__(self, id: str, host: str, port: int, error: OSError) -> None:
        wrong_host = error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror)
        step = "an address of this computer" if wrong_host else "another port, or 0 for a free one"
        super().__init__(
            f"{id} cannot listen on {host} port {port}: {error.strerror}; choose {step}"
        )


class DeadlockError(HarnessError):
    """Virtual time cannot advance: no socket is readable and no timer is due."""


class UnknownName(GateTwinError):  # noqa: N818 - it names what happened, as KeyError does
    """A name that is not known, with the nearest known ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"; did you mean {', or '.join(map(repr, near))}?" if near else "."
        if not near or len(names) <= _LISTED_MAX:
            hint += f" Known: {', '.join(names) or 'none'}"
        super().__init__(f"unknown {what} {name!r}{hint}")


class TraceError(GateTwinError):
    """A trace file cannot be read."""
