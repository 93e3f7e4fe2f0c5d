"""kubectl and helm, against whatever KUBECONFIG points at."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "parkingspots"
TOOLS = Path(os.environ.get("PS_CLUSTER_BIN", Path.home() / ".cache" / "ps-cluster" / "bin"))
LOOK_EVERY = 0.25  # seconds
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


class KubeError(AssertionError):
    """A command that should have worked did not; the message is what it said."""


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(TOOLS))
    if found is None:
        raise KubeError(f"{name} is not installed")
    return found


def run(name: str, *arguments: str, given: str | None = None, within: float = 300) -> str:
    """What the program prints. Raises KubeError with what it complains of."""
    command = [_program(name), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=within)
    if done.returncode:
        raise KubeError(f"{name} {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def until(condition: Callable[[], Any], within: float, what: str) -> Any:
    """The first true value of `condition`; an AssertionError with `what` after `within` seconds."""
    end = monotonic() + within
    while not (found := condition()):
        if monotonic() > end:
            raise KubeError(f"not within {within:.0f} s: {what}")
        sleep(LOOK_EVERY)
    return found


class Namespace:
    """A namespace of its own, and what is done there."""

    def __init__(self, name: str) -> None:
        self.name = name

    def kubectl(self, *arguments: str, given: str | None = None, within: float = 300) -> str:
        return run("kubectl", "--namespace", self.name, *arguments, given=given, within=within)

    def helm(self, *arguments: str, within: float = 600) -> str:
        return run("helm", "--namespace", self.name, *arguments, within=within)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def items(self, kind: str, **labels: str) -> list[dict[str, Any]]:
        """Those of a kind with these labels of app.kubernetes.io."""
        chosen = ",".join(f"app.kubernetes.io/{name}={value}" for name, value in labels.items())
        found: list[dict[str, Any]] = self.get(kind, *(["--selector", chosen] if chosen else []))["items"]
        return found

    def there(self, what: str) -> bool:
        return bool(self.kubectl("get", what, "--ignore-not-found", "--output", "name").strip())

    def ready_pods(self, component: str) -> list[str]:
        """Names of the pods that are ready and not about to end."""
        return [
            pod["metadata"]["name"]
            for pod in self.items("pods", component=component)
            if "deletionTimestamp" not in pod["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        ]

    def sql(self, statement: str, release: str = "ps") -> str:
        """What the bundled PostgreSQL answers, its rows one a line."""
        question = ["psql", "-h", "127.0.0.1", "-U", "parkingspots", "-d", "parkingspots", "-XAtqc", statement]
        password = 'PGPASSWORD="$APPLICATION_PASSWORD" exec "$@"'
        pod = f"statefulset/{release}-postgresql"
        return self.kubectl("exec", pod, "--", "sh", "-c", password, "psql", *question).strip()


@contextmanager
def namespace(name: str, labels: dict[str, str] | None = None) -> Iterator[Namespace]:
    """A new one that enforces the restricted Pod Security Standard; whatever is in it goes after, in its own time."""
    _delete(name)
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED | (labels or {})}}
    run("kubectl", "create", "--filename", "-", given=json.dumps(own))
    try:
        yield Namespace(name)
    finally:
        if not os.environ.get("E2E_KEEP"):
            _delete(name, "--wait=false")


def _delete(name: str, *more: str) -> None:
    run("kubectl", "delete", "namespace", name, "--ignore-not-found", "--timeout", "120s", *more)


def values(**given: Any) -> Sequence[str]:
    """Options of helm for values by their paths, with __ for the dots."""
    options = []
    for path, value in given.items():
        options += ["--set-json", f"{path.replace('__', '.')}={json.dumps(value)}"]
    return options
