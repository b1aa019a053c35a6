"""A canary is a second instance of a service, and a share of the gateway's requests (ADR 81)."""

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifests, Workload, parse
from tests.charts.scenarios import Scenario

SERVICES = ["auth", "fetch", "docs"]
INSTANCE = "app.kubernetes.io/instance"


@pytest.fixture(scope="module")
def canaries() -> Manifests:
    return Scenario("efishery", "canary").rendered()


def image(workload: Workload) -> str:
    name: str = workload.containers[0]["image"]
    return name


def weights(rendered: Manifests, name: str) -> dict[str, int]:
    (rule,) = rendered.get(f"VirtualService/{name}").spec["http"]
    return {route["destination"]["host"]: route["weight"] for route in rule["route"]}


def test_there_is_no_canary_by_default(default: Manifests) -> None:
    assert not [manifest.id for manifest in default.objects if "canary" in manifest.name]
    assert not default.of("VirtualService", "DestinationRule"), "they need Istio's kinds"


@pytest.mark.parametrize("name", SERVICES)
def test_a_canary_differs_from_the_stable_pods_by_instance_and_image(canaries: Manifests, name: str) -> None:
    stable, canary = canaries.workload(f"Deployment/{name}"), canaries.workload(f"Deployment/{name}-canary")
    assert (stable.pod.labels[INSTANCE], canary.pod.labels[INSTANCE]) == ("efishery", "efishery-canary")
    assert stable.pod.labels | {INSTANCE: ""} == canary.pod.labels | {INSTANCE: ""}, "the policies select both"
    assert stable.pod.spec["serviceAccountName"] == canary.pod.spec["serviceAccountName"]
    (first,), (second,) = stable.containers, canary.containers
    assert first | {"image": ""} == second | {"image": ""}


def test_its_image_is_its_own_by_tag_or_digest_or_the_stable_one(canaries: Manifests) -> None:
    found = {name: image(canaries.workload(f"Deployment/{name}-canary")) for name in SERVICES}
    digest = "efishery/auth@sha256:" + "2" * 64
    assert found["auth"] == digest
    assert found["fetch"] == "efishery/fetch:0.3.0-rc.1"
    assert found["docs"] == image(canaries.workload("Deployment/docs"))


def test_a_tag_of_the_canary_counts_even_where_the_stable_image_has_a_digest() -> None:
    values = ["sample.enabled=true", "fetch.canary.enabled=true", "fetch.canary.image.tag=next"]
    values.append("fetch.image.digest=sha256:" + "1" * 64)
    rendered = helm.template("efishery", *[option for value in values for option in ("--set", value)])
    assert "image: efishery/fetch:next\n" in rendered.stdout


def test_a_canary_is_not_autoscaled_and_changes_nothing_of_the_autoscaled_pods(canaries: Manifests) -> None:
    assert [each.name for each in canaries.of("HorizontalPodAutoscaler")] == ["auth"]
    assert "replicas" not in canaries.get("Deployment/auth").spec
    assert canaries.get("Deployment/auth-canary").spec["replicas"] == 1


def test_several_pods_of_a_canary_have_a_disruption_budget_of_their_own() -> None:
    values = ["sample.enabled=true", "fetch.canary.enabled=true", "fetch.canary.replicas=2"]
    rendered = parse(helm.template("efishery", *[option for value in values for option in ("--set", value)]).stdout)
    canary = rendered.get("Deployment/fetch-canary").spec
    assert canary["replicas"] == 2
    assert rendered.get("PodDisruptionBudget/fetch-canary").spec["selector"] == canary["selector"]


def test_the_weight_is_the_canarys_share_of_the_gateways_requests(canaries: Manifests) -> None:
    assert weights(canaries, "fetch") == {"fetch": 90, "fetch-canary": 10}
    assert weights(canaries, "auth") == {"auth": 0, "auth-canary": 100}


def test_without_a_weight_nothing_needs_istio(canaries: Manifests) -> None:
    assert canaries.has("Deployment/docs-canary")
    assert not canaries.has("VirtualService/docs")
    assert not canaries.has("DestinationRule/docs-canary")


@pytest.mark.parametrize("name", SERVICES)
def test_the_mesh_delegates_the_paths_of_a_service_to_the_canarys_routes(istio: Manifests, name: str) -> None:
    """Before each rule of the service there is one for the same requests, with the same timeout and retries."""
    rules = istio.get("VirtualService/efishery").spec["http"]
    own = [rule for rule in rules if "route" in rule and rule["route"][0]["destination"]["host"] == name]
    assert len(own) == 2
    for rule in own:
        before = rules[rules.index(rule) - 1]
        assert before["name"] == f"{rule['name']}-canary"
        assert before["delegate"] == {"name": name}
        assert before["match"] == [match | {"gateways": ["efishery"]} for match in rule["match"]]
        assert (before["timeout"], before["retries"]) == (rule["timeout"], rule["retries"])


@pytest.mark.parametrize("name", ["auth", "fetch"])
def test_the_limits_of_connections_are_those_of_the_stable_service(
    istio: Manifests, canaries: Manifests, name: str
) -> None:
    stable = istio.get(f"DestinationRule/{name}").spec["trafficPolicy"]
    canary = canaries.get(f"DestinationRule/{name}-canary").spec
    assert canary["host"] == canaries.get(f"Service/{name}-canary").name
    assert canary["trafficPolicy"] == {key: stable[key] for key in ("tls", "connectionPool")}


def test_prometheus_finds_the_canarys_pods(canaries: Manifests) -> None:
    (instances, _) = canaries.get("PodMonitor/efishery").spec["selector"]["matchExpressions"]
    assert instances == {"key": INSTANCE, "operator": "In", "values": ["efishery", "efishery-canary"]}


def test_values_of_an_older_release_are_enough() -> None:
    missing = [option for name in SERVICES for option in ("--set", f"{name}.canary=null")]
    rendered = helm.template("efishery", "--set", "sample.enabled=true", *missing)
    assert rendered.returncode == 0, rendered.stderr
