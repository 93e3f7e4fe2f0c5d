"""The few calls that the operator makes, each a line of its Role. What watches is kopf's."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Self

import aiohttp
import kopf
import structlog

from parkingspots_operator.objects import Object, objects, text
from parkingspots_operator.release import GROUP, PLURAL, VERSION, Release

RELEASES = f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}"
JOBS = "/apis/batch/v1/namespaces/{namespace}/jobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{namespace}/deployments"
PODS = "/api/v1/namespaces/{namespace}/pods"
EVENTS = "/api/v1/namespaces/{namespace}/events"

TIMEOUT = aiohttp.ClientTimeout(total=10)
CREATION_TIMEOUT = aiohttp.ClientTimeout(total=35)
"""An admission webhook has up to 30 s, and what the API server says of one that takes longer is worth hearing."""
WEBHOOK = "failed calling webhook"
"""How the API server begins to say that it could not ask one."""
REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})

log = structlog.get_logger(__name__)


class Unavailable(Exception):  # noqa: N818 - a state of the API server
    """It did not answer, or not now; asking again may help."""


class Hindered(Unavailable):
    """It would, but an admission webhook of the cluster fails: somebody has to mend that."""


class Refused(Exception):  # noqa: N818 - its answer
    """It will not do that, for the reason it gives."""


class Missing(Exception):  # noqa: N818 - what it looked for
    """There is no such thing."""


class Conflict(Exception):  # noqa: N818 - of two writers
    """It is there already, or is no longer what it was."""


class NoCluster(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Nothing says where the cluster is, or who we are there."""


def login(**_: object) -> kopf.ConnectionInfo:
    """The pod's service account, or else the kubeconfig. Raises NoCluster."""
    settings, logger = kopf.OperatorSettings(), structlog.stdlib.get_logger(__name__)
    try:
        pod = kopf.login_with_service_account(settings=settings, logger=logger)
        found = pod or kopf.login_with_kubeconfig(settings=settings, logger=logger)
    except Exception as error:  # whatever is wrong with the file, a person has to look at it
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise NoCluster(f"The kubeconfig cannot be used: {why}") from error
    if found is None:
        raise NoCluster("No cluster: this is no pod with a service account, and KUBECONFIG names no file.")
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if pod and host:  # as kubectl does in a pod: the cluster's DNS may be away when we are needed
        return replace(pod, server=f"https://{f'[{host}]' if ':' in host else host}:{port}")
    return found


class Kubernetes:
    """The API server, for one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._session: aiohttp.ClientSession | None = None
        self._server = ""

    async def __aenter__(self) -> Self:
        self._log_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def _log_in(self) -> aiohttp.ClientSession:
        known = login()
        try:
            trusted = known.as_ssl_context()
        except (OSError, ValueError) as error:
            raise NoCluster(f"The certificates cannot be used: {error}") from error
        self._server = known.server.rstrip("/")
        connector = aiohttp.TCPConnector(ssl=trusted, limit=4)
        self._session = aiohttp.ClientSession(connector=connector, headers=known.as_http_headers(), timeout=TIMEOUT)
        return self._session

    async def releases(self) -> list[Object]:
        return await self._list(RELEASES)

    async def jobs(self, selector: str) -> list[Object]:
        return await self._list(JOBS, selector)

    async def pods(self, selector: str) -> list[Object]:
        return await self._list(PODS, selector)

    async def deployment(self, name: str) -> Object | None:
        try:
            return await self._ask("GET", f"{DEPLOYMENTS}/{name}")
        except Missing:
            return None

    async def create_job(self, job: Object) -> None:
        await self._ask("POST", JOBS, job, patience=CREATION_TIMEOUT)

    async def patch_status(self, release: Release, status: Object) -> None:
        """Raises Conflict where the Release is no longer the one that was read."""
        patch = {"metadata": {"resourceVersion": release.resource_version}, "status": status}
        await self._ask("PATCH", f"{RELEASES}/{release.name}/status", patch, "application/merge-patch+json")

    async def create_event(self, event: Object) -> None:
        await self._ask("POST", EVENTS, event)

    async def _list(self, path: str, selector: str = "") -> list[Object]:
        answer = await self._ask("GET", path, params={"labelSelector": selector} if selector else {})
        return objects(answer, "items")

    async def _ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        patience: aiohttp.ClientTimeout = TIMEOUT,
    ) -> Object:
        async with self._answer(method, path, body, content_type, params or {}, patience) as response:
            answer = await _read(response)
        status = response.status
        said = text(answer, "message") or f"{status} {response.reason}"
        if status in REFUSALS:
            raise Refused(said)
        if status == HTTPStatus.NOT_FOUND:
            raise Missing(said)
        if status == HTTPStatus.CONFLICT:
            raise Conflict(said)
        if status == HTTPStatus.UNAUTHORIZED:
            await self._forget()
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and WEBHOOK in said:
            raise Hindered(f"The API server answered {said}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise Unavailable(f"The API server answered {said}")
        return answer

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        body: Object | None,
        content_type: str,
        params: Mapping[str, str],
        patience: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session = self._session or self._log_in()
        url = self._server + path.format(namespace=self.namespace)
        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            async with session.request(
                method, url, json=body, params=params, headers=headers, timeout=patience
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"The API server cannot be reached: {str(error) or type(error).__name__}") from error

    async def _forget(self) -> None:
        """Our token may have been replaced since we read it."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _read(response: aiohttp.ClientResponse) -> Object:
    try:
        answer = await response.json(content_type=None)
    except ValueError:
        return {}
    return answer if isinstance(answer, Mapping) else {}
