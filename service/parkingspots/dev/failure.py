"""What stops a run on a laptop, told in one line."""

import errno
import re


class Failure(Exception):  # noqa: N818 - it is one, and says so
    """Its text is one line that says what is wrong and what to do."""


GRAVE = re.compile("FATAL|PANIC")
NO_SPACE = "No space left on device"
NOT_YOURS = (errno.EACCES, errno.EPERM, errno.EROFS)


def disk_full(place: object) -> Failure:
    """The failure to write in `place` for want of space."""
    return Failure(f"The disk is full: free some space for {place}, then start again. Nothing is lost.")


def of_log(what: str, text: str, place: object) -> Failure:
    """The failure `what` ("X did not start") of a program that wrote `text`; `place` has more."""
    if NO_SPACE in text:
        return disk_full(place)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line[found.start() :] for line in lines if (found := GRAVE.search(line))]
    last = (telling or lines or ["it wrote nothing"])[-1]
    return Failure(f"{what}: {last} (more in {place})")


def of_os_error(error: OSError, place: object) -> Failure:
    """The failure behind an error of the operating system met in `place`."""
    where = error.filename or place
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    if error.errno in NOT_YOURS:
        return Failure(f"{where}: {error.strerror}. Start as the owner of this folder, or make it writable.")
    return Failure(f"{where}: {error.strerror or error}")
