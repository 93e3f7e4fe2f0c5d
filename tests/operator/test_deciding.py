"""What a Release may ask, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kube.objects import job_status, release, serving_pod
from kube.story import Story
from parkingspots_operator.decide import AwaitMigration, AwaitRollout, Migrate, Rest, Stall
from parkingspots_operator.release import Release
from parkingspots_operator.seeing import holder

KINDS = ("Ready", "Reconciling", "Stalled", "Migrated", "RolledOut", "CachePurged")


class TestSuspended:
    def test_nothing_is_started(self, story: Story) -> None:
        story.edit(release(suspend=True))
        step = story.look()
        assert step == Stall("Suspended", "Nothing is migrated while spec.suspend is true: set it to false to go on.")

    def test_it_goes_on_when_that_ends(self, story: Story) -> None:
        story.edit(release(suspend=True))
        story.look()
        story.edit(release())
        assert isinstance(story.look(), Migrate)

    def test_the_time_that_it_was_suspended_does_not_count(self, story: Story) -> None:
        story.edit(release(suspend=True))
        story.look()
        story.pass_by(days=1)
        story.edit(release())
        story.look()
        story.job(story.migration)
        assert isinstance(story.look(), AwaitMigration)

    def test_what_runs_is_followed_to_its_end(self, story: Story) -> None:
        story.job(story.migration)
        story.look()
        story.edit(release(suspend=True))
        assert isinstance(story.look(), AwaitMigration)
        story.job(story.migration, job_status("Complete"))
        assert isinstance(story.look(), AwaitRollout)
        story.deploy()
        assert story.look() == Rest()

    def test_a_release_that_is_complete_stays_ready(self, story: Story) -> None:
        story.job(story.migration, job_status("Complete"))
        story.deploy()
        story.look()
        story.edit(release(suspend=True))
        story.annotate("purge-cache", "monday")
        assert story.look() == Rest()
        assert story.condition("Ready")["status"] == "True"
        assert story.condition("CachePurged")["reason"] == "PurgeUnfinished"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"revision": ""}, "spec.revision must be given."),
        ({"deployment": None, "cache": {}}, "spec.deployment and spec.cache.prefix must be given."),
        ({"migration": {}}, "spec.migration.template.spec.template.spec.containers must name"),
        ({"migration": {"template": {"spec": {"template": "odd"}}}}, "spec.migration.template"),
        (
            {"migration": {"template": {"spec": {"template": {"spec": {"containers": ["odd"]}}}}}},
            "at least one container",
        ),
        ({"cache": {"prefix": "one", "template": {"spec": {}}}}, "spec.cache.template"),
    ],
)
def test_a_spec_that_cannot_be_followed_is_stalled_with_a_sentence(
    story: Story, change: dict[str, Any], sentence: str
) -> None:
    story.edit(release(**change))
    step = story.look()
    assert isinstance(step, Stall)
    assert step.reason == "InvalidSpec"
    assert sentence in step.message
    story.edit(release())
    assert isinstance(story.look(), Migrate)


def test_a_spec_that_cannot_be_followed_does_not_make_the_cache_stale(story: Story) -> None:
    story.job(story.migration, job_status("Complete"))
    story.deploy()
    story.look()
    story.edit(release(cache={}))
    story.look()
    assert story.body["status"]["cache"] == {"current": "one", "stale": [], "failed": []}
    assert story.condition("Migrated")["reason"] == "InvalidSpec"


class TestTwoReleasesForOneDeployment:
    def test_the_younger_is_stalled(self, story: Story) -> None:
        story.world = replace(story.world, holder="older")
        step = story.look()
        assert isinstance(step, Stall)
        assert step.reason == "DeploymentTaken"
        assert "Release older" in step.message

    @pytest.mark.parametrize(
        ("mine", "other", "name", "held_by"),
        [
            ("2040-01-02T12:00:00Z", "2040-01-02T12:00:01Z", "a", None),
            ("2040-01-02T12:00:01Z", "2040-01-02T12:00:00Z", "z", "z"),
            ("2040-01-02T12:00:00Z", "2040-01-02T12:00:00Z", "a", "a"),
            ("2040-01-02T12:00:00Z", "2040-01-02T12:00:00Z", "z", None),
        ],
    )
    def test_the_one_made_first_keeps_it_then_the_first_by_name(
        self, mine: str, other: str, name: str, held_by: str | None
    ) -> None:
        releases = [_created("ps", mine), _created(name, other)]
        assert holder(releases[0], releases) == held_by

    def test_one_for_another_deployment_is_no_rival(self) -> None:
        mine, other = _created("ps", "2040-01-02T12:00:01Z"), _created("a", "2040-01-02T12:00:00Z", deployment="other")
        assert holder(mine, [mine, other]) is None


def _created(name: str, at: str, **spec: str) -> Release:
    body = release(name, **spec)
    body["metadata"]["creationTimestamp"] = at
    return Release.of(body)


class TestConditions:
    def test_each_look_gives_all_of_them(self, story: Story) -> None:
        story.look()
        assert tuple(each["type"] for each in story.body["status"]["conditions"]) == KINDS
        assert all(each["observedGeneration"] == 1 for each in story.body["status"]["conditions"])

    def test_exactly_one_of_ready_reconciling_and_stalled_is_true(self, story: Story) -> None:
        happenings: list[Callable[[], None]] = [
            lambda: story.job(story.migration),
            lambda: story.job(story.migration, job_status("Complete")),
            lambda: story.deploy(serving_pod("old", "zero")),
            story.deploy,
            lambda: story.edit(release(suspend=True, prefix="two", revision="0020")),
        ]
        for happen in happenings:
            story.look()
            states = [story.condition(name)["status"] for name in KINDS[:3]]
            assert sorted(states) == ["False", "False", "True"]
            happen()

    def test_the_time_of_a_transition_is_of_its_status_not_of_its_message(self, story: Story) -> None:
        story.look()
        story.pass_by(seconds=10)
        story.job(story.migration, job_status("Complete"))
        story.look()
        assert story.condition("Ready")["lastTransitionTime"] == "2040-01-02T12:00:00Z"
        assert story.condition("Migrated")["lastTransitionTime"] == "2040-01-02T12:00:10Z"

    def test_a_second_look_at_the_same_world_changes_nothing(self, story: Story) -> None:
        story.job(story.migration)
        story.look()
        before = story.body["status"]
        story.pass_by(seconds=10)
        story.look()
        assert story.body["status"] == before


def test_the_history_keeps_the_last_ten_rollouts(story: Story) -> None:
    for number in range(12):
        story.edit(release(image=f"parkingspots:{number}", prefix="one"))
        story.job(story.migration, job_status("Complete"))
        story.deploy()
        story.look()
    history = story.body["status"]["history"]
    assert [entry["generation"] for entry in history] == list(range(4, 14))
    assert {entry["result"] for entry in history} == {"Succeeded"}
    assert history[-1]["startedAt"] <= history[-1]["completedAt"]


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"observedGeneration": -1},
        {"observedGeneration": 3, "phase": "Done", "rollout": {"generation": 1}, "cache": {"current": "zero"}},
        {"rollout": {"startedAt": "yesterday", "key": 5}, "cache": {"stale": "zero"}, "history": "none", "tokens": []},
        {"rollout": {"startedAt": "2039-01-01T00:00:00Z", "key": "other", "migration": {"succeeded": "yes"}}},
        {"conditions": [{"type": "Ready"}, "odd"], "lastMigration": "0018", "cache": {"failed": [3]}},
        {"rollout": None, "cache": None, "history": None, "conditions": None},
    ],
)
def test_a_status_that_another_operator_wrote_is_read_without_error(story: Story, status: dict[str, Any]) -> None:
    story.body["status"] = status
    assert isinstance(story.look(), Migrate)
    assert story.condition("Ready")["status"] == "False"


def test_what_a_newer_operator_wrote_is_left_alone(story: Story) -> None:
    story.body["status"] = {"canary": {"weight": 10}}
    story.look()
    assert story.body["status"]["canary"] == {"weight": 10}
