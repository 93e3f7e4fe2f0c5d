"""One call for all who want it at a time."""

import asyncio

import pytest

from parkingspots.kit.single_flight import SingleFlight


class Door:
    def __init__(self) -> None:
        self.knocks, self.opens = 0, asyncio.Event()

    async def knock(self) -> int:
        self.knocks += 1
        await self.opens.wait()
        return self.knocks


async def test_whoever_comes_meanwhile_shares_a_call_and_the_next_one_makes_another() -> None:
    door = Door()
    flight = SingleFlight(door.knock)
    crowd = [asyncio.create_task(flight()) for _ in range(1_000)]
    await asyncio.sleep(0)
    door.opens.set()
    assert set(await asyncio.gather(*crowd)) == {1}
    assert await flight() == 2


async def test_one_who_goes_away_takes_it_from_nobody() -> None:
    door = Door()
    flight = SingleFlight(door.knock)
    gone, there = asyncio.create_task(flight()), asyncio.create_task(flight())
    await asyncio.sleep(0)
    gone.cancel()
    door.opens.set()
    assert await there == 1
    with pytest.raises(asyncio.CancelledError):
        await gone
