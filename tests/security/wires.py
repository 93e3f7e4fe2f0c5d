"""Clients at several addresses of this machine, whose requests go out exactly as they are written."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

Headers = Iterable[tuple[str, str]]


class Client:
    """Asks over one connection, which is kept."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def ask(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> tuple[int, str]:
        """The status and the body of the answer."""
        self._connection.putrequest(method, target)
        for name, value in headers:
            self._connection.putheader(name, value.encode("latin-1"))
        if method in {"POST", "PUT"}:
            self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body or None)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def post(self, target: str, headers: Headers = (), **fields: str) -> int:
        """The status of the answer to a JSON object."""
        body = json.dumps(fields).encode()
        return self.ask("POST", target, [("Content-Type", "application/json"), *headers], body)[0]

    def status(self, method: str, target: str, headers: Headers = ()) -> int:
        return self.ask(method, target, headers)[0]


@contextmanager
def client_at(address: str, url: str) -> Iterator[Client]:
    """A client that asks the server at `url` from `address`."""
    to = urlsplit(url)
    connection = HTTPConnection(to.hostname or "", to.port, timeout=30, source_address=(address, 0))
    try:
        yield Client(connection)
    finally:
        connection.close()


def forwarded(*values: str) -> list[tuple[str, str]]:
    """A header for each of `values`."""
    return [("X-Forwarded-For", value) for value in values]
