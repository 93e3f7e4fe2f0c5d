"""What the operator's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kube.api import StandIn, kubeconfig, standing_in
from kube.cluster import Cluster
from kube.story import Story


@pytest.fixture
def story() -> Story:
    """A Release that nobody has looked at yet, in a namespace with nothing else."""
    return Story()


@pytest.fixture
async def api() -> AsyncIterator[StandIn]:
    async with standing_in() as server:
        yield server


@pytest.fixture
def cluster(api: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """One that KUBECONFIG leads to."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, api.url)))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return Cluster(api)
