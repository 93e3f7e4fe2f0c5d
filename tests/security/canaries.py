"""Secrets that are known again wherever they turn up, and those who refuse them and repeat what they were sent."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from parkingspots.dev.ports import HOST


def canary(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(8)}"


@dataclass
class Canaries:
    """By what they are secrets of."""

    known: dict[str, str] = field(default_factory=dict)

    def plant(self, name: str, value: str | None = None) -> str:
        return self.known.setdefault(name, value or canary(name))

    def found_in(self, *texts: str) -> set[str]:
        """The names of those that stand in `texts`, as they are, quoted or in base64."""
        whole = "\n".join(texts)
        return {name for name, secret in self.known.items() if any(each in whole for each in _spellings(secret))}


def _spellings(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


def command_lines(*processes: int) -> str:
    """What `ps` shows of the processes and of all that they have started."""
    shown = []
    for process in processes:
        with suppress(FileNotFoundError):  # it has ended
            shown.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode())
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            shown.append(command_lines(*map(int, children)))
    return "\n".join(shown)


@dataclass
class Stripe:
    """Makes one intent; with `is_angry` it refuses the key, and repeats it."""

    client_secret: str
    is_angry: bool = False
    asked: int = 0

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "DELETE"])])

    async def _answer(self, request: Request) -> JSONResponse:
        self.asked += 1
        if self.is_angry:
            said = f"Invalid API Key provided: {request.headers['authorization']}"
            return JSONResponse({"error": {"type": "invalid_request_error", "message": said}}, 401)
        intent = {"id": "pi_1", "object": "payment_intent", "status": "requires_payment_method", "amount": 385}
        return JSONResponse(intent | {"currency": "eur", "client_secret": self.client_secret, "metadata": {}})


@asynccontextmanager
async def angry_smtp() -> AsyncIterator[str]:
    """Host and port of a server that takes no password, and repeats it."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        while line := await reader.readline():
            words = line.decode().split()
            if words[0].upper() == "EHLO":
                writer.write(b"250-mail.example\r\n250 AUTH PLAIN\r\n")
            elif words[0].upper() == "AUTH":
                sent = base64.b64decode(words[-1]).replace(b"\0", b" ")
                writer.write(b"535 5.7.8 refused: " + sent + b" " + words[-1].encode() + b"\r\n")
            else:
                writer.write(b"502 no\r\n")
        writer.close()

    server = await asyncio.start_server(converse, HOST, 0)
    async with server:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
