"""The product in processes of its own, which pay at the stand-in."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Never

import httpx
from fastapi import FastAPI

from e2e.test_journey import environment
from parkingspots.settings import Settings
from product import Api, Outbox

SERVICE, JOB = ("parkingspots",), ("parkingspots_lifecycle", "run")
TESTS = Path(__file__).parents[1]


class StoppedClock:
    """Says when it was made, so that times that it gives are whole hours apart."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, **time: float) -> Never:
        raise NotImplementedError(f"nobody moves the clock of another process by {time}")


def paying(settings: Settings) -> dict[str, str]:
    """The environment of a process that takes payments as `settings` say."""
    assert settings.stripe_secret_key is not None
    assert settings.stripe_webhook_secret is not None
    return environment(settings) | {
        "SKIP_PAYMENT_PROCESSING": "false",
        "STRIPE_SECRET_KEY": settings.stripe_secret_key.get_secret_value(),
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret.get_secret_value(),
        "STRIPE_API_BASE": settings.stripe_api_base or "",
        "PYTHONPATH": str(TESTS),
    }


@asynccontextmanager
async def asked_at(url: str) -> AsyncIterator[Api]:
    """The HTTP interface of a process."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield Api(FastAPI(), client, StoppedClock(), Outbox())


async def run(settings: Settings, *module: str, **more: str) -> tuple[int, str]:
    """Run a module as a program to its end; its exit status, and what it wrote. The stand-in answers meanwhile."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        env=paying(settings) | more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, written.decode()


async def run_job(settings: Settings) -> None:
    """The minute job, once, which gets everything done."""
    status, written = await run(settings, *JOB)
    assert status == 0, written
    assert "Traceback" not in written


async def ledger_differences(settings: Settings) -> Sequence[str]:
    """What `parkingspots ledger check` finds."""
    status, written = await run(settings, *SERVICE, "ledger", "check")
    *differences, summary = [line for line in written.splitlines() if not line.startswith("{")]
    assert (status, bool(differences)) in {(0, False), (1, True)}, written
    assert "payments compared" in summary, written
    return differences
