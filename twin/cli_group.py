"""The command group: its own commands and those that other packages bring."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Any, NoReturn

import click

from twin.errors import GateTwinError

EXTRAS = {"load": "load", "size": "capacity"}
"""Commands that need an extra, and which."""

WRONG = 2
"""Exit code of a wrong call, file or harness."""


class Commands(click.Group):
    """The group, with the commands that other packages bring; loaded only when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        brought = {entry.name for entry in entry_points(group="gatetwin.commands")}
        return sorted({*super().list_commands(ctx), *brought})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now if another package brings it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for entry in entry_points(group="gatetwin.commands", name=cmd_name):
            try:
                loaded = entry.load()
            except ImportError as error:
                return _missing(cmd_name, error)
            if isinstance(loaded, click.Command):
                return loaded
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of ours is said in a line, without a traceback."""
        try:
            return super().invoke(ctx)
        except GateTwinError as error:
            refuse(str(error))


def _missing(name: str, error: ImportError) -> click.Command:
    extra = f"pip install 'gatetwin[{EXTRAS[name]}]'" if name in EXTRAS else "install it"
    message = f"{name}: {error}; {extra}"

    @click.command(name, help=f"(not available: {error})")
    def absent() -> None:
        refuse(message)

    return absent


def refuse(message: str) -> NoReturn:
    """Say why the call is wrong, and exit."""
    click.echo(f"gatetwin: {message}", err=True)
    sys.exit(WRONG)
