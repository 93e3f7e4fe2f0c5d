"""`parkingspots-lifecycle`, as a container runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from parkingspots import __version__
from parkingspots.dev import processes
from parkingspots.dev.ports import HOST, free_port
from parkingspots.settings import Settings

Record = Callable[..., Awaitable[str]]
PATIENCE = 60.0  # seconds until something that should happen counts as never
COMMAND = [sys.executable, "-m", "parkingspots_lifecycle"]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": settings.database_url.get_secret_value()}


def run(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


async def test_run_does_what_is_due_once_and_says_how_much(
    environment: dict[str, str], tmp_path: Path, session: AsyncSession, record: Record
) -> None:
    await record("confirmed", -2, -1, now=datetime.now(UTC))
    ended = run(environment, tmp_path, "run")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("cancel_lapsed: 0, complete_past: 1, start_due: 0, ")
    assert await session.scalar(text("SELECT status FROM bookings")) == "completed"


async def test_loop_works_until_a_signal_ends_it_cleanly(
    environment: dict[str, str], tmp_path: Path, session: AsyncSession, record: Record
) -> None:
    await record("confirmed", -2, -1, now=datetime.now(UTC))
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = processes.start([*COMMAND, "loop"], output=output, environment=environment)
    try:
        assert processes.until(lambda: b"complete_past" in log.read_bytes(), PATIENCE), log.read_text()
        process.send_signal(signal.SIGTERM)
        assert processes.until(lambda: processes.ended(process), PATIENCE)
    finally:
        processes.stop(process, [])
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert await session.scalar(text("SELECT status FROM bookings")) == "completed"


def test_it_says_its_version(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, tmp_path, "--version").stdout == f"parkingspots-lifecycle {__version__}\n"


@pytest.mark.parametrize(
    "wrong",
    [{"DATABASE_URL": f"postgresql://nobody:nothing@{HOST}:{free_port()}/nowhere"}, {"DATABASE_POOL_SIZE": "none"}],
    ids=["no database", "no number"],
)
def test_what_cannot_work_is_said_in_one_line(
    environment: dict[str, str], tmp_path: Path, wrong: dict[str, str]
) -> None:
    ended = run(environment | wrong, tmp_path, "run")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("parkingspots-lifecycle: ")
