"""Where `parkingspots` begins, as `python -m parkingspots` does."""

import signal
import sys
from types import FrameType

from parkingspots.kit.starting import made_to_last


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _end)
    with made_to_last():
        from parkingspots import cli

    cli.main()


def _end(number: int, _frame: FrameType | None) -> None:
    """The first process of a container ignores a signal that nobody handles. What serves has a handler of its own."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
