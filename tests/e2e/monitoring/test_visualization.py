"""A picture of each dashboard, drawn after the alerts fired, so that it shows what happened."""

import time
from pathlib import Path

import pytest

from tests.charts import helm
from tests.e2e.monitoring.pictures import draw
from tests.e2e.monitoring.prometheus import Monitoring

DASHBOARDS = sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json"))
SHOWN_SECONDS = 600


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_picture_of_the_dashboard(
    monitored: Monitoring, dashboard: Path, repository: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    folder = repository / "docs/img" if pytestconfig.getoption("--write-docs") else tmp_path
    picture = folder / f"dashboard-{dashboard.stem}.png"
    end = time.time()
    drawn = draw(dashboard, monitored, end - SHOWN_SECONDS, end, picture)
    assert picture.stat().st_size > 10_000
    shown = [title for title, series in drawn.items() if series]
    assert len(shown) > len(drawn) / 2, f"only {shown} have data"
