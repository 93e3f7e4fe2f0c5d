"""Makes a release happen in order: migrate the database, wait for the pods, purge the cache of the release before."""

from importlib.metadata import version

__version__ = version("parkingspots-operator")
