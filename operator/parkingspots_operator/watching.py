"""kopf's part: streams that tell of changes. They only wake the rounds; nothing is decided from an event."""

from collections.abc import Callable, Iterator
from typing import Any

import kopf

from parkingspots_operator.kubernetes import login
from parkingspots_operator.objects import Object, mapping
from parkingspots_operator.release import GROUP, PLURAL, PREFIX_ANNOTATION, RELEASE_LABEL, VERSION
from parkingspots_operator.watched import Watched

SERVER_TIMEOUT, CLIENT_TIMEOUT, CONNECT_TIMEOUT = 240, 300, 10
"""Seconds until a stream is asked for anew, so that none is trusted for ever."""
SILENCE = 70
"""Seconds without as much as a bookmark after which kopf reconnects."""
Wake = Callable[[], None]


class Patiently:
    """Seconds between kopf's tries of a request: without end, as a stream that is given up ends the process."""

    def __iter__(self) -> Iterator[float]:
        yield from (1, 2, 4, 8)
        while True:
            yield 10


def settings() -> kopf.OperatorSettings:
    """No finalizer, no annotation, no event of kopf's own: it only watches."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = True
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.watching.server_timeout = SERVER_TIMEOUT
    chosen.watching.client_timeout = CLIENT_TIMEOUT
    chosen.watching.connect_timeout = CONNECT_TIMEOUT
    chosen.watching.inactivity_timeout = SILENCE
    chosen.watching.reconnect_backoff = 1
    chosen.networking.request_timeout = CLIENT_TIMEOUT
    chosen.networking.connect_timeout = CONNECT_TIMEOUT
    chosen.networking.error_backoffs = Patiently()
    return chosen


def registry(watched: Watched, wake: Wake) -> kopf.OperatorRegistry:
    """A handler for each kind that a Release rests on."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers, errors=kopf.ErrorsMode.PERMANENT)(login)
    kinds: dict[str, tuple[tuple[str, ...], Callable[[Object], bool]]] = {
        "releases": ((GROUP, VERSION, PLURAL), lambda _: True),
        "jobs": (("batch", "v1", "jobs"), _is_ours),
        "deployments": (("apps", "v1", "deployments"), lambda _: True),
        "pods": (("", "v1", "pods"), lambda body: _is_ours(body) or _serves(body)),
    }
    for name, (resource, matters) in kinds.items():
        kopf.on.event(*resource, id=name, registry=handlers)(_handler(watched, wake, matters))
    return handlers


def _handler(watched: Watched, wake: Wake, matters: Callable[[Object], bool]) -> Callable[..., Any]:
    async def changed(event: kopf.RawEvent, **_: object) -> None:
        body = event["object"]
        watched.told(event["type"], body)
        if matters(body):
            wake()

    return changed


def _is_ours(body: Object) -> bool:
    return RELEASE_LABEL in mapping(body, "metadata", "labels")


def _serves(body: Object) -> bool:
    return PREFIX_ANNOTATION in mapping(body, "metadata", "annotations")
