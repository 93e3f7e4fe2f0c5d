"""What Linux knows of a process."""

import os
from pathlib import Path


def connections(pid: int) -> set[int]:
    """The other end's ports of the connections that a process has; none of one that is no more."""
    try:
        return _connections(pid)
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _connections(pid: int) -> set[int]:
    inodes = {inode for inode in map(_socket, _opened(pid)) if inode}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and fields[2].rpartition(":")[2] != "0000":
                found.add(int(fields[2].rpartition(":")[2], 16))
    return found


def descriptors(pid: int) -> int:
    """How many files, sockets and the like it has open."""
    return len(_opened(pid))


def resident(pid: int) -> float:
    """MiB of memory that is its own or shared, and in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kib) / 1024


def worked(pid: int) -> float:
    """Seconds of a core that it has used since it began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _opened(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _socket(descriptor: Path) -> str:
    """Its inode; empty where it is none."""
    try:
        name = str(descriptor.readlink())
    except FileNotFoundError:  # it was closed just now
        return ""
    return name.removeprefix("socket:[").removesuffix("]") if name.startswith("socket:[") else ""
