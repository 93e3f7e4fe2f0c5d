"""A client's connection, read more strictly than uvicorn reads it: within bounds, and with one answer a request."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from parkingspots.kit.hardening import protected

LARGEST = 64 * 1024
"""Bytes of a request's line and headers, or of what stands between two pieces of its body."""
MOST_HEADERS = 100
"""Of a request: each takes some 120 bytes of memory, however few it has itself."""
MOST_AHEAD = 100
"""Requests that came ahead of an answer to those before them: each takes memory before any limit counts it."""
TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class HeadTooLargeError(Exception):
    """Ends the reading of a request."""


class NoTargetError(Exception):
    """Another one."""


class NoHostError(Exception):
    """Another one."""


class TooFarAheadError(Exception):
    """Another one."""


class Trailing(list[tuple[bytes, bytes]]):
    """Where headers would go that come behind a body. There are none: a proxy that sees to headers overlooks those."""

    def append(self, _: tuple[bytes, bytes], /) -> None:
        raise TrailingError


class TrailingError(Exception):
    """Another one."""


TRAILING = Trailing()


class Connection(HttpToolsProtocol):
    """Ends where it is not certain how what comes is meant."""

    _unread = 0
    """Bytes since the last whole piece, at most."""
    _why = HTTPStatus.BAD_REQUEST

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        is_too_large = self._unread > LARGEST or self._has_too_many_headers()
        if is_too_large and self._is_amid_a_request() and not self.transport.is_closing():
            self._refuse(TOO_LARGE)

    def _has_too_many_headers(self) -> bool:
        return self.headers is not None and len(self.headers) > MOST_HEADERS  # type: ignore[redundant-expr]  # at first

    def _is_amid_a_request(self) -> bool:
        """Not where a body came whole, or nothing yet."""
        return self.headers is not TRAILING or self.cycle.more_body

    def on_headers_complete(self) -> None:
        if self._has_too_many_headers() or (self._unread > LARGEST and self._size() > LARGEST):
            self._why = TOO_LARGE
            raise HeadTooLargeError
        if not self.url.isascii():  # RFC 3986, 2; the framework would fail at it
            raise NoTargetError
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):  # RFC 9112, 3.2
            raise NoHostError
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooFarAheadError
        self._unread = 0
        super().on_headers_complete()
        self.headers = TRAILING

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.cycle.more_body = False  # of one that was answered before it had come whole, too

    def _unsupported_upgrade_warning(self) -> None:
        """No other protocol is spoken here, and the parser reads no further: this is the last answer."""
        self.shutdown()

    def send_400_response(self, _: str) -> None:
        self._refuse(self._why)

    def _refuse(self, status: HTTPStatus) -> None:
        """End; with an answer where one is due, and none before it."""
        has_begun = self.headers is TRAILING
        if has_begun and (self.cycle.response_started or self.pipeline):
            self.transport.close()
        elif has_begun or self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]  # at first
            self.transport.write(_last(status))
            self.transport.close()
            if has_begun:
                self.cycle.disconnected = True
        else:
            self.shutdown()  # after the answer to the request before


def _last(status: HTTPStatus) -> bytes:
    """The answer as it goes over the wire, where there is no request to give an application."""
    from parkingspots.kit.answers import answer  # here: servers import this ahead of the application
    from parkingspots.kit.problems import HeadTooLarge, TooManyConnections, TooSlow, Unreadable

    kinds = {kind.status: kind for kind in (HeadTooLarge, TooManyConnections, TooSlow)}
    response = answer(kinds.get(status, Unreadable)())
    headers = [*protected(response.raw_headers, secure=False), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"%s%s\r\n%s" % (STATUS_LINE[response.status_code], lines, bytes(response.body))
