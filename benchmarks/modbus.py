"""Modbus requests per second: our server and libmodbus' own, asked by one C client.

The client (`c/modbus_client.c`, on libmodbus) keeps 1 or 16 connections busy with function 3 for
ten registers. Reference is `c/modbus_server.c`: libmodbus with a thread per connection. Both
servers run as child processes, one after the other, in the same run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import Ratio, Skipped
from benchmarks._modbus_server import REGISTERS

_SOURCES = Path(__file__).parent / "c"
USUAL_S, LIMIT_S = 14.0, 60.0
_TIMEOUT_S = 20


def build(name: str, folder: Path) -> Path:
    """Compile `c/<name>.c` against libmodbus, or raise `Skipped` with the next step."""
    for tool in ("gcc", "pkg-config"):
        if shutil.which(tool) is None:
            raise Skipped(f"{tool} is missing: install gcc, pkg-config and libmodbus-dev")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True
    )
    if flags.returncode:
        raise Skipped("libmodbus is missing: install libmodbus-dev")
    binary = folder / name
    command = ["gcc", "-O2", "-pthread", str(_SOURCES / f"{name}.c"), "-o", str(binary)]
    subprocess.run([*command, *flags.stdout.split()], check=True, timeout=_TIMEOUT_S)
    return binary


@contextmanager
def serving(command: Sequence[str]) -> Iterator[int]:
    """Start a server that prints its port; it ends when its standard input is closed."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(timeout=_TIMEOUT_S)


def requests_per_s(client: Path, port: int, connections: int, seconds: float) -> float:
    """Completed requests per second of the C client; a failed request is an error."""
    done = subprocess.run(
        [str(client), str(port), str(connections), str(seconds), str(REGISTERS)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    count, failed, elapsed_s = done.stdout.split()
    if int(failed):
        raise RuntimeError(f"{failed} of {count} requests failed at {connections} connections")
    return int(count) / float(elapsed_s)


def run(quick: bool) -> Iterator[Ratio]:
    """Ratios at 1 and at 16 connections; the bar is 10,000 requests/s on one core."""
    seconds = 0.5 if quick else 2.5
    with tempfile.TemporaryDirectory() as folder:
        client = build("modbus_client", Path(folder))
        reference = build("modbus_server", Path(folder))
        rates: dict[str, dict[int, float]] = {"ours": {}, "libmodbus": {}}
        commands = {
            "ours": [sys.executable, "-m", "benchmarks._modbus_server"],
            "libmodbus": [str(reference)],
        }
        for who, command in commands.items():
            with serving(command) as port:
                requests_per_s(client, port, 1, 0.2)  # warm up
                for connections in (1, 16):
                    rates[who][connections] = requests_per_s(client, port, connections, seconds)
        for connections in (1, 16):
            yield Ratio(
                name=f"Modbus, {connections} connection{'s' if connections > 1 else ''}",
                ours=rates["ours"][connections],
                reference=rates["libmodbus"][connections],
                unit="requests/s",
                reference_name="libmodbus server, a thread per connection, same C client",
                limit=10_000 if connections > 1 else None,
            )
