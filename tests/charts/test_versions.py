"""A release has one version: both charts, the application and the dependency between the charts."""

from typing import Any

import yaml

from tests.charts.helm import REPOSITORY


def chart(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((REPOSITORY / f"charts/{name}/Chart.yaml").read_text())
    return content


def test_charts_and_application_have_one_version() -> None:
    efishery, mysql = chart("efishery"), chart("mysql")
    (dependency,) = efishery["dependencies"]
    assert efishery["appVersion"] == efishery["version"] == mysql["version"] == dependency["version"]


def test_the_documented_tag_is_the_version() -> None:
    assert (
        f"IMAGE_TAG={chart('efishery')['version']} PUSH_IMAGE=true make images"
        in (REPOSITORY / "README.md").read_text()
    )
