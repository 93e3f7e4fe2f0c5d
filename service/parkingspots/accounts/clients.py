"""What is known of the program that sends a request."""

import re
from dataclasses import dataclass

LONGEST_USER_AGENT = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Client:
    """Where a request comes from, and what its program calls itself, where it does."""

    address: str
    user_agent: str | None

    @classmethod
    def calling_itself(cls, user_agent: str, address: str) -> "Client":
        """`user_agent` is what the header says: as long as the program likes, and perhaps nothing."""
        return cls(address, CONTROL.sub("", user_agent)[:LONGEST_USER_AGENT].strip() or None)
