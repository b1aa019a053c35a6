"""Fixtures of the chart tests."""

import pytest

from tests.charts import kustomize, schemas
from tests.charts.manifests import Manifests
from tests.charts.scenarios import SCENARIOS, Scenario


@pytest.fixture(params=SCENARIOS, ids=str)
def rendered(request: pytest.FixtureRequest) -> Manifests:
    """Return the objects of one scenario; a test with this fixture runs for each scenario of each chart."""
    scenario: Scenario = request.param
    return scenario.rendered()


@pytest.fixture(scope="session")
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return kubeconform's -schema-location."""
    return schemas.write(tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="session")
def default() -> Manifests:
    """Return the objects of an installation with the minimal values."""
    return Scenario("efishery", "default").rendered()


@pytest.fixture(scope="session")
def sample() -> Manifests:
    """Return the objects of an installation with the sample upstream."""
    return Scenario("efishery", "sample").rendered()


@pytest.fixture(scope="session")
def istio() -> Manifests:
    """Return the objects of `kubectl apply -k k8s/istio`."""
    return kustomize.build(kustomize.ISTIO)
