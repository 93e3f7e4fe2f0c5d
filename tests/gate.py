"""A way to a server that a test can shut, make silent, or lead to another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

LEAVING = 1.0  # seconds


class Gate:
    def __init__(self, to: str) -> None:
        self.is_open, self.is_silent = True, False
        self.asked = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._ways: set[asyncio.Task[None]] = set()
        self.lead_to(to)

    def lead_to(self, url: str) -> None:
        """Whoever comes from now on comes to the server at `url`."""
        parts = make_url(url)
        self._host, self._port = parts.host, parts.port

    def close(self) -> None:
        self.is_open = False
        for writer in self._writers:
            writer.close()

    def open(self) -> None:
        self.is_open = True

    async def is_left(self) -> None:
        """Return when everybody has gone, or hangs in the way."""
        if self._ways:
            await asyncio.wait(self._ways, timeout=LEAVING)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (way := asyncio.current_task()) is not None:
            self._ways.add(way)
            way.add_done_callback(self._ways.discard)
        if not self.is_open:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection(self._host, self._port)
        except OSError:  # the server has ended just now
            writer.close()
            return
        both = {writer, back}
        self._writers |= both
        with suppress(OSError):
            await asyncio.gather(self._copy(reader, back, is_question=True), self._copy(there, writer))
        self._writers -= both
        for each in both:  # whichever way was broken off
            each.close()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_question: bool = False
    ) -> None:
        while data := await reader.read(65_536):
            self.asked += is_question
            if not self.is_silent:
                writer.write(data)
        writer.close()


@asynccontextmanager
async def with_gate(url: str, port: int) -> AsyncIterator[tuple[Gate, str]]:
    """A gate to the server at `url`, and the URL of the gate."""
    gate = Gate(url)
    async with standing(gate, url, port) as near:
        yield gate, near


@asynccontextmanager
async def standing(gate: Gate, url: str, port: int) -> AsyncIterator[str]:
    """The URL of the gate to the server at `url`, while it stands at `port`."""
    server = await asyncio.start_server(gate.pass_on, "127.0.0.1", port)
    try:
        yield make_url(url).set(port=port).render_as_string(hide_password=False)
    finally:
        gate.close()
        server.close()
        await gate.is_left()
