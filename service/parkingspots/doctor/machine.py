"""The process itself: which Python, which release."""

import sys

from parkingspots import __version__
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, fail, ok
from parkingspots.doctor.world import World

OLDEST_PYTHON = 3, 11


def of_python(version: tuple[int, int, int]) -> Finding:
    written = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        return fail(f"Python {written} is too old: 3.11 or newer is needed.", "make PYTHON=/path/to/python3 install")
    return ok(f"ParkingSpots {__version__} on Python {written}.")


async def _python(_world: World) -> Finding:
    return of_python(sys.version_info[:3])


GROUP = Group("machine", (Check("python", _python),))
