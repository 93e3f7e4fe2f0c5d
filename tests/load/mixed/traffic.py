"""Readers of two processes, and for every 99 reads a write to one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain, repeat, takewhile
from random import Random
from uuid import UUID

from load.bookings import Renter
from load.mixed.findings import Findings
from load.mixed.queries import Popular
from load.mixed.server import NOTHING, FailedError, Server
from load.mixed.witness import Witness
from load.mixed.writes import Booking, Listing, PriceChange, Write

READS_A_WRITE = 99
READERS = 8  # of each process; every second one is signed in
WRITERS = 24
DRAWN = 1_000
ATTEMPTS = 20
DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})


@dataclass(frozen=True)
class World:
    """What there is to ask for and to write."""

    queries: Popular
    listings: Iterator[Listing]
    """For ever; each comes again long after it came."""
    prices: dict[UUID, int]
    """Of the listings, now; in minor units."""
    renters: Sequence[Renter]


class Traffic:
    """Requests to `here`, where the writes go too, and to `there`. `bookings` is their part of the writes."""

    def __init__(
        self, world: World, here: Server, there: Server, bookings: float, findings: Findings, seed: int = 1
    ) -> None:
        self.findings = findings
        self._world, self._here, self._there, self._share = world, here, there, bookings
        self._rng = Random(seed)
        self._witness = Witness(here, there, findings)
        self._due: asyncio.Queue[None] = asyncio.Queue(maxsize=2)

    async def run(self, seconds: float, *, checked: bool) -> Findings:
        """Let it flow; where `checked`, every write is followed by reads that look for what was before it."""
        before = await self._here.outcomes() + await self._there.outcomes()
        async with self.flowing(checked=checked):
            await asyncio.sleep(seconds)
        after = await self._here.outcomes() + await self._there.outcomes()
        self.findings.outcomes = after - before
        return self.findings

    @asynccontextmanager
    async def flowing(self, *, checked: bool) -> AsyncIterator[None]:
        """Traffic while the block lasts; what has begun then is brought to its end."""
        write = self._checked_write if checked else self._plain_write
        writers = [asyncio.create_task(self._write_when_due(write)) for _ in range(WRITERS)]
        try:
            async with self.reading(self._here, self._there, writing=True):
                yield
            await self._due.join()
        finally:
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)

    @asynccontextmanager
    async def reading(self, *servers: Server, writing: bool = False) -> AsyncIterator[None]:
        """Reads alone, unless they are to be followed by writes."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as readers:
            for server in servers:
                for number in range(READERS):
                    readers.create_task(self._read(server, number, ended, writing=writing))
            try:
                yield
            finally:
                ended.set()

    async def _read(self, server: Server, number: int, ended: asyncio.Event, *, writing: bool) -> None:
        renter = self._world.renters[number]
        headers: Mapping[str, str] = {"Authorization": f"Bearer {renter.token}"} if number % 2 else NOTHING
        draw = chain.from_iterable(self._world.queries.drawn(self._rng, DRAWN) for _ in repeat(None))
        for target in takewhile(lambda _: not ended.is_set(), draw):
            with self._failures_noted():
                await server.get(target, headers)
            self.findings.reads += 1
            if writing and self.findings.reads % READS_A_WRITE == 0:
                await self._due.put(None)

    async def _write_when_due(self, write: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._due.get()
            with self._failures_noted():
                await write()
            self._due.task_done()

    async def _plain_write(self) -> None:
        while not await self.send(self._chosen()):
            self.findings.refused += 1

    async def _checked_write(self) -> None:
        write = await self.prepared(self._witness)
        if await self.send(write):
            await self._witness.after(write, asyncio.get_running_loop().time())

    async def prepared(self, witness: Witness) -> Write:
        """A write that will show in answers which are kept by now; raises FailedError where there is none."""
        for _ in range(ATTEMPTS):
            write = self._chosen()
            if await witness.has_kept(write):
                return write
        raise FailedError(f"of {ATTEMPTS} spots none was free at the time chosen for it")

    async def send(self, write: Write) -> bool:
        """Whether it was done; not where the time was taken. Raises FailedError for anything else."""
        status, body = await self._here.send(*write.request)
        if status == HTTPStatus.CONFLICT:
            return False
        if status not in DONE:
            raise FailedError(f"{write.request[0]} answers {status}: {body[:200].decode(errors='replace')}")
        self._world.prices[write.spot.id] = write.price_after
        self.findings.writes += 1
        return True

    def _chosen(self) -> Write:
        """A write to a spot that no other one is at."""
        spot = next(self._world.listings)
        price = self._world.prices[spot.id]
        if self._rng.random() < self._share:
            return Booking.of(self._rng, spot, price, self._rng.choice(self._world.renters).token)
        return PriceChange.of(self._rng, spot, price)

    @contextmanager
    def _failures_noted(self) -> Iterator[None]:
        try:
            yield
        except FailedError as error:
            self.findings.failures[str(error)] += 1
