"""k8s/istio refers only to objects of the rendered chart and allows only the intended callers."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifest, Manifests

NAMESPACE = "efishery"
GATEWAY_ACCOUNTS = {"istio-ingressgateway-service-account", "istio-ingressgateway"}
POLICIES = ("AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication")


def _service(host: str) -> str:
    """Return the Service of a fully qualified host name; fail for any other host."""
    found = re.fullmatch(rf"([a-z-]+)\.{NAMESPACE}\.svc\.cluster\.local", host)
    assert found, f"{host} is not a host of a Service in {NAMESPACE}"
    return f"Service/{found[1]}"


def _name(policy: Manifest) -> str:
    """Return the value of app.kubernetes.io/name in a policy's selector."""
    labels: dict[str, str] = policy.spec["selector"]["matchLabels"]
    assert labels.keys() == {"app.kubernetes.io/name"}, policy.id
    return labels["app.kubernetes.io/name"]


def _allowing(istio: Manifests) -> list[Manifest]:
    return [p for p in istio.of("AuthorizationPolicy") if p.spec.get("action") == "ALLOW"]


def _documented(component: str) -> dict[str, dict[str, Any]]:
    """Return a component's documented operations by path, with parameters written as policies write them."""
    document = REPOSITORY / f"services/{component}/src/efishery_{component}/openapi.yaml"
    paths = yaml.safe_load(document.read_text())["paths"]
    operations = {"get", "head", "post", "put", "patch", "delete"}
    return {
        re.sub(r"{\w+}", "{*}", path): {name: each for name, each in item.items() if name in operations}
        for path, item in paths.items()
    }


def _rules(istio: Manifests, component: str) -> list[dict[str, Any]]:
    """Return the rules of all authorization policies of a component that allow requests."""
    policies = [p for p in _allowing(istio) if _name(p) == component]
    return [rule for policy in policies for rule in policy.spec["rules"]]


def _principals(rule: dict[str, Any]) -> set[str]:
    return {principal for source in rule.get("from", []) for principal in source["source"]["principals"]}


def _paths(rule: dict[str, Any]) -> set[str]:
    return {path for target in rule["to"] for path in target["operation"].get("paths", [])}


def test_kustomization_lists_every_file() -> None:
    folder = REPOSITORY / "k8s/istio"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    files = {path.name for path in folder.iterdir()} - {"kustomization.yaml", "README.md"}
    assert set(kustomization["resources"]) == files
    namespace = yaml.safe_load((REPOSITORY / "k8s/namespace.yaml").read_text())
    transformer = yaml.safe_load(kustomization["transformers"][0])
    assert transformer["metadata"]["namespace"] == namespace["metadata"]["name"] == NAMESPACE
    assert transformer["unsetOnly"] is True, "the EnvoyFilters of the gateway stay in its namespace"


def test_the_namespace_has_injection_and_enforces_pod_security() -> None:
    labels = yaml.safe_load((REPOSITORY / "k8s/namespace.yaml").read_text())["metadata"]["labels"]
    assert labels["istio-injection"] == "enabled"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_api_versions_are_stable(istio: Manifests) -> None:
    # EnvoyFilter has no other version than v1alpha3.
    versions = {manifest.body["apiVersion"] for manifest in istio.objects if manifest.kind != "EnvoyFilter"}
    assert versions == {"networking.istio.io/v1", "security.istio.io/v1"}


def test_every_route_has_the_port_of_a_service(istio: Manifests, sample: Manifests) -> None:
    for route in istio.get("VirtualService/efishery").spec["http"]:
        destination = route["route"][0]["destination"]
        ports = sample.get(_service(destination["host"])).spec["ports"]
        assert destination["port"]["number"] in [port["port"] for port in ports], route["name"]


def test_only_public_paths_are_routed(istio: Manifests) -> None:
    routes = istio.get("VirtualService/efishery").spec["http"]
    matches = {route["name"]: [str(*m["uri"].values()) for m in route["match"]] for route in routes}
    assert matches == {"auth": ["/auth/", "/ping"], "fetch": ["/fetch/"], "docs": ["/docs", "/docs/"]}


def test_only_requests_that_no_service_has_processed_are_retried(istio: Manifests) -> None:
    unprocessed = {"connect-failure", "refused-stream", "reset-before-request"}
    for route in istio.get("VirtualService/efishery").spec["http"]:
        files_only = route["name"] == "docs"
        conditions = set(route["retries"]["retryOn"].split(","))
        assert conditions <= unprocessed | ({"reset"} if files_only else set()), route["name"]
        assert route["timeout"], route["name"]


def test_the_timeout_of_fetch_is_longer_than_its_upstream_timeout(istio: Manifests) -> None:
    route = next(r for r in istio.get("VirtualService/efishery").spec["http"] if r["name"] == "fetch")
    schema = json.loads((REPOSITORY / "charts/efishery/values.schema.json").read_text())
    longest = schema["properties"]["fetch"]["properties"]["upstreamTimeoutSeconds"]["maximum"]
    assert "perTryTimeout" not in route["retries"]
    assert 2 * longest < int(route["timeout"].removesuffix("s"))  # connect and read timeouts


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_outlier_detection_counts_only_unreachable_pods(istio: Manifests, component: str) -> None:
    ejection = istio.get(f"DestinationRule/{component}").spec["trafficPolicy"]["outlierDetection"]
    assert ejection["splitExternalLocalOriginErrors"] is True
    assert ejection["consecutiveLocalOriginFailures"] > 0
    assert ejection["consecutiveGatewayErrors"] == ejection["consecutive5xxErrors"] == 0


def test_every_service_has_a_destination_rule_with_mutual_tls(istio: Manifests, sample: Manifests) -> None:
    rules = istio.of("DestinationRule")
    hosts = {_service(rule.spec["host"]) for rule in rules}
    assert hosts == {service.id for service in sample.of("Service")}
    assert {rule.spec["trafficPolicy"]["tls"]["mode"] for rule in rules} == {"ISTIO_MUTUAL"}


def test_every_policy_selects_the_pods_of_one_component(istio: Manifests, sample: Manifests) -> None:
    for policy in (p for p in istio.of(*POLICIES) if "selector" in p.spec):
        selected = sample.selected(policy.spec["selector"]["matchLabels"])
        assert len(selected) == 1, f"{policy.id} selects {[workload.id for workload in selected]}"
        assert selected[0].owner.kind in ("Deployment", "StatefulSet"), policy.id


def test_policies_refer_to_existing_ports(istio: Manifests, sample: Manifests) -> None:
    for policy in (p for p in istio.of("AuthorizationPolicy") if p.spec):
        pods = sample.selected(policy.spec["selector"]["matchLabels"])[0]
        for rule in policy.spec["rules"]:
            for target in rule["to"]:
                for port in target["operation"]["ports"]:
                    assert pods.port(int(port)), f"{policy.id}: no container port {port}"


def test_allowed_callers_are_existing_service_accounts(istio: Manifests, sample: Manifests) -> None:
    accounts = {workload.pod.spec["serviceAccountName"] for workload in sample.workloads}
    for policy in (p for p in istio.of("AuthorizationPolicy") if p.spec):
        for principal in (p for rule in policy.spec["rules"] for p in _principals(rule)):
            domain, _, namespace, _, account = principal.split("/")
            known = {"istio-system": GATEWAY_ACCOUNTS, NAMESPACE: accounts}
            assert domain == "cluster.local", policy.id
            assert account in known[namespace], f"{policy.id}: {principal}"


def test_requests_are_denied_by_default(istio: Manifests, sample: Manifests) -> None:
    assert istio.get("AuthorizationPolicy/allow-nothing").spec == {}
    allowed = {_name(policy) for policy in istio.of("AuthorizationPolicy") if policy.spec}
    assert allowed == {workload.owner.name for workload in sample.workloads if not workload.runs_to_completion}


def test_mutual_tls_is_strict_except_for_the_public_keys(istio: Manifests) -> None:
    policies = istio.of("PeerAuthentication")
    assert {policy.spec["mtls"]["mode"] for policy in policies} == {"STRICT"}
    assert "selector" not in istio.get("PeerAuthentication/default").spec
    exceptions = {policy.name: policy.spec.get("portLevelMtls") for policy in policies}
    assert exceptions == {"default": None, "auth": {"8081": {"mode": "PERMISSIVE"}}}


def test_only_the_public_keys_are_open_to_every_caller(istio: Manifests) -> None:
    anybody = [rule for p in _allowing(istio) for rule in p.spec["rules"] if "from" not in rule]
    operation = {"ports": ["8081"], "methods": ["GET"], "paths": ["/auth/.well-known/jwks.json"]}
    assert anybody == [{"to": [{"operation": operation}]}]


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_tokens_must_have_the_issuer_and_audience_of_auth(istio: Manifests, default: Manifests, component: str) -> None:
    rule = istio.get(f"RequestAuthentication/{component}").spec["jwtRules"][0]
    environment = default.workload("Deployment/auth").containers[0]["env"]
    settings = {variable["name"]: variable.get("value") for variable in environment}
    assert rule["issuer"] == settings["AUTH_TOKEN_ISSUER"]
    assert rule["audiences"] == [settings["AUTH_TOKEN_AUDIENCE"]]
    assert rule["forwardOriginalToken"] is True


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_the_jwks_uri_is_the_key_sets_port_and_path(istio: Manifests, default: Manifests, component: str) -> None:
    url = urlsplit(istio.get(f"RequestAuthentication/{component}").spec["jwtRules"][0]["jwksUri"])
    ports = {port["port"]: port["name"] for port in default.get(_service(url.hostname or "")).spec["ports"]}
    assert (url.scheme, ports[url.port or 80]) == ("http", "http-jwks")
    assert url.path == "/auth/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("component", "path"),
    [
        ("auth", "/auth/claims"),
        ("auth", "/auth/sessions"),
        ("auth", "/auth/sessions/{*}"),
        ("auth", "/auth/logout"),
        ("auth", "/auth/password"),
        ("auth", "/auth/name"),
        ("fetch", "/fetch/resource"),
        ("fetch", "/fetch/rate"),
        ("fetch", "/fetch/rate/history"),
        ("fetch", "/fetch/claims"),
    ],
)
def test_protected_paths_require_a_token_of_auth(istio: Manifests, component: str, path: str) -> None:
    rules = [rule for rule in _rules(istio, component) if path in _paths(rule)]
    assert [rule["from"][0]["source"]["requestPrincipals"] for rule in rules] == [["efishery-auth/*"]]


@pytest.mark.parametrize("path", ["/auth/.well-known/jwks.json", "/auth/.well-known/openid-configuration"])
def test_the_keys_and_where_they_are_need_no_token(istio: Manifests, path: str) -> None:
    (rule,) = [rule for rule in _rules(istio, "auth") if path in _paths(rule) and "from" in rule]
    assert "requestPrincipals" not in rule["from"][0]["source"]
    (operation,) = [target["operation"] for target in rule["to"] if path in target["operation"]["paths"]]
    assert (operation["ports"], operation["methods"]) == (["8080"], ["GET", "HEAD"])


@pytest.mark.parametrize(
    ("component", "path"),
    [
        ("auth", "/auth/users"),
        ("auth", "/auth/users/{*}"),
        ("auth", "/auth/users/{*}/password"),
        ("auth", "/auth/audit"),
        ("fetch", "/fetch/resource/aggregate"),
    ],
)
def test_admins_paths_require_the_role_admin(istio: Manifests, component: str, path: str) -> None:
    rules = [rule for rule in _rules(istio, component) if path in _paths(rule)]
    assert [rule["from"][0]["source"]["requestPrincipals"] for rule in rules] == [["efishery-auth/*"]]
    assert [rule["when"] for rule in rules] == [[{"key": "request.auth.claims[role]", "values": ["admin"]}]]


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_paths_are_whole_or_have_one_segment_open(istio: Manifests, component: str) -> None:
    assert all("*" not in path.replace("/{*}", "") for rule in _rules(istio, component) for path in _paths(rule))


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_every_admitted_request_is_documented(istio: Manifests, component: str) -> None:
    documented = {(method.upper(), path) for path, methods in _documented(component).items() for method in methods}
    admitted = {
        (method, path)
        for rule in _rules(istio, component)
        for target in rule["to"]
        for method in target["operation"]["methods"]
        for path in target["operation"]["paths"]
    }
    assert {request for request in admitted if request[0] != "HEAD"} <= documented


def test_registering_an_admin_takes_the_role_admin(istio: Manifests) -> None:
    """A role that the proxy read as admin is refused to others; a body that it could not read, to everyone."""
    policy = istio.get("AuthorizationPolicy/auth-role").spec
    metadata = "experimental.envoy.filters.http.json_to_metadata"
    register = [{"operation": {"ports": ["8080"], "methods": ["POST"], "paths": ["/auth/register"]}}]
    not_an_admin = {"key": "request.auth.claims[role]", "notValues": ["admin"]}
    assert policy["action"] == "DENY"
    assert policy["rules"] == [
        {"to": register, "when": [{"key": f"{metadata}[role]", "values": ["admin"]}, not_an_admin]},
        {"to": register, "when": [{"key": f"{metadata}[error]", "values": ["true"]}]},
    ]


def test_the_proxy_reads_the_role_that_the_policy_refuses(istio: Manifests) -> None:
    found = istio.get("EnvoyFilter/auth-role").spec
    assert (
        found["workloadSelector"]["labels"]
        == istio.get("AuthorizationPolicy/auth-role").spec["selector"]["matchLabels"]
    )
    (patch,) = found["configPatches"]
    assert patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"] == "envoy.filters.http.rbac"
    assert patch["patch"]["operation"] == "INSERT_BEFORE"
    (rule,) = patch["patch"]["value"]["typed_config"]["request_rules"]["rules"]
    assert rule["selectors"] == [{"key": "role"}]
    written = {rule["on_present"]["key"]: None, rule["on_error"]["key"]: rule["on_error"]["value"]}
    assert written == {"role": None, "error": "true"}
    spaces = {rule["on_present"]["metadata_namespace"], rule["on_error"]["metadata_namespace"]}
    assert spaces == {"envoy.filters.http.json_to_metadata"}


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_every_documented_path_that_needs_a_token_is_admitted(istio: Manifests, component: str) -> None:
    paths = _documented(component)
    protected = {path for path, methods in paths.items() if any("security" not in each for each in methods.values())}
    assert protected <= {path for rule in _rules(istio, component) for path in _paths(rule)}


@pytest.mark.parametrize("component", ["auth", "fetch", "docs"])
def test_only_the_gateway_and_the_helm_test_call_the_services(istio: Manifests, component: str) -> None:
    callers = {p.split("/")[-1] for rule in _rules(istio, component) for p in _principals(rule)}
    assert callers == GATEWAY_ACCOUNTS | (set() if component == "docs" else {"helm-test"})


@pytest.mark.parametrize(
    ("component", "callers"),
    [
        ("mysql", {"auth", "auth-key-rotation", "mysql"}),
        ("redis", {"auth", "fetch", "rate-cron"}),
        ("sample", {"fetch", "rate-cron"}),
    ],
)
def test_callers_of_databases_and_sample(istio: Manifests, component: str, callers: set[str]) -> None:
    found = {
        p.removeprefix("cluster.local/ns/efishery/sa/") for rule in _rules(istio, component) for p in _principals(rule)
    }
    assert found == callers
