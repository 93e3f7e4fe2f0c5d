"""Where `parkingspots-lifecycle` begins, as `python -m parkingspots_lifecycle` does."""

import os

from parkingspots.kit.starting import made_to_last

POLITE = 10
"""Niceness: on a machine that it shares, those who serve requests come first."""


def main() -> None:
    """Run the command line."""
    os.nice(POLITE)
    with made_to_last():
        from parkingspots_lifecycle import cli

    cli.main()


if __name__ == "__main__":
    main()
