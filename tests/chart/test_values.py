"""Values, their schema and the settings that they become say the same."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from chart.rendering import CHART, Helm, Manifest, Values, nested, settings_of_the_api
from parkingspots.settings import Settings

PARTS = {"": CHART, "postgresql": CHART / "charts" / "postgresql", "valkey": CHART / "charts" / "valkey"}
EMPTY: tuple[Any, ...] = ("", {}, [], None)
OF_UMBRELLAS = {"enabled", "global"}
"""Values of a part that its chart's own file need not have: Helm and the charts above give them."""
OF_KUBERNETES = {"resources", "probe", "amounts"}
BESIDES = {"settings", "scaleUp", "fsGroupChangePolicy", "supplementalGroups"}
"""What others define: the schema knows more of it than the values use."""
FREE_TO_GO = {
    *("enabled", "image.tag"),
    *("api.autoscaling.behavior", "api.topologySpread", "api.service.nodePort"),
    *("podSecurityContext.runAsUser", "podSecurityContext.runAsGroup", "podSecurityContext.fsGroup"),
}
"""Values with a default that may be taken away by null."""
EXAMPLES = [
    *("?!", "5", "true", "10 per 15 minutes", "10/min", "EUR", "euro", "Europe/Athens", "https://x.example", "info"),
    *(5, 200, 0, -1, 1.5, 99999999, True, False),
]


def values_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "values.yaml").read_text())
    return found


def schema_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "values.schema.json").read_text())
    return found


SCHEMA = schema_of(CHART)
SETTINGS: dict[str, Any] = SCHEMA["properties"]["settings"]["properties"]
ANYTHING = {"type": ["string", "number", "boolean"]}
OPEN = sorted(name for name, schema in SETTINGS.items() if schema != ANYTHING)
"""The settings that a user may give; of the others the templates say what to use in their place."""


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no section, by its dotted path."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def properties(schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every property of a schema, by its dotted path."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in OF_KUBERNETES:
        return
    for key, child in (whole["$defs"][name] if name else schema).get("properties", {}).items():
        yield f"{path}{key}"
        yield from properties(child, whole, f"{path}{key}.")


@pytest.mark.parametrize("part", PARTS)
def test_the_defaults_fit_their_schema(part: str) -> None:
    schema = schema_of(PARTS[part])
    Draft7Validator.check_schema(schema)
    assert [error.message for error in Draft7Validator(schema).iter_errors(values_of(PARTS[part]))] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_value_has_its_place_in_the_schema(part: str) -> None:
    validator = Draft7Validator(schema_of(PARTS[part]))
    for path, _ in leaves(values_of(PARTS[part])):
        section = path.rpartition(".")[0]
        if section.endswith(("settings", "abels", "nodeSelector", "requests", "limits", "scaleDown")):
            continue  # maps, whose keys are the user's
        if section not in {"postgresql", "valkey"}:  # they have schemas of their own
            wrong = nested({f"{path}-": 1})
            assert any("unexpected" in error.message for error in validator.iter_errors(wrong)), path


@pytest.mark.parametrize("part", PARTS)
def test_every_property_of_the_schema_is_a_value(part: str) -> None:
    schema, values = schema_of(PARTS[part]), values_of(PARTS[part])
    for path in properties(schema, schema):
        node: Any = values
        for step in path.split("."):
            if not node or step in BESIDES or (part and step in OF_UMBRELLAS):
                break
            assert step in node, path
            node = node[step]


@pytest.mark.parametrize("part", PARTS)
def test_a_default_can_be_changed_and_not_be_taken_away(part: str) -> None:
    values, validator = values_of(PARTS[part]), Draft7Validator(schema_of(PARTS[part]))
    for section, name in sections(values):
        path = ".".join([*section, name])
        without = deepcopy(values)
        node = without
        for step in section:
            node = node[step]
        is_needed = node.pop(name) not in EMPTY and path not in FREE_TO_GO
        assert (list(validator.iter_errors(without)) != []) is (is_needed or path == "global"), path


def sections(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names in every section whose names are the chart's."""
    for name, value in values.items():
        yield above, name
        ours = not name.endswith("Probe") and name not in {"resources", "labels", "settings", "behavior"}
        if isinstance(value, dict) and ours:
            yield from sections(value, (*above, name))


def test_what_is_empty_may_be_null(chart: Helm) -> None:
    """As tools write it that pass on what they were not given."""
    empty: dict[str, None] = {}
    for part, folder in PARTS.items():
        for path, value in leaves(values_of(folder)):
            if value in EMPTY and not path.endswith(("auth.existingSecret", "global")):
                empty[f"{part}.{path}".lstrip(".")] = None
    assert len(empty) > 50
    assert chart.render("evaluation", empty) == chart.render("evaluation")


def test_the_parts_share_the_meaning_of_words() -> None:
    for part in ("postgresql", "valkey"):
        own = schema_of(PARTS[part])["$defs"]
        assert {name: SCHEMA["$defs"][name] for name in own} == own


def test_the_settings_are_those_of_the_process() -> None:
    assert {name.lower() for name in SETTINGS} == set(Settings.model_fields)


@pytest.mark.parametrize("name", [name for name in OPEN if name != "DEFAULT_TIME_ZONE"])
def test_a_setting_that_the_chart_takes_is_one_that_the_process_takes(name: str) -> None:
    validator = Draft7Validator(SETTINGS[name])
    taken = [each for each in EXAMPLES if validator.is_valid(each)]
    assert 0 < len(taken) < len(EXAMPLES)
    for example in taken:
        process_with({name: example if isinstance(example, str) else json.dumps(example)})


@pytest.mark.parametrize("name", [name for name in OPEN if SETTINGS[name].get("type") in {"integer", "number"}])
def test_a_number_has_the_bounds_that_the_process_has(name: str) -> None:
    described = Settings.model_json_schema()["properties"][name.lower()]
    numeric = next((each for each in described.get("anyOf", []) if each["type"] != "string"), described)
    kinds = ("minimum", "maximum", "exclusiveMinimum")
    assert {kind: SETTINGS[name].get(kind) for kind in kinds} == {kind: numeric.get(kind) for kind in kinds}


def test_a_setting_that_is_the_charts_own_is_refused_with_what_to_use(chart: Helm) -> None:
    own = sorted(SETTINGS.keys() - set(OPEN))
    said = chart.refusal("evaluation", {"settings": dict.fromkeys(own, "1")})
    assert [name for name in own if f"settings.{name} is the chart's own: use " not in said] == []


def test_the_process_takes_the_settings_of_every_set_up(rendered: list[Manifest]) -> None:
    data = settings_of_the_api(rendered)
    secrets = {"SECRET_KEY": "0" * 32, "STRIPE_SECRET_KEY": "sk_test_0", "STRIPE_WEBHOOK_SECRET": "whsec_" + "0" * 16}
    settings = process_with({**data, **secrets})
    assert settings.database_host
    assert settings.environment == data["ENVIRONMENT"]


def process_with(variables: dict[str, str]) -> Settings:
    """The settings of a process in such an environment, and in no other."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return Settings(_env_file=None)


def test_values_of_umbrella_charts_are_not_in_the_way(chart: Helm) -> None:
    shared: Values = {"global": {"imageRegistry": "", "storageClass": "fast", "town": {"name": "Athens"}}}
    assert chart.render("evaluation", {**shared, "enabled": True}) == chart.render("evaluation")
