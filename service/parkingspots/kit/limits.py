"""Rate limits: counted in Valkey for all processes together, and in this one alone while Valkey is away."""

import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import structlog
from fastapi import Depends, Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from redis.exceptions import RedisError
from starlette.types import ASGIApp, Receive, Scope, Send

from parkingspots.kit.addresses import client_address
from parkingspots.kit.cache import Cache
from parkingspots.kit.problems import Problem, answer
from parkingspots.settings import Settings

PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""What watches over the service is not a client."""
PAUSE = 1.0  # seconds in which nobody asks a Valkey that has just failed
LARGEST_LEASE = 20
"""The most permits fetched at once, as a part of the limit: a twentieth."""
MOST_LEASES = 20_000

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

    def __init__(self, policy: Policy | None = None, seconds: int = 1) -> None:
        headers = {"Retry-After": str(seconds)}
        if policy is not None:
            window = policy.item.get_expiry()
            headers["RateLimit-Policy"] = f'"{policy.name}";q={policy.item.amount};w={window}'
            headers["RateLimit"] = f'"{policy.name}";r=0;t={seconds}'
        super().__init__(headers=headers)


@dataclass
class _Lease:
    """Permits that this process has fetched for a client ahead of its requests, and may give until `expires`."""

    left: int
    size: int
    expires: float


@dataclass
class _Counters:
    """The same counters in two places: all processes' in Valkey, and this one's own."""

    strategy: type[RateLimiter]
    shared: RedisStorage
    own: MemoryStorage
    both: tuple[RateLimiter, RateLimiter] = field(init=False)

    def __post_init__(self) -> None:
        self.both = self.strategy(self.shared), self.strategy(self.own)


class Limits:
    """The limits of `settings`; where they are switched off, everything is allowed."""

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self.enabled = settings.rate_limits_enabled
        self.requests = Policy("requests", parse(settings.rate_limit_requests))
        self.logins = Policy("failed-logins", parse(settings.rate_limit_logins))
        self.logins_of_address = Policy("failed-logins-of-address", parse(settings.rate_limit_logins_of_address))
        self.registrations = Policy("registrations", parse(settings.rate_limit_registrations))
        self.resets = Policy("resets", parse(settings.rate_limit_resets))
        self.bookings = Policy("bookings", parse(settings.rate_limit_bookings))
        shared = RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix="parkingspots:limits",
            connection_pool=cast("Any", cache.client.connection_pool),  # its time-outs too
        )
        self._own = MemoryStorage()
        self._moving = _Counters(MovingWindowRateLimiter, shared, self._own)
        self._fixed = _Counters(FixedWindowRateLimiter, shared, self._own)
        self._leases: dict[str, _Lease] = {}
        self._valkey_rests_until = 0.0

    async def count(self, policy: Policy, *whose: str) -> None:
        """Count one more of `whose`, or raise TooManyRequests where it would be one too many."""
        if self.enabled and not await self._ask(self._moving, "hit", policy, _key(policy, *whose)):
            raise TooManyRequests(policy, await self._seconds(self._moving, policy, _key(policy, *whose)))

    async def require(self, policy: Policy, *whose: str) -> None:
        """Raise TooManyRequests where there is no room for one more; counts nothing."""
        if self.enabled and not await self._ask(self._moving, "test", policy, _key(policy, *whose)):
            raise TooManyRequests(policy, await self._seconds(self._moving, policy, _key(policy, *whose)))

    async def admit(self, address: str) -> None:
        """Count a request of a client address, or raise TooManyRequests.

        Permits are fetched from Valkey in growing numbers and given out here, so that a busy client costs a few
        calls a minute, and one whose requests are spread over many processes loses few.
        """
        lease = self._leases.get(address)
        if lease is not None and lease.left > 0 and lease.expires > time.time():
            lease.left -= 1
        elif self.enabled:
            await self._fetch(address, lease)

    async def _fetch(self, address: str, spent: _Lease | None) -> None:
        key = _key(self.requests, address)
        largest = max(1, self.requests.item.amount // LARGEST_LEASE)
        size = min(spent.size * 2, largest) if spent is not None and spent.expires > time.time() else 1
        for permits in sorted({size, 1}, reverse=True):  # the last few of a window are fewer than a lease
            if await self._ask(self._fixed, "hit", self.requests, key, cost=permits):
                seconds = await self._seconds(self._fixed, self.requests, key)
                self._remember(address, _Lease(permits - 1, permits, time.time() + seconds))
                return
        raise TooManyRequests(self.requests, await self._seconds(self._fixed, self.requests, key))

    def _remember(self, address: str, lease: _Lease) -> None:
        if len(self._leases) >= MOST_LEASES:
            now = time.time()
            self._leases = {each: kept for each, kept in self._leases.items() if kept.expires > now}
        if len(self._leases) < MOST_LEASES:
            self._leases[address] = lease

    async def _seconds(self, counters: _Counters, policy: Policy, key: str) -> int:
        """Until there is room again."""
        stats = await self._ask(counters, "get_window_stats", policy, key)
        seconds: int = math.ceil(stats.reset_time - time.time())
        return min(max(1, seconds), policy.item.get_expiry())

    async def _ask(self, counters: _Counters, what: str, policy: Policy, key: str, **how: int) -> Any:  # noqa: ANN401 - the library's answers
        shared, own = (cast("Callable[..., Awaitable[Any]]", getattr(each, what)) for each in counters.both)
        if time.monotonic() >= self._valkey_rests_until:
            try:
                return await shared(policy.item, key, **how)
            except (RedisError, OSError, TimeoutError) as error:
                self._valkey_rests_until = time.monotonic() + PAUSE
                log.warning("rate limits are counted by each process alone", error=str(error) or type(error).__name__)
        return await own(policy.item, key, **how)

    async def aclose(self) -> None:
        if self._own.timer is not None:
            self._own.timer.cancel()


def _key(policy: Policy, *whose: str) -> str:
    """No e-mail address stands in Valkey."""
    digest = hashlib.sha256("\0".join(whose).encode()).hexdigest()[:32]
    return f"{policy.name}:{digest}"


class RateLimited:
    """Counts every request by the address of its client, before anything else looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") not in PROBES:
            try:
                await scope["app"].state.limits.admit(client_address(scope))
            except TooManyRequests as problem:
                await answer(problem)(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _limits(request: Request) -> Limits:
    return cast("Limits", request.app.state.limits)


CurrentLimits = Annotated[Limits, Depends(_limits)]
