"""A town for the fuzzing: people with accounts, and the ids of what they have there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

PEOPLE = ("nobody", "renter", "owner", "admin")
LEAVING = ("delete_me", "end_session")
"""Operations that would sign people out: each has somebody of its own, so that the others stay."""
PASSWORD = "a password that no example has"
FURNITURE = Path(__file__).with_suffix(".sql")
TABLES = ("users", "sessions", "spots", "availability_slots", "bookings", "reviews")


@dataclass(frozen=True)
class Town:
    """Where the product answers, its people's access tokens, and ids by table."""

    url: str
    tokens: Mapping[str, str]
    ids: Mapping[str, list[str]]


def settle(url: str, database_url: str) -> Town:
    """Fill an empty product, and the database below it, with a town."""
    with httpx.Client(base_url=f"{url}/api/v1") as client:
        tokens = {name: _signed_up(client, name) for name in (*PEOPLE[1:], "other", *LEAVING)}
    return Town(url, tokens, asyncio.run(_furnish(database_url)))


def _signed_up(client: httpx.Client, name: str) -> str:
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    client.post("/auth/register", json=account | {"full_name": name.title()}).raise_for_status()
    token: str = client.post("/auth/login", json=account).raise_for_status().json()["access_token"]
    return token


async def _furnish(database_url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(FURNITURE.read_text())
        return {table: await _ids(connection, table) for table in TABLES}
    finally:
        await connection.close()


async def _ids(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> list[str]:
    return [str(row["id"]) for row in await connection.fetch(f"SELECT id FROM {table} ORDER BY id LIMIT 300")]
