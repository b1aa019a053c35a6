"""Fixtures of the chart tests."""

import pytest

from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifests, read
from tests.charts.scenarios import SCENARIOS, Scenario


@pytest.fixture(params=SCENARIOS, ids=str)
def rendered(request: pytest.FixtureRequest) -> Manifests:
    """One scenario's objects: a test that asks for it runs for every scenario of every chart."""
    scenario: Scenario = request.param
    return scenario.rendered()


@pytest.fixture(scope="session")
def default() -> Manifests:
    """What a first user gets."""
    return Scenario("efishery", "default").rendered()


@pytest.fixture(scope="session")
def sample() -> Manifests:
    """Everything on, the sample upstream too."""
    return Scenario("efishery", "sample").rendered()


@pytest.fixture(scope="session")
def istio() -> Manifests:
    """The objects of k8s/istio."""
    return read(REPOSITORY / "k8s/istio")
