"""Whether the time of a login tells which e-mails are known, asked of a server that hashes as in production.

    PYTHONPATH=tests .venv/bin/python -m load.login_timing --logins 2000

Fails to sign in to accounts of each kind in turn, in an order drawn anew for each turn, one login after the other:
2,000 in all. Then the same where all of them are locked, which is answered before anything is hashed. Ends with 1 where
the median of one kind is more than a twentieth away from that of a known account.
"""

import asyncio
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from e2e.test_journey import served
from parkingspots.dev.postgres import postgres
from parkingspots.dev.valkey import valkey
from parkingspots.kit import migrating
from parkingspots.kit.database import Database
from parkingspots.settings import Settings
from product import PASSWORD

KNOWN, UNKNOWN, DISABLED, DELETED = "known", "unknown", "disabled", "deleted"
KINDS = KNOWN, UNKNOWN, DISABLED, DELETED
BOUND = 0.05
MANY = "900000 per day"
WARM_UP = 20  # turns that are not counted

console = Console(width=100, highlight=False)
Times = Mapping[str, Sequence[float]]


def main(logins: Annotated[int, typer.Option(min=40, help="How many in all, of each of the two.")] = 2_000) -> None:
    """Measure logins that fail, and those that are refused, by what there is to the e-mail."""
    with TemporaryDirectory(prefix="login-timing-") as home, _servers(Path(home)) as settings:
        emails = _people(settings, Path(home))
        with _served(settings, Path(home), MANY) as url:
            failed = _measured(url, emails, logins // len(KINDS), 401)
        with _served(settings, Path(home), "1 per day") as url:
            refused = _measured(url, emails, logins // len(KINDS), 429)
    tables = [_table("a wrong password (401)", failed), _table("a locked account (429)", refused)]
    for table in tables:
        console.print(table)
    ratios = [each for times in (failed, refused) for each in _ratios(times).items()]
    if strange := {kind for kind, ratio in ratios if abs(ratio - 1) > BOUND}:
        sys.exit(f"The time tells of e-mails that are {', '.join(sorted(strange))}.")


@contextmanager
def _servers(home: Path) -> Iterator[Settings]:
    with ExitStack() as stack:
        database = stack.enter_context(postgres(home / "postgres", durable=False))
        cache = stack.enter_context(valkey(home / "valkey"))
        settings = Settings(_env_file=None, database_url=database.url, redis_url=cache.url)
        asyncio.run(migrating.upgrade(settings))
        yield settings


@contextmanager
def _served(settings: Settings, home: Path, logins: str) -> Iterator[str]:
    """A server at which an account may have so many `logins` that fail."""
    limits = {"RATE_LIMIT_LOGINS": logins, "RATE_LIMIT_LOGINS_OF_ADDRESS": MANY, "RATE_LIMIT_REGISTRATIONS": MANY}
    with served(settings, home / "log", **limits, RATE_LIMIT_REQUESTS=MANY) as (url, _):
        yield url


def _people(settings: Settings, home: Path) -> dict[str, str]:
    """The e-mail of an account of each kind. Nobody has signed in from here: a stranger asks."""
    with _served(settings, home, MANY) as url:
        ids = {
            kind: httpx.post(
                f"{url}/api/v1/auth/register",
                json={"email": f"{kind}@example.com", "password": PASSWORD, "full_name": kind},
            ).json()["id"]
            for kind in (KNOWN, DISABLED, DELETED)
        }
        login = {"email": f"{DELETED}@example.com", "password": PASSWORD}
        token = httpx.post(f"{url}/api/v1/auth/login", json=login).json()["access_token"]
        httpx.delete(f"{url}/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
    asyncio.run(_disable(settings, ids[DISABLED]))
    emails = {kind: f"{kind}@example.com" for kind in KINDS}
    return emails | {DELETED: f"{ids[DELETED]}@deleted.invalid"}


async def _disable(settings: Settings, user_id: str) -> None:
    database = Database(settings)
    async with database.transaction() as session:
        await session.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": user_id})
    await database.aclose()


def _measured(url: str, emails: Mapping[str, str], turns: int, status: int) -> Times:
    """Seconds of each login that was answered with `status`."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with httpx.Client(base_url=url, timeout=60) as client:
        for turn in range(WARM_UP + turns):
            for kind in random.sample(KINDS, len(KINDS)):
                began = perf_counter()
                answer = client.post("/api/v1/auth/login", json={"email": emails[kind], "password": "wrong horse"})
                seconds = perf_counter() - began
                if turn >= WARM_UP and answer.status_code == status:
                    times[kind].append(seconds)
                elif turn >= WARM_UP:
                    sys.exit(f"A login was answered with {answer.status_code}: {answer.text}")
    return times


def _ratios(times: Times) -> dict[str, float]:
    return {kind: median(times[kind]) / median(times[KNOWN]) for kind in KINDS}


def _table(what: str, times: Times) -> Table:
    table = Table(what, "logins", "median, ms", "of that of a known one")
    for kind, ratio in _ratios(times).items():
        table.add_row(kind, str(len(times[kind])), f"{median(times[kind]) * 1_000:.2f}", f"{ratio:.3f}")
    return table


if __name__ == "__main__":
    typer.run(main)
