"""More than the product can do: whether it does what it can, says so to the others, and who comes first."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from statistics import median
from time import monotonic
from uuid import UUID

from load.mixed.queries import page_of
from resilience import truth
from resilience.client import Client
from resilience.crowd import Came, gathered, searches
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.told import UNAVAILABLE, Taken, Told, percentiles
from resilience.traffic import BOOKERS, KEPT, flowing

CONNECTIONS, FEW = 2_500, 16
TWICE = 2.0
WITHOUT_END = 100_000.0
"""Requests a second, which nobody reaches: each is sent when the last one was answered."""
SECONDS = {Length.SHORT: (3.0, 6.0), Length.LONG: (8.0, 30.0)}
"""To find out what the product can do, and of the crowd."""
BESIDE = 40.0
"""Requests a second of people who search, look and book meanwhile."""
TWO_LOOKS = 2
"""At a page: what was asked for once alone may be washed away by what a crowd asks for."""
KEEPS_UP, SHORTLY = 0.5, 0.25
"""Of what it can do at its ease, the least that it still does: the crowd itself takes what it needs of two cores. In a
few seconds of a busy machine only a collapse is to be told from noise."""
LONGEST = 8.0
"""Seconds until an answer of any kind."""
RECOVERED_WITHIN = 5.0
AS_BEFORE = 3.0
"""Times what a search took when nothing else was asked."""


async def _flood(folder: Path, length: Length) -> Outcome:
    calm_for, crowd_for = SECONDS[length]
    async with staged(folder) as stage:
        calm = await gathered(stage.port, FEW, WITHOUT_END, calm_for)
        capacity = len(calm.served) / calm_for
        alone = await _alone(stage)
        async with flowing(stage.port, stage.town, BESIDE) as told:
            await _keeping(stage)
            came = await gathered(stage.port, CONNECTIONS, TWICE * capacity, crowd_for)
            recovered = await _recovered(stage, alone)
        flaws = [
            *_of_crowd(came, capacity, length, recovered),
            *(f"failed: {each}" for each in told.failures if each.kind not in {"search", "look"}),
            *(f"failed: {each}" for each in told.failures if each.how != UNAVAILABLE),
            *_who_comes_first(told, came),
            *await truth.flaws(stage.own, told),
        ]
    book = percentiles(each.seconds for each in told.answered if each.kind == "book")
    return Outcome(
        f"{_figures(came, capacity, crowd_for, recovered)}; people beside it: {told.figures()}; "
        f"their bookings p50 {book[0]:.0f} ms, p99 {book[1]:.0f} ms",
        flaws,
    )


async def _rush(folder: Path, length: Length) -> Outcome:
    calm_for, crowd_for = SECONDS[length]
    async with staged(folder) as stage:
        who = _who(stage)
        calm = await gathered(stage.port, FEW, WITHOUT_END, calm_for, _written(folder, who, 0))
        capacity = len(calm.served) / calm_for
        alone = await _alone(stage)
        came = await gathered(stage.port, CONNECTIONS, TWICE * capacity, crowd_for, _written(folder, who, 1))
        recovered = await _recovered(stage, alone)
        told = Told(
            booked={each[0]: Taken(UUID(each[1]), datetime.fromisoformat(each[2])) for each in _all(calm, came)}
        )
        flaws = [*_of_crowd(came, capacity, length, recovered), *await truth.flaws(stage.own, told)]
    return Outcome(f"{_figures(came, capacity, crowd_for, recovered)}; {len(told.booked):,} acknowledged", flaws)


async def _keeping(stage: Stage) -> None:
    """Have it keep the pages that nobody changes."""
    client = Client(stage.port, Told())
    for _ in range(TWO_LOOKS):
        for place in stage.town.places[:BOOKERS]:
            await client.read(KEPT, page_of(place.id))
    client.close()


def _who(stage: Stage) -> list[dict[str, list[str]]]:
    """Two crowds, each with spots of its own."""
    tokens, spots = [renter.token for renter in stage.town.renters], [str(place.id) for place in stage.town.places]
    return [{"tokens": tokens, "spots": spots[half::2]} for half in range(2)]


def _written(folder: Path, who: list[dict[str, list[str]]], number: int) -> Path:
    file = folder / f"crowd-{number}.json"
    file.write_text(json.dumps(who[number]))
    return file


def _all(*crowds: Came) -> Iterator[tuple[str, str, str]]:
    for each in crowds:
        yield from each.booked


async def _alone(stage: Stage) -> float:
    """Seconds that a search takes while nothing else is asked."""
    return median([await _a_search(stage) or LONGEST for _ in range(9)])


async def _recovered(stage: Stage, alone: float) -> float:
    """Seconds until a search takes about what it took before the crowd came."""
    began = monotonic()
    while monotonic() < began + 2 * RECOVERED_WITHIN:
        took = await _a_search(stage)
        if took is not None and took <= AS_BEFORE * alone:
            break
        await asyncio.sleep(0.05)
    return monotonic() - began


async def _a_search(stage: Stage) -> float | None:
    """Its seconds; None where it is not answered with 200."""
    client, target = Client(stage.port, Told()), next(searches(stage.port)).split(b" ", 2)[1].decode()
    began = monotonic()
    answer = await client.ask("search", "GET", target)
    client.close()
    return monotonic() - began if answer and answer.status == HTTPStatus.OK else None


def _of_crowd(came: Came, capacity: float, length: Length, recovered: float) -> Iterator[str]:
    _, seconds = SECONDS[length]
    if came.others:
        yield f"answers that are neither 2xx nor 503 with Retry-After: {dict(came.others)}"
    if len(came.served) < (KEEPS_UP if length is Length.LONG else SHORTLY) * capacity * seconds:
        yield f"served {len(came.served) / seconds:.0f} a second, of {capacity:.0f} when there was no crowd"
    if (longest := max((*came.served, *came.refused), default=0.0)) > LONGEST:
        yield f"an answer took {longest:.1f} s"
    if recovered > RECOVERED_WITHIN:
        yield f"as quick as before only after {recovered:.1f} s"


def _who_comes_first(told: Told, came: Came) -> Iterator[str]:
    booked = median(each.seconds for each in told.answered if each.kind == "book")
    if came.served and booked > median(came.served):
        yield f"half of the bookings took more than {booked:.2f} s, half of the searches {median(came.served):.2f}"


def _figures(came: Came, capacity: float, seconds: float, recovered: float) -> str:
    served, refused = percentiles(came.served), percentiles(came.refused)
    return (
        f"{CONNECTIONS:,} connections, {(len(came.served) + len(came.refused)) / seconds:.0f} requests a second where "
        f"{capacity:.0f} can be served: {len(came.served) / seconds:.0f} were, p50 {served[0]:.0f} ms, p99 "
        f"{served[1]:.0f} ms; {len(came.refused) / seconds:.0f} were told to come back, p99 {refused[1]:.0f} ms; "
        f"recovered after {recovered:.1f} s"
    )


OF_ANY = (
    f"{CONNECTIONS:,} connections ask for twice of what one process can do: all get an answer, within {LONGEST:g} s, "
    f"and it is 2xx or 503 with Retry-After; at least {KEEPS_UP:.0%} of what it can do is done; a search is as quick "
    f"as before within {RECOVERED_WITHIN:g} s after the end"
)
SCENARIOS = (
    Scenario(
        "flood",
        Group.OVERLOAD,
        f"{OF_ANY}. They search; of the people beside them, those who search or look at a page that is not kept may be "
        "told 503, those who book or look at one that is kept are not, and bookings are quicker than searches",
        _flood,
    ),
    Scenario("rush", Group.OVERLOAD, f"{OF_ANY}. They book: each booking that was acknowledged is there once", _rush),
)
