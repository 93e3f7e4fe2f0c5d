"""What releasers do to a release, one after the other: nobody's data is lost, and only what is said to stay stays."""

import base64
from collections.abc import Iterator, Sequence
from time import monotonic

import pytest

from cluster.clients import load, visitors
from cluster.conftest import Figure, options
from cluster.kube import CHART, Namespace, namespace, run, until, values

HOST = "changes.parkingspots.local"


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with namespace("ps-changes") as made:
        yield made


def install(place: Namespace, verb: str, more: Sequence[str] = ()) -> None:
    place.helm(verb, "ps", str(CHART), *options(HOST), *more)


def users(place: Namespace) -> int:
    return int(place.sql("SELECT count(*) FROM users"))


def test_a_release_is_changed_rolled_back_taken_away_and_comes_again(place: Namespace) -> None:
    install(place, "install")
    who = visitors(HOST, spots=4)
    registered = users(place)
    generated = place.get("secret", "ps-parkingspots")["data"]

    pods = set(place.ready_pods("api"))
    with load(who, rate=20) as told:
        install(place, "upgrade", values(settings__HOLD_MINUTES=15))
    assert not told.failures, told
    assert not pods & set(place.ready_pods("api")), "a changed setting takes new pods"
    (*_, pod) = place.ready_pods("api")
    assert place.kubectl("exec", pod, "--container", "api", "--", "printenv", "HOLD_MINUTES").strip() == "15"
    assert place.get("secret", "ps-parkingspots")["data"] == generated

    key = place.kubectl("get", "secret", "ps-parkingspots", "--output", "jsonpath={.data.SECRET_KEY}")
    pods = set(place.ready_pods("api"))
    rotated = values(settings__HOLD_MINUTES=15, auth__secretKey="s" * 40, auth__previousSecretKey=_decoded(key))
    with load(who, rate=20) as told:
        install(place, "upgrade", rotated)
    assert not told.failures, told
    assert not pods & set(place.ready_pods("api")), "a changed secret takes new pods"

    with load(who, rate=20) as told:
        install(place, "upgrade", [*rotated, *values(api__replicas=3)])
    assert not told.failures, told
    assert len(place.ready_pods("api")) == 3

    with load(who, rate=20) as told:
        place.helm("rollback", "ps", "2", "--wait", "--timeout", "5m")
    assert not told.failures, told
    until(lambda: len(place.ready_pods("api")) == 2, 60, "the rollback's two pods")
    assert users(place) == registered

    place.helm("uninstall", "ps", "--wait", "--timeout", "2m")
    until(lambda: not place.items("pods"), 90, "the last pods have ended")
    assert _left(place) == {
        "persistentvolumeclaim/data-ps-postgresql-0",
        "secret/ps-parkingspots",
        "secret/ps-postgresql",
    }

    install(place, "install")
    assert users(place) == registered
    assert place.get("secret", "ps-postgresql")["data"]


def test_the_namespace_is_gone_within_a_minute(place: Namespace, figure: Figure) -> None:
    began = monotonic()
    run("kubectl", "delete", "namespace", place.name, "--timeout", "60s")
    figure(f"the namespace was gone after {monotonic() - began:.0f} s")


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


def _left(place: Namespace) -> set[str]:
    """What is there beside what every namespace has."""
    kinds = "deploy,sts,job,cronjob,pod,service,ingress,configmap,secret,serviceaccount,pvc,role,rolebinding,pdb"
    found = place.kubectl("get", kinds, "--output", "name").split()
    always = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
    return set(found) - always
