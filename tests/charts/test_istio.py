"""k8s/istio refers only to objects of the rendered chart and allows only the intended callers."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jwt import PyJWK

from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifest, Manifests

NAMESPACE = "efishery"
GATEWAY_ACCOUNTS = {"istio-system/istio-ingressgateway-service-account", "istio-system/istio-ingressgateway"}
POLICIES = ("AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication")


def _service(host: str) -> str:
    """Return the Service of a host name, which is short in the Service's namespace; fail for any other host."""
    found = re.fullmatch(rf"([a-z-]+)(\.{NAMESPACE}\.svc\.cluster\.local)?", host)
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


def _routes(istio: Manifests, *, delegated: bool = False) -> list[dict[str, Any]]:
    """Return the rules of the VirtualService that lead to a service or, `delegated`, to its canary's VirtualService."""
    rules = istio.get("VirtualService/efishery").spec["http"]
    return [rule for rule in rules if ("delegate" in rule) == delegated]


def _rules(istio: Manifests, component: str) -> list[dict[str, Any]]:
    """Return the rules of all authorization policies of a component that allow requests."""
    policies = [p for p in _allowing(istio) if _name(p) == component]
    return [rule for policy in policies for rule in policy.spec["rules"]]


def _key_provider(istio: Manifests) -> dict[str, Any]:
    """Return the provider of keys that the proxies of auth and fetch get."""
    (patch,) = istio.get("EnvoyFilter/keys").spec["configPatches"]
    ((name, provider),) = patch["patch"]["value"]["typed_config"]["providers"].items()
    assert name == "origins-0", "istiod's name for the first of jwtRules"
    assert {len(each.spec["jwtRules"]) for each in istio.of("RequestAuthentication")} == {1}
    found: dict[str, Any] = provider
    return found


def _accounts(rule: dict[str, Any]) -> set[str]:
    """Return the callers: `account` in the same namespace, or `namespace/account`."""
    return {account for source in rule.get("from", []) for account in source["source"]["serviceAccounts"]}


def _tokens(rule: dict[str, Any]) -> list[Any]:
    """Return what each source of a rule demands of tokens."""
    return [source["source"].get("requestPrincipals") for source in rule["from"]]


def _paths(rule: dict[str, Any]) -> set[str]:
    return {path for target in rule["to"] for path in target["operation"].get("paths", [])}


def test_the_namespace_has_injection_and_enforces_pod_security() -> None:
    labels = yaml.safe_load((REPOSITORY / "k8s/namespace.yaml").read_text())["metadata"]["labels"]
    assert labels["istio-injection"] == "enabled"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_api_versions_are_stable(istio: Manifests) -> None:
    # EnvoyFilter has no other version than v1alpha3.
    versions = {manifest.body["apiVersion"] for manifest in istio.objects if manifest.kind != "EnvoyFilter"}
    assert versions == {"networking.istio.io/v1", "security.istio.io/v1"}


def test_every_route_has_the_port_of_a_service(istio: Manifests, sample: Manifests) -> None:
    for route in _routes(istio):
        destination = route["route"][0]["destination"]
        ports = sample.get(_service(destination["host"])).spec["ports"]
        assert destination["port"]["number"] in [port["port"] for port in ports], route["name"]


def test_only_public_paths_are_routed(istio: Manifests) -> None:
    routes = _routes(istio)
    matches = {route["name"]: [str(*m["uri"].values()) for m in route["match"]] for route in routes}
    paths = {"auth": ["/auth/", "/ping"], "fetch": ["/fetch/"], "docs": ["/docs", "/docs/"]}
    assert matches == paths | {f"{name}-get": each for name, each in paths.items()}


def test_every_route_states_its_timeout_and_retries(istio: Manifests) -> None:
    for route in _routes(istio):
        assert route["timeout"], route["name"]
        assert ("retryOn" in route["retries"]) == (route["retries"]["attempts"] > 0), route["name"]


def test_only_get_and_head_may_reach_a_service_twice(istio: Manifests) -> None:
    """The others are not retried, or only when nothing of the request had been sent; GET and HEAD match first."""
    routes = _routes(istio)
    names = [route["name"] for route in routes]
    unsent = {"connect-failure", "refused-stream", "reset-before-request", "retriable-headers"}
    for route in routes:
        methods = [match.get("method") for match in route["match"]]
        if route["name"].endswith("-get"):
            assert methods == [{"regex": "GET|HEAD"}] * len(methods), route["name"]
            assert names.index(route["name"]) < names.index(route["name"].removesuffix("-get"))
            assert set(route["retries"]["retryOn"].split(",")) == unsent | {"reset"}, route["name"]
        else:
            assert methods == [None] * len(methods), route["name"]
            assert set(route["retries"].get("retryOn", "connect-failure").split(",")) <= unsent, route["name"]


def test_only_a_missing_connection_behind_the_sidecar_is_a_retriable_header(istio: Manifests) -> None:
    """The sidecar's own answer, before anything of the request was sent; never an answer of the service."""
    (patch,) = istio.get("EnvoyFilter/efishery-retries").spec["configPatches"]
    (header,) = patch["patch"]["value"]["request_headers_to_add"]
    assert header["header"]["key"] == "x-envoy-retriable-header-names"
    name = header["header"]["value"]
    (errors,) = istio.get("EnvoyFilter/errors").spec["configPatches"]
    mappers = errors["patch"]["value"]["typed_config"]["local_reply_config"]["mappers"]
    added = [(m["filter"], [h["header"]["key"] for h in m.get("headers_to_add", [])]) for m in mappers]
    assert [where for where, names in added if name in names] == [{"response_flag_filter": {"flags": ["UF"]}}]
    assert patch["patch"]["value"]["response_headers_to_remove"] == [name], "it is not passed on"


def test_the_timeout_of_fetch_is_longer_than_its_upstream_timeout(istio: Manifests) -> None:
    route = next(r for r in _routes(istio) if r["name"] == "fetch-get")
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
        callers = {account for rule in policy.spec["rules"] for account in _accounts(rule)}
        assert callers <= accounts | GATEWAY_ACCOUNTS, policy.id


def test_requests_are_denied_by_default(istio: Manifests, sample: Manifests) -> None:
    assert istio.get("AuthorizationPolicy/allow-nothing").spec == {}
    allowed = {_name(policy) for policy in istio.of("AuthorizationPolicy") if policy.spec}
    assert allowed == {workload.owner.name for workload in sample.workloads if not workload.runs_to_completion}


def test_mutual_tls_is_strict_without_exception(istio: Manifests) -> None:
    (policy,) = istio.of("PeerAuthentication")
    assert policy.spec == {"mtls": {"mode": "STRICT"}}


def test_nothing_is_open_to_every_caller(istio: Manifests) -> None:
    assert [rule for p in _allowing(istio) for rule in p.spec["rules"] if not _accounts(rule)] == []


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_tokens_must_have_the_issuer_and_audience_of_auth(istio: Manifests, default: Manifests, component: str) -> None:
    rule = istio.get(f"RequestAuthentication/{component}").spec["jwtRules"][0]
    environment = default.workload("Deployment/auth").containers[0]["env"]
    settings = {variable["name"]: variable.get("value") for variable in environment}
    assert rule["issuer"] == settings["AUTH_TOKEN_ISSUER"]
    assert rule["audiences"] == [settings["AUTH_TOKEN_AUDIENCE"]]
    assert rule["forwardOriginalToken"] is True


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_without_the_keys_of_auth_no_token_can_be_valid(istio: Manifests, component: str) -> None:
    """The key in the RequestAuthentication is a point whose private key nobody has: its x is the hash of a text."""
    comment = (REPOSITORY / "k8s/istio/base/requestauthentication.yaml").read_text()
    (text,) = re.findall(r'SHA-256 of "(.+)"', comment)
    (key,) = json.loads(istio.get(f"RequestAuthentication/{component}").spec["jwtRules"][0]["jwks"])["keys"]
    assert base64.urlsafe_b64decode(key["x"] + "=") == hashlib.sha256(text.encode()).digest()
    assert PyJWK(key).key.curve.name == "secp256r1", "the point is on the curve"


@pytest.mark.parametrize("component", ["auth", "fetch"])
def test_the_proxies_check_what_the_request_authentications_say(istio: Manifests, component: str) -> None:
    rule = istio.get(f"RequestAuthentication/{component}").spec["jwtRules"][0]
    provider = _key_provider(istio)
    assert (provider["issuer"], provider["audiences"]) == (rule["issuer"], rule["audiences"])
    assert provider["forward"] is rule["forwardOriginalToken"]
    assert provider["payload_in_metadata"] == "payload", "where istiod makes policies look for claims"


def test_the_proxies_read_the_keys_from_the_service_over_mutual_tls(istio: Manifests, default: Manifests) -> None:
    keys = _key_provider(istio)["remote_jwks"]
    url = urlsplit(keys["http_uri"]["uri"])
    ports = {port["port"]: port["name"] for port in default.get(_service(url.hostname or "")).spec["ports"]}
    assert (url.scheme, ports[80]) == ("http", "http")
    assert keys["http_uri"]["cluster"] == f"outbound|80||{url.hostname}", "with the DestinationRule's mutual TLS"
    policy = istio.get("AuthorizationPolicy/auth-keys").spec
    (rule,) = policy["rules"]
    assert rule["to"] == [{"operation": {"ports": ["8080"], "methods": ["GET"], "paths": [url.path]}}]
    checking = {_name(each) for each in istio.of("RequestAuthentication")}
    assert _accounts(rule) == checking


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
    assert [_tokens(rule) for rule in rules] == [[["efishery-auth/*"]] * 2]


@pytest.mark.parametrize("path", ["/auth/.well-known/jwks.json", "/auth/.well-known/openid-configuration"])
def test_the_keys_and_where_they_are_need_no_token(istio: Manifests, path: str) -> None:
    (rule,) = [rule for rule in _rules(istio, "auth") if path in _paths(rule) and len(_paths(rule)) > 1]
    assert _tokens(rule) == [None, None]
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
    assert [_tokens(rule) for rule in rules] == [[["efishery-auth/*"]] * 2]
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
    keys = istio.get("AuthorizationPolicy/auth-keys").spec["rules"]
    rules = [rule for rule in _rules(istio, component) if rule not in keys]
    callers = {account for rule in rules for account in _accounts(rule)}
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
    assert {account for rule in _rules(istio, component) for account in _accounts(rule)} == callers
