"""An operator in a namespace, with stand-ins for what it waits for: no chart, no database."""

from collections.abc import Iterator
from zlib import crc32

import pytest

from cluster.kube import Namespace, namespace, run
from cluster.releases import CRD, Releases, operator


@pytest.fixture(scope="session")
def _definition() -> None:
    run("kubectl", "apply", "--server-side", "--field-manager=helm", "--force-conflicts", "--filename", str(CRD))


@pytest.fixture(scope="session")
def place(_definition: None) -> Iterator[Namespace]:
    """A namespace with a running operator."""
    with namespace("ps-operator") as place:
        operator(place)
        yield place


@pytest.fixture
def releases(place: Namespace, request: pytest.FixtureRequest) -> Iterator[Releases]:
    """A Release of the test's own, and what belongs to it."""
    found = Releases(place, f"r{crc32(request.node.name.encode()):08x}")
    yield found
    found.delete()
