"""The signals that end a run: the first is an exception in the main thread, a Ctrl-C after it means hurry."""

import ctypes
import os
import signal as signals
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from parkingspots.dev.tether import PR_SET_PDEATHSIG

ENDING = (signals.SIGINT, signals.SIGTERM, signals.SIGHUP)


class Stopped(BaseException):
    """The user, the terminal or the system wants the run to end. No `except Exception` may swallow it."""


class Interrupts:
    """What the ending signals did so far."""

    def __init__(self) -> None:
        self.armed = True
        self.hurried = False

    def disarm(self) -> None:
        """From now on no signal raises: the run is ending already."""
        self.armed = False

    def receive(self, signal: int, _frame: FrameType | None) -> None:
        """Handle a signal: raise Stopped while armed, else note a Ctrl-C as hurry."""
        if self.armed:
            self.armed = False
            raise Stopped
        self.hurried = self.hurried or signal == signals.SIGINT


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle the ending signals until left, but those that the caller's own caller ignores (nohup)."""
    state = Interrupts()
    heeded = [signal for signal in ENDING if signals.getsignal(signal) is not signals.SIG_IGN]
    before = {signal: signals.signal(signal, state.receive) for signal in heeded}
    _end_with_make()
    try:
        yield state
    finally:
        for signal, handler in before.items():
            signals.signal(signal, handler)


def _end_with_make() -> None:
    """A killed `make` sends nothing by itself; let the system tell."""
    if sys.platform == "linux" and "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signals.SIGTERM), 0, 0, 0)
