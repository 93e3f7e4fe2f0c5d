"""Requests byte by byte, as no client would write them, and what a server answers until it ends the connection."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds until an answer that should come counts as never
LIVENESS = b"GET /livez HTTP/1.1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str | None:
        """Of the request that it answers."""
        return self.headers.get("x-request-id")


def request(name: str, line: bytes = LIVENESS, *fields: bytes, body: bytes = b"") -> bytes:
    """A request that is known again by its answer. `fields` are lines of the header."""
    return b"\r\n".join((line, b"Host: parkingspots.test", b"X-Request-ID: " + name.encode(), *fields, b"", body))


def last(name: str = "after") -> bytes:
    """A good request, after whose answer the server ends the connection."""
    return request(name, LIVENESS, b"Connection: close")


def exchange(url: str, *pieces: bytes) -> list[Answer]:
    """Every answer to what is sent on one connection, piece by piece, until the server ends it."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), PATIENCE) as connection:
        with suppress(ConnectionError):  # what the server would not read to its end
            for piece in pieces:
                connection.sendall(piece)
        return list(_answers(_received(connection)))


def _received(connection: socket.socket) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            received += piece
    return bytes(received)


def _answers(received: bytes) -> Iterator[Answer]:
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1", f"no answer begins like this: {line}"
        fields = [each.split(": ", 1) for each in lines]
        headers = {name.lower(): value for name, value in fields}
        assert len(headers) == len(fields), f"a header stands there twice: {head!r}"
        length = int(headers.get("content-length", 0))
        yield Answer(int(status), headers, received[:length])
        received = received[length:]
