"""An emulated barrier as a process of its own, as if it were hardware.

`python -m hil.emulated barrier --profile came-gard [--mutant NAME] [--speed K]` serves Modbus TCP
on the wall clock, and a small HTTP interface that plays the hands of the person at the bench: it
places obstacles, cuts power, reads the force instrument and the inclinometer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click
import msgspec
from aiohttp import web

from twin.clock import Clock, run_real
from twin.errors import GateTwinError

from .emulation import EmulatedBarrier, Forget, Variant, load_profile
from .mutants import find


def bench_control(bench: EmulatedBarrier) -> web.Application:
    """The hands at the bench as HTTP: POST /v1/<verb> with a JSON object, GET /v1/angle."""

    async def obstacle(body: dict[str, Any]) -> Any:
        if body["angle_deg"] is None:
            return await bench.remove_obstacle()
        return await bench.place_obstacle(float(body["angle_deg"]))

    async def set_input(body: dict[str, Any]) -> Any:
        return await bench.set_input(body["name"], bool(body["active"]))

    async def drive(body: dict[str, Any]) -> Any:
        return await bench.block_drive(bool(body["blocked"]))

    async def gauge(body: dict[str, Any]) -> Any:
        if body["angle_deg"] is None:
            return await bench.remove()
        return await bench.place(float(body["angle_deg"]))

    async def power(body: dict[str, Any]) -> Any:
        return await bench.switch(bool(body["on"]))

    async def hand(body: dict[str, Any]) -> Any:
        return {"gave": await bench.raise_by_hand()} if body["up"] else await bench.put_back()

    def verb(action: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer = await action(await request.json())
            except (KeyError, TypeError, ValueError, GateTwinError) as error:
                return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
            return web.json_response(answer or {})

        return handle

    async def angle(_: web.Request) -> web.Response:
        return web.json_response({"angle_deg": await bench.angle_deg()})

    async def force(_: web.Request) -> web.Response:
        record = await bench.read()
        body = None if record is None else msgspec.to_builtins(record)
        return web.json_response({"record": body, "uncertainty_n": bench.uncertainty_n})

    app = web.Application()
    actions = {
        "obstacle": obstacle,
        "input": set_input,
        "drive": drive,
        "gauge": gauge,
        "power": power,
        "hand": hand,
    }
    app.add_routes([web.post(f"/v1/{name}", verb(action)) for name, action in actions.items()])
    app.add_routes([web.get("/v1/angle", angle), web.get("/v1/force", force)])
    return app


async def serve(clock: Clock, bench: EmulatedBarrier, port: int, control_port: int) -> None:
    """Serve until cancelled; the first line on stdout is JSON with both ports."""
    modbus_port = await bench.start(port=port)
    runner = web.AppRunner(bench_control(bench), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", control_port)
    await site.start()
    assert site._server is not None
    http_port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    ready = {"modbus_port": modbus_port, "control": f"http://127.0.0.1:{http_port}"}
    click.echo(json.dumps(ready | {"speed": clock.speed, "variant": bench.variant.name or "good"}))
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
@click.argument("device", type=click.Choice(["barrier"]))
@click.option("--profile", default="came-gard", show_default=True, help="Wire map by name.")
@click.option("--mutant", default="", help="Be broken in this way; see `certify matrix barrier`.")
@click.option("--speed", default=1.0, show_default=True, help="Times real time.")
@click.option("--port", default=0, help="Modbus TCP port; 0 takes a free one.")
@click.option("--control-port", default=0, help="HTTP port of the hands; 0 takes a free one.")
@click.option("--engine", default="kinematic", show_default=True, help="How the arm moves.")
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
    variant = find(device, mutant) if mutant else Variant()
    wire = load_profile(profile)

    async def run(clock: Clock) -> None:
        bench = EmulatedBarrier(clock, wire, variant, trace=Forget(clock), engine=engine)
        if forever:
            sys.stdin.close()
        await serve(clock, bench, port, control_port)

    try:
        run_real(run, speed=speed)
    except KeyboardInterrupt:
        pass
    except GateTwinError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
