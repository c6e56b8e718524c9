"""Starts an emulated device in another process and ends it: `with Emulator("came-gard"): …`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .errors import BenchError

START_LIMIT_S = 30.0
STOP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Where:
    """Where an emulated device can be reached."""

    port: int
    control: str
    speed: float


class Emulator:
    """One `python -m hil.emulated DEVICE` as a child; its stdin ends it with its parent."""

    def __init__(
        self,
        device: str,
        profile: str,
        *,
        mutant: str = "",
        speed: float = 1.0,
        engine: str = "kinematic",
    ) -> None:
        self._command = [
            sys.executable,
            "-m",
            "hil.emulated",
            device,
            "--profile",
            profile,
            "--mutant",
            mutant,
            "--speed",
            str(speed),
            "--engine",
            engine,
        ]
        self._device, self._speed = device, speed
        self._child: subprocess.Popen[str] | None = None
        self.where = Where(0, "", speed)

    def __enter__(self) -> Self:
        with tempfile.TemporaryFile("w+") as errors:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            line = self._first_line()
            if not line:
                self._end()
                errors.seek(0)
                said = errors.read().strip().split("\n")[-1]
                raise BenchError(
                    f"the emulated {self._device} did not start within {START_LIMIT_S:g} s: {said}"
                )
        ready = json.loads(line)
        self.where = Where(ready["port"], ready["control"], self._speed)
        return self

    def _first_line(self) -> str:
        """The line with the ports; empty if the child ends or is too slow."""
        assert self._child is not None
        assert self._child.stdout is not None
        timer = threading.Timer(START_LIMIT_S, self._child.kill)
        timer.start()
        try:
            return self._child.stdout.readline()
        finally:
            timer.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()  # this is how it is told
        try:
            child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(STOP_LIMIT_S)
        child.stdout.close()
