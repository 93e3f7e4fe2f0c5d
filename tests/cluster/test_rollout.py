"""Releases with migrations, under load, with the operator: the database first, then the pods, then the old cache."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cluster import next_releases
from cluster.clients import Visitors, load, visitors
from cluster.conftest import Figure, options
from cluster.kube import CHART, KubeError, Namespace, namespace, until, values
from cluster.next_releases import ADDITIVE, FAILING, NEXT, TODAY

HOST = "rollout.parkingspots.local"
RATE = 50.0
SHORT = "60s"
OPERATOR = "app.kubernetes.io/component=operator"
RELEASE = "release.parkingspots.dev/ps-parkingspots"


@pytest.fixture(scope="module")
def next_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Today's chart of the next revision; its images are `additive` and `failing`."""
    folder = tmp_path_factory.mktemp("next")
    for tag, step in {"additive": ADDITIVE, "failing": FAILING}.items():
        next_releases.build(folder / tag, tag, step)
    return next_releases.chart(folder / "chart")


@pytest.fixture
def place(next_chart: Path) -> Iterator[Namespace]:
    """Today's release, ready."""
    assert next_chart.exists()
    with namespace("ps-rollout") as made:
        made.helm("install", "ps", str(CHART), *options(HOST))
        yield made


@pytest.fixture
def who(place: Namespace) -> Visitors:
    assert place.name
    return visitors(HOST)


def upgrade(place: Namespace, chart: Path, tag: str, timeout: str = "5m") -> str:
    """What Helm complains of; nothing where it went well. It waits its time for pods that will not come."""
    try:
        place.helm("upgrade", "ps", str(chart), *options(HOST), *values(image__tag=tag), "--timeout", timeout)
    except KubeError as error:
        return str(error)
    return ""


def status(place: Namespace) -> dict[str, Any]:
    found: dict[str, Any] = place.get(RELEASE)["status"]
    return found


def condition(place: Namespace, name: str) -> dict[str, Any]:
    return next(each for each in status(place)["conditions"] if each["type"] == name)


def is_ready(place: Namespace) -> bool:
    return bool(condition(place, "Ready")["status"] == "True")


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


def test_an_additive_migration_and_its_rollback_fail_nobody_and_the_old_cache_goes_last(
    place: Namespace, who: Visitors, next_chart: Path, figure: Figure
) -> None:
    old = place.get(RELEASE)["spec"]["cache"]["prefix"]
    with load(who, RATE) as told:
        until(lambda: kept_answers(place, old), 30, "answers of the old release are kept")
        assert upgrade(place, next_chart, "additive") == ""
    figure(f"an additive migration under load: {told}")
    assert not told.failures, told
    assert (revision(place), kept_answers(place, old)) == (f"{NEXT:04}", 0)
    told_by_status = status(place)
    assert (
        told_by_status["lastMigration"] | {"from": f"{TODAY:04}", "to": f"{NEXT:04}"} == told_by_status["lastMigration"]
    )
    assert told_by_status["cache"]["stale"] == []
    (job,) = place.items("jobs", component="purge")
    pods = place.items("pods", component="api")
    assert all(pod["metadata"]["annotations"]["parkingspots.dev/cache-prefix"] != old for pod in pods)
    rolled_out = told_by_status["rollout"]["rolledOutAt"]
    assert told_by_status["lastMigration"]["completedAt"] <= rolled_out <= job["metadata"]["creationTimestamp"]

    with load(who, RATE) as told:
        place.helm("rollback", "ps", "1", "--wait", "--timeout", "5m")
    figure(f"a rollback across it: {told}")
    assert not told.failures, told
    assert is_ready(place)
    assert revision(place) == f"{NEXT:04}"


def test_a_migration_that_fails_leaves_the_old_pods_serving_and_a_corrected_upgrade_mends_it(
    place: Namespace, who: Visitors, next_chart: Path, figure: Figure
) -> None:
    pods = set(place.ready_pods("api"))
    with load(who, RATE) as told:
        complaint = upgrade(place, next_chart, "failing", SHORT)
        assert "division by zero" in complaint, complaint
        assert condition(place, "Stalled")["reason"] == "MigrationFailed"
        assert pods <= set(place.ready_pods("api"))
        assert revision(place) == f"{TODAY:04}"
        assert upgrade(place, next_chart, "additive") == ""
    figure(f"a migration that fails, and a corrected one: {told}")
    assert not told.failures, told
    assert revision(place) == f"{NEXT:04}"


def test_a_migration_gives_way_to_a_transaction_that_holds_its_table(
    place: Namespace, who: Visitors, next_chart: Path, figure: Figure
) -> None:
    holding = "BEGIN; SELECT count(*) FROM bookings; SELECT pg_sleep(240)"
    holder = Thread(target=_ignoring_the_end, args=(place, holding))
    holder.start()
    until(lambda: place.sql(HOLDERS) == "1", 30, "somebody holds the table")
    with load(who, RATE) as told:
        complaint = upgrade(place, next_chart, "additive", SHORT)
        assert "stayed locked" in complaint, complaint
        assert revision(place) == f"{TODAY:04}"
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT count%'")
        holder.join()
        place.kubectl("annotate", RELEASE, "parkingspots.dev/retry=again")
        until(lambda: revision(place) == f"{NEXT:04}" and is_ready(place), 180, "the retry migrates and rolls out")
    figure(f"a migration that met a lock, and its retry: {told}")
    assert not told.failures, told


HOLDERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def _ignoring_the_end(place: Namespace, statement: str) -> None:
    try:
        place.sql(statement)
    except KubeError:
        return


def test_an_image_that_cannot_be_pulled_is_named_and_the_old_pods_serve(
    place: Namespace, who: Visitors, next_chart: Path, figure: Figure
) -> None:
    with load(who, RATE) as told:
        complaint = upgrade(place, next_chart, "nowhere", SHORT)
        assert "parkingspots:nowhere" in complaint, complaint
        assert condition(place, "Stalled")["status"] == "True"
        assert upgrade(place, next_chart, "additive") == ""
    figure(f"an image that cannot be pulled, and one that can: {told}")
    assert not told.failures, told
    assert is_ready(place)


def test_an_operator_that_is_killed_at_every_step_comes_to_the_same_end(
    place: Namespace, who: Visitors, next_chart: Path, figure: Figure
) -> None:
    old = place.get(RELEASE)["spec"]["cache"]["prefix"]
    with load(who, RATE / 5) as told:
        upgrading = Thread(target=upgrade, args=(place, next_chart, "additive"))
        upgrading.start()
        for phase in ("Migrating", "RollingOut", "Purging"):
            until(partial(is_at, place, phase), 120, f"the operator is at {phase}")
            place.kubectl("delete", "pod", "--selector", OPERATOR, "--grace-period=0", "--force")
        upgrading.join()
        until(lambda: is_ready(place), 120, "the release is ready")
    figure(f"the operator killed at each step: {told}")
    assert not told.failures, told
    assert revision(place) == f"{NEXT:04}"
    assert kept_answers(place, old) == 0
    assert len(place.items("jobs", component="migration")) == 2


def test_nothing_keeps_the_namespace_once_the_operator_is_gone(place: Namespace) -> None:
    place.kubectl("delete", "deployment", "ps-parkingspots-operator")
    place.helm("uninstall", "ps", "--wait", "--timeout", "2m")
    assert json.loads(place.kubectl("get", "psrel", "--output", "json"))["items"] == []
    place.kubectl("delete", "namespace", place.name, "--timeout", "60s")
