"""Ask a target for its page."""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from parkingspots.monitor.samples import UNREADABLE, NoPage, Page, read
from parkingspots.monitor.targets import Target

PATIENCE = 3.0  # seconds until a target counts as silent
ADVICE: Mapping[int, str] = {httpx.codes.NOT_FOUND: ", its figures may be on METRICS_PORT"}


class NoAnswer(Exception):  # noqa: N818 - what a row of the screen says
    """Why there is no page, in a few words."""


class Scraper:
    """Keeps its connections; asks straight, past any proxy, as targets are inside."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE, verify=ssl.create_default_context())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def scrape(self, target: Target) -> Page:
        """What it says now; raises NoAnswer."""
        if target.trouble is not None:
            raise NoAnswer(target.trouble)
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.get(
                    target.url,
                    headers={"Host": target.host} if target.host else None,
                    extensions={"sni_hostname": target.host.partition(":")[0]} if target.host else None,
                )
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswer(f"silent for {PATIENCE:g} s") from None
        except httpx.ConnectError:
            raise NoAnswer("nobody listens") from None
        except httpx.HTTPError as error:
            raise NoAnswer(f"the connection broke ({type(error).__name__})") from None
        if answer.status_code != httpx.codes.OK:
            raise NoAnswer(f"it answers {answer.status_code}{ADVICE.get(answer.status_code, '')}")
        try:
            return await asyncio.to_thread(read, answer.text)
        except NoPage as error:
            raise NoAnswer(str(error)) from None
        except UNREADABLE:
            raise NoAnswer("its page cannot be read") from None
