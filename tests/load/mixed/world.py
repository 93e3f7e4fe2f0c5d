"""What the mix asks for and writes, out of the seeded data."""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random
from uuid import UUID, uuid4

from sqlalchemy import exists, select

from load.bookings import crowd
from load.mixed.queries import popular
from load.mixed.traffic import World
from load.mixed.writes import Listing
from parkingspots.accounts import repository as accounts
from parkingspots.accounts import tokens
from parkingspots.accounts.clients import Client
from parkingspots.dev.ports import HOST
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from parkingspots.spots.models import AvailabilitySlot, Spot

QUERIES = 500
LISTINGS = 1_500
ALWAYS_OPEN = Spot.operating_hours.is_(None) & ~exists().where(AvailabilitySlot.spot_id == Spot.id)


async def world(settings: Settings) -> World:
    """The same for the same data; owners and renters are signed in anew."""
    rng, renters = Random(1), await crowd(settings)
    database = Database(settings)
    async with database.reader() as session:
        listed = select(Spot).where(Spot.is_active, Spot.is_available).order_by(Spot.id)
        ids = [spot.id for spot in (await session.scalars(listed)).all()]
        spots = rng.sample((await session.scalars(listed.where(ALWAYS_OPEN))).all(), LISTINGS)
    owners = await _signed_in(settings, database, {spot.owner_id for spot in spots})
    await database.aclose()
    listings = [Listing(spot.id, spot.latitude, spot.longitude, owners[spot.owner_id]) for spot in spots]
    prices = {spot.id: spot.hourly_rate for spot in spots}
    return World(popular(rng, ids, QUERIES), cycle(listings), prices, renters)


async def _signed_in(settings: Settings, database: Database, owners: set[UUID]) -> dict[UUID, str]:
    """An access token of each."""
    now, found = datetime.now(UTC), {}
    async with database.transaction() as session:
        for owner_id in owners:
            family = await accounts.add_session(
                session, owner_id, uuid4(), Client("load", HOST), now, now + timedelta(days=1)
            )
            found[owner_id] = tokens.issue(settings, "access", tokens.Claims(owner_id, family.id, uuid4()), now)
    return found
