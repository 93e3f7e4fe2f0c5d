"""The chart's backup: a dump to a volume by a CronJob, and a Job that reads it back."""

from collections.abc import Iterator

import pytest

from cluster.clients import visitors
from cluster.conftest import options
from cluster.kube import CHART, Namespace, namespace, values

HOST = "backup.parkingspots.local"
BACKUP = "cronjob/ps-postgresql-backup"
RESTORE = "cronjob/ps-postgresql-restore"


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with namespace("ps-backup") as made:
        made.helm("install", "ps", str(CHART), *options(HOST), *values(postgresql__backup__enabled=True))
        yield made


def run_job(place: Namespace, name: str, of: str) -> str:
    place.kubectl("create", "job", name, f"--from={of}")
    place.kubectl("wait", f"job/{name}", "--for=condition=complete", "--timeout=120s")
    return place.kubectl("logs", f"job/{name}")


def test_what_was_deleted_comes_back_and_what_is_served_is_true(place: Namespace) -> None:
    who = visitors(HOST, spots=2)
    before = place.sql("SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM users u")
    assert "Kept /dumps/" in run_job(place, "dump", BACKUP)

    place.sql("UPDATE spots SET title = 'spoiled'; UPDATE users SET full_name = 'spoiled'")
    assert "Restored /dumps/" in run_job(place, "read-back", RESTORE)

    assert place.sql("SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM users u") == before
    assert place.sql("SELECT count(*) FROM spots WHERE title LIKE 'Load %'") == str(len(who.spots))
