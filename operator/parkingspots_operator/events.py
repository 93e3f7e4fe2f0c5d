"""The Kubernetes events of a Release: one for each transition that its status makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parkingspots_operator.objects import Object, objects, text, written
from parkingspots_operator.release import API_VERSION, KIND, Release
from parkingspots_operator.status import CACHE_PURGED, READY, STALLED, YES

COMPONENT = "parkingspots-operator"
LONGEST = 1_000
"""Kubernetes refuses messages of more than 1,024 bytes."""


@dataclass(frozen=True)
class Event:
    reason: str
    message: str
    is_warning: bool

    def manifest(self, release: Release, now: datetime) -> dict[str, Any]:
        at = written(now)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{release.name}.", "namespace": release.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": release.name,
                "namespace": release.namespace,
                "uid": release.uid,
            },
            "type": "Warning" if self.is_warning else "Normal",
            "reason": self.reason,
            "message": self.message.encode()[:LONGEST].decode(errors="ignore"),
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": COMPONENT,
            "action": "Reconcile",
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }


def events(release: Release, status: Mapping[str, Any]) -> list[Event]:
    """What is new since the status that the Release had."""
    before, after = _conditions(release.status), _conditions(status)
    found = []
    if text(before.get(READY), "reason") != text(after[READY], "reason"):
        stalled = text(after[STALLED], "status") == YES
        found.append(Event(text(after[READY], "reason"), text(after[READY], "message"), is_warning=stalled))
    purge = text(after[CACHE_PURGED], "reason")
    if purge == "PurgeFailed" != text(before.get(CACHE_PURGED), "reason"):
        found.append(Event(purge, text(after[CACHE_PURGED], "message"), is_warning=True))
    return found


def _conditions(status: Object) -> dict[str, Object]:
    return {text(each, "type"): each for each in objects(status, "conditions")}
