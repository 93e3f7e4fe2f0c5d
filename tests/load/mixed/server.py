"""One served process, asked over connections that stay open."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families

from load.bench.stage import USER_AGENT
from load.bench.wire import END, whole
from parkingspots.dev.ports import HOST

PATIENCE = 30.0  # seconds
READS = "parkingspots_reads"
NOTHING: Mapping[str, str] = MappingProxyType({})

Outcomes = Counter[tuple[str, str]]
"""Public reads by route and by how they were answered."""


class FailedError(Exception):
    """No answer, or none of those that were expected."""


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by name

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def own_port(self) -> int:
        """The client's."""
        return int(self._transport.get_extra_info("sockname")[1]) if self._transport else 0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, request: bytes) -> bytes:
        """The whole answer; raises OSError."""
        if self._transport is None:
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(request)
        return await asyncio.wait_for(self._answer, PATIENCE)

    def data_received(self, data: bytes) -> None:
        self._received += data
        received = bytes(self._received)
        if self._answer and not self._answer.done() and whole(received) == len(received):
            self._answer.set_result(received)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the connection was closed"))


class Server:
    """Opens as many connections as there are requests at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def get(self, target: str, headers: Mapping[str, str] = NOTHING) -> bytes:
        """The body of a 200; raises FailedError."""
        status, body = await self._exchange("GET", target, headers, b"")
        if status != 200:
            raise FailedError(f"GET answers {status}: {body[:200].decode(errors='replace')}")
        return body

    async def send(self, method: str, target: str, token: str, content: Mapping[str, Any]) -> tuple[int, bytes]:
        """The status and the body of the answer; raises FailedError where there is none."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._exchange(method, target, headers, json.dumps(content).encode())

    async def outcomes(self) -> Outcomes:
        """What the process has counted of public reads since its start."""
        text = (await self.get("/metrics")).decode()
        families = (family for family in text_string_to_metric_families(text) if family.name == READS)
        samples = (sample for family in families for sample in family.samples if sample.name == f"{READS}_total")
        return Counter({(each.labels["route"], each.labels["outcome"]): round(each.value) for each in samples})

    async def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        request = _head(method, target, headers, self._port, len(body)) + body
        try:
            connection = await self._connection()
            answer = await connection.ask(request)
        except OSError as error:  # TimeoutError is one
            raise FailedError(f"{method}: {str(error) or 'no answer in time'}") from error
        self._idle.append(connection)
        head, _, content = answer.partition(END)
        return int(head.split(b" ", 2)[1]), content

    async def _connection(self) -> Connection:
        """One that is idle, or a new one; the server closes those that have been idle for long."""
        while self._idle:
            idle = self._idle.pop()
            if idle.is_open:
                return idle
        _, connection = await asyncio.get_running_loop().create_connection(Connection, HOST, self._port)
        return connection


def _head(method: str, target: str, headers: Mapping[str, str], port: int, length: int) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}:{port}", f"User-Agent: {USER_AGENT}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {length}"] if length else []
    return "\r\n".join(lines).encode() + END
