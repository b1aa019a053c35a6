"""What can run out: the room on the volume."""

import math
import shutil
import subprocess
import sys
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


def test_the_end_of_the_certificate_is_unknown_until_mysqld_answers() -> None:
    code = "from efishery_mysql_agent import metrics; print(metrics.CERTIFICATE_END.collect()[0].samples[0].value)"
    assert math.isnan(float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))
