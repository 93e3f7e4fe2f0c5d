"""The clock of the machine that serves: set forward and back by more than a day, while people use the product."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import text

from parkingspots.app import PREFIX
from product import PASSWORD
from resilience.killed import HIGH, RATE
from resilience.scenario import Group, Length, Outcome, Scenario
from resilience.stage import Stage, staged
from resilience.trouble import living

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
"""Debian's package libfaketime puts it there."""
JUMPS = (30, -30)
"""Hours; a token lives for four."""
OVER = 3.0  # seconds of each
HOLD = text("""
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, expires_at,
        total_amount, service_fee, owner_payout, currency)
    VALUES (:spot, :renter, :owner, 'pending', 'pending', :start, :end, now() + interval '10 minutes',
        770, 70, 700, 'EUR')
    RETURNING id::text
""")


@dataclass
class SetClock:
    """Of one process, by a file that says how far it is off."""

    file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, hours: int) -> None:
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{hours * 3_600:+}\n")
        draft.rename(self.file)


@dataclass
class Visitor:
    """Signs up at one time, and comes back at others; and wants a slot that is another's for ten minutes."""

    api: httpx.AsyncClient
    wish: Mapping[str, str]
    flaws: list[str]

    async def sign_up(self, hours: int) -> None:
        email = f"clock{hours:+}@example.com"
        person = {"email": email, "password": PASSWORD, "full_name": "Chronos"}
        await self._expect(201, "POST", "/auth/register", person)
        signed_in = await self._expect(200, "POST", "/auth/login", {"email": email, "password": PASSWORD})
        self.api.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"

    async def come_back(self) -> None:
        await self._expect(200, "GET", "/users/me")
        await self._expect(409, "POST", "/bookings/", self.wish)

    async def _expect(
        self, status: int, method: str, path: str, wish: Mapping[str, str] | None = None
    ) -> httpx.Response:
        answer = await self.api.request(method, PREFIX + path, json=wish)
        if answer.status_code != status:
            self.flaws.append(f"{method} {path}: {answer.status_code}, not {status}: {answer.text[:120]}")
        return answer


async def jumps(folder: Path, length: Length) -> Outcome:
    times = 4 if length is Length.LONG else 1
    clock = SetClock(folder / "clock")
    clock.set(0)
    limited = {"RATE_LIMITS_ENABLED": "true", "RATE_LIMIT_REQUESTS": HIGH, "RATE_LIMIT_BOOKINGS": HIGH}
    async with (
        staged(folder, environment={**clock.environment, **limited}) as stage,
        living(stage, RATE / 2) as diary,
        _visiting(stage) as visitor,
    ):
        held = await _hold(stage, visitor)
        diary.told.made.add(held)
        for turn in range(times):
            for hours in JUMPS:
                with diary.part(f"{hours:+} h"):
                    clock.set(hours)
                    if turn == 0:
                        await visitor.sign_up(hours)
                    await visitor.come_back()
                    await asyncio.sleep(OVER)
                with diary.part("right again"):
                    clock.set(0)
                    await visitor.come_back()
                    await asyncio.sleep(OVER / 2)
    diary.outcome.flaws += visitor.flaws
    return diary.outcome


@asynccontextmanager
async def _visiting(stage: Stage) -> AsyncIterator[Visitor]:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=20)
    times = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=2)).isoformat()}
    wish = {"parking_spot_id": str(stage.town.places[-2].id), **times}
    async with httpx.AsyncClient(base_url=stage.url, timeout=30) as api:
        yield Visitor(api, wish, [])


async def _hold(stage: Stage, visitor: Visitor) -> str:
    """Somebody else's, of the slot that the visitor wants; its id."""
    start, end = (datetime.fromisoformat(visitor.wish[name]) for name in ("start_time", "end_time"))
    town = stage.town
    row = {
        "spot": town.places[-2].id,
        "renter": town.renters[-1].id,
        "owner": town.owner.id,
        "start": start,
        "end": end,
    }
    async with stage.own.transaction() as session:
        return str(await session.scalar(HOLD, row))


SCENARIO = Scenario(
    "clock-set",
    Group.SLOW_OR_CUT,
    f"The clock of the machine that serves is set {JUMPS[0]} hours forward and back, again and again: no request "
    "fails, whoever was or has become signed in stays so, a slot that is held for somebody stays theirs, nothing "
    "kept is older than its bound, and nobody meets a limit for it",
    jumps,
    None if LIBRARIES else "libfaketime, a package of Debian's",
)
SCENARIOS = (SCENARIO,)
