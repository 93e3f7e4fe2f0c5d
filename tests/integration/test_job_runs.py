"""What is known of the minute job: a row for each step of a run, and the figures that Prometheus gets of them."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from figures import asked
from minute_job import moved
from parkingspots.kit import job_counts
from parkingspots.kit.database import Database
from parkingspots.kit.job_runs import FIGURES, LATEST
from parkingspots.kit.mail import MAIL
from parkingspots_lifecycle import job, steps
from parkingspots_lifecycle.steps import Bench, Moved
from product import Api

Record = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def _look_anew() -> Iterator[None]:
    FIGURES.forget()
    yield
    FIGURES.forget()


@pytest.fixture
def due(record: Record) -> Record:
    now = datetime.now(UTC)

    async def recording(status: str, start: float, end: float, **details: Any) -> str:
        return await record(status, start, end, now=now, **details)

    return recording


async def figures(api: Api, name: str) -> dict[str, float]:
    """By step."""
    FIGURES.forget()
    return (await asked(api.client)).by_label(f"parkingspots_job_{name}")


async def test_each_step_of_a_run_leaves_a_row(database: Database, session: AsyncSession, due: Record) -> None:
    await due("confirmed", -2, -1)
    await moved(database)
    rows = (await session.execute(text("SELECT * FROM job_runs ORDER BY id"))).all()
    assert [row.step for row in rows] == [step.name for step in steps.STEPS if not step.is_of_money]
    assert len({row.run_id for row in rows}) == 1
    assert all(row.started_at <= row.ended_at for row in rows)
    assert {row.step: row.done for row in rows if row.done} == {"complete_past": 1}
    assert {(row.failed, row.error, row.backlog, row.oldest_due) for row in rows} == {(0, None, 0, None)}


async def test_what_is_left_is_said_with_the_oldest(
    api: Api, database: Database, session: AsyncSession, due: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in range(3):
        await due("confirmed", -hours - 2, -hours - 1)
    in_a_hurry = tuple(replace(step, budget=0.0) for step in steps.STEPS)
    monkeypatch.setattr(steps, "STEPS", in_a_hurry)
    await job.run(Bench(database))
    row = (await session.execute(text("SELECT * FROM job_runs WHERE step = 'complete_past'"))).one()
    assert (row.done, row.backlog) == (0, 3)
    assert (await figures(api, "backlog"))["complete_past"] == 3
    assert (await figures(api, "oldest_due_age_seconds"))["complete_past"] == pytest.approx(3 * 3600, abs=60)
    assert "start_due" not in await figures(api, "oldest_due_age_seconds")


async def test_a_step_that_fails_is_told_with_its_error_and_its_last_success_grows_old(
    api: Api, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await moved(database)
    await session.execute(text("UPDATE job_runs SET ended_at = ended_at - interval '5 minutes'"))

    async def failing(_: Bench, __: object) -> Moved:
        raise ZeroDivisionError

    first, *others = steps.STEPS
    monkeypatch.setattr(steps, "STEPS", (replace(first, act=failing), *others))
    await job.run(Bench(database))
    ages = await figures(api, "last_success_age_seconds")
    assert ages[first.name] == pytest.approx(300, abs=30)
    assert ages["start_due"] == pytest.approx(0, abs=30)
    assert (await figures(api, "failed"))[first.name] == 1
    errors = text("SELECT error FROM job_runs WHERE failed > 0")
    assert (await session.scalars(errors)).all() == ["ZeroDivisionError"]


async def test_a_step_that_is_at_work_or_was_killed_counts_as_none(
    api: Api, database: Database, session: AsyncSession
) -> None:
    begun = "INSERT INTO job_runs (run_id, step, started_at) VALUES (gen_random_uuid(), 'start_due', now() + '1 s')"
    await session.execute(text(begun))
    assert await figures(api, "last_success_age_seconds") == {}
    await moved(database)
    assert (await figures(api, "failed"))["start_due"] == 0


async def test_what_is_not_known_is_absent(api: Api, session: AsyncSession) -> None:
    assert "parkingspots_job" not in (await api.client.get("/metrics")).text
    await session.execute(text("ALTER TABLE job_runs RENAME TO elsewhere"))
    try:
        FIGURES.forget()
        answer = await api.client.get("/metrics")
        assert (answer.status_code, "parkingspots_job" in answer.text) == (200, False)
    finally:
        await session.execute(text("ALTER TABLE elsewhere RENAME TO job_runs"))


async def test_the_figures_are_looked_up_by_an_index_however_many_rows_there_are(session: AsyncSession) -> None:
    many = """INSERT INTO job_runs (run_id, step, started_at, ended_at)
        SELECT gen_random_uuid(), 'step_' || number % 10, now() - number * interval '6 s', now()
        FROM generate_series(1, 20000) AS number"""
    await session.execute(text(many))
    await session.execute(text("ANALYZE job_runs"))
    plan = (await session.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {LATEST.text}"))).scalar_one()
    assert "Seq Scan" not in json.dumps(plan)
    assert 0 < _rows_read(plan[0]["Plan"]) < 200


def _rows_read(plan: Any) -> int:
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") == "job_runs" else 0
    return int(own) + sum(_rows_read(each) for each in plan.get("Plans", []))


async def test_rows_are_kept_for_a_week(database: Database, session: AsyncSession) -> None:
    old = "INSERT INTO job_runs (run_id, step, started_at) VALUES (gen_random_uuid(), 'old', now() - interval '8 days')"
    await session.execute(text(old))
    assert (await moved(database))["purge_job_runs"] == 1
    assert await session.scalar(text("SELECT count(*) FROM job_runs WHERE step = 'old'")) == 0


async def test_every_step_says_what_is_due_and_that_is_what_it_does(database: Database, due: Record) -> None:
    await due("confirmed", -2, -1)
    await due("confirmed", -0.5, 1)
    await due("pending", 2, 3, expires=-1)
    before = {step.name: each.count for step, each in await job.due(Bench(database))}
    assert await moved(database) == before
    assert {each.count for _, each in await job.due(Bench(database))} == {0}


async def test_what_the_job_counted_is_added_up_and_told_under_its_own_name(api: Api, session: AsyncSession) -> None:
    job_counts.told(job_counts.news())
    for _ in range(2):
        MAIL.labels("sent").inc(2)
        news = job_counts.news()
        await job_counts.add(session, {**news, **job_counts.done("start_due", 3)})
        job_counts.told(news)
        assert job_counts.news() == {}
    FIGURES.forget()
    told = await asked(api.client)
    assert told.value("parkingspots_job_mail_total", outcome="sent") == 4
    assert told.value("parkingspots_job_done_total", step="start_due") == 6


async def test_a_run_keeps_what_it_has_moved_and_how_long_it_took(api: Api, database: Database, due: Record) -> None:
    await due("confirmed", -2, -1)
    await job.run(Bench(database))
    FIGURES.forget()
    told = await asked(api.client)
    assert told.value("parkingspots_job_done_total", step="complete_past") == 1
    assert told.value("parkingspots_job_done_total", step="start_due") == 0
    assert told.value("parkingspots_job_duration_seconds", step="complete_past") > 0


async def test_what_a_step_counted_is_kept_by_the_next_where_its_own_end_could_not_be_written(
    api: Api, database: Database, session: AsyncSession
) -> None:
    job_counts.told(job_counts.news())
    MAIL.labels("sent").inc()
    await session.execute(text("ALTER TABLE job_counts RENAME TO elsewhere"))
    try:
        with pytest.raises(DBAPIError):
            await job.run(Bench(database))
    finally:
        await session.execute(text("ALTER TABLE elsewhere RENAME TO job_counts"))
    await job.run(Bench(database))
    FIGURES.forget()
    assert (await asked(api.client)).value("parkingspots_job_mail_total", outcome="sent") == 1
