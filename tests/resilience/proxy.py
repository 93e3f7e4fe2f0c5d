"""A wire to a server that a test can make slow, silent or rough: what runs over it is late, held back or torn."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from socket import SO_LINGER, SOL_SOCKET

from gate import Gate, standing

AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: a connection that is closed like this is reset."""


class Wire(Gate):
    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.delay = self.jitter = 0.0
        """Seconds by which each part of an answer comes later, give or take."""
        self.resets = self.cuts = 0.0
        """Chances, for each part of an answer, that the connection is reset before it, or ends in its midst."""
        self.harmed = 0
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._dead: set[asyncio.StreamWriter] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While the block lasts nothing comes through, either way; afterwards all of it does: a network that parted."""
        self._speaks.clear()
        try:
            yield
        finally:
            self._speaks.set()

    def die(self) -> None:
        """Connections that stand are half-open for ever: nobody answers there. New ones are as good as ever."""
        self._dead |= self._writers

    def reset(self) -> None:
        """All connections that stand."""
        for writer in self._writers:
            _reset(writer)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_question: bool = False
    ) -> None:
        while data := await reader.read(65_536):
            await self._speaks.wait()
            if writer in self._dead:
                continue
            self.asked += is_question
            if not is_question:
                await asyncio.sleep(max(0.0, self.delay + random.uniform(-self.jitter, self.jitter)))
                data = self._harmed(data, writer)
            writer.write(data)
        await self._speaks.wait()
        if writer not in self._dead:
            writer.close()

    def _harmed(self, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        """What is left of `data`, where chance has it; ConnectionResetError where nothing is."""
        chance = random.random()
        if chance < self.resets:
            self.harmed += 1
            _reset(writer)
            raise ConnectionResetError
        if chance < self.resets + self.cuts:
            self.harmed += 1
            writer.write(data[: len(data) // 2])
            raise ConnectionAbortedError
        return data


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(SOL_SOCKET, SO_LINGER, AT_ONCE)
    writer.transport.abort()


@asynccontextmanager
async def wired(url: str, port: int) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server at `url`, and the URL of its near end."""
    wire = Wire(url)
    async with standing(wire, url, port) as near:
        yield wire, near
