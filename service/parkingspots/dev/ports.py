"""TCP ports of this machine."""

import random
import socket
from errno import EADDRINUSE

HOST = "127.0.0.1"
RANGE = range(20_000, 30_000)
"""Below those that a system gives to connections that go out, of which one might take it before a server does."""
TRIES = 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now. Raises OSError where none is found."""
    for port in random.sample(RANGE, TRIES):
        if is_free(port):
            return port
    raise OSError(EADDRINUSE, f"none of {TRIES} ports of {HOST} is free")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
        return True
