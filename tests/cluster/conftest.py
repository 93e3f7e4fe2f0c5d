"""One release for all tests that only look or disturb; those that change it have namespaces of their own."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import truth
from cluster.clients import Visitors, visitors
from cluster.kube import CHART, Namespace, namespace, run, until, values
from cluster.load import Told
from resilience import results
from resilience.scenario import Group

IMAGES = Path(os.environ.get("E2E_VALUES", Path(__file__).with_name("kind-values.yaml")))
"""Which images the cluster has."""
HOST = "e2e.parkingspots.local"
MANY = "1000000 per minute"
NO_LIMITS = dict.fromkeys(("RATE_LIMIT_REQUESTS", "RATE_LIMIT_BOOKINGS", "RATE_LIMIT_REGISTRATIONS"), MANY)
PATIENCE = "5m"
Figure = Callable[[str], None]
_figures: list[str] = []


@pytest.fixture
def figure() -> Figure:
    """Keeps a line for the end of the run."""
    return _figures.append


NOBODY = "Nobody's request fails"


@dataclass(frozen=True)
class Judge:
    """Holds what a load was told, and what is in the database, against what is promised; keeps both for the page."""

    command: str

    def __call__(
        self,
        name: str,
        told: Told,
        place: Namespace,
        *,
        promised: str = NOBODY,
        but: Collection[str] = (),
        also: Sequence[str] = (),
        measured: str = "",
        group: Group = Group.UPGRADES,
    ) -> None:
        """`but` are the ways in which requests may fail, `also` is what else did not hold."""
        flaws = [*also, *told.failed(but), *truth.flaws(place, told.who)]
        figures = f"{told}; {measured}" if measured else str(told)
        _figures.append(f"{name}: {figures}")
        results.kept(group, name, promised, figures, held=not flaws, command=self.command)
        assert not flaws, f"{figures}\n" + "\n".join(flaws[:20])


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    return Judge(f'RELIABILITY=1 make e2e PYTEST_ARGS="-k {request.node.originalname}"')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured."""
    for line in _figures:
        terminalreporter.write_line(line)


def options(host: str = HOST) -> Sequence[str]:
    """How every test installs it: behind an Ingress, with limits that a load of one address does not meet.

    Two releases and what a rollout adds fit on two cores.
    """
    hosts = [{"host": host, "path": "/"}]
    ours = values(ingress__enabled=True, ingress__hosts=hosts, settings=NO_LIMITS)
    small = values(api__resources__requests__cpu="100m", postgresql__resources__requests__cpu="50m")
    return ["--values", str(IMAGES), *ours, *small, "--wait", "--timeout", PATIENCE]


@pytest.fixture(scope="session", autouse=True)
def _definitions() -> None:
    """By the documented command: Helm brings them with a first install, and never again."""
    own = ["--server-side", "--field-manager=helm", "--force-conflicts", "--filename", str(CHART / "crds")]
    run("kubectl", "apply", *own)


@pytest.fixture(scope="session")
def release() -> Iterator[Namespace]:
    """The chart as `ps`, with nothing but its defaults."""
    with namespace("ps-e2e") as place:
        place.helm("install", "ps", str(CHART), *options())
        yield place


@pytest.fixture(scope="session")
def who(release: Namespace) -> Visitors:
    """Clients of that release."""
    assert release.name
    return visitors(HOST)


def settled(release: Namespace, pods: int = 2) -> None:
    """Return when so many pods serve, and all others have ended."""

    def is_settled() -> bool:
        return len(release.ready_pods("api")) == len(release.items("pods", component="api")) == pods

    until(is_settled, 120, f"{pods} pods of the API")
