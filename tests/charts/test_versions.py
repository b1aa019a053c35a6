"""A release has one version: both charts, the application and the dependency between the charts."""

import tomllib
from typing import Any

import yaml

from tests.charts.helm import REPOSITORY
from tests.e2e.upgrade.versions import previous_release


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


def test_packages_have_the_version_of_the_charts() -> None:
    projects = [REPOSITORY / "pyproject.toml", *REPOSITORY.glob("*/*/pyproject.toml")]
    versions = {tomllib.loads(path.read_text())["project"]["version"] for path in projects}
    assert len(projects) > 6
    assert versions == {chart("efishery")["version"]}


def test_the_upgrade_test_starts_from_another_version() -> None:
    """Its tag must not be that of the images it is upgraded to."""
    version, _ = previous_release((REPOSITORY / "CHANGELOG.md").read_text())
    assert version not in (chart("efishery")["version"], "dev")


def test_a_release_without_a_commit_is_not_the_one_to_upgrade_from() -> None:
    commit = "2491cf303a38bcbadc6db1a9bfd924cda3782526"
    changelog = (
        f"## [Unreleased]\n\n## [2.0.0] - 2027-01-01\n### Added\n\n## [1.0.0] - 2026-12-01\nCommit {commit}, …\n"
    )
    assert previous_release(changelog) == ("1.0.0", commit)
