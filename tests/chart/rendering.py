"""The chart as Helm renders it, without a cluster."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "parkingspots"
SETUPS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
"""The real set-ups for which `ci/` has values."""
KNOWN_PLACES = (os.environ.get("PS_CLUSTER_BIN", ""), str(Path.home() / ".cache" / "ps-cluster" / "bin"))

Manifest = dict[str, Any]
Values = Mapping[str, Any]
NOTHING: Values = {}


class Refused(Exception):  # noqa: N818 - a sentence for whoever runs Helm
    """Helm does not render this; its words."""


class _OnceEach(yaml.CSafeLoader):
    """YAML in which no key stands twice, as an API server wants it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{node.start_mark}: {twice} stands there twice"
        return super().construct_mapping(node, deep)


def helm() -> Path | None:
    """Helm 4: on the PATH, or where the scripts of the cluster put it."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *filter(None, KNOWN_PLACES)])
    for folder in places.split(os.pathsep):
        found = shutil.which("helm", path=folder)
        if found and _output(found, "version", "--template", "{{.Version}}").startswith("v4"):
            return Path(found)
    return None


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def nested(values: Values) -> dict[str, Any]:
    """`{"api.replicas": 3}` as the tree that it is short for; keys further down are what they are."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *folders, name = path.split(".")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        if isinstance(value, Mapping) and isinstance(branch.get(name), dict):
            branch[name] |= value
        else:
            branch[name] = deepcopy(value)
    return tree


@dataclass(frozen=True)
class Helm:
    """Runs Helm on a chart, in a home of its own and without a cluster; remembers what it has rendered."""

    program: Path
    home: Path
    chart: Path = CHART
    rendered: dict[tuple[str, ...], str] = field(default_factory=dict)

    def render(
        self, setup: str, values: Values = NOTHING, *, release: str = "ps", flags: Sequence[str] = ()
    ) -> list[Manifest]:
        """The resources of a set-up of `ci/` with further values on top; Refused where Helm renders none."""
        return parsed(self._template(setup, values, release, flags))

    def refusal(self, setup: str, values: Values, *, release: str = "ps", flags: Sequence[str] = ()) -> str:
        """What Helm says where it renders nothing."""
        try:
            self._template(setup, values, release, flags)
        except Refused as refused:
            return str(refused)
        raise AssertionError(f"{values} is not refused")

    def notes(self, setup: str, values: Values = NOTHING, *, release: str = "ps") -> str:
        """What is said to whoever has installed it."""
        arguments = ("install", release, str(self.chart), "--dry-run=client", *self._values(setup))
        return self.run(*arguments, values=values).partition("\nNOTES:\n")[2]

    def run(self, *arguments: str, values: Values = NOTHING) -> str:
        """What Helm writes, given values as the last of its files; Refused where it fails."""
        homes = {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [str(self.program), *arguments],
            input=json.dumps(nested(values)),
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": os.devnull, **homes},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout

    def _template(self, setup: str, values: Values, release: str, flags: Sequence[str]) -> str:
        arguments = ("template", release, str(self.chart), "--namespace", "parking", *self._values(setup), *flags)
        key = (*arguments, json.dumps(values, sort_keys=True))
        if key not in self.rendered:
            self.rendered[key] = self.run(*arguments, values=values)
        return self.rendered[key]

    def _values(self, setup: str) -> tuple[str, ...]:
        of_setup = ("--values", str(CHART / "ci" / f"{setup}-values.yaml")) if setup else ()
        return (*of_setup, "--values", "-")


def parsed(text: str) -> list[Manifest]:
    """The documents of a YAML stream, but empty ones."""
    return [document for document in yaml.load_all(text, _OnceEach) if document]


def of_kind(manifests: Sequence[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The one resource of that kind whose name ends so."""
    (found,) = [each for each in of_kind(manifests, kind) if each["metadata"]["name"].endswith(name)]
    return found


def title(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Whatever becomes a pod, however deep in a resource: where it stands, and its metadata and spec."""
    for manifest in manifests:
        for path, node in walked(manifest):
            if isinstance(node, dict) and isinstance(node.get("spec"), dict) and "containers" in node["spec"]:
                yield " ".join([title(manifest), *path]), node


def walked(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Everything in a tree with the way to it."""
    yield path, node
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in steps:
        yield from walked(child, (*path, str(name)))


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def variables(container: Manifest) -> dict[str, str]:
    """Those that are no secrets."""
    return {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}


def settings_of_the_api(manifests: Sequence[Manifest]) -> dict[str, str]:
    (container,) = one(manifests, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    return variables(container)
