"""One run at a time on one bench: an advisory lock that the kernel frees when its holder dies.

The lock file carries a holder note (who, run, since) so that a waiting run can name whom it waits
for. The note may be stale, the lock cannot: it is `flock` on POSIX and `msvcrt.locking` on
Windows, both bound to the open file.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .errors import BenchBusy, BenchError

if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
    import msvcrt

    def _try_lock(file: IO[str]) -> bool:
        try:
            file.seek(1 << 20)  # a byte far behind the note, so that others can read the note
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_RETRY_S = 0.1


class BenchLock:
    """`with BenchLock("bench-1", run="…", wait_s=10): …` holds the bench for the block."""

    def __init__(
        self,
        bench_id: str,
        *,
        run: str,
        wait_s: float = 0.0,
        folder: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", bench_id):
            raise BenchError(f"bench id {bench_id!r}: use letters, digits, dot, dash, underscore")
        self.path = (folder or Path(tempfile.gettempdir())) / f"gatetwin-bench-{bench_id}.lock"
        self._id, self._run, self._wait_s, self._sleep = bench_id, run, wait_s, sleep
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        # "a+" neither truncates the holder's note nor races with its creation.
        try:
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise BenchError(
                f"bench {self._id!r}: its lock {self.path} cannot be opened: {error.strerror}; "
                "does it belong to another user?"
            ) from error
        tries = int(self._wait_s / _RETRY_S) + 1
        for attempt in range(tries):
            if _try_lock(file):
                break
            if attempt + 1 < tries:
                self._sleep(_RETRY_S)
        else:
            file.close()
            raise BenchBusy(
                f"bench {self._id!r} is held by {self.holder()}; waited {self._wait_s:g} s. "
                "Wait for that run, or give a longer --wait"
            )
        file.seek(0)
        file.truncate()
        note = {"user": getpass.getuser(), "pid": os.getpid(), "run": self._run}
        file.write(json.dumps(note | {"since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}))
        file.flush()
        self._file = file
        return self

    def holder(self) -> str:
        """Who holds the bench by the note in the lock file."""
        try:
            note = json.loads(self.path.read_text(encoding="utf-8"))
            who = f"{note['user']} (process {note['pid']}, run {note['run']}"
            return f"{who}, since {note['since']})"
        except (OSError, ValueError, KeyError):
            return "somebody who left no note"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()  # frees the lock; the file stays, removing it would race
            self._file = None
