"""The product's main job, over HTTP, against a process that serves as in real life."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis

from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port
from parkingspots.settings import Settings

PROGRAM = ("parkingspots", "serve")
SECRET_KEY = "a secret key of the journey's own server"
PATIENCE = 60.0  # seconds until something that should happen counts as never


def environment(settings: Settings) -> dict[str, str]:
    """Of a process that runs as `settings` say."""
    return os.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.cache_url,
        "ENVIRONMENT": "evaluation",
        "RATE_LIMITS_ENABLED": str(settings.rate_limits_enabled),
        "RATE_LIMIT_REQUESTS": settings.rate_limit_requests,
        "SECRET_KEY": SECRET_KEY,
    }


@contextmanager
def served(
    settings: Settings, log: Path, *options: str, program: Sequence[str] = PROGRAM, **more: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The base URL of the product in a process of its own, which writes `log`; ready. `more` is of its environment."""
    port = free_port()
    command = [sys.executable, "-m", *program, "--port", str(port), *options]
    with log.open("wb") as output:
        process = processes.start(command, output=output, environment=environment(settings) | more)
        try:
            url = f"http://{HOST}:{port}"
            assert processes.until(lambda: is_ready(url) or processes.ended(process), PATIENCE), log.read_text()
            yield url, process
        finally:
            processes.stop(process, [(signal.SIGTERM, PATIENCE)])


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def travel(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parkingspots", "journey", url], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
async def test_a_renter_finds_books_and_uses_a_spot_and_the_server_ends_cleanly(
    settings: Settings, tmp_path: Path, options: tuple[str, ...]
) -> None:
    log = tmp_path / "server.log"
    with served(settings, log, *options) as (url, process):
        journey = travel(url)
        assert journey.returncode == 0, journey.stdout + journey.stderr + log.read_text()
        process.send_signal(signal.SIGTERM)
        assert processes.until(lambda: processes.ended(process), PATIENCE)
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_journey_to_a_server_that_is_not_there_ends_with_one_line() -> None:
    journey = travel(f"http://{HOST}:{free_port()}")
    assert journey.returncode == 1
    assert len(journey.stderr.splitlines()) == 1
    assert f"http://{HOST}:" in journey.stderr
    assert "cannot be reached" in journey.stderr


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_a_server_believes_no_forwarded_address_unless_told_to(
    settings: Settings, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with Redis.from_url(settings.cache_url) as valkey:
        valkey.flushdb()
    limited = settings.model_copy(update={"rate_limits_enabled": True, "rate_limit_requests": "3 per hour"})
    with served(limited, tmp_path / "server.log", *options) as (url, _), httpx.Client(base_url=url) as client:
        answers = [client.get("/", headers={"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_a_server_without_limits_says_so_when_it_starts(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with served(settings, log):
        pass
    assert "RATE_LIMITS_ENABLED=false" in log.read_text()
