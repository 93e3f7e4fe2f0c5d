"""What an answer rests on, as its endpoint says: it may be kept until something of that changes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from parkingspots.kit.footprints import Footprint

LONGEST_KEPT = timedelta(hours=1)
"""Settings allow no more."""
STATE = "freshness"
"""Under this name the request's state has it, where somebody wants to keep the answer."""


@dataclass
class RestsOn:
    """Said by an endpoint whose answer may be kept; an answer without a footprint may not."""

    is_wanted: bool = False
    footprint: Footprint | None = None
    but_for: frozenset[UUID] = frozenset()
    """Users who may have to get another answer than a stranger."""


async def _rests_on(request: Request) -> RestsOn:
    wanted: RestsOn | None = getattr(request.state, STATE, None)
    return wanted or RestsOn()


Freshness = Annotated[RestsOn, Depends(_rests_on)]
