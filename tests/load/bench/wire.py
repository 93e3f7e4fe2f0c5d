"""One request and its answer, byte by byte: what the load sends, and what is expected back."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from parkingspots.dev.ports import HOST

NOTHING: Mapping[str, str] = MappingProxyType({})
END = b"\r\n\r\n"
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    size: int
    """Bytes on the wire."""

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name)


def request(port: int, target: str, headers: Mapping[str, str]) -> bytes:
    """A GET as it goes over the wire."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {HOST}:{port}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + END


def get(port: int, target: str, headers: Mapping[str, str] = NOTHING) -> Answer:
    """The answer to a GET; raises OSError."""
    with socket.create_connection((HOST, port), timeout=PATIENCE) as connection:
        connection.sendall(request(port, target, headers))
        received = b""
        while (length := whole(received)) is None or len(received) < length:
            part = connection.recv(65_536)
            if not part:
                raise ConnectionResetError(f"{target}: the connection closed after {len(received)} bytes")
            received += part
    head, _, body = received.partition(END)
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Answer(int(first.split()[1]), fields, body, len(received))


def whole(received: bytes) -> int | None:
    """How many bytes the answer that begins like this has in all; None where its head is not complete yet."""
    end = received.find(END)
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return end + len(END) + length
