"""The operator against a real API server, its controllers and a kubelet."""

import json
from typing import Any

import pytest

from cluster.kube import KubeError, Namespace, namespace, until
from cluster.releases import FAIL, MIGRATE, RULES, STAND_IN, Releases, kill, metrics, operator, sample, seconds

MEGABYTE = 1_000_000
SOON = 60.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"revision": "00 19"}, "revision must be the name of a schema revision"),
        ({"deployment": "UPPER"}, "deployment must be the name of a Deployment in this namespace, in lower case"),
        ({"cache": {"prefix": "a*"}}, "cache.prefix may hold letters, digits and . _ : - only"),
        ({"deadlineSeconds": 0}, "deadlineSeconds must lie between 1 and 86400"),
        ({"cache": {}}, "spec.cache.prefix: Required value"),
        ({"metadata": {"name": "r" * 64}}, "metadata.name may have 63 characters at most"),
    ],
)
def test_the_api_server_refuses_a_spec_that_is_wrong(releases: Releases, change: dict[str, Any], sentence: str) -> None:
    body = releases.body("one")
    body["metadata"] = change.pop("metadata", body["metadata"])
    body["spec"] |= change
    with pytest.raises(KubeError, match=sentence.replace(".", r"\.").replace("*", r"\*")):
        releases.place.kubectl("apply", "--dry-run=server", "--filename", "-", given=json.dumps(body))


def test_a_release_is_migrated_rolled_out_and_purged(releases: Releases) -> None:
    releases.apply("one")
    releases.until("Ready")
    assert releases.status()["lastMigration"]["from"] == "0018"
    releases.place.kubectl("apply", "--filename", "-", given=json.dumps(releases.body("two")))
    releases.until("RollingOut")
    assert set(releases.pods().values()) == {"one"}
    releases.apply("two")
    releases.until("Ready")
    status, conditions = releases.status(), releases.conditions()
    assert status["cache"] == {"current": "two", "stale": [], "failed": []}
    assert {name: each["status"] for name, each in conditions.items()} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Migrated": "True",
        "RolledOut": "True",
        "CachePurged": "True",
    }
    assert [entry["result"] for entry in status["history"]] == ["Succeeded", "Succeeded"]
    (purge,) = releases.jobs("purge")
    assert purge["metadata"]["creationTimestamp"] >= status["rollout"]["rolledOutAt"]
    assert releases.place.kubectl("logs", f"job/{purge['metadata']['name']}").strip() == "['--prefix', 'one']"
    assert set(releases.pods().values()) == {"two"}
    told = releases.told()
    assert (told[0], told[-3:]) == ("Migrating", ["RollingOut", "Purging", "Ready"])
    shown = releases.place.kubectl("get", "psrel", releases.name).splitlines()
    assert [line.split()[:4] for line in shown] == [
        ["NAME", "REVISION", "READY", "STATUS"],
        [releases.name, "0019", "True", "Ready"],
    ]


def test_a_failed_migration_is_stalled_leaves_the_old_pods_and_is_retried_on_request(releases: Releases) -> None:
    releases.apply("one")
    releases.until("Ready")
    before = releases.pods()
    switch = "import os, sys; os.environ.get('GO') or sys.exit('lock timeout: table spots is held')"
    body = releases.body("two", switch)
    container = body["spec"]["migration"]["template"]["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [{"configMapRef": {"name": f"{releases.name}-switch", "optional": True}}]
    releases.place.kubectl("apply", "--filename", "-", given=json.dumps(body))
    message = releases.until("MigrationFailed")
    assert "lock timeout: table spots is held" in message
    assert releases.pods() == before
    assert len(releases.jobs("migration")) == 2
    releases.place.kubectl("create", "configmap", f"{releases.name}-switch", "--from-literal=GO=1")
    releases.patch(retry="now")
    releases.until("RollingOut")
    assert len(releases.jobs("migration")) == 3


def test_a_corrected_release_goes_on_by_itself(releases: Releases) -> None:
    releases.apply("one", FAIL)
    assert "another transaction holds table spots" in releases.until("MigrationFailed")
    releases.apply("one-one", MIGRATE)
    releases.until("Ready")


def test_an_image_that_cannot_be_pulled_is_stalled_with_its_name_until_it_is_corrected(releases: Releases) -> None:
    releases.apply("one", image="localhost/not-there:1")
    message = releases.until("ImageUnavailable")
    assert "localhost/not-there:1 cannot be pulled" in message
    releases.apply("two", image=STAND_IN)
    releases.until("Ready")


def test_a_job_deleted_by_hand_is_made_again(releases: Releases) -> None:
    releases.apply("one", "import time; time.sleep(600)")
    releases.until("Migrating")
    (first,) = until(lambda: releases.jobs("migration"), SOON, "a Job")
    releases.place.kubectl("delete", "job", first["metadata"]["name"])
    (again,) = until(lambda: releases.jobs("migration"), SOON, "another Job")
    assert again["metadata"]["name"] == first["metadata"]["name"]
    assert again["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_purge_on_demand_leaves_the_release_ready(releases: Releases) -> None:
    releases.apply("one")
    releases.until("Ready")
    releases.annotate("purge-cache", "monday")
    until(lambda: releases.status()["tokens"]["purgeCache"] == "monday", SOON, "purged")
    assert len(releases.jobs("purge")) == 1
    assert releases.told().count("Ready") == 1


def test_an_operator_that_is_killed_at_every_step_comes_to_the_same_end(releases: Releases) -> None:
    slow = f"import time; time.sleep(2); {MIGRATE}"
    releases.apply("one")
    releases.until("Ready")
    releases.apply("two", slow)
    met = set()
    for step in ("Migrating", "RollingOut", "Purging"):
        met.add(releases.phase() if releases.until(step, "Ready") else "")
        kill(releases.place)
    releases.until("Ready")
    assert "Migrating" in met
    assert (len(releases.jobs("migration")), len(releases.jobs("purge"))) == (2, 1)
    assert releases.status()["cache"] == {"current": "two", "stale": [], "failed": []}
    assert [entry["result"] for entry in releases.status()["history"]] == ["Succeeded", "Succeeded"]


def test_its_account_may_do_what_the_role_says_and_nothing_else(place: Namespace) -> None:
    listing = place.kubectl("auth", "can-i", "--list", "--as", f"system:serviceaccount:{place.name}:operator")
    everybody = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}
    found: dict[str, set[str]] = {}
    for line in listing.splitlines()[1:]:
        resource, verbs = line.split()[0], line[line.rindex("[") + 1 : line.rindex("]")].split()
        if resource.startswith("[") or resource.partition(".")[0] in everybody:
            continue
        found.setdefault(resource, set()).update(verbs)
    wanted: dict[str, set[str]] = {}
    for rule in RULES:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                kind, _, sub = resource.partition("/")
                named = f"{kind}.{group}" if group else kind
                wanted.setdefault(f"{named}/{sub}" if sub else named, set()).update(rule["verbs"])
    assert found == wanted


def test_it_is_small_and_quiet(place: Namespace) -> None:
    place.kubectl("rollout", "status", "deployment/operator", "--timeout", "60s")
    began, told = seconds(), metrics(place)
    assert sample(told, "process_resident_memory_bytes") < 80 * MEGABYTE
    before = sample(told, "process_cpu_seconds_total")
    until(lambda: seconds() - began > 30, 60, "half a minute")
    used = sample(metrics(place), "process_cpu_seconds_total") - before
    assert used / (seconds() - began) < 0.010


def test_nothing_is_left_that_keeps_a_namespace_from_going(place: Namespace) -> None:
    assert place.name
    with namespace("ps-operator-gone") as other:
        operator(other)
        releases = Releases(other, "ps")
        releases.apply("one")
        releases.until("Ready")
        assert "finalizers" not in other.get("psrel", "ps")["metadata"]
        other.kubectl("delete", "deployment", "operator", "--wait")
        began = seconds()
        other.kubectl("delete", "namespace", other.name, "--timeout", "60s")
        assert seconds() - began < SOON
