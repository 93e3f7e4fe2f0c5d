"""Helm, the chart, and the set-ups in which the tests look at it."""

import json
import os
from pathlib import Path

import pytest
import yaml

from chart.rendering import CHART, SETUPS, Helm, Manifest, helm

NO_HELM = "Helm 4 is not there: install it, or name the folder that has it in PS_CLUSTER_BIN"
UMBRELLA = "umbrella"


@pytest.fixture(scope="session")
def helm_program() -> Path:
    program = helm()
    if program is None and os.environ.get("CI"):
        pytest.fail(NO_HELM)
    if program is None:
        pytest.skip(NO_HELM)
    return program


@pytest.fixture(scope="session")
def chart(helm_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The chart in this checkout."""
    return Helm(helm_program, tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def umbrella(chart: Helm, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Somebody's chart that has ours as a part, under a condition, and shares a registry with it."""
    folder = tmp_path_factory.mktemp(UMBRELLA)
    part = {"name": "parkingspots", "version": "*", "repository": f"file://{CHART}"}
    under_a_condition = {**part, "condition": "parkingspots.enabled"}
    described = {"apiVersion": "v2", "name": "town", "version": "1.0.0", "dependencies": [under_a_condition]}
    of_part = yaml.safe_load((CHART / "ci" / "evaluation-values.yaml").read_text())
    values = {
        "global": {"imageRegistry": "registry.town.example", "imagePullSecrets": ["of-the-town"], "town": "Athens"},
        "parkingspots": {"enabled": True, "commonLabels": {"town": "athens"}, **of_part},
    }
    (folder / "Chart.yaml").write_text(json.dumps(described))
    (folder / "values.yaml").write_text(json.dumps(values))
    chart.run("dependency", "update", str(folder))
    return Helm(chart.program, chart.home, folder)


@pytest.fixture(scope="session", params=[*SETUPS, UMBRELLA])
def rendered(request: pytest.FixtureRequest, chart: Helm) -> list[Manifest]:
    """Each set-up's resources in turn."""
    if request.param == UMBRELLA:
        own: Helm = request.getfixturevalue(UMBRELLA)
        return own.render("")
    return chart.render(request.param)


@pytest.fixture
def evaluation(chart: Helm) -> list[Manifest]:
    return chart.render("evaluation")


@pytest.fixture
def production(chart: Helm) -> list[Manifest]:
    return chart.render("production")
