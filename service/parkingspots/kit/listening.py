"""Listening on every address of a machine, whichever version of IP it has."""

import socket

EVERYWHERE = "::"
"""As a host to listen on: IPv6 and IPv4, or the one that there is."""


def everywhere(port: int, backlog: int = 128) -> socket.socket:
    """A socket that listens on `port`. Raises OSError."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                (EVERYWHERE, port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
            )
        except OSError:  # IPv6 is known and switched off; where the port is taken, IPv4 says so too
            pass
    return socket.create_server(("0.0.0.0", port), backlog=backlog)  # noqa: S104 - that is the point
