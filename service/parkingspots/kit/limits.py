"""Rate limits: counted in Valkey for all processes together, and in this one alone while Valkey is away."""

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, cast

import structlog
from fastapi import Depends, Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from packaging.version import Version
from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool
from starlette.types import ASGIApp, Receive, Scope, Send

from parkingspots.kit import tracing
from parkingspots.kit.addresses import client_address
from parkingspots.kit.answers import answer
from parkingspots.kit.breaker import Breaker
from parkingspots.kit.cache import IN_VALKEY, LONGEST_WAIT
from parkingspots.kit.names import by_name
from parkingspots.kit.problems import Problem
from parkingspots.kit.windows import MovingWindows
from parkingspots.settings import Settings

PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""What watches over the service is not a client."""
LARGEST_LEASE = 1 / 20
"""The most permits fetched at once, as a part of the limit."""
MOST_LEASES = 20_000
CONNECTIONS = 16
ROUNDING = 1.0
"""Seconds: Valkey tells in whole ones when a window ends."""

REFUSED = Counter("parkingspots_rate_limited", "Requests that were too many, by the limit that they met.", ("policy",))
T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Policy:
    """How much of something is allowed in which time; `name` is what clients see."""

    name: str
    item: RateLimitItem


class TooManyRequests(Problem):
    """429 with Retry-After and the fields of draft-ietf-httpapi-ratelimit-headers."""

    status, title = 429, "Too many requests"
    detail = "That was too much in too short a time. Try again after the seconds that Retry-After names."

    def __init__(self, policy: Policy, seconds: int) -> None:
        amount, window = policy.item.amount, policy.item.get_expiry()
        headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{policy.name}";q={amount};w={window}',
            "RateLimit": f'"{policy.name}";r=0;t={seconds}',
        }
        what = policy.name.replace("-", " ")
        super().__init__(f"The limit is {amount} {what} in {window} seconds. Try again in {seconds}.", headers=headers)


@dataclass
class _Lease:
    """Permits that this process has fetched for a client ahead of its requests, and may give until `ends`."""

    left: int = 0
    size: int = 0
    given: int = 0
    """All that were fetched in this window: a Valkey that has forgotten them does not make them more."""
    ends: float = 0.0
    """Seconds since the epoch; until then a client who was refused is refused without another look."""
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Storage(RedisStorage):
    DEPENDENCIES: dict[str, Version | None] = {"redis": None}  # noqa: RUF012 - as its base says it
    """Its base has more, and loads every client that happens to be installed."""


class Limits:
    """The limits of `settings`; where they are switched off, everything is allowed."""

    def __init__(self, settings: Settings) -> None:
        self.enabled = settings.rate_limits_enabled
        self.requests = Policy("requests", parse(settings.rate_limit_requests))
        self.logins = Policy("failed-logins", parse(settings.rate_limit_logins))
        self.logins_of_address = Policy("failed-logins-of-address", parse(settings.rate_limit_logins_of_address))
        self.registrations = Policy("registrations", parse(settings.rate_limit_registrations))
        self.resets = Policy("resets", parse(settings.rate_limit_resets))
        self.bookings = Policy("bookings", parse(settings.rate_limit_bookings))
        self.payments = Policy("payments", parse(settings.rate_limit_payments))
        self._pool = BlockingConnectionPool.from_url(
            settings.cache_url,
            max_connections=CONNECTIONS,
            timeout=LONGEST_WAIT,
            socket_connect_timeout=LONGEST_WAIT,
            socket_timeout=LONGEST_WAIT,
        )
        self._pool.connection_class = by_name(self._pool.connection_class)
        self._shared = _Storage(
            "redis://",
            implementation="redispy",
            key_prefix="parkingspots:limits",
            connection_pool=cast("Any", self._pool),
        )
        self._everybodys = MovingWindowRateLimiter(self._shared)
        self._own = MovingWindows()
        self._alone = MemoryStorage()
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._breaker = Breaker()

    async def count(self, policy: Policy, *whose: str) -> None:
        """Count one more of `whose`, or raise TooManyRequests where it would be one too many.

        This process counts too, and what it has counted holds: while Valkey is lost, and when it comes back empty.
        """
        await self._require(policy, whose, self._own.hit, self._everybodys.hit)

    async def require(self, policy: Policy, *whose: str) -> None:
        """Raise TooManyRequests where there is no room for one more; counts nothing."""
        await self._require(policy, whose, self._own.test, self._everybodys.test)

    async def _require(
        self,
        policy: Policy,
        whose: tuple[str, ...],
        ask_here: Callable[[RateLimitItem, str], bool],
        ask_valkey: Callable[[RateLimitItem, str], Awaitable[bool]],
    ) -> None:
        """Raise TooManyRequests unless both say yes: Valkey, where it is there, and this process by itself."""
        if not self.enabled:
            return
        key = _key(policy, *whose)
        everywhere = await self._asked(lambda: ask_valkey(policy.item, key))
        if everywhere is False:
            raise _refusal(policy, await self._seconds(policy, key))
        if not ask_here(policy.item, key):
            raise _refusal(policy, _until(self._own.reset_time(policy.item, key), policy))

    async def _seconds(self, policy: Policy, key: str) -> int:
        """Until Valkey has room again."""
        stats = await self._asked(lambda: self._everybodys.get_window_stats(policy.item, key))
        return _until(self._own.reset_time(policy.item, key) if stats is None else stats.reset_time, policy)

    async def admit(self, address: str) -> None:
        """Count a request of a client address, or raise TooManyRequests.

        Permits are fetched from Valkey in growing numbers and given out here, so that a busy client costs a few
        calls a minute, and one whose requests are spread over many processes loses few.
        """
        if not self.enabled:
            return
        lease = self._lease(address)
        if not self._takes(lease):
            async with lease.fetching:  # of many requests at once one fetches, for all
                if not self._takes(lease):
                    await self._fetch(lease, address)

    def admits_at_once(self, address: str) -> bool:
        """Whether a request of a client address was counted; False leaves it to `admit`, which may wait or refuse."""
        if not self.enabled:
            return True
        lease = self._leases.get(address)
        return lease is not None and lease.left > 0 and self._takes(self._lease(address))

    def _lease(self, address: str) -> _Lease:
        lease = self._leases.get(address)
        if lease is None:
            lease = self._leases[address] = _Lease()
            if len(self._leases) > MOST_LEASES:
                self._leases.popitem(last=False)
        else:
            self._leases.move_to_end(address)
        return lease

    def _takes(self, lease: _Lease) -> bool:
        """Whether a permit was at hand; raises TooManyRequests where the window has none left."""
        if not 0 < lease.ends - time.time() <= self.requests.item.get_expiry() + 1:  # over, or the clock was set back
            lease.left = lease.size = lease.given = 0
            lease.ends = 0.0  # though the clock may come back to before its end
            return False
        if lease.left > 0:
            lease.left -= 1
            return True
        if lease.size == 0:
            raise _refusal(self.requests, _until(lease.ends, self.requests))
        return False

    async def _fetch(self, lease: _Lease, address: str) -> None:
        """Fetch permits and take one, or raise TooManyRequests; the last lease of a window has what is left of it."""
        item = self.requests.item
        if lease.ends - time.time() < ROUNDING:
            lease.given = 0
        wanted = min(lease.size * 2, int(item.amount * LARGEST_LEASE)) or 1
        key = item.key_for(_key(self.requests, address))

        async def fetched(storage: RedisStorage | MemoryStorage) -> tuple[int, float]:
            spent = await storage.incr(key, item.get_expiry(), wanted)
            return max(0, min(wanted, item.amount - spent + wanted)), await storage.get_expiry(key)

        permits, ends = await self._asked(lambda: fetched(self._shared)) or await fetched(self._alone)
        if lease.given == 0:
            lease.ends = max(ends, time.time() + 1)
        lease.size = lease.left = min(permits, item.amount - lease.given)
        lease.given += lease.size
        self._takes(lease)

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What Valkey says; None while it is away."""
        if not self._breaker.allows():
            return None
        try:
            with tracing.call("EVALSHA limits", IN_VALKEY):
                said = await ask()
        except Exception as error:  # noqa: BLE001 - whatever it says: uvloop has a RuntimeError for a lost connection
            if self._breaker.failed():  # of many who fail at once one tells
                log.warning("each process counts alone until Valkey answers", error=str(error) or type(error).__name__)
            return None
        self._breaker.succeeded()
        return said

    async def aclose(self) -> None:
        await self._pool.aclose()
        if self._alone.timer is not None:
            self._alone.timer.cancel()


def _refusal(policy: Policy, seconds: int) -> TooManyRequests:
    REFUSED.labels(policy.name).inc()
    return TooManyRequests(policy, seconds)


def _until(moment: float, policy: Policy) -> int:
    """Whole seconds, at least one and at most the policy's window."""
    return min(max(1, math.ceil(moment - time.time())), policy.item.get_expiry())


def _key(policy: Policy, *whose: str) -> str:
    """No e-mail address stands in Valkey."""
    digest = hashlib.sha256("\0".join(whose).encode()).hexdigest()[:32]
    return f"{policy.name}:{digest}"


class RateLimited:
    """Counts every request by the address of its client, before anything else looks at it but for what is at hand.

    Not those to `free` paths, which let nobody in but whom they know.
    """

    def __init__(self, app: ASGIApp, free: Collection[str] = ()) -> None:
        self.app = app
        self._free = PROBES | {*free}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") not in self._free:
            try:
                await scope["app"].state.limits.admit(client_address(scope))
            except TooManyRequests as problem:
                await answer(problem)(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _limits(request: Request) -> Limits:
    return cast("Limits", request.app.state.limits)


CurrentLimits = Annotated[Limits, Depends(_limits)]
