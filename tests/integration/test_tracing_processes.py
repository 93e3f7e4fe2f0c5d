"""Traces of the programs as they are run: off, from several workers, and from the minute job."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from collector import Collector, collector
from e2e.test_journey import environment, served
from parkingspots.kit import tracing
from parkingspots.kit.database import Database
from parkingspots.kit.job_runs import Due
from parkingspots.settings import Settings
from parkingspots_lifecycle import job
from parkingspots_lifecycle.steps import Bench, Moved, Step

OFF = """
import asyncio, sys
from parkingspots.asgi import application

served = application()
from parkingspots.kit import tracing
from parkingspots.kit.database import Database
from parkingspots.reads.shortcut import Shortcut
from parkingspots.settings import Settings

async def main():
    assert type(served) is Shortcut
    settings = Settings(_env_file=None)
    async with tracing.traced("parkingspots"):
        assert tracing.current() is None
        engine = Database(settings).engine.sync_engine
        assert not engine.dispatch.before_cursor_execute and not engine.dispatch.after_cursor_execute
        assert tracing.connecting(settings.sqlalchemy_url) == {}
        assert tracing.call("x", {}) is tracing.NOTHING
asyncio.run(main())
print(*sorted(name for name in sys.modules if name.startswith(("opentelemetry", "parkingspots.kit.tracing"))))
"""
OF_THE_EXTRA = "opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf"
"""The web framework imports OpenTelemetry's API whether one wants to or not, and none of these."""


@pytest.fixture
def collecting() -> Iterator[Collector]:
    with collector() as there:
        yield there


def test_nothing_of_it_is_imported_or_wrapped_where_nobody_asks_for_traces(settings: Settings) -> None:
    told = _told_by(OFF, settings)
    assert told.returncode == 0, told.stderr
    loaded = told.stdout.splitlines()[-1].split()
    assert [name for name in loaded if name.startswith("parkingspots")] == [
        "parkingspots.kit.tracing",
        "parkingspots.kit.tracing.wishes",
    ]
    assert not [name for name in loaded if name.startswith(OF_THE_EXTRA)]


def _told_by(program: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=False, env=environment(settings), capture_output=True, text=True)


def test_the_minute_job_imports_nothing_of_opentelemetry_where_nobody_asks_for_traces(settings: Settings) -> None:
    look = "import sys, parkingspots_lifecycle.cli; print(*(name for name in sys.modules if 'opentelemetry' in name))"
    told = _told_by(look, settings)
    assert (told.returncode, told.stdout.strip()) == (0, ""), told.stderr


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_a_process_delivers_its_traces_before_it_ends(
    settings: Settings, collecting: Collector, tmp_path: Path, options: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    with served(settings, log, *options, **collecting.environment) as (url, _):
        answers = [httpx.get(f"{url}/api/v1/nowhere").json() for _ in range(20)]
    spans = [span for span in collecting.spans() if span.name == "GET"]
    assert sorted(span.trace for span in spans) == sorted(answer["trace_id"] for answer in answers), log.read_text()
    assert {span.attributes["url.path"] for span in spans} == {"/api/v1/nowhere"}


def test_a_propagator_that_is_not_installed_keeps_nobody_from_serving(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(settings, log, OTEL_PROPAGATORS="tracecontext,b3multi-of-another") as (url, _):
        assert httpx.get(url).status_code == 200
    assert "b3multi-of-another" in log.read_text()
    assert "is left out" in log.read_text()


async def test_a_step_of_the_minute_job_is_a_trace(settings: Settings, collecting: Collector) -> None:
    command = [sys.executable, "-m", "parkingspots_lifecycle", "run", "--step", "start_due", "--json"]
    told = await asyncio.to_thread(
        subprocess.run, command, env=environment(settings) | collecting.environment, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    step = collecting.named("start_due")
    assert (step.kind, step.parent) == ("internal", "")
    assert step.service["service.name"] == "parkingspots-lifecycle"
    assert "SELECT bookings UPDATE bookings" in collecting.below(step)
    assert "INSERT job_runs" in collecting.below(step)


async def test_a_step_that_fails_is_marked_although_the_others_go_on(
    settings: Settings, collecting: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(_bench: Bench, _since: datetime | None) -> Moved:
        raise ValueError("of maria@example.com")

    async def knows(_session: AsyncSession) -> Due:
        return Due(0, None)

    for name, value in collecting.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(job, "steps", lambda *_: [Step("broken", "breaks", breaks, knows)])
    async with tracing.traced("parkingspots-lifecycle"), aclosing(Database(settings)) as database:
        (result,) = await job.run(Bench(database))
    assert result.failure == "of maria@example.com"
    step = collecting.named("broken")
    assert (step.failed, step.attributes["error.type"]) == (True, "ValueError")
    assert b"maria" not in b"".join(collecting.bodies)
