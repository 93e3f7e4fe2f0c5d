"""The values that lie in k8s/ go with the chart."""

from pathlib import Path

import pytest

from chart.kubernetes_schemas import VERSIONS, complaints
from chart.rendering import ROOT, Helm

SAMPLES = sorted((ROOT / "k8s").rglob("*values.yaml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_sample_renders_what_kubernetes_takes(chart: Helm, sample: Path) -> None:
    manifests = chart.render("evaluation", flags=["--values", str(sample)])
    assert [complaints(each, VERSIONS[-1]) for each in manifests] == [[]] * len(manifests)
