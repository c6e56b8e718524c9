"""Child processes of the load tests: started, bounded in time, and always ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEADLINE_S = 60


@contextmanager
def server(kind: str, freeze_at_s: float = 0, freeze_s: float = 0) -> Iterator[int]:
    """The tiny server in another process; gives its port."""
    command = [sys.executable, "-m", "tests.load.server", kind, str(freeze_at_s), str(freeze_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, at most a minute."""
    import os

    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env={**os.environ, **env},
        check=False,
    )
