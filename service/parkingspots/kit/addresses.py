"""Which network a request comes from. TRUSTED_PROXIES decides whose X-Forwarded-For is believed (see front.py)."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

HOST_BITS = 64
"""Of IPv6: what one subscriber chooses freely (RFC 4291, 2.5.1)."""
MAPPED_BITS = 96
"""Before an IPv4 address within an IPv6 one (RFC 4291, 2.5.5.2)."""
UNKNOWN = "unknown"
LONGEST = 64


def client_address(scope: Scope) -> str:
    """The client's IPv4 address or its IPv6 network; `unknown` on a Unix socket."""
    client = scope.get("client")
    return _network(client[0]) if client else UNKNOWN


def both_ways(networks: Sequence[str]) -> list[str]:
    """Addresses and networks; those of IPv4 also as a socket has them that listens on both versions (::ffff:0:0/96)."""
    mapped = [
        f"::ffff:{network.network_address}/{MAPPED_BITS + network.prefixlen}"
        for network in map(ip_network, networks)
        if isinstance(network, IPv4Network)
    ]
    return [*networks, *mapped]


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
