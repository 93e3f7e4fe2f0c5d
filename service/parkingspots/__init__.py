"""ParkingSpots: find, book and rent out parking spots."""

from importlib.metadata import version

__version__ = version("parkingspots")
