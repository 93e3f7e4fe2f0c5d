"""What Kubernetes of each version takes, and what our own and others' resources may hold, as JSON schemas."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate import SchemaNotFoundError  # type: ignore[import-untyped]
from kubernetes_validate.utils import latest_version, schema_contents  # type: ignore[import-untyped]
from referencing import Registry, Resource

from chart.rendering import CHART, Manifest

VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
"""For which the chart is made; Chart.yaml's kubeVersion begins with the first."""
FOREIGN = Path(__file__).parent / "foreign"
OWN = CHART / "crds" / "releases.parkingspots.dev.yaml"
Schema = dict[str, Any]


def complaints(manifest: Manifest, version: str) -> list[str]:
    """What Kubernetes would not take of a resource: each with the way to it."""
    validator = _validator(manifest["apiVersion"], manifest["kind"], version)
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(manifest)]


def deprecations(manifest: Manifest) -> list[str]:
    """The fields of a resource that the newest Kubernetes known calls deprecated."""
    schema = _validator(manifest["apiVersion"], manifest["kind"], latest_version()).schema
    assert isinstance(schema, dict)
    return list(_deprecated(manifest, schema, manifest["kind"]))


def _deprecated(node: Any, schema: Schema, path: str) -> Iterator[str]:
    if re.search(r"^Deprecated|Deprecated:", schema.get("description", "")):
        yield path
    whole = _resolved(schema)
    if isinstance(node, dict):
        for name, child in node.items():
            below = whole.get("properties", {}).get(name) or whole.get("additionalProperties")
            if isinstance(below, dict):
                yield from _deprecated(child, below, f"{path}.{name}")
    elif isinstance(node, list):
        for child in node:
            yield from _deprecated(child, whole.get("items", {}), path)


def _resolved(schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = _contents("_definitions", latest_version())["$defs"][schema["$ref"].rpartition("/")[2]]
    return found


@cache
def _validator(api_version: str, kind: str, version: str) -> Draft202012Validator:
    if api_version == "parkingspots.dev/v1alpha1":
        return Draft202012Validator(_own())
    if (FOREIGN / f"{kind}.json").exists():
        return Draft202012Validator(strict(json.loads((FOREIGN / f"{kind}.json").read_text())))
    group, _, name = api_version.rpartition("/")
    file = "-".join(filter(None, [kind.lower(), group.partition(".")[0], name]))
    try:
        schema = _contents(file, version)
    except FileNotFoundError:
        raise SchemaNotFoundError(kind, version, api_version) from None
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> Registry[Any]:
    return Resource.from_contents(_contents("_definitions", version)) @ Registry()


@cache
def _contents(name: str, version: str) -> Schema:
    folder = f"kubernetes-json-schema/v{version.removesuffix('.0')}.0-local-strict"
    schema: Schema = schema_contents(f"{folder}/{name}.json", version)
    return schema


def _own() -> Schema:
    (version,) = yaml.safe_load(OWN.read_text())["spec"]["versions"]
    return strict(version["schema"]["openAPIV3Schema"])


def strict(schema: Schema) -> Schema:
    """A definition's schema as one that refuses what an API server would drop without a word."""
    closed = _closed(schema)
    closed["properties"] |= {"apiVersion": True, "kind": True, "metadata": True}
    return closed


def _closed(schema: Schema) -> Schema:
    """No field but those that it names, at any depth, unless it says that it keeps others."""
    result = dict(schema)
    result["properties"] = {name: _closed(child) for name, child in schema.get("properties", {}).items()}
    if isinstance(schema.get("items"), dict):
        result["items"] = _closed(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _closed(schema["additionalProperties"])
    elif schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if schema.get("nullable"):
        result["type"] = [schema["type"], "null"]
    return result
