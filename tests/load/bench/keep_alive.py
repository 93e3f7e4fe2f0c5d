"""Many connections that stay open and each ask once a second.

    python -m load.bench.keep_alive PORT FILE CONNECTIONS SECONDS

FILE holds the request as it goes over the wire. An answer's time counts from when it was to be asked for, so what the
client is late is in it. Anything but a 200 of the first one's size is an error, and so is what comes too late to be
asked for at all.
"""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

from load.bench import programs
from load.bench.wire import whole
from parkingspots.dev.ports import HOST

PATIENCE = 10.0  # seconds
WARM_UP = 3  # seconds that are not counted
AT_ONCE = 100  # connections opened side by side


@dataclass
class Found:
    size: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._received = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by name

    async def ask(self) -> bytes:
        """The whole answer; raises OSError."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(self._request)
        return await asyncio.wait_for(self._answer, PATIENCE)

    def data_received(self, data: bytes) -> None:
        self._received += data
        received = bytes(self._received)
        if self._answer and not self._answer.done() and whole(received) == len(received):
            self._answer.set_result(received)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def close(self) -> None:
        if self._transport:
            self._transport.close()


async def measure(port: int, request: bytes, count: int, seconds: int) -> str:
    """What `count` connections got in `seconds`, as the line that the bench reads."""
    connections: list[Connection] = []
    loop = asyncio.get_running_loop()
    while len(connections) < count:
        batch = range(min(AT_ONCE, count - len(connections)))
        opened = await asyncio.gather(*(loop.create_connection(lambda: Connection(request), HOST, port) for _ in batch))
        connections += [connection for _, connection in opened]
    expected = len(await connections[0].ask())
    begin, found = loop.time() + 0.1, Found()
    asking = (
        _once_a_second(connection, begin + at / count, WARM_UP + seconds, expected, found)
        for at, connection in enumerate(connections)
    )
    await asyncio.gather(*asking)
    for connection in connections:
        connection.close()
    return programs.said(found.times, seconds, found.size, found.errors)


async def _once_a_second(connection: Connection, begin: float, seconds: int, expected: int, found: Found) -> None:
    loop = asyncio.get_running_loop()
    end = begin + seconds
    for second in range(seconds):
        due = begin + second
        await asyncio.sleep(max(0, due - loop.time()))
        if loop.time() > end:
            found.errors["never asked"] += seconds - second
            return
        try:
            answer = await connection.ask()
        except OSError as error:  # TimeoutError is one
            found.errors[type(error).__name__] += 1
            continue
        if not _is_right(answer, expected):
            found.errors[answer[:12].decode("latin-1")] += 1
        elif second >= WARM_UP:
            found.times.append((loop.time() - due) * 1_000)
            found.size += len(answer)


def _is_right(answer: bytes, expected: int) -> bool:
    """Some digits of a header, such as an age, may have come or gone."""
    return answer.startswith(b"HTTP/1.1 200 ") and abs(len(answer) - expected) < 10


if __name__ == "__main__":
    port, file, count, seconds = sys.argv[1:]
    print(uvloop.run(measure(int(port), Path(file).read_bytes(), int(count), int(seconds))))  # noqa: T201 - read there
