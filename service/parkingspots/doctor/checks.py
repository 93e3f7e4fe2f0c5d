"""The shape of a check, and of a group of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from parkingspots.doctor.finding import Finding
from parkingspots.doctor.world import World
from parkingspots.settings import Settings

Look = Callable[[World], Awaitable[Finding]]


@dataclass(frozen=True)
class Check:
    """`look` may raise Skip, and anything else too: see examining.py."""

    name: str
    look: Look
    seconds: float = 10.0
    """After which it is given up."""


def _always(_world: World) -> None:
    return None


@dataclass(frozen=True)
class Group:
    """`why_not` says in a sentence why none of them is to be looked at, if so."""

    name: str
    checks: tuple[Check, ...]
    why_not: Callable[[World], str | None] = _always


def of_settings(rule: Callable[[Settings], Finding]) -> Look:
    """A look at nothing but the settings."""

    async def look(world: World) -> Finding:
        return rule(world.settings)

    return look
