"""Reading the API's answers, and the patches that change them."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kube.api import merged
from kube.objects import NOON, at
from parkingspots_operator.memory import Memory
from parkingspots_operator.objects import inside, mapping, merge_patch, moment, number, objects, text, written
from parkingspots_operator.release import Release
from parkingspots_operator.world import Deployment, Job, Pod

names = st.sampled_from(["metadata", "spec", "status", "conditions", "rollout", "cache", "stale", "labels", "template"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
leaves = st.integers() | st.lists(st.integers())
documents = st.dictionaries(names, st.recursive(leaves, lambda inner: st.dictionaries(names, inner), max_leaves=10))


@given(old=documents, new=documents)
def test_a_merge_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert merged(old, merge_patch(old, new)) == new


@given(document=documents)
def test_nothing_changed_is_an_empty_patch(document: dict[str, Any]) -> None:
    assert merge_patch(document, document) == {}


@given(body=st.dictionaries(names, values))
def test_no_answer_is_too_odd_to_be_read(body: dict[str, Any]) -> None:
    for read in (Release.of, Memory.of, Job.of, Pod.of, Deployment.of):
        read(body)
    memory = Memory.of(body)
    assert Memory.of({"observedGeneration": memory.observed, **memory.as_status()}) == memory


def test_what_is_missing_or_of_another_kind_is_read_as_nothing() -> None:
    body = {"a": {"b": ["c", {"d": 1}], "e": True, "f": "yesterday"}}
    assert inside(body, "a", "b", "c") is None
    assert mapping(body, "a", "b") == {}
    assert objects(body, "a", "b") == [{"d": 1}]
    assert objects(body, "a", "e") == []
    assert (text(body, "a", "e"), number(body, "a", "e", default=5)) == ("", 5)
    assert moment(body, "a", "f") is None


def test_a_time_is_read_as_it_was_written() -> None:
    assert moment({"at": written(NOON)}, "at") == NOON
    assert moment({"at": "2040-01-02T12:00:00"}, "at") == NOON
    assert written(NOON) == at() == "2040-01-02T12:00:00Z"
    assert moment({"at": "2040-01-02T12:00:00.5Z"}, "at") == datetime(2040, 1, 2, 12, 0, 0, 500_000, UTC)
