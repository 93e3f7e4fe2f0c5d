"""A pod that runs out of memory, and pods that get little CPU, under load."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cluster.clients import Visitors
from cluster.conftest import Judge, settled
from cluster.kube import KubeError, Namespace, until
from cluster.load import SHED, load
from resilience.scenario import Group

CUT = {"502", "503", "504", "RemoteDisconnected", "ConnectionResetError"}
"""What an Ingress answers for a pod that is gone, until it has heard of that."""
EAT = """
import os, signal
for _ in range(40):
    if not os.fork():
        taken = b"x" * (32 << 20)
        signal.pause()
signal.pause()
"""
"""Many small ones: it is the largest process of the container that the kernel ends, and so the one that serves."""
LITTLE, ENOUGH = "50m", "4"
FOR_A_WHILE = 2_000  # requests


def test_a_pod_that_runs_out_of_memory_comes_back_and_the_other_serves(
    release: Namespace, who: Visitors, judge: Judge
) -> None:
    settled(release)
    pod = release.ready_pods("api")[0]
    with load(who) as told:
        with suppress(KubeError):
            release.kubectl("exec", pod, "--container", "api", "--", "python3", "-c", EAT)
        until(lambda: state(release, pod)["restartCount"] == 1, 60, f"{pod} is started again")
        settled(release)
        back, served = datetime.now(UTC), told.requests
        until(lambda: told.requests > served + FOR_A_WHILE, 60, "some more requests")
    assert state(release, pod)["lastState"]["terminated"]["reason"] == "OOMKilled"
    promised = "Requests of that pod are cut until the Ingress has heard of it; it comes back, and nothing is lost"
    judge("out-of-memory", told, release, promised=promised, but=CUT, group=Group.KILLED)
    assert len(told.failures) < told.requests / 10
    assert not [str(failure) for failure in told.failures if failure.at > back]


def test_pods_with_little_cpu_are_slow_and_no_probe_restarts_them(
    release: Namespace, who: Visitors, judge: Judge
) -> None:
    settled(release)
    pods = release.ready_pods("api")
    restarts = [state(release, pod)["restartCount"] for pod in pods]
    before = {trouble for pod in pods for trouble in troubles(release, pod)}
    for pod in pods:
        limit(release, pod, LITTLE)
    with load(who) as told:
        until(lambda: told.requests > FOR_A_WHILE, 240, "some requests")
    for pod in pods:
        limit(release, pod, ENOUGH)
    held_up = sum(throttled(release, pod) for pod in pods)
    judge(
        "little-cpu",
        told,
        release,
        promised="Requests are answered late, or by 503 with Retry-After, and no probe restarts a pod",
        but={SHED},
        measured=f"two pods of {LITTLE} were held up {held_up} times",
        group=Group.OVERLOAD,
    )
    assert held_up
    assert [state(release, pod)["restartCount"] for pod in pods] == restarts
    since = {trouble for pod in pods for trouble in troubles(release, pod)} - before
    assert not [trouble for trouble in since if "Liveness" in trouble]
    settled(release)


def state(release: Namespace, pod: str) -> dict[str, Any]:
    found: dict[str, Any] = release.get("pod", pod)["status"]["containerStatuses"][0]
    return found


def limit(release: Namespace, pod: str, cpu: str) -> None:
    """Of a pod that goes on, as Kubernetes can do it since 1.33."""
    resources = {"requests": {"cpu": LITTLE}, "limits": {"cpu": cpu}}
    wanted = {"spec": {"containers": [{"name": "api", "resources": resources}]}}
    release.kubectl("patch", "pod", pod, "--subresource", "resize", "--patch", json.dumps(wanted))
    until(lambda: state(release, pod)["resources"]["limits"]["cpu"] == cpu, 60, f"{pod} has {cpu} of CPU")


def throttled(release: Namespace, pod: str) -> int:
    """How often it had used up its CPU, by the files of either version of cgroups."""
    look = "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null || true"
    lines = release.kubectl("exec", pod, "--container", "api", "--", "sh", "-c", look).splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("nr_throttled "))


def troubles(release: Namespace, pod: str) -> list[str]:
    """What the kubelet says of probes that failed."""
    chosen = f"involvedObject.name={pod},reason=Unhealthy"
    return [event["message"] for event in release.get("events", "--field-selector", chosen)["items"]]
