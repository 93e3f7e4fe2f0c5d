"""The minute job, killed in the midst of its work: the next run does the rest, and nothing twice."""

from threading import Thread

from cluster.clients import Visitors
from cluster.conftest import Judge, settled
from cluster.kube import KubeError, Namespace, until
from cluster.load import load
from resilience.scenario import Group

JOB = "cronjob/ps-parkingspots-lifecycle"
PAST = 40
"""Bookings of each spot that are over."""
OVER = """
    INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time, total_amount,
        service_fee, owner_payout, currency)
    SELECT spots.id, users.id, spots.owner_id, 'confirmed', 'completed',
        date_trunc('hour', now()) - (number + 2) * interval '1 hour',
        date_trunc('hour', now()) - (number + 1) * interval '1 hour', 770, 70, 700, 'EUR'
    FROM spots, users, generate_series(1, {}) AS number WHERE users.email = '{}' AND spots.id IN ({})
        AND (number = 1 OR spots.id <> '{}')
"""
LEFT = "SELECT count(*) FROM bookings WHERE status = 'confirmed' AND end_time < now()"
HOLD = "BEGIN; SELECT FROM spot_stats WHERE spot_id = '{}' FOR UPDATE; SELECT pg_sleep(240)"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%spot_stats%'"
LET_GO = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT FROM spot_stats%'"


def test_a_minute_job_that_is_killed_at_work_loses_and_doubles_nothing(
    release: Namespace, who: Visitors, judge: Judge
) -> None:
    settled(release)
    release.kubectl("patch", JOB, "--patch", '{"spec": {"suspend": true}}')
    holder = Thread(target=_ignoring_the_end, args=(release, HOLD.format(who.spots[0])))
    holder.start()
    with load(who) as told:
        until(lambda: release.sql(HOLDERS) == "1", 30, "somebody holds the counter of a spot")
        spots = ", ".join(f"'{spot}'" for spot in who.spots)
        release.sql(OVER.format(PAST, who.renter["email"], spots, who.spots[0]))
        release.kubectl("create", "job", "killed", f"--from={JOB}")
        until(lambda: release.sql(WAITS) != "0", 120, "the job is at work")
        release.kubectl("delete", "pod", "--selector", "job-name=killed", "--grace-period=0", "--force")
        release.sql(LET_GO)
        holder.join()
        release.kubectl("create", "job", "after-it", f"--from={JOB}")
        release.kubectl("wait", "job/after-it", "--for=condition=complete", "--timeout=120s")
    promised = "Nobody's request fails; the next run does the rest, and counts nothing twice"
    judge("minute-job-killed", told, release, promised=promised, group=Group.KILLED)
    assert release.sql(LEFT) == "0"
    release.kubectl("delete", "job", "killed", "after-it")
    release.kubectl("patch", JOB, "--patch", '{"spec": {"suspend": false}}')


HOLDERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def _ignoring_the_end(release: Namespace, statement: str) -> None:
    try:
        release.sql(statement)
    except KubeError:
        return
