"""The cache of the release before is purged when its pods are gone; that of the release itself only on demand."""

import pytest

from kube.objects import ended, job_status, release, serving_pod, waiting
from kube.story import Story
from parkingspots_operator.decide import AwaitPurge, AwaitRollout, Migrate, Purge, Rest, Stall, Step


def upgrade(story: Story, prefix: str, **spec: str) -> Step:
    """A release with this prefix, migrated and rolled out."""
    story.edit(release(image=f"parkingspots:{prefix}", prefix=prefix, **spec))
    story.job(story.migration, job_status("Complete"))
    story.deploy(serving_pod(f"pod-{prefix}", prefix), prefix=prefix)
    return story.look()


@pytest.fixture
def upgraded(story: Story) -> Story:
    """From prefix one to two, with the purge still to come."""
    upgrade(story, "one")
    upgrade(story, "two")
    return story


def test_the_prefix_before_is_purged_then_the_release_is_ready(upgraded: Story) -> None:
    name = upgraded.purge_of("one")
    assert upgraded.look() == Purge(name, "one")
    assert upgraded.condition("CachePurged")["reason"] == "Purging"
    assert upgraded.condition("Ready")["status"] == "False"
    upgraded.job(name, kind="purge")
    assert upgraded.look() == AwaitPurge(name, "one")
    upgraded.job(name, job_status("Complete"), kind="purge")
    assert upgraded.look() == Rest()
    assert upgraded.body["status"]["cache"] == {"current": "two", "stale": [], "failed": []}
    assert upgraded.condition("CachePurged")["status"] == "True"


def test_nothing_is_purged_while_old_pods_would_fill_it_again(story: Story) -> None:
    upgrade(story, "one")
    story.edit(release(image="parkingspots:two", prefix="two"))
    story.job(story.migration, job_status("Complete"))
    story.deploy(serving_pod("old", "one"), prefix="two")
    assert isinstance(story.look(), AwaitRollout)
    assert story.condition("CachePurged")["reason"] == "WaitsForRollout"


def test_a_purge_job_that_is_gone_before_it_was_seen_to_end_is_made_again(upgraded: Story) -> None:
    name = upgraded.purge_of("one")
    upgraded.job(name, kind="purge")
    upgraded.look()
    upgraded.without_job(name)
    assert upgraded.look() == Purge(name, "one")


def test_prefixes_of_rollouts_that_never_ended_are_purged_too(story: Story) -> None:
    upgrade(story, "one")
    story.edit(release(image="parkingspots:broken", prefix="broken"))
    story.look()
    upgrade(story, "three")
    assert story.body["status"]["cache"]["stale"] == ["one", "broken"]
    for prefix in ("one", "broken"):
        name = story.purge_of(prefix)
        assert story.look() == Purge(name, prefix)
        story.job(name, job_status("Complete"), kind="purge")
    assert story.look() == Rest()


def test_prefixes_of_pods_that_were_never_told_of_are_purged_too(story: Story) -> None:
    story.deploy(serving_pod("old", "zero"), prefix="minus-one")
    story.look()
    assert story.body["status"]["cache"]["stale"] == ["minus-one", "zero"]


def test_going_back_spares_the_prefix_that_is_used_again(story: Story) -> None:
    upgrade(story, "one")
    story.edit(release(image="parkingspots:two", prefix="two"))
    story.look()
    step = upgrade(story, "one")
    assert isinstance(step, Purge)
    assert step.prefix == "two"


def test_a_prefix_that_is_left_twice_is_purged_twice(story: Story) -> None:
    upgrade(story, "one")
    first = upgrade(story, "two")
    assert isinstance(first, Purge)
    story.job(first.job, job_status("Complete"), kind="purge")
    story.look()
    upgrade(story, "one")
    again = upgrade(story, "two")
    while isinstance(again, Purge) and again.prefix != "one":
        story.job(again.job, job_status("Complete"), kind="purge")
        again = story.look()
    assert isinstance(again, Purge)
    assert again.job != first.job


class TestFailing:
    @pytest.fixture
    def failed(self, upgraded: Story) -> Story:
        name = upgraded.purge_of("one")
        upgraded.job(name, job_status("Failed"), kind="purge")
        upgraded.pod(name, state=ended("Valkey cannot be reached", 1))
        upgraded.look()
        return upgraded

    def test_the_release_is_ready_all_the_same_and_says_so(self, failed: Story) -> None:
        assert failed.condition("Ready")["status"] == "True"
        purged = failed.condition("CachePurged")
        assert (purged["status"], purged["reason"]) == ("False", "PurgeFailed")
        assert "Prefix one" in purged["message"]
        assert "Valkey cannot be reached" in purged["message"]
        assert failed.body["status"]["cache"]["stale"] == ["one"]

    def test_it_is_not_tried_again_by_this_rollout(self, failed: Story) -> None:
        failed.pass_by(days=2)
        failed.without_job(failed.purge_of("one"))
        assert failed.look() == Rest()

    def test_the_next_rollout_tries_again(self, failed: Story) -> None:
        step = upgrade(failed, "three")
        assert isinstance(step, Purge)
        assert step.prefix == "one"

    def test_a_retry_token_migrates_what_may_have_been_lost_and_tries_again(self, failed: Story) -> None:
        before = failed.purge_of("one")
        failed.annotate("retry", "again")
        migrating = failed.look()
        assert isinstance(migrating, Migrate)
        failed.job(migrating.job, job_status("Complete"))
        step = failed.look()
        assert isinstance(step, Purge)
        assert step.job != before
        assert failed.condition("Ready")["status"] == "True"


class TestNotEnding:
    def test_a_purge_is_not_waited_for_for_ever(self, upgraded: Story) -> None:
        name = upgraded.purge_of("one")
        upgraded.job(name, kind="purge")
        upgraded.look()
        upgraded.pass_by(minutes=3)
        assert upgraded.look() == Rest()
        assert upgraded.condition("Ready")["status"] == "True"
        assert upgraded.condition("CachePurged")["reason"] == "PurgeUnfinished"
        upgraded.job(name, job_status("Complete"), kind="purge")
        upgraded.look()
        assert upgraded.condition("CachePurged")["status"] == "True"

    def test_one_whose_image_is_missing_is_not_waited_for(self, upgraded: Story) -> None:
        name = upgraded.purge_of("one")
        upgraded.job(name, kind="purge")
        upgraded.pod(name, state=waiting("InvalidImageName"))
        assert upgraded.look() == Rest()


class TestOnDemand:
    @pytest.fixture
    def asked(self, story: Story) -> Story:
        upgrade(story, "one")
        story.annotate("purge-cache", "monday")
        return story

    def test_the_current_prefix_is_purged_once_while_the_release_stays_ready(self, asked: Story) -> None:
        step = asked.look()
        assert isinstance(step, Purge)
        assert step.prefix == "one"
        assert asked.condition("Ready")["status"] == "True"
        assert asked.condition("Reconciling")["status"] == "False"
        asked.job(step.job, job_status("Complete"), kind="purge")
        assert asked.look() == Rest()
        asked.without_job(step.job)
        assert asked.look() == Rest()

    def test_another_token_purges_again(self, asked: Story) -> None:
        first = asked.look()
        assert isinstance(first, Purge)
        asked.job(first.job, job_status("Complete"), kind="purge")
        asked.look()
        asked.annotate("purge-cache", "tuesday")
        again = asked.look()
        assert isinstance(again, Purge)
        assert again.job != first.job

    def test_it_waits_for_a_rollout_that_is_under_way(self, story: Story) -> None:
        story.annotate("purge-cache", "monday")
        story.job(story.migration, job_status("Complete"))
        assert isinstance(story.look(), AwaitRollout)

    def test_one_that_failed_is_said_and_not_repeated(self, asked: Story) -> None:
        step = asked.look()
        assert isinstance(step, Purge)
        asked.job(step.job, job_status("Failed", "BackoffLimitExceeded"), kind="purge")
        assert asked.look() == Rest()
        assert asked.condition("CachePurged")["reason"] == "PurgeFailed"
        assert "BackoffLimitExceeded" in asked.condition("CachePurged")["message"]

    def test_one_that_does_not_end_is_said(self, asked: Story) -> None:
        step = asked.look()
        assert isinstance(step, Purge)
        asked.job(step.job, kind="purge")
        asked.look()
        asked.pass_by(minutes=3)
        assert asked.look() == Rest()
        assert asked.condition("CachePurged")["reason"] == "PurgeUnfinished"


def test_without_a_purge_template_nothing_is_purged(story: Story) -> None:
    upgrade(story, "one")
    body = release(image="parkingspots:two", prefix="two")
    del body["spec"]["cache"]["template"]
    story.edit(body)
    story.annotate("purge-cache", "monday")
    story.job(story.migration, job_status("Complete"))
    story.deploy(prefix="two")
    assert story.look() == Rest()
    assert story.condition("CachePurged")["status"] == "True"


def test_a_suspended_release_starts_no_purge(upgraded: Story) -> None:
    upgraded.edit(release(image="parkingspots:two", prefix="two", suspend=True))
    step = upgraded.look()
    assert isinstance(step, Stall)
    assert (step.reason, "Nothing is purged" in step.message) == ("Suspended", True)
