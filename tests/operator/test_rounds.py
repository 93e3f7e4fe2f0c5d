"""Looks at a cluster, one after the other: what is written there, and what happens when it cannot be."""

import json
from collections.abc import AsyncIterator, Callable
from itertools import count

import pytest

from kube.cluster import Cluster
from kube.objects import NAME
from kube.process import Operator, started
from parkingspots_operator.reconcile import Reconciler

MIGRATED = json.dumps({"from": "0018", "to": "0019"})


@pytest.fixture
async def operator(cluster: Cluster) -> AsyncIterator[Operator]:
    del cluster  # KUBECONFIG leads there
    async with started() as operator:
        yield operator


async def released(cluster: Cluster, operator: Operator, prefix: str = "one") -> None:
    """The Release is Ready with this prefix."""
    if NAME in cluster.api.objects["releases"]:
        await cluster.upgrade(image=f"parkingspots:{prefix}", prefix=prefix)
    else:
        await cluster.install(image=f"parkingspots:{prefix}", prefix=prefix)
    await cluster.roll_out(prefix)
    while cluster.phase() != "Ready" or cluster.status()["observedGeneration"] != _generation(cluster):
        await operator.look()
        for job in cluster.unfinished():
            await cluster.finish(job, MIGRATED)


def _generation(cluster: Cluster) -> int:
    found: int = cluster.api.objects["releases"][NAME]["metadata"]["generation"]
    return found


async def test_a_release_is_migrated_rolled_out_and_purged_in_this_order(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    await cluster.upgrade(image="parkingspots:2", prefix="two")
    await operator.look()
    assert cluster.phase() == "Migrating"
    await cluster.finish(cluster.unfinished()[0], MIGRATED)
    await operator.look()
    assert cluster.phase() == "RollingOut"
    await cluster.roll_out("two")
    await operator.look()
    assert cluster.phase() == "Purging"
    purge = cluster.unfinished()[0]
    assert cluster.api.objects["jobs"][purge]["spec"]["template"]["spec"]["containers"][0]["args"][-1] == "one"
    await cluster.finish(purge)
    await operator.look()
    assert cluster.phase() == "Ready"
    assert len(cluster.jobs("migration")) == 2
    assert cluster.jobs("purge") == [purge]


async def test_each_transition_is_one_event(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    await operator.look(5)
    await cluster.upgrade(image="parkingspots:2", prefix="two", revision="0020")
    await operator.look()
    await cluster.fail(cluster.unfinished()[0])
    await operator.look(5)
    assert cluster.told() == ["Migrating", "Ready", "Migrating", "MigrationFailed"]
    kinds = [body["type"] for body in cluster.api.objects["events"].values()]
    assert kinds == ["Normal"] * 3 + ["Warning"]
    about = next(iter(cluster.api.objects["events"].values()))["involvedObject"]
    assert (about["kind"], about["name"], about["uid"]) == ("Release", NAME, f"uid-of-{NAME}")


async def test_a_purge_that_fails_is_an_event_too(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    await cluster.annotate("purge-cache", "monday")
    await operator.look()
    await cluster.fail(cluster.unfinished()[0], "Valkey is away. " * 200)
    await operator.look(3)
    await cluster.upgrade(image="parkingspots:one", prefix="one", deadlineSeconds=60)
    await operator.look()
    last = list(cluster.api.objects["events"].values())[-1]
    assert (last["reason"], last["type"], cluster.told().count("PurgeFailed")) == ("PurgeFailed", "Warning", 1)
    assert len(last["message"]) <= 1024


async def test_a_quiet_cluster_is_not_written_to(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    before = cluster.api.objects["releases"][NAME]
    assert await operator.look(3) == 60
    assert cluster.api.objects["releases"][NAME] is before


async def test_while_something_is_awaited_it_looks_more_often(cluster: Cluster, operator: Operator) -> None:
    await cluster.install()
    assert await operator.look() == 10


async def test_an_operator_that_starts_anew_goes_on_where_the_other_stood(cluster: Cluster) -> None:
    await cluster.install()
    for deed in ("migrate", "roll out", "rest"):
        async with started() as operator:
            await operator.look(2)
        if deed == "migrate":
            await cluster.finish(cluster.unfinished()[0], MIGRATED)
        if deed == "roll out":
            await cluster.roll_out("one")
    assert cluster.phase() == "Ready"
    assert len(cluster.jobs()) == 1


async def test_a_job_that_was_made_before_anything_was_written_is_found(cluster: Cluster, operator: Operator) -> None:
    await cluster.install()
    await operator.look()
    await cluster.api.edit("releases", NAME, lambda body: body.update(status={"observedGeneration": -1}))
    await operator.look(2)
    assert len(cluster.jobs()) == 1
    assert cluster.phase() == "Migrating"


async def test_a_job_that_came_between_is_taken_as_made(cluster: Cluster, operator: Operator) -> None:
    await cluster.install()
    cluster.api.refusals["create", "jobs"] = (409, "already exists")
    await operator.look()
    assert cluster.phase() == "Migrating"


class TestRefusals:
    @pytest.mark.parametrize("status", [403, 422])
    async def test_a_migration_that_kubernetes_refuses_is_stalled_with_its_sentence(
        self, cluster: Cluster, operator: Operator, status: int
    ) -> None:
        await cluster.install()
        cluster.api.refusals["create", "jobs"] = (status, "exceeded quota: pods=0")
        await operator.look(3)
        assert cluster.phase() == "JobRefused"
        assert "exceeded quota: pods=0" in cluster.condition("Stalled")["message"]
        assert cluster.told() == ["JobRefused"]

    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_an_error_that_passes_stalls_no_release(
        self, cluster: Cluster, operator: Operator, status: int
    ) -> None:
        await cluster.install()
        cluster.api.refusals["create", "jobs"] = (status, "etcdserver: request timed out")
        await operator.look()
        assert cluster.told() == []
        cluster.api.refusals.clear()
        await operator.look()
        assert (cluster.phase(), cluster.told()) == ("Migrating", ["Migrating"])

    async def test_a_webhook_that_fails_for_one_release_keeps_no_other_from_its_turn(
        self, cluster: Cluster, operator: Operator
    ) -> None:
        await cluster.install()
        await cluster.install("other", deployment="other", suspend=True)
        cluster.api.refusals["create", "jobs"] = (500, "failed calling webhook")
        assert await operator.look() == 60
        assert "failed calling webhook" in cluster.condition("Stalled")["message"]
        assert cluster.phase("other") == "Suspended"

    async def test_it_goes_on_by_itself_when_it_is_allowed(self, cluster: Cluster, operator: Operator) -> None:
        await cluster.install()
        cluster.api.refusals["create", "jobs"] = (403, "exceeded quota")
        await operator.look()
        cluster.api.refusals.clear()
        await operator.look()
        assert cluster.phase() == "Migrating"

    async def test_a_purge_that_kubernetes_refuses_keeps_no_release_from_being_ready(
        self, cluster: Cluster, operator: Operator
    ) -> None:
        await released(cluster, operator)
        await cluster.upgrade(image="parkingspots:2", prefix="two")
        await operator.look()
        await cluster.finish(cluster.unfinished()[0], MIGRATED)
        await cluster.roll_out("two")
        cluster.api.refusals["create", "jobs"] = (403, "exceeded quota")
        await operator.look()
        assert cluster.phase() == "Ready"
        assert "exceeded quota" in cluster.condition("CachePurged")["message"]

    async def test_a_purge_on_demand_that_is_refused_is_not_tried_again(
        self, cluster: Cluster, operator: Operator
    ) -> None:
        await released(cluster, operator)
        await cluster.annotate("purge-cache", "monday")
        cluster.api.refusals["create", "jobs"] = (403, "exceeded quota")
        await operator.look()
        cluster.api.refusals.clear()
        await operator.look()
        assert cluster.jobs("purge") == []
        assert cluster.condition("CachePurged")["reason"] == "PurgeFailed"

    async def test_an_event_that_is_refused_stops_nothing(self, cluster: Cluster, operator: Operator) -> None:
        cluster.api.refusals["create", "events"] = (403, "no events for you")
        await released(cluster, operator)
        assert cluster.phase() == "Ready"


async def test_a_release_that_was_edited_while_it_was_looked_at_is_looked_at_again(
    cluster: Cluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.install()
    own = Reconciler._start

    async def meanwhile(self: Reconciler, *about: object) -> None:
        await own(self, *about)  # type: ignore[arg-type]
        await cluster.upgrade(image="parkingspots:2", prefix="two")
        monkeypatch.undo()

    with monkeypatch.context() as patch:
        patch.setattr(Reconciler, "_start", meanwhile)
        await operator.look()
    assert cluster.phase() is None
    assert operator.metric("reconciles_total", result="conflict") == 1
    await operator.look()
    assert cluster.status()["observedGeneration"] == 2


async def test_a_release_that_is_being_deleted_is_left_alone(cluster: Cluster, operator: Operator) -> None:
    await cluster.install()
    await cluster.api.edit(
        "releases", NAME, lambda body: body["metadata"].update(deletionTimestamp="2040-01-01T00:00:00Z")
    )
    await operator.look()
    assert cluster.jobs() == []


async def test_of_two_releases_for_one_deployment_the_older_has_it(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    await cluster.install("z-second")
    await operator.look()
    assert cluster.phase("z-second") == "DeploymentTaken"
    assert cluster.phase() == "Ready"
    await cluster.api.delete("releases", NAME)
    await operator.look()
    assert cluster.phase("z-second") == "Migrating"


class TestTheApiServerIsAway:
    async def test_nothing_is_lost_and_tries_get_rarer(self, cluster: Cluster, operator: Operator) -> None:
        await cluster.install()
        await operator.look()
        await cluster.api.go_away()
        pauses = [await operator.look() for _ in range(7)]
        assert pauses == [1, 2, 4, 8, 16, 30, 30]
        cluster.api.come_back()
        await cluster.finish(cluster.unfinished()[0], MIGRATED)
        await operator.look()
        assert cluster.phase() == "RollingOut"

    @pytest.mark.parametrize("status", [401, 403, 503])
    async def test_one_that_answers_with_errors_is_as_good_as_away(
        self, cluster: Cluster, operator: Operator, status: int
    ) -> None:
        await cluster.install()
        cluster.api.refusals["list", "releases"] = (status, "not now")
        assert await operator.look() == 1
        cluster.api.refusals.clear()
        await operator.look()
        assert cluster.phase() == "Migrating"
        assert operator.metric("failures_total", result="unavailable") == 1

    async def test_one_that_goes_away_in_the_middle_is_found_as_it_was_left(
        self, cluster: Cluster, operator: Operator
    ) -> None:
        await cluster.install()
        cluster.api.refusals["patch", "releases"] = (503, "etcd has no leader")
        await operator.look(2)
        assert (len(cluster.jobs()), cluster.phase()) == (1, None)
        cluster.api.refusals.clear()
        await operator.look()
        assert (len(cluster.jobs()), cluster.phase()) == (1, "Migrating")


class TestErrorsOfItsOwn:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        async def fail(self: Reconciler, release: object, seen: object) -> None:
            del self, seen
            if getattr(release, "name", "") == NAME:
                raise TypeError("a bug")

        own = Reconciler.reconcile

        async def reconcile(self: Reconciler, release: object, seen: object) -> object:
            await fail(self, release, seen)
            return await own(self, release, seen)  # type: ignore[arg-type]

        monkeypatch.setattr(Reconciler, "reconcile", reconcile)
        return monkeypatch

    async def test_they_are_not_met_again_at_once(
        self, cluster: Cluster, operator: Operator, broken: pytest.MonkeyPatch
    ) -> None:
        del broken
        await cluster.install()
        operator.rounds.clock = lambda: 1_000.0  # it stands
        await operator.look(9)
        assert operator.metric("failures_total", result="failed") == 1

    async def test_they_are_met_five_times_then_the_release_is_left_alone(
        self, cluster: Cluster, operator: Operator, broken: pytest.MonkeyPatch
    ) -> None:
        del broken
        await cluster.install()
        operator.rounds.clock = _hurrying()
        await operator.look(9)
        assert operator.metric("failures_total", result="failed") == 5
        assert cluster.phase() == "OperatorFailed"
        assert "TypeError: a bug" in cluster.condition("Stalled")["message"]

    async def test_another_release_has_its_turn(
        self, cluster: Cluster, operator: Operator, broken: pytest.MonkeyPatch
    ) -> None:
        del broken
        await cluster.install()
        await cluster.install("other", deployment="other")
        await operator.look()
        assert cluster.phase("other") == "Migrating"

    async def test_a_changed_release_is_tried_again(
        self, cluster: Cluster, operator: Operator, broken: pytest.MonkeyPatch
    ) -> None:
        await cluster.install()
        operator.rounds.clock = _hurrying()
        await operator.look(6)
        broken.undo()
        await operator.look()
        assert cluster.phase() == "OperatorFailed"
        await cluster.upgrade(image="parkingspots:2")
        await operator.look()
        assert cluster.phase() == "Migrating"


def _hurrying() -> Callable[[], float]:
    """A clock on which a minute goes by between two looks."""
    minutes = count(0.0, 60.0)
    return lambda: next(minutes)


async def test_metrics_tell_the_phase_of_each_release_that_is_there(cluster: Cluster, operator: Operator) -> None:
    await released(cluster, operator)
    assert operator.metric("release_phase", release=NAME, phase="Ready") == 1
    assert operator.metric("release_phase", release=NAME, phase="Migrating") is None
    assert operator.metric("reconcile_seconds_count") == operator.metric("reconciles_total", result="changed")
    await cluster.api.delete("releases", NAME)
    await operator.look()
    assert operator.metric("release_phase", release=NAME, phase="Ready") is None
