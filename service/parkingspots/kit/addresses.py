"""Which network a request comes from. TRUSTED_PROXIES decides whose X-Forwarded-For is believed (see front.py)."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

HOST_BITS = 64
"""Of IPv6: what one subscriber chooses freely (RFC 4291, 2.5.1)."""
UNKNOWN = "unknown"
LONGEST = 64


def client_address(scope: Scope) -> str:
    """The client's IPv4 address or its IPv6 network; `unknown` on a Unix socket."""
    client = scope.get("client")
    return _network(client[0]) if client else UNKNOWN


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:LONGEST] or UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, HOST_BITS), strict=False))


async def _client_address(request: Request) -> str:
    return client_address(request.scope)


ClientAddress = Annotated[str, Depends(_client_address)]
