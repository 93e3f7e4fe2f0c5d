"""What an answer rests on, as its endpoint says: it may be kept until something of that changes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from parkingspots.kit.footprints import Footprint

STATE = "freshness"
"""Under this name the request's state has it."""


@dataclass
class RestsOn:
    """Set by an endpoint whose answer may be kept; an answer without a footprint may not."""

    footprint: Footprint | None = None
    for_anybody: bool = True
    """Whether no access token would have changed the answer."""


def declared(scope: Scope) -> RestsOn:
    """What the endpoint that answered the request has said."""
    rests: RestsOn | None = scope.get("state", {}).get(STATE)
    return rests or RestsOn()


async def _rests_on(request: Request) -> RestsOn:
    rests = RestsOn()
    setattr(request.state, STATE, rests)
    return rests


Freshness = Annotated[RestsOn, Depends(_rests_on)]
