"""A release on a cluster: what Helm, the operator and Kubernetes made of it, by the words of kubectl itself."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chart.conftest import chart, helm_program
from chart.rendering import KNOWN_PLACES, Helm, Manifest
from doctor.cluster import NAMESPACE, ApiServer, serving
from doctor.examined import Found, by_name, says, states
from kube.api import kubeconfig
from parkingspots import __version__
from parkingspots.dev.ports import HOST, free_port
from parkingspots.doctor import command, inside, manifests
from parkingspots.doctor.finding import State
from parkingspots.doctor.kubectl import Kubectl
from parkingspots.doctor.world import Options
from parkingspots.settings import Settings
from product import until

__all__ = ["chart", "helm_program"]
API = "ps-parkingspots-api"
Here = dict[str, str]

EXEC = """#!/bin/sh
# kubectl, but for going into a pod: that is a process on this machine.
echo "$*" >>"$KUBECTL_LOG"
case " $* " in
    *" exec "*)
        [ -z "$SILENCE" ] || { echo $$ >"$SILENCE.pid"; cat "$SILENCE"; }
        [ -z "$NO_POD" ] || { echo "$NO_POD" >&2; exit 1; }
        while [ "$1" != -- ]; do shift; done
        shift 2
        exec "$PYTHON" -m parkingspots "$@";;
esac
exec "$KUBECTL" "$@"
"""


@pytest.fixture(scope="session")
def kubectl() -> str:
    places = os.pathsep.join([os.environ.get("PATH", ""), *filter(None, KNOWN_PLACES)])
    found = shutil.which("kubectl", path=places)
    if found is None and os.environ.get("CI"):
        pytest.fail("kubectl is not installed.")
    if found is None:
        pytest.skip("kubectl is not installed.")
    return found


@pytest.fixture
def production(chart: Helm) -> list[Manifest]:
    return chart.render("production", {"api.autoscaling.enabled": True, "api.autoscaling.maxReplicas": 6})


@pytest.fixture
async def api_server(
    production: list[Manifest], kubectl: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ApiServer]:
    """One that kubectl finds, with a release that is in order."""
    async with serving(production) as server:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, server.url)))
        monkeypatch.setenv("KUBECTL", kubectl)
        monkeypatch.setenv("KUBECTL_LOG", str(tmp_path / "asked"))
        monkeypatch.setenv("PYTHON", sys.executable)
        program = tmp_path / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(EXEC)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        yield server


async def outside(**options: Any) -> Found:
    """What is found of the cluster alone."""
    asked = {"namespace": NAMESPACE, **options}
    return by_name(await command.look(Options(**asked), ["cluster"]))


async def test_a_release_in_order_is_well(api_server: ApiServer) -> None:
    del api_server
    found = await outside()
    assert states(found, State.OK) == found.keys()
    assert says(found["cluster", "release"], State.OK, f"ps is version {__version__}")


async def test_a_cluster_that_is_away_fails_and_nothing_else_is_made_of_it(
    api_server: ApiServer, tmp_path: Path
) -> None:
    del api_server
    kubeconfig(tmp_path, f"http://{HOST}:{free_port()}")
    found = await outside()
    assert says(found["cluster", "reach"], State.FAIL, "cannot be reached", mend="kubectl config get-contexts")
    assert states(found, State.SKIPPED) == found.keys() - {("cluster", "reach")}


async def test_a_context_that_is_not_there_fails(api_server: ApiServer) -> None:
    del api_server
    assert says((await outside(context="nowhere"))["cluster", "reach"], State.FAIL, '"nowhere" does not exist')


async def test_a_question_of_kubectls_keeps_its_question_mark_alone(api_server: ApiServer, tmp_path: Path) -> None:
    del api_server
    question = "The connection to the server was refused - did you specify the right host or port?"
    program = tmp_path / "bin" / "kubectl"
    program.write_text(f"#!/bin/sh\necho 'E0101 memcache.go:265] noise' >&2\necho '{question}' >&2\nexit 1\n")
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["database", "cluster"]))
    assert found["cluster", "reach"].says == f"The cluster cannot be reached: {question}"
    assert found["pod", "pod"].says == f"No pod could be looked for: {question}"


async def test_without_kubectl_it_says_so(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    del api_server
    monkeypatch.setenv("PATH", "/nowhere")
    assert says((await outside())["cluster", "reach"], State.FAIL, "kubectl is not installed")


async def test_a_kubectl_that_may_not_be_run_is_a_sentence(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del api_server
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin" / "kubectl").chmod(0o600)
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["database", "cluster"]))
    assert says(found["cluster", "reach"], State.FAIL, "kubectl cannot be run (Permission denied)")
    assert says(found["pod", "pod"], State.FAIL, "kubectl cannot be run (Permission denied)")


async def test_a_namespace_without_a_release_fails(api_server: ApiServer) -> None:
    del api_server
    found = await outside(namespace="elsewhere")
    assert says(found["cluster", "release"], State.FAIL, "no release of ParkingSpots in the namespace elsewhere")


async def test_of_several_releases_one_has_to_be_named(api_server: ApiServer, chart: Helm) -> None:
    api_server.objects["deployments"] += ApiServer(chart.render("production", release="other")).objects["deployments"]
    assert says((await outside())["cluster", "release"], State.FAIL, "other, ps", mend="--release")
    assert says((await outside(release="ps"))["cluster", "release"], State.OK, "ps is version")


async def test_a_release_of_another_version_is_told(api_server: ApiServer) -> None:
    api_server.edit(
        "deployments", API, lambda it: it["metadata"]["labels"].update({"app.kubernetes.io/version": "9.9.9"})
    )
    assert says((await outside())["cluster", "release"], State.WARN, "9.9.9", mend="v9.9.9")


@pytest.mark.parametrize(
    ("condition", "generation", "state", "word"),
    [
        ({"type": "Stalled", "status": "True", "reason": "MigrationFailed", "message": "It failed.\nlog"}, 1,
         State.FAIL, "stalled (MigrationFailed): It failed."),
        ({"type": "Ready", "status": "False", "reason": "RollingOut", "message": "Waits"}, 1, State.WARN, "not ready"),
        ({"type": "CachePurged", "status": "False", "message": "No."}, 1, State.WARN, "not purged"),
        ({"type": "Reconciling", "status": "False"}, 2, State.WARN, "has not looked"),
    ],
)  # fmt: skip
async def test_what_the_operator_says_of_the_release_is_told(
    api_server: ApiServer, condition: dict[str, str], generation: int, state: State, word: str
) -> None:
    def change(release: Manifest) -> None:
        release["metadata"]["generation"] = generation
        conditions = {each["type"]: each for each in release["status"]["conditions"]} | {condition["type"]: condition}
        release["status"]["conditions"] = list(conditions.values())

    api_server.edit("releases", "ps-parkingspots", change)
    assert says((await outside())["cluster", "operator"], state, word)


async def test_a_release_without_an_operator_is_none_the_worse(api_server: ApiServer) -> None:
    api_server.refusals["releases"] = (404, "NotFound")
    assert (await outside())["cluster", "operator"].state is State.SKIPPED


async def test_a_definition_that_helm_did_not_upgrade_fails_with_the_command_that_does(api_server: ApiServer) -> None:
    assert api_server.definition is not None
    schema = api_server.definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["suspend"]
    mend = f"kubectl apply --server-side --field-manager helm --force-conflicts --filename {manifests.CRD.parent}"
    assert says((await outside())["cluster", "definition"], State.FAIL, "Helm never upgrades it", mend=mend)
    api_server.definition = None
    assert says((await outside())["cluster", "definition"], State.FAIL, "does not know the kind", mend=mend)


async def test_what_one_may_not_see_is_skipped(api_server: ApiServer) -> None:
    api_server.refusals.update({"customresourcedefinitions": (403, "Forbidden"), "pods": (403, "Forbidden")})
    found = await outside()
    assert states(found, State.SKIPPED) == {("cluster", name) for name in ("definition", "pods", "images")}


async def test_whoever_may_see_nothing_at_all_is_not_told_that_all_is_well(api_server: ApiServer) -> None:
    api_server.refusals["deployments"] = (403, "Forbidden")
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["database"]))
    assert says(found["pod", "pod"], State.FAIL, "Forbidden", mend="get deployments")
    assert says((await outside())["cluster", "release"], State.FAIL, "Forbidden", mend="get deployments")


async def test_what_the_doctor_in_a_pod_says_of_what_is_in_the_way_is_told(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del api_server
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app@{HOST}:{free_port()}/spots")
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["job"]))
    assert says(found["database", "reach"], State.FAIL)


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        ({"availableReplicas": 0}, State.FAIL, "No pod"),
        ({"availableReplicas": 1}, State.WARN, "1 of"),
        ({"updatedReplicas": 1}, State.WARN, "being rolled out"),
        ({"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}, State.FAIL, "no progress"),
    ],
)
async def test_a_deployment_that_is_not_whole_is_told(
    api_server: ApiServer, status: dict[str, Any], state: State, word: str
) -> None:
    api_server.edit("deployments", API, lambda it: it["status"].update(status))
    assert says((await outside())["cluster", "deployment"], state, word, mend="--namespace parking")


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        ({"containerStatuses": [{"name": "api", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}, State.FAIL,
         "ImagePullBackOff"),
        ({"initContainerStatuses": [{"name": "gate", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
         State.FAIL, "CrashLoopBackOff"),
        ({"conditions": [{"type": "PodScheduled", "status": "False", "message": "too little memory."}]}, State.FAIL,
         "no node takes it (too little memory)"),
        ({"containerStatuses": [{"name": "api", "restartCount": 7, "lastState": {"terminated": {"reason": "Gone"}}}]},
         State.WARN, "Gone"),
    ],
)  # fmt: skip
async def test_a_pod_that_does_not_run_is_told(
    api_server: ApiServer, status: dict[str, Any], state: State, word: str
) -> None:
    api_server.edit("pods", f"{API}-0", lambda it: it["status"].update(status))
    assert says((await outside())["cluster", "pods"], state, word, mend=f"{API}-0")


async def test_a_minute_job_of_another_image_fails_and_an_old_pod_is_told(api_server: ApiServer) -> None:
    def renew(pod: Manifest) -> None:
        pod["spec"]["containers"][0]["image"] = "old:1"

    api_server.edit("pods", f"{API}-1", renew)
    assert says((await outside())["cluster", "images"], State.WARN, f"{API}-1 still runs another image")
    api_server.edit("cronjobs", "-lifecycle", lambda it: renew(it["spec"]["jobTemplate"]["spec"]["template"]))
    assert says((await outside())["cluster", "images"], State.FAIL, "old:1", mend="helm upgrade")


async def test_a_minute_job_that_is_suspended_fails(api_server: ApiServer) -> None:
    api_server.edit("cronjobs", "-lifecycle", lambda it: it["spec"].update(suspend=True))
    assert says((await outside())["cluster", "minute-job"], State.FAIL, "suspended", mend="patch cronjob")
    api_server.objects["cronjobs"].clear()
    assert says((await outside())["cluster", "minute-job"], State.WARN, "no minute job", mend="lifecycle.enabled=true")


async def test_a_minute_job_that_last_succeeded_long_ago_fails(api_server: ApiServer) -> None:
    assert says((await outside())["cluster", "minute-job"], State.OK, "last succeeded", " s ago")
    long_ago = datetime.now(UTC) - timedelta(days=800)
    last = {"lastSuccessfulTime": f"{long_ago:%Y-%m-%dT%H:%M:%SZ}"}
    api_server.edit("cronjobs", "-lifecycle", lambda it: it["status"].update(last))
    found = (await outside())["cluster", "minute-job"]
    assert says(found, State.FAIL, "800 days ago", f"{long_ago:%Y-%m-%d %H:%M} UTC", mend="describe cronjob")


async def test_all_else_is_looked_at_from_inside_a_pod_for_as_many_pods_as_there_may_be(
    api_server: ApiServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del api_server
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    options = Options(namespace=NAMESPACE)
    found = by_name(await command.look(options, ["database", "connections", "cluster"]))
    assert says(found["database", "reach"], State.OK)
    assert says(found["connections", "enough"], State.FAIL, "7 processes of 22", "make 164")
    assert found["cluster", "reach"].state is State.OK
    (asked,) = [line for line in (tmp_path / "asked").read_text().splitlines() if " exec " in line]
    assert asked == (
        f"--namespace parking exec deployment/{API} --container api --pod-running-timeout=5s --"
        " parkingspots doctor --json --pods 7 --only database --only connections"
    )


async def test_a_pod_that_cannot_be_entered_is_a_sentence(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del api_server
    monkeypatch.setenv("NO_POD", "error: unable to upgrade connection: container not found")
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["database", "cluster"]))
    assert says(found["pod", "pod"], State.FAIL, "container not found", mend="--all-containers")
    assert found["cluster", "reach"].state is State.OK


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A pod from which nothing ever comes; says which process of kubectl waits for it, nothing until one does."""
    silence, who = tmp_path / "silence", tmp_path / "silence.pid"
    os.mkfifo(silence)
    monkeypatch.setenv("SILENCE", str(silence))
    end = os.open(silence, os.O_RDWR)
    yield lambda: who.read_text().strip() if who.exists() else ""
    os.close(end)


@pytest.mark.usefixtures("api_server", "waiting")
async def test_a_pod_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "PATIENCE", 0.5)
    found = by_name(await command.look(Options(namespace=NAMESPACE), ["database", "cluster"]))
    assert says(found["pod", "pod"], State.FAIL, "given up after 0.5 s", mend="get pods")
    assert found["cluster", "reach"].state is State.OK


@pytest.mark.usefixtures("api_server")
async def test_a_kubectl_that_is_given_up_is_ended_although_what_it_began_goes_on(waiting: Callable[[], str]) -> None:
    async def is_waiting() -> bool:
        return bool(waiting())

    going = asyncio.create_task(Kubectl(NAMESPACE).inside("deployment/api", "api", ["parkingspots"]))
    await until(is_waiting)
    going.cancel()
    await asyncio.wait({going}, timeout=30)
    assert going.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(int(waiting()), 0)


@pytest.mark.parametrize(
    ("replicas", "scaled_to", "surge", "most"), [(2, None, 1, 3), (2, 6, 1, 7), (4, None, "25%", 5), (3, None, None, 4)]
)
def test_a_rollouts_pods_are_counted_too(replicas: int, scaled_to: int | None, surge: object, most: int) -> None:
    strategy = {} if surge is None else {"rollingUpdate": {"maxSurge": surge}}
    api = {"metadata": {"name": API}, "spec": {"replicas": replicas, "strategy": strategy}}
    scaler = {"spec": {"maxReplicas": scaled_to, "scaleTargetRef": {"name": API}}}
    assert manifests.most_pods(api, [scaler] if scaled_to else []) == most
