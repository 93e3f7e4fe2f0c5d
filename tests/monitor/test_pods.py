"""Pods are followed by kubectl. A stand-in tells which there are, and at which port each one shows its figures."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from monitor.conftest import MakeWatch, showing
from monitor.pages import Process
from parkingspots.monitor import pods as following
from parkingspots.monitor.pods import SELECTOR, Pods
from parkingspots.monitor.targets import NoTarget
from product import until

KUBECTL = """#!{python}
import json, os, pathlib, sys, time

folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
world = json.loads((folder / "world.json").read_text())
if "get" in sys.argv:
    if world is None:
        sys.exit("E0101 memcache.go:265] noise\\nerror: context \\"shop\\" does not exist")
    print(json.dumps({{"items": [
        {{"metadata": {{"name": name}}, "status": {{"phase": "Running" if port else "Pending"}}}}
        for name, port in world.items()
    ]}}))
    sys.exit()
name = sys.argv[-2].removeprefix("pod/")
if world[name] == "refused":
    sys.exit("error: unable to forward port because pod is not running")
(folder / name).write_text(str(os.getpid()))
print(f"Forwarding from 127.0.0.1:{{world[name]}} -> 9090", flush=True)
while True:
    print("Handling connection", flush=True)
    time.sleep(0.01)
"""
World = dict[str, int | str | None]


class Kubectl:
    """The stand-in, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kubectl").write_text(KUBECTL.format(python=sys.executable))
        (folder / "kubectl").chmod(0o755)

    def tell(self, world: World | None) -> None:
        """Which pods there are, and their ports; none while a pod is pending."""
        (self.folder / "new").write_text(json.dumps(world))
        (self.folder / "new").replace(self.folder / "world.json")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def forwards(self, pod: str) -> bool:
        """Whether a port-forward to the pod runs."""
        return Path("/proc", (self.folder / pod).read_text()).exists()

    def kill_forward(self, pod: str) -> None:
        os.kill(int((self.folder / pod).read_text()), 9)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(following, "LOOK_EVERY", 0.0)
    return Kubectl(tmp_path)


@pytest.fixture
async def ports() -> AsyncIterator[list[int]]:
    """Where two processes show their figures."""
    async with AsyncExitStack() as stack:
        yield [
            int((await stack.enter_async_context(showing(Process())))[0].rpartition(":")[2]) for _ in ("one", "other")
        ]


@pytest.fixture
async def pods() -> AsyncIterator[Pods]:
    pods = Pods("shop", "kind-shop")
    yield pods
    await pods.aclose()


async def test_pods_are_followed_as_they_come_and_go(
    kubectl: Kubectl, ports: list[int], pods: Pods, watching: MakeWatch
) -> None:
    watch = watching(discovery=pods)
    kubectl.tell({"api-1": ports[0], "api-2": None})
    await watch.look()
    assert [(pod.name, pod.trouble) for pod in watch.pods] == [("api-1", None), ("api-2", "it is pending")]
    kubectl.tell({"api-2": ports[1]})
    await watch.look()
    assert [(pod.name, pod.trouble) for pod in watch.pods] == [("api-2", None)]
    assert not kubectl.forwards("api-1")
    assert kubectl.forwards("api-2")
    await pods.aclose()
    assert not kubectl.forwards("api-2")


async def test_kubectl_is_asked_for_the_metrics_port_of_the_apis_pods(
    kubectl: Kubectl, ports: list[int], pods: Pods
) -> None:
    kubectl.tell({"api-1": ports[0]})
    await pods.targets()
    chosen = "--context=kind-shop --namespace=shop"
    assert kubectl.calls == [
        f"{chosen} get pods --selector={SELECTOR} --output=json",
        f"{chosen} port-forward --address=127.0.0.1 pod/api-1 :metrics",
    ]


async def test_a_forward_that_ends_is_begun_again(
    kubectl: Kubectl, ports: list[int], pods: Pods, watching: MakeWatch
) -> None:
    watch = watching(discovery=pods)
    kubectl.tell({"api-1": ports[0], "api-2": "refused"})
    await watch.look()
    assert [pod.trouble for pod in watch.pods] == [None, "error: unable to forward port because pod is not running"]
    kubectl.kill_forward("api-1")
    kubectl.tell({"api-1": ports[0], "api-2": ports[1]})

    async def both_answer() -> bool:
        await watch.look()
        return watch.answering == 2

    await until(both_answer)


async def test_kubectl_that_fails_is_quoted_and_what_is_known_stays(
    kubectl: Kubectl, ports: list[int], pods: Pods, watching: MakeWatch
) -> None:
    watch = watching(discovery=pods)
    kubectl.tell({"api-1": ports[0]})
    await watch.look()
    kubectl.tell(None)
    await watch.look()
    assert watch.trouble == ('kubectl cannot list the pods of namespace shop: error: context "shop" does not exist')
    assert watch.answering == 1


async def test_a_namespace_without_pods_is_said_to_be_empty(kubectl: Kubectl, pods: Pods) -> None:
    kubectl.tell({})
    with pytest.raises(NoTarget, match="There are no pods of ParkingSpots' API in namespace shop"):
        await pods.targets()


async def test_without_kubectl_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pods: Pods) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTarget, match="needs kubectl, which cannot be run: No such file"):
        await pods.targets()
