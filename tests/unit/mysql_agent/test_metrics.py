"""What can run out: the room on the volume."""

import shutil
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from efishery_mysql_agent import metrics


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(name)
    assert found is not None
    return found


def test_the_volume_is_measured_at_each_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.measure_volume(tmp_path)
    for free in (3, 2):
        usage = (10, 10 - free, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: shutil._ntuple_diskusage(*usage))
        assert value("mysql_member_volume_size_bytes") == 10
        assert value("mysql_member_volume_available_bytes") == free
