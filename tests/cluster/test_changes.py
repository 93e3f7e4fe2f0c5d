"""What releasers do to a release, one after the other: nobody's data is lost, and only what is said to stay stays."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

import pytest

from cluster import next_releases
from cluster.clients import visitors
from cluster.conftest import Figure, Judge, options, settled
from cluster.kube import CHART, Namespace, namespace, run, until, values
from cluster.load import load

HOST = "changes.parkingspots.local"


@pytest.fixture(scope="module")
def place() -> Iterator[Namespace]:
    with namespace("ps-changes") as made:
        yield made


def install(place: Namespace, verb: str, more: Sequence[str] = ()) -> None:
    place.helm(verb, "ps", str(CHART), *options(HOST), *more)


def users(place: Namespace) -> int:
    return int(place.sql("SELECT count(*) FROM users"))


def test_a_release_is_changed_rolled_back_taken_away_and_comes_again(
    place: Namespace, judge: Judge, tmp_path: Path
) -> None:
    next_releases.build_again(tmp_path / "again", "again")
    install(place, "install")
    who = visitors(HOST)
    registered = users(place)
    generated = place.get("secret", "ps-parkingspots")["data"]

    pods = set(place.ready_pods("api"))
    key = base64.b64decode(generated["SECRET_KEY"]).decode()
    rotated = values(auth__secretKey="s" * 40, auth__previousSecretKey=key)
    with load(who) as told:
        changed = values(settings__HOLD_MINUTES=15, image__tag="again", api__replicas=3)
        install(place, "upgrade", [*changed, *rotated])
        settled(place, 3)
    judge("image-setting-and-secret-changed", told, place)
    assert not pods & set(place.ready_pods("api"))
    (*_, pod) = place.ready_pods("api")
    assert place.kubectl("exec", pod, "--container", "api", "--", "printenv", "HOLD_MINUTES").strip() == "15"

    with load(who) as told:
        place.helm("rollback", "ps", "1", "--wait", "--timeout", "5m")
        settled(place)
    judge("rollback", told, place)
    assert users(place) == registered
    assert place.get("secret", "ps-parkingspots")["data"] == generated

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


def _left(place: Namespace) -> set[str]:
    """What is there beside what every namespace has."""
    kinds = "deploy,sts,job,cronjob,pod,service,ingress,configmap,secret,serviceaccount,pvc,role,rolebinding,pdb"
    found = place.kubectl("get", kinds, "--output", "name").split()
    always = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
    return set(found) - always
