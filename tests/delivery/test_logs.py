"""`make logs`: what pods write, as a person reads it."""

import json
import subprocess
import sys

READABLE = [sys.executable, "k8s/logs.py"]

RECORD = {
    "event": "request",
    "level": "warning",
    "logger": "parkingspots.requests",
    "timestamp": "2026-01-02T10:00:00Z",
    "route": "/livez",
    "status": 503,
}


def read(*lines: str) -> list[str]:
    """What is printed of those lines."""
    given = "".join(f"{line}\n" for line in lines)
    return subprocess.run(READABLE, input=given, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_record_is_a_line_with_its_pod_its_time_and_its_values() -> None:
    (line,) = read(f"[pod/ps-api-7f9/api] {json.dumps(RECORD)}")
    assert line == "ps-api-7f9 2026-01-02T10:00:00Z [warning  ] request route=/livez status=503"


def test_what_is_no_record_stays_as_it_is() -> None:
    assert read("[pod/ps-postgresql-0/postgresql] LOG:  checkpoint", "plain", '[pod/a/b] {"no": "event"}', "[]") == [
        "ps-postgresql-0 LOG:  checkpoint",
        "plain",
        'a {"no": "event"}',
        "[]",
    ]


def test_it_ends_without_a_word_when_nobody_reads_on() -> None:
    command = f"yes plain | {sys.executable} k8s/logs.py | head -1"
    cut = subprocess.run(command, shell=True, capture_output=True, check=True)
    assert (cut.stdout, cut.stderr) == (b"plain\n", b"")
