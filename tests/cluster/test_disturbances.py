"""What happens to clients while pods go: under load, through the Ingress."""

import json
from functools import partial

import pytest

from cluster import truth
from cluster.clients import Visitors, led_to
from cluster.conftest import Figure, Judge, settled
from cluster.kube import Namespace, run, until
from cluster.load import SHED, load
from resilience.scenario import Group


def test_a_pod_that_is_deleted_fails_nobody(release: Namespace, who: Visitors, judge: Judge) -> None:
    settled(release)
    with load(who) as told:
        release.kubectl("delete", "pod", release.ready_pods("api")[0])
        settled(release)
    judge("pod-deleted", told, release, group=Group.KILLED)


def test_the_load_notices_pods_that_go_without_grace(release: Namespace, who: Visitors, figure: Figure) -> None:
    settled(release)
    with load(who) as told:
        release.kubectl("delete", "pod", *release.ready_pods("api"), "--grace-period", "0", "--force")
        settled(release)
    led_to(who.host)
    figure(f"pods-deleted-without-grace: {told}")
    assert told.failures, "the load would not see a failure"
    assert not truth.flaws(release, who)


def test_a_drain_goes_by_the_budget_and_fails_nobody(release: Namespace, who: Visitors, judge: Judge) -> None:
    settled(release)
    with load(who) as told:
        for pod in release.ready_pods("api"):
            until(partial(evicted, release, pod), 120, f"the eviction of {pod} is allowed")
        settled(release)
    judge("node-drained", told, release)


def evicted(release: Namespace, pod: str) -> bool:
    """Whether the eviction API took it; it refuses with 429 while the budget is used up."""
    wish = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": release.name}}
    path = f"/api/v1/namespaces/{release.name}/pods/{pod}/eviction"
    try:
        run("kubectl", "create", "--raw", path, "--filename", "-", given=json.dumps(wish))
    except AssertionError as refusal:
        if "disruption budget" in str(refusal) or "TooManyRequests" in str(refusal):
            return False
        raise
    return True


def test_valkey_deleted_fails_nobody(release: Namespace, who: Visitors, judge: Judge) -> None:
    settled(release)
    with load(who) as told:
        release.kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=cache", "--wait=false")
        release.kubectl("rollout", "status", "deployment/ps-valkey", "--timeout", "120s")
    judge("valkey-pod-deleted", told, release, group=Group.KILLED)


def test_a_restart_of_the_database_loses_no_booking(release: Namespace, who: Visitors, judge: Judge) -> None:
    settled(release)
    with load(who) as told:
        release.kubectl("delete", "pod", "ps-postgresql-0")
        release.kubectl("rollout", "status", "statefulset/ps-postgresql", "--timeout", "180s")
        settled(release)
    promised = "While it is away requests are answered from what is kept, or by 503 with Retry-After; nothing is lost"
    judge("postgresql-pod-deleted", told, release, promised=promised, but={SHED}, group=Group.KILLED)
    restarts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in release.items("pods", component="api")]
    assert not any(restarts), "no probe restarts a pod for its database"


@pytest.mark.parametrize("component", ["api", "operator"])
def test_no_pod_was_restarted(release: Namespace, component: str) -> None:
    for pod in release.items("pods", component=component):
        assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]
