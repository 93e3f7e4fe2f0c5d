"""What a command writes, where that goes wrong."""

import os
import sys
from contextlib import suppress
from errno import ENOSPC


def given_up(error: OSError) -> str | None:
    """What is wrong with a file or the output, in a sentence; None where it was a connection that failed.

    What has not gone out by then is let go of: Python would try again as it ends, and end with a code of its own.
    """
    if error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    if error.errno != ENOSPC:
        return None
    with suppress(OSError, ValueError):  # a test's stand-in for it has no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"The output cannot be written: {error.strerror}."
