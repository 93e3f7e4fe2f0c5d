"""The shortest way: what needs no waiting goes out before any other layer has seen the request."""

from time import perf_counter

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from parkingspots.kit.addresses import client_address
from parkingspots.kit.hardening import is_secure
from parkingspots.kit.limits import Limits
from parkingspots.kit.request_log import RequestLog
from parkingspots.kit.requests import an_id, figures
from parkingspots.reads.asked import Wants, wants
from parkingspots.reads.counts import hits
from parkingspots.reads.entries import Entry
from parkingspots.reads.reads import Reads
from parkingspots.reads.sending import send_entry
from parkingspots.reads.targets import Target, Targets


class Shortcut:
    """Stands in front of the application whose `state` it is, and hands on what it cannot answer at once.

    It counts as the layers behind it do: each request once, against the same limits. What was never asked for like this
    before it does not even read: that comes after the limit.
    """

    def __init__(self, app: ASGIApp, state: State, targets: Targets, log: RequestLog) -> None:
        self.app = app
        self._log = log
        self._state = state
        self._targets = targets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        found = self._found(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        entry, target, wanted = found
        name = an_id(wanted.request_id)
        status, size = await send_entry(entry, wanted, send, secure=is_secure(scope), request_id=name)
        seconds = perf_counter() - began
        hits(target.route).count += 1
        figures("GET", target.template).count(status, size, seconds)
        self._log.tell(name, "GET", target.template, status, size, seconds)

    def _found(self, scope: Scope) -> tuple[Entry, Target, Wants] | None:
        reads: Reads | None = self._state.reads
        target = self._targets.known(scope) if reads is not None else None
        entry = reads.at_hand(target) if reads is not None and target is not None else None
        if target is None or entry is None:
            return None
        wanted, limits = wants(scope["headers"]), self._limits()
        if wanted is None or not wanted.may_have(entry) or not limits.admits_at_once(client_address(scope)):
            return None
        return entry, target, wanted

    def _limits(self) -> Limits:
        limits: Limits = self._state.limits
        return limits
