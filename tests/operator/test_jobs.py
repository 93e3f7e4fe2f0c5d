"""The Jobs that are made of the chart's templates."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.objects import NOON, release, template
from parkingspots_operator import jobs
from parkingspots_operator.jobs import migration_job, purge_job
from parkingspots_operator.memory import Rollout
from parkingspots_operator.release import Release

ONE = Release.of(release())
FIRST = Rollout(1, ONE.key, ONE.revision, ONE.prefix, ONE.deployment, NOON)


def test_a_migration_is_the_template_with_a_name_labels_and_an_owner() -> None:
    job = jobs.migration(ONE, "migrate-it")
    assert job["metadata"]["name"] == "migrate-it"
    assert job["metadata"]["namespace"] == "ps"
    labels = {"chart": "ps", "parkingspots.dev/release": "ps-parkingspots", "parkingspots.dev/job": "migration"}
    assert job["metadata"]["labels"] == labels
    ours = {name: value for name, value in labels.items() if name != "chart"}
    assert job["spec"]["template"]["metadata"]["labels"] == {"app": "job", **ours}
    assert job["spec"]["template"]["spec"] == template()["spec"]["template"]["spec"]


def test_a_job_goes_with_its_release_and_needs_no_right_on_finalizers() -> None:
    owner = jobs.migration(ONE, "x")["metadata"]["ownerReferences"][0]
    assert owner | {"uid": ONE.uid, "kind": "Release", "controller": True, "blockOwnerDeletion": False} == owner


def test_a_purge_is_told_its_prefix_after_the_templates_own_arguments() -> None:
    container = jobs.purge(ONE, "x", "zero")["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["parkingspots", "cache", "purge", "--prefix", "zero"]
    assert ONE.purge == template("parkingspots:1", "parkingspots", "cache", "purge")


def test_a_container_without_arguments_gets_some() -> None:
    bare = template()
    del bare["spec"]["template"]["spec"]["containers"][0]["args"]
    job = jobs.purge(replace(ONE, purge=bare), "x", "zero")
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["--prefix", "zero"]


@pytest.mark.parametrize(("field", "default"), [("activeDeadlineSeconds", 900), ("ttlSecondsAfterFinished", 86_400)])
def test_a_job_is_bounded_in_time_unless_its_template_says_how(field: str, default: int) -> None:
    assert jobs.migration(ONE, "x")["spec"][field] == default
    own = template()
    own["spec"][field] = 5
    assert jobs.migration(replace(ONE, migration=own), "x")["spec"][field] == 5


def test_annotations_of_the_template_are_kept() -> None:
    own = template() | {"metadata": {"annotations": {"why": "so"}}}
    assert jobs.migration(replace(ONE, migration=own), "x")["metadata"]["annotations"] == {"why": "so"}


@given(name=st.from_regex(r"[a-z]([a-z0-9-]{0,14}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,14}[a-z0-9])?){0,3}", fullmatch=True))
def test_a_name_is_one_that_kubernetes_takes_however_long_the_releases(name: str) -> None:
    named = migration_job(replace(ONE, name=name), FIRST)
    assert len(named) <= 63
    assert named[0].isalnum()
    assert named[-1].isalnum()
    assert ".-" not in named


def test_a_name_stands_for_what_is_to_be_done() -> None:
    same = migration_job(Release.of(release()), FIRST)
    assert same == migration_job(ONE, FIRST)
    others = {
        migration_job(Release.of(release(image="parkingspots:2")), FIRST),
        migration_job(Release.of(release(revision="0020")), FIRST),
        migration_job(replace(ONE, uid="another"), FIRST),
        migration_job(ONE, replace(FIRST, generation=2)),
        migration_job(ONE, replace(FIRST, attempt=2)),
        purge_job(ONE, FIRST, "zero"),
        purge_job(ONE, FIRST, "minus-one"),
    }
    assert same not in others
    assert len(others) == 7
