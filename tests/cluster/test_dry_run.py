"""What the API server itself thinks of every set of values: strictly, and with the definitions of others' resources."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.kube import CHART, Namespace, namespace, run, until

OTHERS = {
    "sigs.k8s.io/gateway-api@v1.4.0": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
    "github.com/prometheus-operator/prometheus-operator@v0.91.0": [
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
        for kind in ("podmonitors", "prometheusrules", "servicemonitors")
    ],
}
"""Go modules, and the definitions in them."""
FILES = sorted((CHART / "ci").glob("*-values.yaml"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """An empty namespace, on a cluster that knows the Gateway API and the Prometheus operator."""
    needed = [path for module in OTHERS for path in _files(module, tmp_path_factory.mktemp("module"))]
    definitions = [path for path in needed if not _is_there(path)]
    for path in definitions:
        run("kubectl", "apply", "--server-side", "--force-conflicts", "--filename", str(path))
    try:
        with namespace("ps-dry") as made:
            until(lambda: "httproutes" in run("kubectl", "api-resources", "--output", "name"), 30, "the definitions")
            yield made
    finally:
        for path in definitions:
            run("kubectl", "delete", "--filename", str(path), "--ignore-not-found")


def _is_there(path: Path) -> bool:
    """Somebody's own is neither replaced nor, after the tests, deleted."""
    return bool(run("kubectl", "get", "--filename", str(path), "--ignore-not-found", "--output", "name"))


def _files(module: str, folder: Path) -> list[Path]:
    assert shutil.which("go"), "the definitions come with Go modules: install Go"
    command = ["go", "mod", "download", "-json", module]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert "Dir" in told, told
    return [Path(told["Dir"]) / name for name in OTHERS[module]]


@pytest.mark.parametrize("values", FILES, ids=lambda path: path.stem)
def test_the_api_server_takes_everything_without_a_warning(place: Namespace, values: Path) -> None:
    known = ["--api-versions", "monitoring.coreos.com/v1,gateway.networking.k8s.io/v1"]
    manifests = place.helm("template", "ps", str(CHART), "--values", str(values), "--skip-tests", *known)
    command = ["apply", "--dry-run=server", "--validate=strict", "--filename", "-"]
    said = place.kubectl(*command, "--warnings-as-errors", given=manifests)
    assert "deployment.apps/" in said
