"""A client with one connection that stays open, which writes down what it is answered."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any
from uuid import uuid4

from load.bench.stage import USER_AGENT
from load.bench.wire import END
from load.mixed.server import Connection
from parkingspots.dev.ports import HOST
from resilience.told import CUT, LATE, REFUSED, Answered, Failure, Told

SERVER_ERROR = 500
AGAIN_AFTER = 0.1
"""Seconds until a request that got no answer is sent again; the server may wish for longer."""
LONGEST_REST = 1.0
MOST_OVER_ONE = 50
"""Requests; then the client connects anew, as somebody does who was away for a while."""
PATIENCE = 60.0
"""Seconds after which a write is sent no more."""


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """In lower case; empty where there is none."""
        lines = (line.partition(":") for line in self.head.lower().split("\r\n"))
        return next((value.strip() for key, _, value in lines if key == name), "")

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One request at a time. A connection that the server has closed while it was idle is not used again."""

    def __init__(self, port: int, told: Told, token: str = "") -> None:
        self._port, self._told, self._token = port, told, token
        self._connection: Connection | None = None
        self._over_it = 0

    async def ask(
        self, kind: str, method: str, target: str, wish: Mapping[str, Any] | None = None, key: str = ""
    ) -> Answer | None:
        """Once; None where there was no answer, which is written down, as one of 5xx is."""
        began, port = monotonic(), 0
        try:
            connection = await self._connected()
            port = connection.own_port
            answer = _read(await connection.ask(self._request(method, target, wish, key)))
        except TimeoutError:
            self._fail(Failure(began, monotonic(), kind, LATE, port))
        except OSError as error:
            self._fail(Failure(began, monotonic(), kind, CUT if port else REFUSED, port, str(error)))
        else:
            self._told.answered.append(Answered(monotonic(), kind, answer.status, monotonic() - began))
            if answer.status >= SERVER_ERROR:
                self._fail_with(answer, began, kind, port)
            return answer
        return None

    async def read(self, kind: str, target: str) -> Answer | None:
        """A GET; where its connection broke, it is sent once more, as HTTP clients do (RFC 9110, 9.2.2)."""
        return await self.ask(kind, "GET", target) or await self.ask(kind, "GET", target)

    async def insist(self, kind: str, method: str, target: str, wish: Mapping[str, Any] | None = None) -> Answer | None:
        """A write that is sent with one Idempotency-Key until it is answered; None where it never was."""
        key, ends = str(uuid4()), monotonic() + PATIENCE
        while True:
            answer = await self.ask(kind, method, target, wish, key)
            if answer is not None and answer.status < SERVER_ERROR and not _still_runs(answer):
                return answer
            if monotonic() > ends:
                self._told.unsettled.append(f"{kind} {target} {dict(wish or {})}")
                return None
            await asyncio.sleep(_rest(answer))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _connected(self) -> Connection:
        if self._over_it >= MOST_OVER_ONE:
            self.close()
        if self._connection is None or not self._connection.is_open:
            self._over_it = 0
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, HOST, self._port)
        self._over_it += 1
        return self._connection

    def _fail_with(self, answer: Answer, began: float, kind: str, port: int) -> None:
        how = str(answer.status) if answer.header("retry-after") else f"{answer.status} without Retry-After"
        said = answer.body.decode(errors="replace")
        self._told.failures.append(Failure(began, monotonic(), kind, how, port, said))

    def _fail(self, failure: Failure) -> None:
        self._told.failures.append(failure)
        self.close()
        self._connection = None

    def _request(self, method: str, target: str, wish: Mapping[str, Any] | None, key: str) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}:{self._port}", f"User-Agent: {USER_AGENT}"]
        lines += [f"Authorization: Bearer {self._token}"] if self._token else []
        lines += [f"Idempotency-Key: {key}"] if key else []
        body = b"" if wish is None else json.dumps(wish).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if method != "GET" else []
        return "\r\n".join(lines).encode() + END + body


def _read(received: bytes) -> Answer:
    head, _, body = received.partition(END)
    return Answer(int(head.split(b" ", 2)[1]), head.decode("latin-1"), body)


def _still_runs(answer: Answer) -> bool:
    return answer.status == HTTPStatus.CONFLICT and b'"Still running"' in answer.body


def _rest(answer: Answer | None) -> float:
    wished = answer.header("retry-after") if answer else ""
    return min(float(wished), LONGEST_REST) if wished.isdigit() else AGAIN_AFTER
