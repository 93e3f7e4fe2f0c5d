"""Programs of the product in processes of their own, beside the tests' event loop, and all that they have written."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from parkingspots.dev.ports import HOST, free_port
from product import until
from security.canaries import command_lines


@dataclass
class Ran:
    """What a program has written to either stream, and what `ps` showed of it."""

    written: str
    shown: str


async def run(environment: Mapping[str, str], folder: Path, *module: str) -> Ran:
    """Run a module as a program, to its end."""
    process = await begin(environment, folder, *module)
    shown = command_lines(process.pid)
    written, _ = await process.communicate()
    return Ran(written.decode(), shown)


@asynccontextmanager
async def serving(environment: Mapping[str, str], folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, int, Ran]]:
    """A client of a server, the server's process, and what it has written once it has ended."""
    port, told = free_port(), Ran("", "")
    process = await begin(environment, folder, "parkingspots", "serve", "--port", str(port))
    reading = asyncio.create_task(process.communicate())
    try:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=60) as client:
            await until(lambda: _is_ready(client))
            yield client, process.pid, told
    finally:
        if process.returncode is None:
            process.terminate()
        written, _ = await reading
        told.written = written.decode()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def begin(environment: Mapping[str, str], folder: Path, *module: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
