"""The chart's backup: a dump to a volume by a CronJob, and a Job that reads it back, there or in an empty cluster."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple

import pytest

from cluster import truth
from cluster.clients import Connection, signed_in, visitors
from cluster.conftest import Judge, options
from cluster.kube import CHART, Namespace, namespace, run, until, values
from cluster.load import load
from resilience.scenario import Group

BACKUP = "cronjob/ps-postgresql-backup"
RESTORE = "cronjob/ps-postgresql-restore"
IN_HAND = '[{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ["sleep 3600"]}]'
A_WHILE = 1_000  # requests
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
Rows = Mapping[str, set[str]]


class Places(NamedTuple):
    source: Namespace
    elsewhere: Namespace


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """Two releases that know nothing of each other. No minute job writes while their rows are compared."""
    with namespace("ps-backup") as source, namespace("ps-restored") as elsewhere:
        made = Places(source, elsewhere)
        with ThreadPoolExecutor() as pool:
            list(pool.map(_install, made))
        yield made


def _install(place: Namespace) -> None:
    ours = values(postgresql__backup__enabled=True, lifecycle__suspend=True)
    place.helm("install", "ps", str(CHART), *options(host(place)), *ours)


def host(place: Namespace) -> str:
    return f"{place.name}.parkingspots.local"


def run_job(place: Namespace, name: str, of: str) -> str:
    place.kubectl("create", "job", name, f"--from={of}")
    place.kubectl("wait", f"job/{name}", "--for=condition=complete", "--timeout=120s")
    return place.kubectl("logs", f"job/{name}")


def test_a_dump_taken_under_load_is_read_back_into_an_empty_cluster_row_by_row(places: Places, judge: Judge) -> None:
    source, elsewhere = places
    who = visitors(host(source))
    with load(who) as told:
        until(lambda: told.requests > A_WHILE, 60, "some requests")
        acknowledged, before = set(who.booked), rows(source)
        assert "Kept /dumps/" in run_job(source, "dump", BACKUP)
    after = rows(source)
    carried(source, elsewhere)
    assert "Restored /dumps/" in run_job(elsewhere, "read-back", RESTORE)
    restored = rows(elsewhere)
    judge(
        "backup-read-back-elsewhere",
        told,
        source,
        promised="Nobody's request fails, and whatever was committed before the dump began is there, row by row",
        also=differences(before, after, restored) + truth.contradictions(elsewhere),
        measured=f"{sum(map(len, restored.values())):,} rows of {len(restored)} tables",
        group=Group.BACKUP,
    )
    assert acknowledged <= set(elsewhere.sql("SELECT id FROM bookings").splitlines())
    with closing(Connection(host(elsewhere), signed_in(host(elsewhere), who.renter)["access_token"])) as connection:
        assert connection.ask("GET", f"/bookings/{acknowledged.pop()}").status == 200


def test_what_was_spoiled_comes_back_and_what_is_served_is_true(places: Places) -> None:
    place = places.source
    before = rows(place)
    assert "Kept /dumps/" in run_job(place, "dump-again", BACKUP)

    place.sql("UPDATE spots SET title = 'spoiled'; UPDATE users SET full_name = 'spoiled'")
    assert "Restored /dumps/" in run_job(place, "read-back", RESTORE)

    assert differences(before, before, rows(place)) == []
    spot, title = place.sql("SELECT id, title FROM spots LIMIT 1").split("|")
    with closing(Connection(host(place))) as connection:
        assert connection.ask("GET", f"/parking-spots/{spot}").body["title"] == title


def rows(place: Namespace) -> Rows:
    """Hashes of all rows of each table, at one moment."""
    tables = place.sql(TABLES).splitlines()
    every = " UNION ALL ".join(f"SELECT '{table}', md5(row::text) FROM public.{table} AS row" for table in tables)
    found: dict[str, set[str]] = defaultdict(set)
    for line in place.sql(every).splitlines():
        table, hashed = line.split("|")
        found[table].add(hashed)
    return found


def differences(before: Rows, after: Rows, restored: Rows) -> list[str]:
    """Rows that were there all the time must be in what was restored, and no row may be there that never was.

    One is: reading a dump back tells every process to forget what it keeps.
    """
    found = []
    for table in before.keys() | restored.keys():
        there, known = restored.get(table, set()), before.get(table, set()) | after.get(table, set())
        lost, strange = (known & before.get(table, set()) & after.get(table, set())) - there, there - known
        if lost:
            found.append(f"{len(lost)} rows of {table} are lost")
        if len(strange) > (table == "changes"):
            found.append(f"{len(strange)} rows of {table} never were")
    return found


def carried(source: Namespace, elsewhere: Namespace) -> None:
    """Bring the newest dump into the other cluster's volume, as docs/operations.md has it."""
    for place in (source, elsewhere):
        job = place.kubectl("create", "job", "hand", f"--from={RESTORE}", "--dry-run=client", "--output", "json")
        patch = ("--local", "--filename", "-", "--type", "json", "--patch", IN_HAND, "--output", "json")
        place.kubectl("create", "--filename", "-", given=place.kubectl("patch", *patch, given=job))
        place.kubectl("wait", "pod", "--selector", "job-name=hand", "--for=condition=Ready", "--timeout=120s")
    (dump,) = source.kubectl("exec", "job/hand", "--", "ls", "/dumps").split()
    taken = f"kubectl --namespace {source.name} exec job/hand -- cat /dumps/{dump}"
    put = f"kubectl --namespace {elsewhere.name} exec --stdin job/hand -- sh -c 'cat > /dumps/{dump}'"
    run("sh", "-c", f"{taken} | {put}")
    for place in (source, elsewhere):
        place.kubectl("delete", "job", "hand", "--cascade=foreground", "--wait=false")
