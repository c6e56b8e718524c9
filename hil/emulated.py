"""An emulated device as a process of its own, as if it were hardware.

`python -m hil.emulated barrier --profile came-gard [--mutant NAME] [--speed K]` serves the
device's wire on the wall clock, and a small HTTP interface that plays the hands of the person at
the bench: it places obstacles, cuts power, reads instruments.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click
from aiohttp import web

from twin.clock import Clock, run_real
from twin.errors import GateTwinError

from . import kit as kits
from .emulation import EmulatedBench, Forget, Verb


def bench_control(bench: EmulatedBench) -> web.Application:
    """The hands at the bench as HTTP: POST /v1/<verb> with a JSON object."""

    def handler(action: Verb) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer = await action(await request.json())
            except (KeyError, TypeError, ValueError, GateTwinError) as error:
                return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
            return web.json_response(answer or {})

        return handle

    app = web.Application()
    routes = [web.post(f"/v1/{name}", handler(verb)) for name, verb in bench.verbs.items()]
    app.add_routes(routes)
    return app


async def serve(
    clock: Clock, bench: EmulatedBench, port: int, control_port: int, variant: str
) -> None:
    """Serve until cancelled; the first line on stdout is JSON with both ports."""
    device_port = await bench.start(port=port)
    runner = web.AppRunner(bench_control(bench), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", control_port)
    await site.start()
    http_port = runner.addresses[0][1]
    ready = {"port": device_port, "control": f"http://127.0.0.1:{http_port}"}
    click.echo(json.dumps(ready | {"speed": clock.speed, "variant": variant or "good"}))
    sys.stdout.flush()
    try:
        # A parent that dies closes our stdin: an emulator must not outlive the run it serves.
        await _until_stdin_closes()
    finally:
        await runner.cleanup()
        await bench.stop()


async def _until_stdin_closes() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (OSError, ValueError, NotImplementedError):
        await asyncio.Event().wait()  # stdin cannot be watched: run until interrupted
    while await reader.read(4096):
        pass


@click.command()
@click.argument("device", type=click.Choice(kits.names()))
@click.option("--profile", default="", help="Wire map by name; the kit's first one if absent.")
@click.option("--mutant", default="", help="Be broken in this way; see `certify matrix DEVICE`.")
@click.option("--speed", default=1.0, show_default=True, help="Times real time.")
@click.option("--port", default=0, help="Port of the device's wire; 0 takes a free one.")
@click.option("--control-port", default=0, help="HTTP port of the hands; 0 takes a free one.")
@click.option("--engine", default="kinematic", show_default=True, help="How it moves.")
@click.option("--forever", is_flag=True, help="Serve on when standard input is closed.")
def main(
    device: str,
    profile: str,
    mutant: str,
    speed: float,
    port: int,
    control_port: int,
    engine: str,
    forever: bool,
) -> None:
    """Serve an emulated DEVICE as if it were hardware, until standard input closes."""
    kit = kits.load(device)
    variant = kit.mutant(mutant) if mutant else None
    wire = profile or (variant.base if variant else "") or kit.good[0]

    async def run(clock: Clock) -> None:
        bench = kit.emulate(clock, wire, variant, Forget(clock), engine=engine)
        if forever:
            sys.stdin.close()
        await serve(clock, bench, port, control_port, mutant)

    try:
        run_real(run, speed=speed)
    except KeyboardInterrupt:
        pass
    except GateTwinError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
