"""Write the dashboards: `python -m tools.dashboards FOLDER`, from the repository's root."""

import sys
from pathlib import Path

from tools.dashboards.board import written
from tools.dashboards.business import BOARD as BUSINESS
from tools.dashboards.cache import BOARD as CACHE
from tools.dashboards.lifecycle import BOARD as LIFECYCLE
from tools.dashboards.overview import BOARD as OVERVIEW
from tools.dashboards.rollouts import BOARD as ROLLOUTS

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for board in (OVERVIEW, BUSINESS, CACHE, LIFECYCLE, ROLLOUTS):
        (folder / f"{board.name}.json").write_text(written(board), encoding="utf-8")
