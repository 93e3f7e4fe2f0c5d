"""Become a command that ends with its parent: `python tether.py SIGNAL PARENT_PID COMMAND…`.

Linux forgets the wish when a user namespace is entered, so this runs behind `unshare`, right before the
command, and needs the standard library alone.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for SIGNAL at the parent's death, where Linux grants it, then become COMMAND."""
    signal, parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the wish was made
            sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606 - to become it is the point
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
