"""Reading what the Kubernetes API answers: JSON of which nothing is taken for granted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Object = Mapping[str, Any]


def inside(value: object, *path: str) -> object:
    """What lies there, or None where anything on the way is missing or is no object."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def mapping(value: object, *path: str) -> Object:
    found = inside(value, *path)
    return found if isinstance(found, Mapping) else {}


def objects(value: object, *path: str) -> list[Object]:
    """The objects in the list that lies there."""
    found = inside(value, *path)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(value: object, *path: str) -> str:
    found = inside(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str, default: int = 0) -> int:
    found = inside(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def moment(value: object, *path: str) -> datetime | None:
    """The time that is written there, as Kubernetes writes it."""
    try:
        read = datetime.fromisoformat(text(value, *path))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def written(at: datetime) -> str:
    """The time as Kubernetes writes it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_nothing(value: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that say something."""
    return {name: each for name, each in value.items() if each is not None}


def merge_patch(old: Object, new: Object) -> dict[str, Any]:
    """What makes `new` of `old` by RFC 7386; empty where they are equal."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if name in old and old[name] == value:
            continue
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            patch[name] = merge_patch(before, value)
        else:
            patch[name] = value
    return patch
