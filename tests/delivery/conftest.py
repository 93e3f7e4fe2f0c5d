"""A machine with nothing but what every machine has."""

from pathlib import Path

import pytest

from delivery.stand_ins import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "machine"
    folder.mkdir()
    return Machine(folder)
