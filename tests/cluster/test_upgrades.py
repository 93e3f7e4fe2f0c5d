"""What is done to a release that stays the same: new pods, more pods, fewer pods, another key, under load."""

import base64
import json
from contextlib import closing
from secrets import token_hex

import jwt

from cluster.clients import Connection, Visitors, signed_in
from cluster.conftest import Judge, settled
from cluster.kube import Namespace
from cluster.load import load
from parkingspots.accounts.tokens import ALGORITHM, AUDIENCE

API = "deployment/ps-parkingspots-api"
KEYS = "secret/ps-parkingspots"


def anew(release: Namespace) -> None:
    """As docs/operations.md has it."""
    release.kubectl("rollout", "restart", API)
    release.kubectl("rollout", "status", API, "--timeout", "240s")


def test_pods_from_two_to_five_to_one_fail_nobody(release: Namespace, who: Visitors, judge: Judge) -> None:
    settled(release)
    with load(who) as told:
        for pods in (5, 1):
            release.kubectl("scale", API, "--replicas", str(pods))
            settled(release, pods)
    judge("scaled-from-2-to-5-to-1", told, release)
    release.kubectl("scale", API, "--replicas", "2")
    settled(release)


def test_rolling_restarts_that_replace_the_secret_key_fail_nobody_and_sign_nobody_out(
    release: Namespace, who: Visitors, judge: Judge
) -> None:
    settled(release)
    before, old, new = signed_in(who.host, who.renter), key(release, "SECRET_KEY"), token_hex(32)
    pods = set(release.ready_pods("api"))
    with load(who) as told:
        change(release, SECRET_KEY_PREVIOUS=new)
        anew(release)
        settled(release)
    assert not pods & set(release.ready_pods("api"))
    judge("rolling-restart", told, release)
    with load(who) as told:
        change(release, SECRET_KEY=new, SECRET_KEY_PREVIOUS=old)
        anew(release)
        settled(release)
    judge("secret-key-replaced", told, release, promised="Nobody's request fails, and nobody is signed out")
    with closing(Connection(who.host, before["access_token"])) as connection:
        assert connection.ask("GET", "/users/me").status == 200
        renewed = connection.ask("POST", "/auth/refresh", {"refresh_token": before["refresh_token"]})
    assert renewed.status == 200, renewed
    assert jwt.decode(renewed.body["access_token"], new, algorithms=[ALGORITHM], audience=AUDIENCE)


def key(release: Namespace, name: str) -> str:
    return base64.b64decode(release.get(KEYS)["data"][name]).decode()


def change(release: Namespace, **keys: str) -> None:
    release.kubectl("patch", KEYS, "--type", "merge", "--patch", json.dumps({"stringData": keys}))
