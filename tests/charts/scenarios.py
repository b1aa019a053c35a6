"""Renders each chart once per scenario; the scenarios are the files `ci/*-values.yaml`."""

import functools
from dataclasses import dataclass

from tests.charts import helm
from tests.charts.manifests import Manifests, parse


@dataclass(frozen=True)
class Scenario:
    """A chart and the name of a values file in its folder ci/."""

    chart: str
    name: str

    def __str__(self) -> str:
        return f"{self.chart}-{self.name}"

    def rendered(self) -> Manifests:
        """Return the objects; raise RuntimeError with Helm's message if Helm fails."""
        return _render(self)


@functools.cache
def _render(scenario: Scenario) -> Manifests:
    values = helm.charts() / scenario.chart / f"ci/{scenario.name}-values.yaml"
    result = helm.template(scenario.chart, "--values", str(values))
    if result.returncode:
        raise RuntimeError(f"{scenario}: {result.stderr}")
    return parse(result.stdout)


SCENARIOS = [
    Scenario(path.parents[1].name, path.name.removesuffix("-values.yaml"))
    for path in sorted(helm.REPOSITORY.glob("charts/*/ci/*-values.yaml"))
]
