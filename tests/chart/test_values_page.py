"""The chart's README is made from the values, and names what there is."""

import re

import yaml

from chart.rendering import CHART, ROOT, Helm, of_kind, settings_of_the_api
from chart.values_page import HEAD, PARTS, all_values, page

PAGE = CHART / "README.md"


def test_the_page_is_the_one_that_would_be_written() -> None:
    assert PAGE.read_text() == page(), "Run `make chart-docs`."


def test_every_value_is_described() -> None:
    assert [value.path for value in all_values() if not value.about.strip()] == []


def test_no_value_is_left_out() -> None:
    sections = {
        name for part in PARTS for name in yaml.safe_load((CHART / "charts" / part / "values.yaml").read_text())
    }
    listed = {value.path for value in all_values()}
    assert listed >= {"postgresql.auth.existingSecret", "valkey.command", "api.replicas", "global", "extraObjects"}
    for name in yaml.safe_load((CHART / "values.yaml").read_text()):
        assert any(path == name or path.startswith(f"{name}.") for path in listed), name
    for name in sections:
        assert any(f".{name}" in path for path in listed), name


def test_the_text_names_values_that_there_are() -> None:
    listed = {value.path for value in all_values()}
    tops = {path.partition(".")[0] for path in listed}
    named = {
        word for word in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)`", HEAD.read_text()) if word.split(".")[0] in tops
    }
    maps = {path for path in named if path.startswith(("settings.", "global."))}
    assert len(named) > 25
    assert {path for path in named - maps if not any(f"{each}.".startswith(f"{path}.") for each in listed)} == set()


def test_the_values_in_the_text_render(chart: Helm) -> None:
    (block,) = [
        text for text in re.findall(r"```yaml\n(.*?)```", HEAD.read_text(), re.DOTALL) if "externalDatabase" in text
    ]
    manifests = chart.render("", {"auth.existingSecret": "parkingspots-key", **yaml.safe_load(block)})
    assert settings_of_the_api(manifests)["DATABASE_SSLMODE"] == "verify-full"


def test_the_text_names_the_resources_of_a_release_called_parkingspots(chart: Helm) -> None:
    manifests = chart.render("backup", release="parkingspots")
    names = {each["metadata"]["name"] for each in manifests} | {"data-parkingspots-postgresql-0"}
    kinds = r"(?:deployment|service|cronjob|claim|secret|dev)[/ ]"
    named = set(re.findall(kinds + r"((?:data-)?parkingspots[a-z0-9-]*)(?![\w./-])", HEAD.read_text()))
    assert len(named) >= 5
    assert named <= names
    assert of_kind(manifests, "Release")[0]["metadata"]["name"] in names


def test_the_text_names_targets_of_make() -> None:
    makefiles = (ROOT / "Makefile").read_text() + "".join(path.read_text() for path in (ROOT / "k8s").glob("*.mk"))
    for target in re.findall(r"(?:`|\$ )make ([a-z-]+)", HEAD.read_text()):
        assert f"\n{target}:" in makefiles, target
