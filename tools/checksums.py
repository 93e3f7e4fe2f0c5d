# ruff: noqa: INP001 - a program of its own
"""Sum files up: `checksums.py dist/SHA256SUMS FILE…` writes what `sha256sum --check` reads.

Runs on a bare Python ≥ 3.11.
"""

import hashlib
import sys
from pathlib import Path


def main() -> None:
    """Write a line for each file, by its name alone: whoever downloads them has them in one folder."""
    sums, *files = map(Path, sys.argv[1:])
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    sums.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
