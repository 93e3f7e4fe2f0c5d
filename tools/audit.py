# ruff: noqa: INP001, S603 - a program of its own, which runs pip-audit
"""Ask for known weaknesses of all that is locked: `audit.py .cache/audit/bin/pip-audit requirements/*.txt`.

pip-audit calls a package that its service does not know clean; here nothing is clean that was not asked about. Runs on
a bare Python ≥ 3.11.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CLEAN, WEAK, UNASKED = 0, 1, 3
"""Exit codes; 2 is of a command that is wrong, as argparse has it."""
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "--timeout", "10")
PATIENCE = 300.0
"""Seconds for all questions together: a network that swallows them ends here."""


class NotAsked(Exception):  # noqa: N818 - a sentence for a person at a terminal
    """Why nobody knows."""


def main() -> None:
    """Say what is known, or that it is not."""
    parser = argparse.ArgumentParser(description="Ask for known weaknesses of all that is locked.")
    parser.add_argument("program", help="pip-audit")
    parser.add_argument("locks", nargs="+", help="requirements with hashes")
    parser.add_argument("--service", default="pypi", help="who is asked: pypi (the default) or osv")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for all questions together")
    options = parser.parse_args()
    try:
        parts = asked(options.program, options.service, options.locks, options.patience)
    except NotAsked as not_asked:
        sys.stderr.write(f"Not audited: {not_asked}\n")
        sys.exit(UNASKED)
    weak = list(weaknesses(parts))
    sys.stdout.writelines(f"{line}\n" for line in weak)
    sys.stdout.write(f"Known weaknesses of {len(parts)} locked packages: {len(weak)}\n")
    sys.exit(WEAK if weak else CLEAN)


def asked(program: str, service: str, locks: Sequence[str], patience: float) -> Sequence[Mapping[str, Any]]:
    """What the service says of each package. Raises NotAsked unless it has been asked about every one."""
    files = [part for lock in locks for part in ("--requirement", lock)]
    command = (program, *OPTIONS, "--vulnerability-service", service, *files)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        raise NotAsked(f"{service}'s advisories did not come within {patience:.0f} seconds.") from None
    except OSError as error:
        raise NotAsked(f"{program} does not start: {error.strerror}.") from None
    try:
        parts: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotAsked(f"{service}'s advisories cannot be asked from here: {last}") from None
    if unknown := [str(part["name"]) for part in parts if "skip_reason" in part]:
        raise NotAsked(
            f"{service} has no advisories for {len(unknown)} of {len(parts)} packages, such as {unknown[0]}. "
            "A mirror of PyPI gives packages alone: ask where pypi.org itself can be reached."
        )
    return parts


def weaknesses(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line each: of what, which, and the version that mends it."""
    for part in parts:
        for weakness in part["vulns"]:
            mended = ", ".join(weakness["fix_versions"]) or "nothing yet"
            yield f"{part['name']} {part['version']}: {weakness['id']}, mended by {mended}"


if __name__ == "__main__":
    main()
