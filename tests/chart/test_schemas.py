"""Kubernetes takes what the chart makes: every field is known, none is deprecated."""

from copy import deepcopy

import pytest
import yaml

from chart.kubernetes_schemas import OWN, VERSIONS, complaints, deprecations
from chart.released import jobs_of
from chart.rendering import CHART, Helm, Manifest, of_kind, title, walked


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_resource(version: str, rendered: list[Manifest]) -> None:
    assert {title(each): found for each in rendered if (found := complaints(each, version))} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_jobs_that_the_operator_makes(version: str, rendered: list[Manifest]) -> None:
    assert [complaints(job, version) for job in jobs_of(rendered)] in ([[], []], [[]], [])


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_definition_of_a_release(version: str) -> None:
    assert complaints(yaml.safe_load(OWN.read_text()), version) == []


def test_no_field_is_deprecated(rendered: list[Manifest]) -> None:
    assert [found for each in [*rendered, *jobs_of(rendered)] for found in deprecations(each)] == []


def test_no_field_is_left_without_a_value(rendered: list[Manifest]) -> None:
    assert [(title(each), path) for each in rendered for path, node in walked(each) if node is None] == []


def test_nothing_in_the_definition_of_a_release_is_left_without_a_value() -> None:
    """An unquoted comma within braces begins a key of its own."""
    assert [path for path, node in walked(yaml.safe_load(OWN.read_text())) if node is None] == []


def test_a_field_that_kubernetes_does_not_know_is_found(evaluation: list[Manifest]) -> None:
    (release,) = deepcopy(of_kind(evaluation, "Release"))
    release["spec"]["cache"]["template"]["spec"]["template"]["spec"]["securityContexts"] = {}
    (deployment, *_) = deepcopy(of_kind(evaluation, "Deployment"))
    deployment["spec"]["template"]["spec"]["serviceAccount"] = "default"
    deployment["spec"]["template"]["spec"]["securityContexts"] = {}
    assert complaints(release, VERSIONS[0]) == []  # a JobSpec is Kubernetes's, so the definition takes any
    assert any("securityContexts" in found for found in complaints(jobs_of([release])[1], VERSIONS[0]))
    assert any("securityContexts" in found for found in complaints(deployment, VERSIONS[-1]))
    assert deprecations(deployment) == ["Deployment.spec.template.spec.serviceAccount"]
    release["spec"]["cache"]["prefixes"] = []
    assert any("prefixes" in found for found in complaints(release, VERSIONS[0]))


def test_every_kubernetes_gets_the_same(chart: Helm) -> None:
    oldest, *others = (chart.render("production", flags=["--kube-version", f"{each}.0"]) for each in VERSIONS)
    assert all(other == oldest for other in others)


def test_a_kubernetes_that_is_too_old_is_refused(chart: Helm) -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={VERSIONS[0]}.0-0"
    assert "requires kubeVersion" in chart.refusal("evaluation", {}, flags=["--kube-version", "1.30.9"])
