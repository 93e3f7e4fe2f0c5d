"""The definition of a Release: what the API server checks, shows, and would drop."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube.objects import ended, job_status, release, serving_pod, waiting
from kube.story import Story
from parkingspots_operator.release import GROUP, KIND, PLURAL, VERSION
from parkingspots_operator.world import NO_IMAGE

Schema = dict[str, Any]
CRD = Path(__file__).parents[2] / "charts" / "parkingspots" / "crds" / "releases.parkingspots.dev.yaml"
DEFINITION = yaml.safe_load(CRD.read_text())
VERSIONS = DEFINITION["spec"]["versions"]
SCHEMA: Schema = VERSIONS[0]["schema"]["openAPIV3Schema"]


def inner(schema: Schema) -> list[tuple[str, Schema]]:
    """The schemas one level down, each with the name that leads there."""
    of_names = list(schema.get("properties", {}).items())
    return of_names + [(name, schema[name]) for name in ("items", "additionalProperties") if name in schema]


def schemas(schema: Schema = SCHEMA, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, each in inner(schema):
        yield from schemas(each, f"{path}.{name}")


def test_it_is_the_resource_that_the_operator_asks_for() -> None:
    names = DEFINITION["spec"]["names"]
    assert (DEFINITION["spec"]["group"], VERSIONS[0]["name"]) == (GROUP, VERSION)
    assert (names["plural"], names["kind"], names["shortNames"]) == (PLURAL, KIND, ["psrel"])
    assert DEFINITION["metadata"]["name"] == f"{PLURAL}.{GROUP}" == CRD.stem
    assert DEFINITION["spec"]["scope"] == "Namespaced"
    assert [(each["served"], each["storage"], each["subresources"]) for each in VERSIONS] == [
        (True, True, {"status": {}})
    ]


def test_every_field_has_a_type_and_a_description() -> None:
    for path, schema in schemas():
        assert schema.get("type"), path
        assert schema.get("description", "").strip() or path == ".metadata", path  # that one Kubernetes describes


def test_only_what_kubernetes_checks_itself_is_left_open() -> None:
    found = [path for path, schema in schemas() if schema.get("x-kubernetes-preserve-unknown-fields")]
    assert found == [".spec.migration.template.spec", ".spec.cache.template.spec"]


def test_every_rule_says_what_to_do() -> None:
    rules = [rule for _, schema in schemas() for rule in schema.get("x-kubernetes-validations", [])]
    assert len(rules) >= 5
    for rule in rules:
        assert len(rule["message"]) > 30
        assert "\n" not in rule["message"]


def test_texts_that_rules_look_at_are_bounded() -> None:
    for path, schema in schemas():
        if schema["type"] == "string" and "x-kubernetes-validations" in schema:
            assert schema["maxLength"] <= 256, path


def test_a_release_that_nobody_has_looked_at_is_not_current() -> None:
    assert SCHEMA["properties"]["status"]["default"] == {"observedGeneration": -1}


def test_a_list_shows_revision_readiness_and_what_is_going_on() -> None:
    columns = {each["name"]: each for each in VERSIONS[0]["additionalPrinterColumns"]}
    assert list(columns) == ["Revision", "Ready", "Status", "Message", "Age"]
    assert columns["Status"]["jsonPath"] == '.status.conditions[?(@.type=="Ready")].reason'
    assert columns["Message"]["priority"] == 1


def dropped(value: Any, schema: Schema, path: str = "") -> Iterator[str]:
    """What the API server would drop of the value, or refuse."""
    kinds: dict[str, type] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]):
        yield f"{path} is no {schema['type']}"
    elif schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    elif isinstance(value, dict):
        for name, each in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                yield f"{path}.{name} is unknown"
            else:
                yield from dropped(each, known, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from dropped(each, schema["items"], f"{path}[]")


def failed(story: Story) -> None:
    story.job(story.migration, job_status("Failed"))


def unpulled(story: Story) -> None:
    story.job(story.migration)
    story.pod(story.migration, state=waiting(min(NO_IMAGE), "no such image"))


def unpurged(story: Story) -> None:
    for prefix in ("one", "two"):
        story.edit(release(prefix=prefix, retry="again", revision=prefix))
        story.job(story.migration, job_status("Complete"))
        story.pod(story.migration, state=ended('{"from": "0018", "to": "0019"}'))
        story.deploy(serving_pod("new", prefix), prefix=prefix)
        story.annotate("purge-cache", "monday")
        story.look()
    story.job(story.purge_of("one"), job_status("Failed"), kind="purge")


@pytest.mark.parametrize("happen", [failed, unpulled, unpurged], ids=["failed", "unpulled", "unpurged"])
def test_what_the_operator_writes_is_defined(story: Story, happen: Any) -> None:
    happen(story)
    story.look()
    metadata = SCHEMA["properties"]["metadata"]
    assert not list(dropped({**story.body, "metadata": {}}, SCHEMA))
    assert metadata["type"] == "object"


def test_a_field_that_is_not_defined_would_be_noticed(story: Story) -> None:
    story.look()
    assert list(dropped({"status": {**story.body["status"], "odd": 1}}, SCHEMA)) == [".status.odd is unknown"]
