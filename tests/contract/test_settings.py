"""The settings table of each service's README has exactly the settings of its settings class."""

import re
from pathlib import Path

import pytest

from efishery_auth.settings import AuthSettings
from efishery_docs.settings import DocsSettings
from efishery_fetch.settings import FetchSettings
from efishery_mysql_agent.settings import AgentSettings
from efishery_rate_cron.settings import RateCronSettings
from efishery_sample.settings import SampleSettings
from servicekit.settings import ServiceSettings

SERVICES: dict[str, type[ServiceSettings]] = {
    "auth": AuthSettings,
    "fetch": FetchSettings,
    "docs": DocsSettings,
    "rate-cron": RateCronSettings,
    "sample": SampleSettings,
    "mysql-agent": AgentSettings,
}


@pytest.mark.parametrize("name", SERVICES)
def test_the_readme_has_exactly_the_settings(name: str, repository: Path) -> None:
    settings = SERVICES[name]
    prefix = str(settings.model_config["env_prefix"])
    wanted = {prefix + field.upper() for field in settings.model_fields}
    readme = (repository / "services" / name / "README.md").read_text()
    documented = set(re.findall(rf"^\| `({prefix}[A-Z_]+)`", readme, flags=re.MULTILINE))
    assert documented == wanted
