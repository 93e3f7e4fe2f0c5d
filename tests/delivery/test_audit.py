"""`make audit`: nothing is called clean that nobody was asked about."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from delivery.stand_ins import ROOT, Machine, called

LOCKS = ("requirements/uv.txt", "requirements/build.txt")
CLEAN: dict[str, Any] = {"name": "fastapi", "version": "1.2.3", "vulns": []}
WEAK = CLEAN | {"name": "jinja2", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.2.4"]}]}
UNMENDED = CLEAN | {"name": "jinja2", "vulns": [{"id": "PYSEC-2026-2", "fix_versions": []}]}
UNKNOWN = {"name": "uvicorn", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.fixture
def audit(machine: Machine) -> Any:
    """The audit where pip-audit does and says that."""

    def auditing(then: str, *arguments: str) -> CompletedProcess[str]:
        machine.install("pip-audit", then)
        program = str(machine.bin / "pip-audit")
        command = (
            sys.executable,
            "tools/audit.py",
            program,
            "requirements/uv.txt",
            "requirements/build.txt",
            *arguments,
        )
        return machine.run(ROOT, *command)

    return auditing


def said(*parts: dict[str, Any], code: int = 0) -> str:
    return f"cat <<'END'\n{json.dumps({'dependencies': parts})}\nEND\nexit {code}"


def test_all_locks_are_asked_about_by_their_hashes_and_nothing_is_installed(audit: Any, machine: Machine) -> None:
    ran = audit(said(CLEAN))
    assert (ran.returncode, ran.stdout) == (0, "Known weaknesses of 1 locked packages: 0\n")
    (call,) = called(machine.calls, "pip-audit")
    assert "--disable-pip --require-hashes" in call
    assert call.endswith("--requirement requirements/uv.txt --requirement requirements/build.txt")


def test_a_known_weakness_fails_with_what_mends_it(audit: Any) -> None:
    ran = audit(said(CLEAN, WEAK, code=1))
    assert ran.returncode == 1
    assert "jinja2 1.2.3: PYSEC-2026-1, mended by 1.2.4" in ran.stdout
    assert "mended by nothing yet" in audit(said(UNMENDED, code=1)).stdout


def test_what_the_service_does_not_know_is_not_called_clean(audit: Any) -> None:
    ran = audit(said(CLEAN, UNKNOWN))
    assert ran.returncode == 3
    assert ran.stderr.startswith("Not audited: pypi has no advisories for 1 of 2 packages, such as uvicorn.")


def test_a_service_that_cannot_be_reached_is_told_in_one_line(audit: Any) -> None:
    ran = audit("echo 'Traceback: Failed to resolve' >&2; exit 1", "--service", "osv")
    assert ran.returncode == 3
    assert ran.stderr == "Not audited: osv's advisories cannot be asked from here: Traceback: Failed to resolve\n"


def test_a_network_that_swallows_questions_ends_it(audit: Any) -> None:
    ran = audit("exec cat /dev/zero > /dev/null", "--patience", "0.2")
    assert ran.returncode == 3
    assert "did not come within" in ran.stderr


def test_a_program_that_is_missing_is_named() -> None:
    command = (sys.executable, "tools/audit.py", "no-such-program", *LOCKS)
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert ran.stderr == "Not audited: no-such-program does not start: No such file or directory.\n"


def test_make_audit_asks_about_every_lock(machine: Machine, tmp_path: Path) -> None:
    (machine.bin / "ruff").symlink_to("true")
    machine.install("pip-audit", said(CLEAN))
    installed = tmp_path / ".installed"
    installed.touch()
    (tmp_path / "bin").symlink_to(machine.bin)
    there = ("--assume-old=install", f"--assume-old={installed}")
    ran = machine.make("audit", f"BIN={machine.bin}", f"AUDIT={tmp_path}", *there)
    assert ran.returncode == 0, ran.stderr
    asked = called(machine.calls, "pip-audit")[0].split("--requirement ")[1:]
    locks = (ROOT / "requirements").glob("*.txt")
    assert {name.strip() for name in asked} == {f"requirements/{lock.name}" for lock in locks}
