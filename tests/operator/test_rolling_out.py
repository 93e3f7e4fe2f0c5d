"""After the migration the Deployment is waited for: new pods serve, old ones are gone."""

from typing import Any

import pytest

from kube.objects import DEPLOYMENT, at, job_status, serving_pod, waiting
from kube.story import Story
from parkingspots_operator.decide import AwaitRollout, Rest, Stall

WHY = "ReplicaSet is late."
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": WHY}


@pytest.fixture
def migrated(story: Story) -> Story:
    story.job(story.migration, job_status("Complete"))
    return story


def test_without_a_deployment_it_is_waited_for(migrated: Story) -> None:
    assert migrated.look() == AwaitRollout(f"There is no Deployment {DEPLOYMENT} yet.")


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"prefix": "zero"}, "is not of this release yet: its cache prefix is zero, not one"),
        ({"prefix": ""}, "its cache prefix is none, not one"),
        ({"observedGeneration": 0}, "has not been taken up yet"),
        ({"updatedReplicas": 1}, "1 of 2 pods are of this release"),
        ({"replicas": 3}, "1 old pods still serve"),
        ({"availableReplicas": 1}, "1 of 2 pods are available"),
        ({"unavailableReplicas": 1}, "pods are available"),
    ],
)
def test_it_waits_while(migrated: Story, about: dict[str, Any], sentence: str) -> None:
    migrated.deploy(**about)
    step = migrated.look()
    assert isinstance(step, AwaitRollout)
    assert sentence in step.message
    assert migrated.condition("RolledOut")["message"] == step.message


def test_a_paused_deployment_says_how_to_resume(migrated: Story) -> None:
    migrated.deploy(paused=True)
    step = migrated.look()
    assert isinstance(step, AwaitRollout)
    assert f"kubectl rollout resume deployment/{DEPLOYMENT}" in step.message


def test_old_pods_that_shut_down_are_waited_for(migrated: Story) -> None:
    old = [serving_pod(f"old-{number}", "zero") for number in range(5)]
    migrated.deploy(*old, serving_pod("new", "one"))
    step = migrated.look()
    assert isinstance(step, AwaitRollout)
    assert "old-0, old-1, old-2 and 2 more" in step.message


def test_pods_without_a_prefix_are_old(migrated: Story) -> None:
    pod = serving_pod("ancient", "")
    migrated.deploy(pod)
    assert isinstance(migrated.look(), AwaitRollout)


def test_pods_that_have_ended_are_gone(migrated: Story) -> None:
    migrated.deploy(serving_pod("evicted", "zero", phase="Failed"), serving_pod("new", "one"))
    assert not isinstance(migrated.look(), AwaitRollout)


def test_a_first_install_is_ready_with_nothing_to_purge(migrated: Story) -> None:
    migrated.deploy(serving_pod("new", "one"))
    assert migrated.look() == Rest()
    assert migrated.condition("Ready")["status"] == "True"
    assert migrated.condition("CachePurged")["status"] == "True"


def test_a_deployment_without_pods_is_rolled_out(migrated: Story) -> None:
    migrated.deploy(desired=0)
    assert migrated.look() == Rest()


def test_a_rollout_that_kubernetes_gave_up_waiting_for_is_stalled_and_recovers(migrated: Story) -> None:
    unpulled = {"name": "api", "image": "x:2", "state": waiting("ErrImagePull", "no x:2")}
    migrated.deploy(serving_pod("new", "one", containerStatuses=[unpulled]), updatedReplicas=1, conditions=[LATE])
    step = migrated.look()
    assert isinstance(step, Stall)
    assert step.reason == "RolloutStalled"
    assert WHY in step.message
    assert "no x:2" in step.message
    migrated.deploy()
    assert migrated.look() == Rest()


def crashing(restarts: int, said: str = "", *, ready: bool = False, **state: Any) -> dict[str, Any]:
    """The status of a container that has ended so often."""
    end = {"terminated": {"exitCode": 1, "reason": "Error", "message": said}}
    return {"name": "api", "image": "x:2", "ready": ready, "restartCount": restarts, "state": state, "lastState": end}


@pytest.mark.parametrize("state", [waiting("CrashLoopBackOff"), {"running": {}}], ids=["waiting", "once more"])
def test_a_new_pod_that_ends_again_and_again_is_a_stall_with_its_last_words(
    migrated: Story, state: dict[str, Any]
) -> None:
    pod = serving_pod("new", "one", containerStatuses=[crashing(2, "No key.\n", **state)])
    migrated.deploy(pod, updatedReplicas=1)
    step = migrated.look()
    assert isinstance(step, Stall)
    assert step.reason == "RolloutStalled"
    assert "Pod new: The container api ends again and again: exit code 1, Error\nNo key." in step.message
    assert migrated.condition("RolledOut")["message"] == step.message
    migrated.deploy(serving_pod("new", "one", containerStatuses=[crashing(2, ready=True, running={})]))
    assert migrated.look() == Rest()


@pytest.mark.parametrize(
    "pods",
    [
        [serving_pod("new", "one", containerStatuses=[crashing(1, **waiting("CrashLoopBackOff"))])],
        [serving_pod("old", "zero", containerStatuses=[crashing(9)]), serving_pod("new", "one")],
        [serving_pod("new", "one", containerStatuses=[crashing(9)], phase="Failed")],
    ],
    ids=["it ended once", "it is an old one", "it has been given up"],
)
def test_it_goes_on_waiting_where_a_pod_has_ended_and(migrated: Story, pods: list[dict[str, Any]]) -> None:
    migrated.deploy(*pods, updatedReplicas=1)
    assert isinstance(migrated.look(), AwaitRollout)


def test_pods_of_a_setting_that_has_been_mended_hold_nothing_up(migrated: Story) -> None:
    broken = serving_pod("broken", "one", containerStatuses=[crashing(9)])
    mended = serving_pod("mended", "one")
    broken["metadata"]["labels"] = {"pod-template-hash": "a"}
    mended["metadata"] |= {"labels": {"pod-template-hash": "b"}, "creationTimestamp": at(60)}
    migrated.deploy(broken, mended, updatedReplicas=1)
    assert isinstance(migrated.look(), AwaitRollout)


def test_an_image_that_a_new_pod_cannot_have_is_a_stall_once_that_lasts(migrated: Story) -> None:
    unpulled = {"name": "api", "image": "x:2", "state": waiting("ImagePullBackOff", "no x:2")}
    migrated.deploy(serving_pod("new", "one", containerStatuses=[unpulled]), updatedReplicas=1)
    assert isinstance(migrated.look(), AwaitRollout)
    migrated.pass_by(seconds=21)
    step = migrated.look()
    assert isinstance(step, Stall)
    assert "Pod new: The image x:2 cannot be pulled: no x:2" in step.message


def test_a_pod_that_no_node_takes_is_waited_for_and_named(migrated: Story) -> None:
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: cpu"}
    migrated.deploy(serving_pod("new", "one", phase="Pending", conditions=[unplaced]), updatedReplicas=1)
    step = migrated.look()
    assert isinstance(step, AwaitRollout)
    assert "No node takes pod new: 0/1 nodes: cpu" in step.message


@pytest.mark.parametrize("about", [{"prefix": "zero"}, {"observedGeneration": 0}], ids=["another", "not taken up"])
def test_that_the_deployment_was_late_before_this_release_is_no_stall(migrated: Story, about: dict[str, Any]) -> None:
    migrated.deploy(conditions=[LATE], **about)
    assert isinstance(migrated.look(), AwaitRollout)


def test_a_rollout_that_takes_too_long_is_stalled_and_recovers(migrated: Story) -> None:
    migrated.deploy(availableReplicas=1)
    migrated.look()
    migrated.pass_by(seconds=901)
    step = migrated.look()
    assert isinstance(step, Stall)
    assert step.reason == "DeadlineExceeded"
    assert "1 of 2 pods are available" in step.message
    migrated.deploy()
    assert migrated.look() == Rest()


def test_once_ready_single_pods_are_the_deployments_matter(migrated: Story) -> None:
    migrated.deploy()
    migrated.look()
    migrated.pass_by(days=1)
    for about in ({"availableReplicas": 1}, {"prefix": "two"}):
        migrated.deploy(serving_pod("other", "two"), **about)
        assert migrated.look() == Rest()
    assert migrated.body["status"]["cache"]["stale"] == []


def test_pods_that_were_ready_before_the_migration_are_looked_at_again_after_it(story: Story) -> None:
    story.deploy()
    story.look()
    story.job(story.migration, job_status("Complete"))
    story.deploy(availableReplicas=1)
    assert isinstance(story.look(), AwaitRollout)
