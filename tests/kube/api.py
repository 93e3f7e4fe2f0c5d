"""A stand-in for the API server: what kopf and the operator ask of one, over HTTP, and ways to break it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

from aiohttp import web

Body = dict[str, Any]
RESOURCES = {
    "releases": ("parkingspots.dev", "v1alpha1", "Release"),
    "jobs": ("batch", "v1", "Job"),
    "deployments": ("apps", "v1", "Deployment"),
    "pods": ("", "v1", "Pod"),
    "events": ("", "v1", "Event"),
}
NAMESPACED = r"/{root:api|apis}{group:(?:/[a-z.]+)??}/{version:v[0-9][0-9a-z]*}/namespaces/{namespace}/{plural}"
FAILURES: dict[int, type[web.HTTPException]] = {
    401: web.HTTPUnauthorized,
    403: web.HTTPForbidden,
    404: web.HTTPNotFound,
    409: web.HTTPConflict,
    422: web.HTTPUnprocessableEntity,
    500: web.HTTPInternalServerError,
    503: web.HTTPServiceUnavailable,
}
VERBS = ["create", "get", "list", "patch", "watch"]


class StandIn:
    """Holds objects of one namespace. Tests change them by `put`, `edit` and `delete`, as users and controllers do."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Body]] = {plural: {} for plural in RESOURCES}
        self.calls: list[tuple[str, str, str]] = []
        """Verb, group and resource, as a Role names them."""
        self.refusals: dict[tuple[str, str], tuple[int, str]] = {}
        """By verb and resource: the status and sentence to answer with."""
        self.is_away = False
        self.turned_away = 0
        self.is_defined = True
        self.moment: Callable[[], datetime] = _utc_now
        self.url = ""
        self._versions = count(100)
        self._log: list[tuple[int, str, str, Body]] = []
        self._changed = asyncio.Condition()
        self._streams: set[asyncio.WriteTransport] = set()

    # What users and controllers do
    async def put(self, plural: str, body: Body) -> Body:
        new = deepcopy(body)
        metadata = new["metadata"]
        metadata.setdefault("uid", f"uid-of-{metadata['name']}")
        metadata.setdefault("generation", 1)
        metadata.setdefault("creationTimestamp", self.moment().strftime("%Y-%m-%dT%H:%M:%SZ"))
        return await self._store(plural, "ADDED", new)

    async def edit(self, plural: str, name: str, change: Callable[[Body], object]) -> Body:
        """A change of the spec makes another generation."""
        old = self.objects[plural][name]
        new = deepcopy(old)
        change(new)
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        return await self._store(plural, "MODIFIED", new)

    async def delete(self, plural: str, name: str) -> None:
        await self._store(plural, "DELETED", self.objects[plural][name])
        del self.objects[plural][name]

    async def go_away(self) -> None:
        """Break every connection and answer no other."""
        self.is_away = True
        for transport in list(self._streams):
            transport.abort()
        async with self._changed:
            self._changed.notify_all()

    def come_back(self) -> None:
        self.is_away = False

    def named(self, plural: str) -> list[str]:
        return list(self.objects[plural])

    def verbs(self) -> set[tuple[str, str, str]]:
        return set(self.calls)

    # How it is asked
    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._gate])
        routes = application.router
        routes.add_get("/{root:api|apis}", self._roots)
        routes.add_get("/api/{version}", self._discover)
        routes.add_get("/apis/{group}/{version}", self._discover)
        routes.add_get(NAMESPACED, self._list)
        routes.add_post(NAMESPACED, self._create)
        routes.add_get(f"{NAMESPACED}/{{name}}", self._get)
        routes.add_patch(f"{NAMESPACED}/{{name}}/status", self._patch_status)
        return application

    @web.middleware
    async def _gate(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if self.is_away:
            self.turned_away += 1
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        answer: web.StreamResponse = await handler(request)
        return answer

    def _asked(self, request: web.Request, verb: str, subresource: str = "") -> str:
        plural = request.match_info["plural"]
        if plural not in RESOURCES or (plural == "releases" and not self.is_defined):
            raise _failure(404, "the server could not find the requested resource")
        self.calls.append((verb, RESOURCES[plural][0], f"{plural}{subresource}"))
        if (verb, plural) in self.refusals:
            raise _failure(*self.refusals[verb, plural])
        return plural

    async def _roots(self, request: web.Request) -> web.Response:
        if request.match_info["root"] == "api":
            return web.json_response({"versions": ["v1"]})
        groups = [
            {"name": group, "versions": [{"version": version}], "preferredVersion": {"version": version}}
            for group, version, _ in RESOURCES.values()
            if group
        ]
        return web.json_response({"groups": groups})

    async def _discover(self, request: web.Request) -> web.Response:
        group = request.match_info.get("group", "")
        found = [
            {"name": plural, "kind": kind, "singularName": kind.lower(), "namespaced": True, "verbs": VERBS}
            for plural, (of, _, kind) in RESOURCES.items()
            if of == group
        ]
        if group == "":  # kopf waits until it knows of these, whether it asks for them or not
            found.append({"name": "namespaces", "kind": "Namespace", "singularName": "namespace", "namespaced": False,
                          "verbs": VERBS})  # fmt: skip
        return web.json_response({"resources": found})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        plural = self._asked(request, "list")
        matches = _selects(request.query.get("labelSelector", ""))
        items = [body for body in self.objects[plural].values() if matches(body)]
        return web.json_response({"items": items, "metadata": {"resourceVersion": str(next(self._versions))}})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        plural = self._asked(request, "watch")
        since = int(request.query.get("resourceVersion", 0))
        stream = web.StreamResponse()
        await stream.prepare(request)
        transport = cast("asyncio.WriteTransport", request.transport)
        self._streams.add(transport)
        try:
            while not self.is_away:
                async with self._changed:
                    news = [each for each in self._log if each[0] > since and each[1] == plural]
                    if not news:
                        await self._changed.wait()
                        continue
                for version, _, kind, body in news:
                    await stream.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")
                    since = version
        except ConnectionError:
            pass
        finally:
            self._streams.discard(transport)
        return stream

    async def _get(self, request: web.Request) -> web.Response:
        plural, name = self._asked(request, "get"), request.match_info["name"]
        return web.json_response(self._existing(plural, name))

    async def _create(self, request: web.Request) -> web.Response:
        plural, body = self._asked(request, "create"), await request.json()
        metadata = body["metadata"]
        metadata.setdefault("name", f"{metadata.get('generateName', '')}{next(self._versions)}")
        if metadata["name"] in self.objects[plural]:
            raise _failure(409, f'{plural} "{metadata["name"]}" already exists')
        return web.json_response(await self.put(plural, body), status=201)

    async def _patch_status(self, request: web.Request) -> web.Response:
        plural, name = self._asked(request, "patch", "/status"), request.match_info["name"]
        assert request.content_type == "application/merge-patch+json"
        patch, old = await request.json(), self._existing(plural, name)
        if patch.get("metadata", {}).get("resourceVersion", "") not in {"", old["metadata"]["resourceVersion"]}:
            raise _failure(409, "the object has been modified")
        new = {**old, "status": merged(old.get("status") or {}, patch.get("status", {}))}
        return web.json_response(await self._store(plural, "MODIFIED", new))

    def _existing(self, plural: str, name: str) -> Body:
        if name not in self.objects[plural]:
            raise _failure(404, f'{plural} "{name}" not found')
        return self.objects[plural][name]

    async def _store(self, plural: str, kind: str, body: Body) -> Body:
        version = next(self._versions)
        new = {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}
        async with self._changed:
            self.objects[plural][new["metadata"]["name"]] = new
            self._log.append((version, plural, kind, new))
            self._changed.notify_all()
        return new


def merged(old: Any, patch: Any) -> Any:
    """RFC 7386, as it is written there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _selects(selector: str) -> Callable[[Body], bool]:
    wanted = [part.partition("=") for part in selector.split(",") if part]

    def matches(body: Body) -> bool:
        labels = body["metadata"].get("labels", {})
        return all(name in labels and (not sign or labels[name] == value) for name, sign, value in wanted)

    return matches


def _failure(status: int, message: str) -> web.HTTPException:
    body = json.dumps({"kind": "Status", "code": status, "message": message})
    return FAILURES[status](text=body, content_type="application/json")


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    server = StandIn()
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await server.go_away()
        await runner.cleanup()


def kubeconfig(folder: Path, url: str, token: str = "of-the-operator") -> Path:
    """A file that leads there."""
    named = {"name": "here"}
    text = json.dumps(
        {
            "current-context": "here",
            "contexts": [{**named, "context": {"cluster": "here", "user": "here"}}],
            "clusters": [{**named, "cluster": {"server": url}}],
            "users": [{**named, "user": {"token": token}}],
        }
    )
    path = folder / "kubeconfig"
    path.write_text(text)
    return path
