"""Roles that a person plays: every action is a prompt with a time limit, its answer is recorded.

The person is asked on the terminal. A test script answers from a list instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import sys
import threading
from collections.abc import Callable, Iterable

from hil.errors import BenchError, OperatorTimeout
from hil.roles import AnswerKind, Operator
from twin.clock import Clock
from twin.trace import Trace

ACTION_LIMIT_S = 600.0
"""How long a person has for one action: walking to the device and back is minutes, not hours."""

_YES = {"y", "yes", "d", "done", "có", "co", "是", "好"}
_NO = {"n", "no", "không", "khong", "否", "不"}


class TerminalOperator:
    """Asks on the terminal; the answer is one line."""

    def __init__(
        self,
        trace: Trace,
        *,
        say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
        fd: int | None = None,
    ) -> None:
        self._trace, self._say = trace, say
        self._given_fd = fd

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:
        """Put `question` until the answer can be read; `OperatorTimeout` after `limit_s`."""
        hint = {"confirm": "[y/n]", "number": "[number]", "text": "[text]"}[kind]
        self._trace("operator", "prompt", question=question, expect=kind, limit_s=limit_s)
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    self._say(f"\n>>> {question} {hint} ")
                    answer = parse(await self._line(), kind)
                    if answer is not None:
                        self._trace("operator", "reply", question=question, reply=answer)
                        return answer
                    self._say("That could not be read.")
        except TimeoutError:
            self._trace("operator", "no answer", question=question, limit_s=limit_s)
            raise OperatorTimeout(
                f"operator: no answer within {limit_s:g} s to: {question}"
            ) from None

    @property
    def _fd(self) -> int:
        """Where answers come from; looked for when somebody asks, a service may have no input."""
        if self._given_fd is not None:
            return self._given_fd
        try:
            return sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):
            raise BenchError("operator: there is no standard input, so nobody can answer") from None

    async def _line(self) -> str:
        """One line of standard input, without blocking the loop and without a thread that hangs."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[bytes] = loop.create_future()

        def readable() -> None:
            if not line.done():
                line.set_result(_read_line(self._fd))

        try:
            loop.add_reader(self._fd, readable)
        except (NotImplementedError, OSError, PermissionError):
            # Windows' loops and plain files: a daemon thread, which ends with the process.
            def answer(text: bytes) -> None:
                if not line.done():
                    line.set_result(text)

            def thread() -> None:
                text = _read_line(self._fd)
                with contextlib.suppress(RuntimeError):  # the run is over already
                    loop.call_soon_threadsafe(answer, text)

            threading.Thread(target=thread, daemon=True).start()
            return _text(await line)
        try:
            return _text(await line)
        finally:
            loop.remove_reader(self._fd)


def _read_line(fd: int) -> bytes:
    """Bytes up to the end of a line; a terminal hands over whole lines anyway."""
    got = b""
    while not got.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            break
        got += byte
    return got


def _text(raw: bytes) -> str:
    if not raw:
        raise BenchError("operator: standard input is closed, so nobody can answer")
    return raw.decode("utf-8", "replace").strip()


def parse(line: str, kind: AnswerKind) -> bool | float | str | None:
    """The answer in `line`, or None if it cannot be read as `kind`."""
    if kind == "confirm":
        word = line.lower()
        return True if word in _YES else False if word in _NO else None
    if kind == "number":
        try:
            return float(line.replace(",", "."))
        except ValueError:
            return None
    return line or None


class ScriptedOperator:
    """Answers from a list, for rehearsals and tests; an unexpected question is a `BenchError`."""

    def __init__(self, answers: Iterable[bool | float | str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """The next answer of the list."""
        self.asked.append(question)
        if not self._answers:
            raise BenchError(f"operator: no scripted answer is left for: {question}")
        return self._answers.pop(0)


class ManualHands:
    """What a person does when asked; each kit adds the actions of its roles.

    It remembers what it has asked for, so that bringing the bench to its safe state does not ask
    for what is so already.
    """

    device = "device"
    instant = False

    def __init__(self, operator: Operator, clock: Clock) -> None:
        self._operator, self._clock = operator, clock
        self._is: dict[str, bool | None] = {"power": True}

    async def do(self, what: str, wanted: bool, question: str) -> None:
        """Ask for `what` to be as `wanted`, unless it is so already."""
        if self._is.get(what, False) == wanted:
            return
        # Until the answer is there nobody knows: a run that is interrupted now has to ask again.
        self._is[what] = None
        if not await self._operator.ask(question, "confirm", ACTION_LIMIT_S):
            raise BenchError(f"operator: could not do: {question}")
        self._is[what] = wanted

    async def switch(self, on: bool) -> None:
        """See `Power`."""
        await self.do(
            "power", on, f"Switch the {self.device}'s mains {'on' if on else 'off'}. Done?"
        )

    async def now_iso(self) -> str:
        """True civil time: this computer's, which has to be synchronised."""
        return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
