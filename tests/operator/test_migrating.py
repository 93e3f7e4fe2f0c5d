"""The database is migrated first: once, by one Job, and never in a loop."""

import json

import pytest

from kube.objects import ended, job_status, release, waiting
from kube.story import Story
from parkingspots_operator.decide import AwaitMigration, AwaitRollout, Migrate, Rest, Stall

RUNNING = {"running": {"startedAt": "2040-01-02T12:00:00Z"}}
NOT_FOUND = 'rpc error: "parkingspots:2" not found'


def test_a_new_release_begins_with_its_migration(story: Story) -> None:
    assert story.look() == Migrate(story.migration)
    assert story.condition("Reconciling")["status"] == "True"
    assert story.condition("Ready") | {"reason": "Migrating", "status": "False"} == story.condition("Ready")


def test_the_job_is_waited_for(story: Story) -> None:
    story.job(story.migration)
    assert isinstance(story.look(), AwaitMigration)
    assert story.condition("Migrated")["status"] == "False"


def test_what_the_job_says_at_its_end_is_the_last_migration(story: Story) -> None:
    said = json.dumps({"from": "0018", "to": "0019"})
    story.job(story.migration, job_status("Complete", seconds=3))
    story.pod(story.migration, phase="Succeeded", state=ended(said))
    assert isinstance(story.look(), AwaitRollout)
    last = story.body["status"]["lastMigration"]
    assert (last["from"], last["to"], last["seconds"]) == ("0018", "0019", 3)
    assert (last["startedAt"], last["completedAt"]) == ("2040-01-02T12:00:00Z", "2040-01-02T12:00:03Z")
    assert story.condition("Migrated")["status"] == "True"
    assert story.condition("Migrated")["message"] == "The schema went from revision 0018 to revision 0019 in 3 s."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('{"from": null, "to": "0019"}', "The schema went from nothing to revision 0019 in 3 s."),
        ('{"from": "0020", "to": "0020"}', "The schema is at revision 0020, which this release can work with"),
        ("", "brought the schema to revision 0019 in 3 s."),
        ("[1]", "brought the schema to revision 0019 in 3 s."),
        ("no JSON", "brought the schema to revision 0019 in 3 s."),
    ],
)
def test_a_migration_is_told_in_a_sentence(story: Story, said: str, sentence: str) -> None:
    story.job(story.migration, job_status("Complete"))
    story.pod(story.migration, phase="Succeeded", state=ended(said))
    story.look()
    assert sentence in story.condition("Migrated")["message"]


def test_a_job_that_ended_and_is_gone_does_not_run_again(story: Story) -> None:
    name = story.migration
    story.job(name, job_status("Complete"))
    story.look()
    story.without_job(name)
    assert isinstance(story.look(), AwaitRollout)


def test_a_job_that_was_deleted_while_it_ran_is_made_again(story: Story) -> None:
    name = story.migration
    story.job(name)
    story.look()
    story.job(name, deletionTimestamp="2040-01-02T12:00:05Z")
    assert story.look() == AwaitMigration(f"Job {name} is being deleted, and will be made again.")
    story.without_job(name)
    assert story.look() == Migrate(name)


class TestFailing:
    @pytest.fixture
    def failed(self, story: Story) -> Story:
        story.job(story.migration, job_status("Failed", "Job has reached the specified backoff limit"))
        story.pod(story.migration, phase="Failed", state=ended("connecting\nlock timeout: table spots is held\n", 1))
        story.look()
        return story

    def test_it_is_stalled_with_the_last_lines_of_the_log(self, failed: Story) -> None:
        step = failed.look()
        assert isinstance(step, Stall)
        assert step.reason == "MigrationFailed"
        assert "lock timeout: table spots is held" in step.message
        assert failed.condition("Stalled")["status"] == "True"
        assert failed.condition("Reconciling")["status"] == "False"
        assert failed.condition("Ready")["status"] == "False"

    def test_it_never_runs_again_by_itself(self, failed: Story) -> None:
        failed.pass_by(days=3)
        failed.without_job(failed.migration)
        assert isinstance(failed.look(), Stall)

    def test_a_retry_token_runs_it_again_once(self, failed: Story) -> None:
        first = failed.migration
        failed.edit(release(retry="please"))
        again = failed.look()
        assert isinstance(again, Migrate)
        assert again.job != first
        failed.job(again.job, job_status("Failed"))
        assert isinstance(failed.look(), Stall)
        failed.without_job(again.job)
        assert isinstance(failed.look(), Stall)

    def test_a_database_that_was_lost_is_migrated_anew_by_a_token(self, story: Story) -> None:
        first = story.migration
        story.job(first, job_status("Complete"))
        story.deploy(prefix="one")
        assert story.look() == Rest()
        story.annotate("retry", "the-volume-was-empty")
        again = story.look()
        assert isinstance(again, Migrate)
        assert again.job != first

    def test_the_annotation_does_the_same(self, failed: Story) -> None:
        failed.annotate("retry", "please")
        assert isinstance(failed.look(), Migrate)

    def test_taking_a_token_away_is_no_new_one(self, failed: Story) -> None:
        failed.edit(release(retry="please"))
        again = failed.look()
        assert isinstance(again, Migrate)
        failed.job(again.job, job_status("Failed"))
        failed.look()
        failed.edit(release())
        assert isinstance(failed.look(), Stall)
        failed.edit(release(retry="please"))
        assert isinstance(failed.look(), Stall)

    def test_a_corrected_release_goes_on_by_itself(self, failed: Story) -> None:
        failed.edit(release(image="parkingspots:1.1", prefix="one-one"))
        assert isinstance(failed.look(), Migrate)
        assert failed.body["status"]["history"][0]["result"] == "Failed"

    def test_going_back_to_the_release_before_asks_the_job_of_that_one(self, story: Story) -> None:
        first = story.migration
        story.job(first, job_status("Complete"))
        story.deploy(prefix="one")
        story.look()
        story.edit(release(image="parkingspots:2", prefix="two"))
        story.job(story.migration, job_status("Failed"))
        story.look()
        story.edit(release())
        step = story.look()
        assert isinstance(step, Migrate)
        assert step.job != first

    def test_without_a_log_kubernetes_own_words_are_given(self, story: Story) -> None:
        story.job(story.migration, job_status("Failed", "Job was active longer than specified deadline"))
        story.look()
        assert "Job was active longer than specified deadline" in story.condition("Ready")["message"]

    def test_only_the_end_of_a_long_log_is_given(self, story: Story) -> None:
        story.job(story.migration, job_status("Failed"))
        story.pod(story.migration, state=ended("\n".join(f"line {number}" for number in range(100))))
        story.look()
        message = story.condition("Ready")["message"]
        assert "line 99" in message
        assert "line 89" not in message


class TestAnImageThatCannotBePulled:
    def test_it_is_stalled_with_the_image_and_the_cause(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("ErrImagePull", NOT_FOUND))
        story.look()
        story.pass_by(seconds=30)
        step = story.look()
        assert isinstance(step, Stall)
        assert step.reason == "ImageUnavailable"
        assert "parkingspots:1 cannot be pulled" in step.message
        assert NOT_FOUND in step.message

    def test_a_hiccup_of_the_registry_is_not_yet_a_stall(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("ErrImagePull", NOT_FOUND))
        assert isinstance(story.look(), AwaitMigration)

    @pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
    def test_what_no_time_mends_stalls_at_once(self, story: Story, reason: str) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting(reason, "no such name"))
        step = story.look()
        assert isinstance(step, Stall)
        assert step.reason == "ImageUnavailable"

    def test_its_message_stays_while_the_kubelet_words_it_anew(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("ErrImagePull", NOT_FOUND))
        story.look()
        story.pass_by(seconds=30)
        first = story.look()
        story.pod(story.migration, state=waiting("ImagePullBackOff", "Back-off pulling image"))
        assert story.look() == first

    def test_it_goes_on_by_itself_when_the_image_comes(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("InvalidImageName"))
        story.look()
        story.pod(story.migration, phase="Running", state=RUNNING)
        assert isinstance(story.look(), AwaitMigration)
        story.job(story.migration, job_status("Complete"))
        assert isinstance(story.look(), AwaitRollout)

    def test_the_cause_is_still_known_when_the_job_ran_out_of_time(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("ErrImagePull", NOT_FOUND))
        story.look()
        story.job(story.migration, job_status("Failed", "Job was active longer than specified deadline"))
        story.look()
        assert NOT_FOUND in story.condition("Ready")["message"]

    def test_a_corrected_release_does_not_wait_for_it(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("InvalidImageName"))
        story.look()
        story.edit(release(image="parkingspots:1.1"))
        assert isinstance(story.look(), Migrate)

    def test_a_container_that_cannot_be_made_says_why(self, story: Story) -> None:
        story.job(story.migration)
        story.pod(story.migration, state=waiting("CreateContainerConfigError", 'secret "ps" not found'))
        step = story.look()
        assert isinstance(step, Stall)
        assert (step.reason, 'secret "ps" not found' in step.message) == ("ContainerUnavailable", True)


class TestEditedWhileMigrating:
    def test_the_job_at_work_is_left_to_finish_and_then_the_newest_spec_decides(self, story: Story) -> None:
        first = story.migration
        story.job(first)
        story.pod(first, phase="Running", state=RUNNING)
        story.look()
        for prefix in ("two", "three"):
            story.edit(release(image=f"parkingspots:{prefix}", prefix=prefix))
            assert story.look() == AwaitMigration(f"Job {first} of an earlier spec is still at work.")
        story.job(first, job_status("Complete"))
        story.pod(first, phase="Succeeded", state=ended('{"from": "0017", "to": "0018"}'))
        step = story.look()
        assert step == Migrate(story.migration)
        assert step.job != first
        results = [entry["result"] for entry in story.body["status"]["history"]]
        assert results == ["Superseded", "Superseded"]

    def test_a_purge_at_work_is_not_waited_for(self, story: Story) -> None:
        story.job("a-purge", kind="purge")
        story.pod("a-purge", phase="Running", state=RUNNING)
        assert isinstance(story.look(), Migrate)

    def test_an_edit_that_changes_no_migration_keeps_its_job(self, story: Story) -> None:
        story.job(story.migration)
        before = story.migration
        story.look()
        story.edit(release(deadlineSeconds=60))
        assert isinstance(story.look(), AwaitMigration)
        assert story.migration == before

    def test_another_prefix_alone_needs_no_other_migration(self, story: Story) -> None:
        story.job(story.migration, job_status("Complete"))
        story.look()
        story.edit(release(prefix="two"))
        assert isinstance(story.look(), AwaitRollout)


def test_a_migration_that_takes_too_long_is_stalled_and_recovers(story: Story) -> None:
    story.edit(release(deadlineSeconds=60))
    story.job(story.migration)
    story.look()
    story.pass_by(seconds=61)
    step = story.look()
    assert isinstance(step, Stall)
    assert step.reason == "DeadlineExceeded"
    story.job(story.migration, job_status("Complete"))
    story.deploy(prefix="one")
    story.look()
    assert story.condition("Ready")["status"] == "True"


def test_a_retry_begins_the_time_anew(story: Story) -> None:
    story.edit(release(deadlineSeconds=60))
    story.job(story.migration)
    story.look()
    story.pass_by(seconds=61)
    story.annotate("retry", "more-time")
    again = story.look()
    assert isinstance(again, Migrate)
    story.job(again.job)
    assert isinstance(story.look(), AwaitMigration)
