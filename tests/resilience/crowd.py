"""A crowd: connections that stay open and together send so many requests a second, whether they are answered or not.

    python -m resilience.crowd PORT CONNECTIONS RATE SECONDS FOUND [FILE]

Searches that nobody has sent before; or bookings, of hours that nobody has, by those whose tokens and spots FILE has.
A connection has one request under way: what is due meanwhile is sent as soon as it can be. FOUND is where it writes
what came of it.
"""

import asyncio
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from time import monotonic
from typing import Any

import uvloop

from load.bench.wire import END, request
from load.mixed.queries import free_around
from load.mixed.server import Connection
from parkingspots.app import PREFIX
from parkingspots.dev.ports import HOST

TESTS = Path(__file__).parents[1]
AT_ONCE = 50
"""Connections opened side by side."""
NICE = 5
"""It stands for clients elsewhere, who take no time of the product's machine."""
RETRY_AFTER = b"\r\nretry-after: "


@dataclass
class Came:
    """Of a crowd's requests. `served` and `refused` are the seconds that answers took: those of 2xx and of 503."""

    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Answers of another kind, and requests without one."""
    booked: list[tuple[str, str, str]] = field(default_factory=list)
    """Id, spot and start of bookings that were acknowledged."""

    def note(self, answer: bytes, seconds: float) -> None:
        status = int(answer.split(b" ", 2)[1])
        if status < HTTPStatus.MULTIPLE_CHOICES:
            self.served.append(seconds)
        elif status == HTTPStatus.SERVICE_UNAVAILABLE and RETRY_AFTER in answer.partition(END)[0].lower():
            self.refused.append(seconds)
        else:
            self.others[str(status)] += 1


def searches(port: int) -> Iterator[bytes]:
    """For ever, none of them twice."""
    random, now = Random(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    while True:
        start = now + timedelta(minutes=15 * random.randrange(96, 2_000))
        target = free_around(38 + random.random(), 23 + random.random(), start, start + timedelta(hours=1))
        yield request(port, target, {})


def bookings(port: int, who: dict[str, list[str]]) -> Iterator[bytes]:
    """Hour after hour of each spot, by one renter after the other."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    spots, tokens = who["spots"], who["tokens"]
    for number in count():
        start = now + timedelta(hours=48 + number // len(spots))
        wish = {
            "parking_spot_id": spots[number % len(spots)],
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=1)).isoformat(),
        }
        body = json.dumps(wish).encode()
        lines = (
            f"POST {PREFIX}/bookings/ HTTP/1.1",
            f"Host: {HOST}:{port}",
            f"Authorization: Bearer {tokens[number % len(tokens)]}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        yield "\r\n".join(lines).encode() + END + body


async def _insist(
    connection: Connection, requests: Iterator[bytes], begin: float, pause: float, end: float, note: Callable[..., None]
) -> None:
    due = begin
    while (now := monotonic()) < end:
        if due > now:
            await asyncio.sleep(min(due, end) - now)
            continue
        due = max(due + pause, now - pause)
        began = monotonic()
        note(await connection.ask(next(requests)), monotonic() - began)


async def crowd(port: int, connections: int, rate: float, seconds: float, requests: Iterator[bytes]) -> Came:
    came, loop = Came(), asyncio.get_running_loop()
    opened: list[Connection] = []

    async def insist(connection: Connection, begin: float) -> None:
        try:
            await _insist(connection, requests, begin, connections / rate, end, note)
        except OSError as error:  # TimeoutError is one
            came.others[type(error).__name__] += 1

    def note(answer: bytes, took: float) -> None:
        came.note(answer, took)
        if answer.startswith(b"HTTP/1.1 201 "):
            made = json.loads(answer.partition(END)[2])
            came.booked.append((made["id"], made["parking_spot_id"], made["start_time"]))

    while len(opened) < connections:
        batch = range(min(AT_ONCE, connections - len(opened)))
        made = await asyncio.gather(*(loop.create_connection(Connection, HOST, port) for _ in batch))
        opened += [connection for _, connection in made]
    begin = monotonic()
    end = begin + seconds
    await asyncio.gather(*(insist(each, begin + at / rate) for at, each in enumerate(opened)))
    for each in opened:
        each.close()
    return came


async def gathered(port: int, connections: int, rate: float, seconds: float, file: Path | None = None) -> Came:
    """The same from a process of its own, which does not keep the one that asks for it from its work."""
    with NamedTemporaryFile(prefix="crowd-") as came:
        sizes = map(str, (port, connections, rate, seconds))
        command = ["-m", "resilience.crowd", *sizes, came.name, *([str(file)] if file else [])]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env={**os.environ, "PYTHONPATH": str(TESTS)}
        )
        ended = await process.wait()
        assert ended == 0, f"the crowd ended with {ended}"
        found: dict[str, Any] = json.load(came)
    booked = [(each[0], each[1], each[2]) for each in found["booked"]]
    return Came(found["served"], found["refused"], Counter(found["others"]), booked)


def _main(port: int, connections: int, rate: float, seconds: float, found: Path, file: Path | None) -> None:
    os.nice(NICE)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    requests = bookings(port, json.loads(file.read_bytes())) if file else searches(port)
    came = uvloop.run(crowd(port, connections, rate, seconds, requests))
    found.write_text(json.dumps(asdict(came)))


if __name__ == "__main__":
    port, connections, rate, seconds, found, *files = sys.argv[1:]
    _main(int(port), int(connections), float(rate), float(seconds), Path(found), Path(files[0]) if files else None)
