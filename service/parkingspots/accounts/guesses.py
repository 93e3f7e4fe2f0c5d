"""Wrong passwords, counted so that guessing comes to an end and nobody can lock another out."""

from collections.abc import Iterator
from dataclasses import dataclass

from parkingspots.accounts import passwords
from parkingspots.accounts.rules import one_spelling
from parkingspots.kit.limits import Limits, Policy


@dataclass(frozen=True)
class Guess:
    """A password tried on the account of `email` from `address`.

    It is `familiar` where somebody has signed in to the account from that address before: what fails elsewhere does
    not keep them out.
    """

    limits: Limits
    email: str
    address: str
    familiar: bool

    async def verified(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """As `passwords.verified`; raises TooManyRequests where too many have failed, whether this one is right or not.

        Looks again behind the hashing: of a burst, no more is learnt than the limit allows.
        """
        await self._require()
        right, renewed_hash = await passwords.verified(password, stored)
        if right:
            await self._require()
        else:
            await self._count()
        return right, renewed_hash

    async def _require(self) -> None:
        for policy, whose in self._counters():
            await self.limits.require(policy, *whose)

    async def _count(self) -> None:
        """The narrowest first: what it refuses does not use up the others, which are more people's."""
        for policy, whose in self._counters():
            await self.limits.count(policy, *whose)

    def _counters(self) -> Iterator[tuple[Policy, tuple[str, ...]]]:
        account = one_spelling(self.email)
        yield self.limits.logins, (account, self.address)
        yield self.limits.logins_of_address, (self.address,)
        if not self.familiar:
            yield self.limits.logins_of_address, ("account", account)
