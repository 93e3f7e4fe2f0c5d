"""The chart as it is handed out."""

import re
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from chart.rendering import CHART, ROOT, SETUPS, Helm, Manifest, of_kind
from parkingspots.kit import migrating

DISTRIBUTIONS = ("service", "lifecycle-cronjob", "operator")
PARTS = sorted((CHART / "charts").iterdir())
DESCRIBED = yaml.safe_load((CHART / "Chart.yaml").read_text())


@pytest.fixture(scope="module")
def packed(chart: Helm, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of the package."""
    folder = tmp_path_factory.mktemp("package")
    chart.run("package", str(CHART), "--destination", str(folder))
    with tarfile.open(folder / f"parkingspots-{DESCRIBED['version']}.tgz") as archive:
        return [name.removeprefix("parkingspots/") for name in archive.getnames()]


@pytest.mark.parametrize("setup", SETUPS)
def test_helm_finds_nothing_to_say_about_it(chart: Helm, setup: str) -> None:
    values = str(CHART / "ci" / f"{setup}-values.yaml")
    assert "0 chart(s) failed" in chart.run("lint", "--strict", str(CHART), "--values", values)


def test_the_package_has_what_users_need(packed: list[str]) -> None:
    wanted = {"README.md", "values.yaml", "values.schema.json", "crds/releases.parkingspots.dev.yaml"}
    assert wanted <= set(packed)
    assert {f"charts/{part.name}/Chart.yaml" for part in PARTS} <= set(packed)


def test_the_package_has_nothing_of_the_workshop(packed: list[str]) -> None:
    assert [name for name in packed if name.startswith("ci/") or name.endswith((".py", "~", ".tgz", ".lock"))] == []


def test_an_install_from_a_clone_needs_no_download(chart: Helm) -> None:
    listed = chart.run("dependency", "list", str(CHART))
    assert listed.count("unpacked") == len(DESCRIBED["dependencies"]) == len(PARTS)
    assert all("repository" not in each for each in DESCRIBED["dependencies"])


def test_the_chart_names_the_schema_that_the_code_ends_at() -> None:
    assert [DESCRIBED["annotations"]["parkingspots.dev/revision"]] == migrating.heads()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_chart_installs_the_version_that_is_in_this_checkout(distribution: str) -> None:
    project = tomllib.loads((ROOT / distribution / "pyproject.toml").read_text())["project"]
    assert DESCRIBED["appVersion"] == project["version"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_is_the_one_that_the_chart_asks_for(part: Path) -> None:
    own = yaml.safe_load((part / "Chart.yaml").read_text())
    (wanted,) = [each for each in DESCRIBED["dependencies"] if each["name"] == own["name"]]
    assert (own["version"], f"{own['name']}.enabled") == (wanted["version"], wanted["condition"])
    assert own["kubeVersion"] == DESCRIBED["kubeVersion"]


def test_a_resource_of_the_chart_is_the_first_of_its_file() -> None:
    """Whoever looks for a resource finds it by its file's name."""
    loose = {
        "validate.yaml",
        "extraobjects.yaml",
        "networkpolicies.yaml",
        "dashboards.yaml",
        "journey.yaml",
        "release.yaml",
    }
    for path in CHART.rglob("templates/**/*.yaml"):
        kinds = [line.removeprefix("kind: ") for line in path.read_text().splitlines() if line.startswith("kind: ")]
        assert path.name in loose or len(kinds) == 1, path.name


def test_no_template_of_another_part_of_an_umbrella_chart_can_take_the_place_of_ours() -> None:
    """Helm knows the templates of all charts by name alone."""
    for path in (*CHART.rglob("templates/**/*.tpl"), *CHART.rglob("templates/**/*.yaml")):
        for name in re.findall(r'\bdefine "([^"]+)"', path.read_text()):
            assert name.startswith("parkingspots."), path


def test_the_operator_may_do_what_it_says_and_nothing_else(evaluation: list[Manifest]) -> None:
    (role,) = of_kind(evaluation, "Role")
    documented = yaml.safe_load((ROOT / "operator" / "rbac.yaml").read_text())
    rules = documented["rules"] if isinstance(documented, dict) else documented
    assert sorted(map(flat, role["rules"])) == sorted(map(flat, rules))


def flat(rule: Manifest) -> list[list[str]]:
    return [sorted(rule[name]) for name in ("apiGroups", "resources", "verbs")]


def test_artifact_hub_is_told_of_the_definition() -> None:
    definition = yaml.safe_load((CHART / "crds" / "releases.parkingspots.dev.yaml").read_text())
    (shown,) = yaml.safe_load(DESCRIBED["annotations"]["artifacthub.io/crds"])
    (version,) = definition["spec"]["versions"]
    assert (shown["name"], shown["kind"], shown["version"]) == (
        definition["metadata"]["name"],
        definition["spec"]["names"]["kind"],
        version["name"],
    )


def test_further_resources_are_templates(chart: Helm) -> None:
    named = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more", "labels": {}}}
    written = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-again'}\n"
    names = [each["metadata"]["name"] for each in chart.render("evaluation", {"extraObjects": [named, written]})]
    assert {"ps-more", "ps-again"} <= set(names)
