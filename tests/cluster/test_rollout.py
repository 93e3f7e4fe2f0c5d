"""Releases with migrations, under load, with the operator: the database first, then the pods, then the old cache."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cluster import next_releases
from cluster.clients import Visitors, visitors
from cluster.conftest import Judge, options, settled
from cluster.kube import CHART, KubeError, Namespace, namespace, until, values
from cluster.load import load
from cluster.next_releases import ADDITIVE, FAILING, NEXT, TODAY
from resilience.scenario import Group

HOST = "rollout.parkingspots.local"
OPERATOR = "app.kubernetes.io/component=operator"
RELEASE = "release.parkingspots.dev/ps-parkingspots"


@pytest.fixture(scope="module")
def next_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Today's chart of the next revision; its images are `additive` and `failing`."""
    folder = tmp_path_factory.mktemp("next")
    for tag, step in {"additive": ADDITIVE, "failing": FAILING}.items():
        next_releases.build(folder / tag, tag, step)
    return next_releases.chart(folder / "chart")


@pytest.fixture(scope="module")
def place(next_chart: Path) -> Iterator[Namespace]:
    """Today's release, ready. Each test goes on where the one before it has left it."""
    assert next_chart.exists()
    with namespace("ps-rollout") as made:
        made.helm("install", "ps", str(CHART), *options(HOST))
        yield made


@pytest.fixture(scope="module")
def who(place: Namespace) -> Visitors:
    assert place.name
    return visitors(HOST)


def upgrade(place: Namespace, chart: Path, tag: str, timeout: str) -> str:
    """What Helm complains of; nothing where it went well. It waits its time for pods that will not come."""
    try:
        place.helm("upgrade", "ps", str(chart), *options(HOST), *values(image__tag=tag), "--timeout", timeout)
    except KubeError as error:
        return str(error)
    return ""


def stalled(place: Namespace, chart: Path, tag: str) -> str:
    """What the operator complains of when it gets no further in an upgrade, for which nobody waits."""
    place.helm("upgrade", "ps", str(chart), *options(HOST), *values(image__tag=tag), "--wait=hookOnly")
    until(lambda: is_stalled(place), 120, "the upgrade is stalled")
    return str(condition(place, "Stalled")["message"])


def status(place: Namespace) -> dict[str, Any]:
    found: dict[str, Any] = place.get(RELEASE)["status"]
    return found


def condition(place: Namespace, name: str) -> dict[str, Any]:
    return next(each for each in status(place)["conditions"] if each["type"] == name)


def is_ready(place: Namespace) -> bool:
    return bool(condition(place, "Ready")["status"] == "True")


def is_stalled(place: Namespace) -> bool:
    """In what is wanted now."""
    found = place.get(RELEASE)
    stalled = next(each for each in found["status"]["conditions"] if each["type"] == "Stalled")
    seen = found["status"]["observedGeneration"] == found["metadata"]["generation"]
    return bool(seen and stalled["status"] == "True")


def is_at(place: Namespace, phase: str) -> bool:
    return bool(condition(place, "Ready")["reason"] == phase)


def revision(place: Namespace) -> str:
    return place.sql("SELECT version_num FROM alembic_version")


def kept_answers(place: Namespace, prefix: str) -> int:
    """How many answers of a release lie in Valkey."""
    look = (
        "import os, redis; r = redis.Redis(os.environ['REDIS_HOST'], password=os.environ['REDIS_PASSWORD']);"
        f"print(sum(1 for _ in r.scan_iter('parkingspots:reads:{prefix}:*')))"
    )
    pod = place.ready_pods("api")[0]
    return int(place.kubectl("exec", pod, "--container", "api", "--", "python3", "-c", look))


def test_a_migration_that_fails_is_named_and_leaves_the_old_pods_serving(
    place: Namespace, who: Visitors, next_chart: Path, judge: Judge
) -> None:
    pods = place.ready_pods("api")
    with load(who) as told:
        complaint = upgrade(place, next_chart, "failing", "40s")
        assert "division by zero" in complaint, complaint
        assert condition(place, "Stalled")["reason"] == "MigrationFailed"
    judge("failed-migration", told, place)
    assert set(pods) <= set(place.ready_pods("api"))
    assert revision(place) == f"{TODAY:04}"


def test_an_image_that_cannot_be_pulled_is_named_and_the_old_pods_serve(
    place: Namespace, who: Visitors, next_chart: Path, judge: Judge
) -> None:
    with load(who) as told:
        assert "parkingspots:nowhere" in stalled(place, next_chart, "nowhere")
    judge("image-that-cannot-be-pulled", told, place)
    assert revision(place) == f"{TODAY:04}"


def test_a_migration_gives_way_to_whoever_holds_its_table_and_its_retry_rolls_out_and_purges_the_old_cache_last(
    place: Namespace, who: Visitors, next_chart: Path, judge: Judge
) -> None:
    old = place.get("pod", place.ready_pods("api")[0])["metadata"]["annotations"]["parkingspots.dev/cache-prefix"]
    holder = Thread(target=_ignoring_the_end, args=(place, HOLD))
    holder.start()
    until(lambda: place.sql(HOLDERS) == "1", 30, "somebody holds the table")
    with load(who) as told:
        assert "stayed locked" in stalled(place, next_chart, "additive")
        assert revision(place) == f"{TODAY:04}"
        assert kept_answers(place, old)
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT count%'")
        holder.join()
        place.kubectl("annotate", RELEASE, "parkingspots.dev/retry=again")
        until(lambda: revision(place) == f"{NEXT:04}" and is_ready(place), 180, "the retry migrates and rolls out")
        settled(place)
    judge("additive-migration", told, place)
    assert kept_answers(place, old) == 0
    told_by_status = status(place)
    assert told_by_status["cache"]["stale"] == []
    migrated = told_by_status["lastMigration"]
    assert (migrated["from"], migrated["to"]) == (f"{TODAY:04}", f"{NEXT:04}")
    purges = [job["metadata"]["creationTimestamp"] for job in place.items("jobs", component="purge")]
    pods = place.items("pods", component="api")
    assert all(pod["metadata"]["annotations"]["parkingspots.dev/cache-prefix"] != old for pod in pods)
    assert migrated["completedAt"] <= told_by_status["rollout"]["rolledOutAt"] <= max(purges)


HOLD = "BEGIN; SELECT count(*) FROM bookings; SELECT pg_sleep(240)"
HOLDERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def _ignoring_the_end(place: Namespace, statement: str) -> None:
    try:
        place.sql(statement)
    except KubeError:
        return


def test_a_rollback_across_a_migration_fails_nobody(place: Namespace, who: Visitors, judge: Judge) -> None:
    with load(who) as told:
        place.helm("rollback", "ps", "1", "--wait", "--timeout", "5m")
        settled(place)
    judge("rollback-across-a-migration", told, place)
    assert is_ready(place)
    assert revision(place) == f"{NEXT:04}"


def test_an_operator_that_is_killed_at_every_step_comes_to_the_same_end(
    place: Namespace, who: Visitors, next_chart: Path, judge: Judge
) -> None:
    old, before = place.get(RELEASE)["spec"]["cache"]["prefix"], migrations(place)
    with load(who) as told:
        upgrading = Thread(target=upgrade, args=(place, next_chart, "additive", "5m"))
        upgrading.start()
        for phase in ("Migrating", "RollingOut", "Purging"):
            until(partial(is_at, place, phase), 120, f"the operator is at {phase}")
            place.kubectl("delete", "pod", "--selector", OPERATOR, "--grace-period=0", "--force")
        upgrading.join()
        until(lambda: is_ready(place), 120, "the release is ready")
        settled(place)
    judge("operator-killed-at-each-step", told, place, group=Group.KILLED)
    assert kept_answers(place, old) == 0
    assert len(migrations(place) - before) == 1


def migrations(place: Namespace) -> set[str]:
    return {job["metadata"]["name"] for job in place.items("jobs", component="migration")}


def test_nothing_keeps_the_namespace_once_the_operator_is_gone(place: Namespace) -> None:
    place.kubectl("delete", "deployment", "ps-parkingspots-operator")
    place.helm("uninstall", "ps", "--wait", "--timeout", "2m")
    assert json.loads(place.kubectl("get", "psrel", "--output", "json"))["items"] == []
    place.kubectl("delete", "namespace", place.name, "--timeout", "60s")
