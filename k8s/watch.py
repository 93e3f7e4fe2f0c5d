# ruff: noqa: INP001, S603 - a program of its own, whose commands are its caller's
"""Keep a cluster up to date with this folder: `watch.py --context NAME -- COMMAND…`; COMMAND builds and deploys.

Python files of the API are copied into the pods that run, which takes a second; whatever else changes is built anew.
"""

import argparse
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from watchfiles import watch

ROOT = Path(__file__).resolve().parents[1]
BUILT_OF = ("service", "lifecycle-cronjob", "operator", "requirements", "charts", "k8s")
PACKAGE = ROOT / "service" / "parkingspots"
API = "app.kubernetes.io/part-of=parkingspots,app.kubernetes.io/component=api"
# As skaffold.yaml has it: where the image's stage `development` runs the API from, and how it is told to start anew.
LIVE = "/tmp/live"  # noqa: S108 - in the pod, its own volume
TAKE = f"tar -x -m --no-same-owner -f - -C {LIVE} && kill -HUP 1"


class Cluster:
    """The pods of one namespace, in the cluster of the context that was current at the start."""

    def __init__(self, kubectl: str, context: str, namespace: str) -> None:
        self._kubectl = [kubectl, "--context", context, "--namespace", namespace]

    def pods(self) -> list[str]:
        query = ["get", "pods", "--selector", API, "--field-selector", "status.phase=Running", "--output", "name"]
        listing = subprocess.run([*self._kubectl, *query], capture_output=True, text=True, check=False)
        return listing.stdout.split()

    def copy(self, files: Sequence[Path]) -> bool:
        """Put the files into every pod of the API and start it anew; whether all took them."""
        pods, archive = self.pods(), packed(files)
        for pod in pods:
            command = [*self._kubectl, "exec", "--stdin", pod, "--container", "api", "--", "sh", "-c", TAKE]
            if subprocess.run(command, input=archive, check=False).returncode:
                return False
        return bool(pods)


def main() -> None:
    """Build once, then follow what changes."""
    options = parsed()
    cluster = Cluster(options.kubectl, options.context, options.namespace)
    known = {path for name in BUILT_OF for path in (ROOT / name).rglob("*") if path.is_file()}
    folders = (ROOT / name for name in BUILT_OF)
    looks = watch(*folders, rust_timeout=200, yield_on_timeout=True, raise_interrupt=False)
    next(looks)  # from here on changes are noticed, those during the build too
    build(options.command)
    for changes in looks:
        touched = {Path(name) for _, name in changes}
        written = {path for path in touched if path.is_file()}
        deleted = (touched - written) & known  # what else is not there was an editor's, between two looks
        known = (known | written) - deleted
        if written and not deleted and all(map(can_be_copied, written)) and cluster.copy(sorted(written)):
            say(f"{told(written)}: copied")
        elif written or deleted:
            say(f"{told(written | deleted)}: building")
            build(options.command)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Keep a cluster up to date with this folder.")
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--context", required=True)
    parser.add_argument("--namespace", default="parkingspots")
    parser.add_argument("command", nargs="+", help="builds and deploys")
    return parser.parse_args()


def can_be_copied(path: Path) -> bool:
    """Whether the API's pods can take it; what other pods run too, and what an image is made by, is built."""
    return path.suffix == ".py" and path.is_relative_to(PACKAGE)


def packed(files: Iterable[Path]) -> bytes:
    """An archive of the files, by their names below service/."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in files:
            archive.add(path, arcname=str(path.relative_to(PACKAGE.parent)), recursive=False)
    return content.getvalue()


def build(command: Sequence[str]) -> None:
    """Run the command; one that fails is run again by the next change."""
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        say(f"failed with exit code {code}")
    say("waiting for changes; Ctrl-C ends this and leaves the product running")


def told(paths: Iterable[Path]) -> str:
    names = sorted(str(path.relative_to(ROOT)) for path in paths)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - a line


def say(line: str) -> None:
    sys.stderr.write(f"watch: {line}\n")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
