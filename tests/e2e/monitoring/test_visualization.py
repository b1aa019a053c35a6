"""Each query of the dashboards has had data once the alerts have fired; a picture shows it."""

import time
from pathlib import Path

import pytest

from tests.charts import helm
from tests.e2e.monitoring.pictures import draw
from tests.e2e.monitoring.prometheus import Monitoring

DASHBOARDS = sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json"))


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_picture_of_the_dashboard(
    monitored: Monitoring, dashboard: Path, repository: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    folder = repository / "docs/img" if pytestconfig.getoption("--write-docs") else tmp_path
    picture = folder / f"dashboard-{dashboard.stem}.png"
    drawn = draw(dashboard, monitored, monitored.started, time.time(), picture)
    assert picture.stat().st_size > 10_000
    assert not [query for query, series in drawn.items() if not series], "these queries never had data"
