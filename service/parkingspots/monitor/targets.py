"""Where there is something to look at."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx

PATH = "/metrics"
PATIENCE = 2.0  # seconds until a name that is not resolved is left as it was


class NoTarget(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Why there is nothing to look at."""


@dataclass(frozen=True)
class Target:
    """A page of /metrics: of one process, or of one machine's."""

    name: str
    """What it is called on the screen; two targets never share it."""
    url: str
    host: str = ""
    """The server's name and port, where `url` has an address in its place."""
    trouble: str | None = None
    """Why it cannot be asked now."""


class Discovery(Protocol):
    """Knows the targets, which may come and go."""

    async def targets(self) -> Sequence[Target]:
        """Those that there are now; raises NoTarget where nobody can tell."""
        ...

    async def aclose(self) -> None: ...


class Urls:
    """Targets by URL. A name that has several addresses, as a headless Service does, is one target an address."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(dict.fromkeys(_url(text) for text in urls))
        self._known: dict[httpx.URL, Sequence[str]] = {}

    async def targets(self) -> Sequence[Target]:
        found = await asyncio.gather(*(self._of(url) for url in self._urls))
        return list({target.name: target for targets in found for target in targets}.values())

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def _of(self, url: httpx.URL) -> Sequence[Target]:
        name = url.netloc.decode()
        try:
            addresses = await _addresses(url)
        except (OSError, UnicodeError) as error:  # a TimeoutError is one, and no name is a UnicodeError
            if url not in self._known:
                return [Target(name, str(url), trouble=_unresolved(error))]
            addresses = self._known[url]
        self._known[url] = addresses
        if len(addresses) == 1:
            return [Target(name, str(url))]
        there = [url.copy_with(host=address) for address in addresses]
        return [Target(each.netloc.decode(), str(each), name) for each in there]


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL:
        raise NoTarget(f"{text} is no URL.") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise NoTarget(f"{text} is no URL of http or https.")
    return url.copy_with(path=PATH) if url.path == "/" else url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _addresses(url: httpx.URL) -> Sequence[str]:
    """Those of a name, in order; of one family, as a pod that has both is one pod."""
    if _is_address(url.host):
        return [url.host]
    port = url.port or socket.getservbyname(url.scheme)
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    by_family: dict[int, set[str]] = {}
    for family, _, _, _, address in found:
        by_family.setdefault(family, set()).add(str(address[0]))
    of_one = by_family.get(socket.AF_INET) or by_family[socket.AF_INET6]
    return sorted(of_one, key=ipaddress.ip_address)


def _unresolved(error: Exception) -> str:
    return "its name was not resolved in time" if isinstance(error, TimeoutError) else "its name has no address"
