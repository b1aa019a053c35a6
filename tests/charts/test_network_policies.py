"""The NetworkPolicies of each scenario allow what tests/who_may_talk.py declares, and nothing else (ADR 78)."""

from itertools import product

import pytest

from tests import who_may_talk
from tests.charts import helm
from tests.charts.cyclonus import Peer, Traffic, allowed
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import SCENARIOS, Scenario

NAME, INSTANCE = "app.kubernetes.io/name", "app.kubernetes.io/instance"
NEIGHBOUR = Peer("another pod of the namespace", "efishery", (("app", "other"),))
IMPOSTOR = Peer("a pod of another namespace, labelled as auth", "other", ((INSTANCE, "efishery"), (NAME, "auth")))
INTERNET = Peer("an address outside the cluster")
ISTIOD = Peer("istiod", "istio-system", (("app", "istiod"),))
STRANGERS = (
    Peer(who_may_talk.GATEWAY, "istio-system", (("istio", "ingressgateway"),)),
    Peer(who_may_talk.GATEWAY, "istio-system", (("gateway.networking.k8s.io/gateway-name", "efishery"),)),
    ISTIOD,
    Peer(who_may_talk.PROMETHEUS, "monitoring", (("app", "prometheus"),)),
    NEIGHBOUR,
    IMPOSTOR,
    INTERNET,
)
PORTS = sorted({port.number for port in who_may_talk.PORTS} | {who_may_talk.AGENT_PORT, 22, 8081, 33061})
API_PORTS = {443, 6443}
# By scenario of charts/efishery: the ports at which it has what is outside the release.
LIST_AND_RATES = {"the price list": 443, "the rate providers": 443}
OUTSIDE_PORTS = {
    "sample": {},
    "customised": {**LIST_AND_RATES, "the trace collector": 4318},
    "external-mysql-redis": {**LIST_AND_RATES, "a MySQL of your own": 3307, "a Redis of your own": 6380},
}
OUTSIDE = {4318, 3307, 6380, 80, 25, *API_PORTS}


def components(rendered: Manifests) -> list[Peer]:
    """Return a pod of each component of the release."""
    pods = {w.pod.labels[NAME]: tuple(sorted(w.pod.labels.items())) for w in rendered.workloads}
    return [Peer(name, "efishery", labels) for name, labels in sorted(pods.items())]


def inside(rendered: Manifests) -> list[Traffic]:
    pods = components(rendered)
    pairs = product([*pods, *STRANGERS], pods, PORTS)
    return [Traffic(source, target, port) for source, target, port in pairs]


def outgoing(rendered: Manifests) -> list[Traffic]:
    return [Traffic(pod, INTERNET, port) for pod, port in product(components(rendered), sorted(OUTSIDE))]


def declared(scenario: Scenario, traffic: Traffic) -> bool:
    """Return whether the table allows a connection to a pod of the release."""
    if scenario.chart == "mysql" and traffic.source == NEIGHBOUR:
        return (traffic.target.name, traffic.port) == ("mysql", 3306)  # its clients are any pod of the namespace
    if (traffic.target.name, traffic.port) == ("sample", 8080) and scenario.name != "sample":
        return False  # list and rates come from elsewhere
    return who_may_talk.connects(traffic.source.name, traffic.target.name, traffic.port)


def declared_outside(scenario: Scenario, traffic: Traffic) -> bool:
    """Return whether the table allows a connection to an address outside the cluster."""
    ports = OUTSIDE_PORTS.get(scenario.name, LIST_AND_RATES)
    uses = {name for name, callers in who_may_talk.OUTSIDE.items() if traffic.source.name in callers}
    of_api = API_PORTS if "the Kubernetes API" in uses else set()
    return traffic.port in of_api | {port for name, port in ports.items() if name in uses}


def policies(rendered: Manifests) -> set[str]:
    return {policy.name for policy in rendered.of("NetworkPolicy")}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_connections_inside_the_cluster_are_as_declared(scenario: Scenario) -> None:
    traffics = inside(scenario.rendered())
    verdicts = allowed(scenario.rendered().of("NetworkPolicy"), traffics)
    expected = {traffic for traffic in traffics if declared(scenario, traffic)}
    assert expected, "nothing may talk"
    assert {str(each) for each in verdicts - expected} == set(), "allowed, and not declared"
    assert {str(each) for each in expected - verdicts} == set(), "declared, and denied"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_connections_to_the_outside_are_as_declared(scenario: Scenario) -> None:
    traffics = outgoing(scenario.rendered())
    verdicts = allowed(scenario.rendered().of("NetworkPolicy"), traffics)
    expected = {traffic for traffic in traffics if declared_outside(scenario, traffic)}
    assert {str(each) for each in verdicts ^ expected} == set()


def test_every_pod_reaches_dns_and_istiod(rendered: Manifests) -> None:
    dns = Peer("DNS", "kube-system", (("k8s-app", "kube-dns"),))
    needed = [Traffic(pod, dns, 53, protocol) for pod in components(rendered) for protocol in ("UDP", "TCP")]
    needed += [Traffic(pod, ISTIOD, 15012) for pod in components(rendered)]
    refused = [Traffic(pod, ISTIOD, 15010) for pod in components(rendered)]
    assert allowed(rendered.of("NetworkPolicy"), [*needed, *refused]) == set(needed)


def test_a_pod_of_the_release_without_a_policy_of_its_own_is_denied_everything(default: Manifests) -> None:
    added = Peer("added", "efishery", ((INSTANCE, "efishery"), (NAME, "added")))
    traffics = [Traffic(NEIGHBOUR, added, 8080), Traffic(added, INTERNET, 443)]
    assert allowed(default.of("NetworkPolicy"), traffics) == set()


@pytest.mark.parametrize("job", ["create-secrets", "mysql-create-lease", "mysql-create-secrets"])
def test_a_job_before_the_installation_needs_no_policy_but_its_own(job: str) -> None:
    rendered = Scenario("efishery", "argo-cd").rendered()
    (pod,) = (each for each in components(rendered) if each.name == job)
    dns = Peer("DNS", "kube-system", (("k8s-app", "kube-dns"),))
    needed = [Traffic(pod, dns, 53, "UDP"), Traffic(pod, ISTIOD, 15012), Traffic(pod, INTERNET, 443)]
    own = [policy for policy in rendered.of("NetworkPolicy") if policy.name == job]
    assert allowed(own, needed) == set(needed)


def test_pods_of_others_are_left_alone(default: Manifests) -> None:
    traffics = [Traffic(INTERNET, NEIGHBOUR, 8080), Traffic(NEIGHBOUR, INTERNET, 443)]
    assert allowed(default.of("NetworkPolicy"), traffics) == set(traffics)


@pytest.mark.parametrize("removed", ["default", "auth", "redis", "mysql"])
def test_a_missing_policy_is_found(default: Manifests, removed: str) -> None:
    kept = [policy for policy in default.of("NetworkPolicy") if policy.name != removed]
    reached = [Traffic(STRANGERS[0], pod, 8080) for pod in components(default)]
    needed = [t for t in inside(default) if who_may_talk.connects(t.source.name, t.target.name, t.port)]
    before = allowed(default.of("NetworkPolicy"), [*reached, *needed])
    assert allowed(kept, [*reached, *needed]) != before


@pytest.mark.parametrize("chart", ["efishery", "mysql"])
def test_they_can_be_turned_off(chart: str) -> None:
    values = ["--set", "sample.enabled=true"] if chart == "efishery" else []
    rendered = helm.template(chart, *values, "--set", "global.networkPolicy.enabled=false")
    assert policies(parse(rendered.stdout)) == set(), rendered.stderr


@pytest.mark.parametrize(("chart", "policy"), [("efishery", "default"), ("mysql", "mysql-default")])
def test_values_of_an_older_release_are_enough(chart: str, policy: str) -> None:
    """With --reuse-values Helm does not know the defaults of values that are new."""
    values = ["--set", "sample.enabled=true,egress=null"] if chart == "efishery" else []
    rendered = helm.template(chart, *values, "--set", "global.networkPolicy=null")
    assert rendered.returncode == 0, rendered.stderr
    assert policy not in policies(parse(rendered.stdout))


def test_addresses_outside_the_release_can_be_limited() -> None:
    values = ["fetch.listUrl=https://list.example.org", "global.networkPolicy.externalCidrs={198.51.100.0/24}"]
    rendered = parse(helm.template("efishery", *(x for value in values for x in ("--set", value))).stdout)
    fetch = next(pod for pod in components(rendered) if pod.name == "fetch")
    assert allowed(rendered.of("NetworkPolicy"), [Traffic(fetch, INTERNET, 443)]) == set()
    (rule,) = [r for r in rendered.get("NetworkPolicy/fetch").spec["egress"] if r["ports"] == [{"port": 443}]]
    assert rule["to"] == [{"ipBlock": {"cidr": "198.51.100.0/24"}}]


def test_another_gateway_replaces_that_of_istio() -> None:
    peers = '[{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]'
    values = ["--set", "sample.enabled=true", "--set-json", f"global.networkPolicy.gateway={peers}"]
    rendered = parse(helm.template("efishery", *values).stdout)
    auth = next(pod for pod in components(rendered) if pod.name == "auth")
    other, istio = Traffic(Peer("other gateway", "ingress"), auth, 8080), Traffic(STRANGERS[0], auth, 8080)
    assert allowed(rendered.of("NetworkPolicy"), [other, istio]) == {other}


def test_accounts_of_the_table_are_those_of_the_pods(rendered: Manifests) -> None:
    accounts = {w.pod.labels[NAME]: w.pod.spec["serviceAccountName"] for w in rendered.workloads}
    assert accounts == {component: who_may_talk.account(component) for component in accounts}


def test_the_architecture_has_the_table() -> None:
    table = who_may_talk.BEGIN + who_may_talk.tables() + who_may_talk.END
    assert table in who_may_talk.DOCUMENT.read_text(), "run `python -m tests.who_may_talk`"
