"""Reads again what was kept before a write, and compares it with what the write has made true."""

import asyncio
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from load.mixed.findings import LONGEST_THERE, Findings
from load.mixed.server import Server
from load.mixed.writes import Prices, Write, price_in

AGAIN = (0.0, 0.3)  # seconds after the answer to the write
EVERY = 0.04  # seconds between two looks at the other process
LONGEST = 5.0  # seconds for which it is looked at


@dataclass(frozen=True)
class Witness:
    """`here` is the process that is written to, or None once it is dead; `there` the other one."""

    here: Server | None
    there: Server
    findings: Findings

    async def has_kept(self, write: Write) -> bool:
        """Read what the write will show in, so that it is kept; False where a spot is not shown as free."""
        servers = [self.there] if self.here is None else [self.here, self.there]
        known = write.before()
        shown = await asyncio.gather(*(prices(server, write) for server in servers))
        for target, price in (item for each in shown for item in each.items()):
            if price not in {None, known[target]}:  # older than the last write, which is long ago
                self.findings.saw_stale(f"long after: {price} for {known[target]} in {target}")
        return all(each == known for each in shown)

    async def after(self, write: Write, answered_at: float) -> None:
        """Read it all again."""
        there = (self._there(write, target, price, answered_at) for target, price in write.after().items())
        here = [] if self.here is None else [self.again(self.here, write, answered_at)]
        await asyncio.gather(*here, *there)

    async def again(self, server: Server, write: Write, answered_at: float) -> None:
        """Read it where nothing old may be served any longer."""
        truth = write.after()
        for delay in AGAIN:
            await _sleep_until(answered_at + delay)
            shown = await prices(server, write)
            self.findings.checked_here += len(shown)
            for target, price in shown.items():
                if price != truth[target]:
                    self.findings.saw_stale(f"{delay} s later here: {price} for {truth[target]} in {target}")

    async def _there(self, write: Write, target: str, truth: int | None, answered_at: float) -> None:
        """Until the answer is the truth, and once more when nothing old may be served any longer."""
        clock, is_last = asyncio.get_running_loop().time, False
        while True:
            began = clock() - answered_at
            price = await _price(self.there, write, target)
            self.findings.checked_there += 1
            if price != truth:
                self.findings.longest_there = max(self.findings.longest_there, began)
                if began > LONGEST_THERE:
                    self.findings.saw_stale(f"{began:.2f} s later there: {price} for {truth} in {target}")
            if is_last or began > LONGEST:
                return
            is_last = price == truth
            await _sleep_until(answered_at + (max(began, LONGEST_THERE) if is_last else began) + EVERY)


async def prices(server: Server, write: Write) -> Prices:
    """What the targets of the write show of its spot now."""
    shown = await asyncio.gather(*(_price(server, write, target) for target in write.before()))
    return dict(zip(write.before(), shown, strict=True))


async def _price(server: Server, write: Write, target: str) -> int | None:
    answer: Any = from_json(await server.get(target))
    return price_in(answer, write.spot.id)


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
