"""What of k8s/istio differs between installations: settings, components, the Gateway API overlay."""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import helm, kustomize, schemas
from tests.charts.kustomize import GATEWAY_API, ISTIO
from tests.charts.manifests import Manifest, Manifests, parse

# Why istioctl's findings about EnvoyFilters are accepted: docs/adr/0015.
ACCEPTED = ("IST0133", "IST0151")
OTHER = {
    "namespace": "fish",
    "hosts": ["one.example", "two.example"],
    "issuer": "https://issuer.example",
    "audiences": ["buyers"],
    "gateway": {
        "namespace": "edge",
        "labels": {"gateway.networking.k8s.io/gateway-name": "entry"},
        "serviceAccounts": ["entry"],
    },
}
# What the settings have before, by installation: each alternative occurs in what is built.
OLD = {
    ISTIO: r"namespace: efishery|auth\.efishery\.svc|istio-system|: ingressgateway|efishery-auth",
    GATEWAY_API: r"namespace: efishery|auth\.efishery\.svc|istio-system|gateway-name: efishery|/efishery-istio"
    r"|efishery-auth|prices\.example|metadata\.name: efishery",
}
Installation = Callable[..., Path]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Make the kustomization of an installation, with components and changed settings."""
    return functools.partial(kustomize.installation, tmp_path / "istio")


def _settings(folder: Path) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((folder / "settings.yaml").read_text())["spec"]
    return spec


def _analyze(built: Manifests, folder: Path) -> str:
    file = folder / "built.yaml"
    file.write_text(yaml.safe_dump_all(manifest.body for manifest in built.objects))
    command = [helm.tool("istioctl"), "analyze", "--use-kube=false", "--all-namespaces", "--failure-threshold=Info"]
    accepted = [option for code in ACCEPTED for option in ("--suppress", f"{code}=EnvoyFilter *")]
    done = subprocess.run(
        [*command, *accepted, file, ISTIO.parent / "namespace.yaml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("components", "of"),
    [
        ([], ISTIO),
        (["plain-http"], ISTIO),
        (["cert-manager"], ISTIO),
        (["one-address"], ISTIO),
        (["tracing"], ISTIO),
        ([], GATEWAY_API),
        (["cert-manager"], GATEWAY_API),
        (["tracing"], GATEWAY_API),
    ],
)
def test_each_variant_is_valid(
    installation: Installation, location: str, tmp_path: Path, components: list[str], of: Path
) -> None:
    built = kustomize.build(installation(*components, of=of, hosts=["prices.example"]))
    assert schemas.errors(location, *(manifest.body for manifest in built.objects)) == {}
    assert _analyze(built, tmp_path) == ""


def test_istioctl_finds_a_server_without_its_certificate(istio: Manifests, tmp_path: Path) -> None:
    gateway = yaml.safe_load(yaml.safe_dump(istio.get("Gateway/efishery").body))
    del gateway["spec"]["servers"][1]["tls"]["credentialName"]
    (tmp_path / "broken").mkdir()
    assert "IST0106" in _analyze(Manifests((Manifest(gateway),)), tmp_path / "broken")


def test_every_component_and_overlay_is_tested() -> None:
    assert {path.name for path in (ISTIO / "components").iterdir()} == {
        "settings",
        "plain-http",
        "cert-manager",
        "gateway-api",
        "one-address",
        "tracing",
    }
    assert [path.name for path in (ISTIO / "overlays").iterdir()] == [GATEWAY_API.name]


def test_the_readmes_own_installation_builds(tmp_path: Path) -> None:
    shutil.copytree(ISTIO, tmp_path / "istio")
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(ISTIO / "settings.yaml", mine)
    (example,) = re.findall(r"```yaml\n(apiVersion.*?)```", (ISTIO / "README.md").read_text(), re.DOTALL)
    local = re.sub(r"https://example.org/efishery//k8s/(\S+)\?ref=v1", r"../\1", example)
    (mine / "kustomization.yaml").write_text(local)
    built = kustomize.build(mine)
    assert built.has("Certificate/efishery-tls")
    limit = built.get("EnvoyFilter/efishery-rate-limit").spec["configPatches"][0]["patch"]["value"]["typed_config"]
    assert limit["descriptors"][0]["token_bucket"]["tokens_per_fill"] == 20


def test_an_installation_of_ones_own_has_the_gateway_api_by_a_component(tmp_path: Path) -> None:
    shutil.copytree(ISTIO, tmp_path / "istio")
    mine = tmp_path / "mine"
    mine.mkdir()
    settings = yaml.safe_load((GATEWAY_API / "settings.yaml").read_text())
    settings["spec"]["hosts"] = ["fish.example"]
    (mine / "settings.yaml").write_text(yaml.safe_dump(settings))
    components = [f"../istio/components/{name}" for name in ("gateway-api", "cert-manager", "tracing", "settings")]
    kustomization = {"resources": ["settings.yaml", "../istio/base"], "components": components}
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    built = kustomize.build(mine)
    assert built.get("HTTPRoute/efishery").spec["hostnames"] == ["fish.example"]
    assert built.get("Certificate/efishery-tls").spec["dnsNames"] == ["fish.example"]
    labels = settings["spec"]["gateway"]["labels"]
    assert labels in [telemetry.spec["selector"]["matchLabels"] for telemetry in built.of("Telemetry")]
    assert not built.of("VirtualService")


def test_the_base_lists_every_file() -> None:
    folder = ISTIO / "base"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == {path.name for path in folder.iterdir()} - {"kustomization.yaml"}


@pytest.mark.parametrize("components", [[], ["cert-manager"], ["tracing"]])
@pytest.mark.parametrize("of", [ISTIO, GATEWAY_API])
def test_a_changed_setting_leaves_no_trace_of_the_old_one(
    installation: Installation, components: list[str], of: Path
) -> None:
    built = kustomize.output(installation(*components, of=of, **OTHER))
    assert re.findall(rf".*(?:{OLD[of]}).*", built) == []
    names = ("namespace: fish", "namespace: edge", "auth.fish.svc", "gateway-name: entry")
    for value in (*names, "one.example", "two.example"):
        assert value in built
    tokens = parse(built).get("RequestAuthentication/fetch").spec["jwtRules"][0]
    assert (tokens["issuer"], tokens["audiences"]) == (OTHER["issuer"], OTHER["audiences"])
    (rule,) = parse(built).get("AuthorizationPolicy/auth-admin").spec["rules"]
    source = {"serviceAccounts": ["edge/entry"], "requestPrincipals": [f"{OTHER['issuer']}/*"]}
    assert [each["source"] for each in rule["from"]] == [source, source | {"serviceAccounts": ["helm-test"]}]


@pytest.mark.parametrize("of", [ISTIO, GATEWAY_API])
def test_the_old_values_are_there_before(of: Path) -> None:
    found = set(re.findall(OLD[of], kustomize.output(of)))
    assert len(found) == OLD[of].count("|") + 1, found


def _second_of_the_readme() -> dict[str, Any]:
    """Return the settings of a second release that README.md shows."""
    (example,) = re.findall(r"```yaml\n(spec:\n  namespace: .*?)```", (ISTIO / "README.md").read_text(), re.DOTALL)
    settings: dict[str, Any] = yaml.safe_load(example)["spec"]
    return settings


@pytest.mark.parametrize(("of", "other"), [(ISTIO, _second_of_the_readme()), (GATEWAY_API, OTHER)])
def test_two_installations_share_no_object_and_no_gateway(tmp_path: Path, of: Path, other: dict[str, Any]) -> None:
    components = ("cert-manager", "tracing")
    first = kustomize.build(kustomize.installation(tmp_path / "1", *components, of=of, hosts=["prices.example"]))
    second = kustomize.build(kustomize.installation(tmp_path / "2", *components, of=of, **other))
    assert len(_objects(first)) == len(first.objects) == len(second.objects)
    assert not _objects(first) & _objects(second)
    # Istio applies what is in its own namespace, and a Gateway, to the pods of every namespace with these labels.
    assert len(_gateway_labels(first)) == len(_gateway_labels(second)) == 1
    assert not _gateway_labels(first) & _gateway_labels(second)


def _objects(built: Manifests) -> set[tuple[str, str]]:
    """Return namespace, kind and name of each object."""
    return {(m.body["metadata"]["namespace"], m.id) for m in built.objects}


def _gateway_labels(built: Manifests) -> set[str]:
    """Return the labels of the gateway's pods, as its filters and its Gateway select them."""
    filters = [m for m in built.of("EnvoyFilter") if m.name.startswith("efishery-")]
    selectors = [m.spec["workloadSelector"]["labels"] for m in filters]
    for gateway in built.of("Gateway"):
        made = {"gateway.networking.k8s.io/gateway-name": gateway.name}  # by Istio, for the pods that it makes
        selectors.append(gateway.spec.get("selector", made))
    return {json.dumps(selector, sort_keys=True) for selector in selectors}


def test_both_settings_are_of_one_release(default: Manifests) -> None:
    with_istio, with_gateway_api = _settings(ISTIO), _settings(GATEWAY_API)
    assert with_istio.keys() == with_gateway_api.keys() == OTHER.keys()
    shared = ("namespace", "issuer", "audiences")
    assert [with_istio[name] for name in shared] == [with_gateway_api[name] for name in shared]
    assert yaml.safe_load((ISTIO.parent / "namespace.yaml").read_text())["metadata"]["name"] == with_istio["namespace"]


def test_http_is_redirected_to_tls(istio: Manifests) -> None:
    http, https = istio.get("Gateway/efishery").spec["servers"]
    assert (http["port"]["number"], http["tls"]) == (80, {"httpsRedirect": True})
    tls = {"mode": "SIMPLE", "credentialName": "efishery-tls", "minProtocolVersion": "TLSV1_2"}
    assert (https["port"]["number"], https["tls"]) == (443, tls)


def test_plain_http_is_neither_redirected_nor_offered_over_tls(installation: Installation) -> None:
    built = kustomize.build(installation("plain-http", hosts=["prices.example"]))
    (server,) = built.get("Gateway/efishery").spec["servers"]
    assert server == {"hosts": ["prices.example"], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}


@pytest.mark.parametrize("of", [ISTIO, GATEWAY_API])
def test_cert_manager_writes_the_gateways_secret(installation: Installation, of: Path) -> None:
    built = kustomize.build(installation("cert-manager", of=of, hosts=["prices.example"]))
    certificate = built.get("Certificate/efishery-tls")
    assert certificate.body["metadata"]["namespace"] == "istio-system"
    assert certificate.spec["dnsNames"] == ["prices.example"]
    gateway = built.get("Gateway/efishery").spec
    used = gateway["servers"][1]["tls"]["credentialName"] if of == ISTIO else _certificates(gateway)[0]["name"]
    assert certificate.spec["secretName"] == used


def _certificates(gateway: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = gateway["listeners"][1]["tls"]["certificateRefs"]
    return found


def test_the_gateway_api_has_the_same_routes(istio: Manifests) -> None:
    """`/docs/` as a prefix is in `/docs`, because a PathPrefix of the Gateway API ends at a segment.

    The routes of GET and HEAD differ from the others in their retries, which an HTTPRoute does not state.
    """
    routes = kustomize.build(GATEWAY_API).get("HTTPRoute/efishery").spec["rules"]
    expected = {}
    for rule in istio.get("VirtualService/efishery").spec["http"]:
        if "delegate" in rule:
            continue
        (destination,) = [route["destination"] for route in rule["route"]]
        for match in rule["match"]:
            expected[next(iter(match["uri"].values()))] = (destination["host"], rule["timeout"])
    del expected["/docs/"]
    assert expected == {
        match["path"]["value"]: (rule["backendRefs"][0]["name"], rule["timeouts"]["request"])
        for rule in routes
        for match in rule["matches"]
    }


def test_the_gateway_api_has_the_same_policies(istio: Manifests) -> None:
    built = kustomize.build(GATEWAY_API)
    kinds = {"Gateway", "VirtualService", "HTTPRoute", "ConfigMap"}  # the last for the Deployment that Istio makes
    assert {m.id for m in istio.objects if m.kind not in kinds} == {m.id for m in built.objects if m.kind not in kinds}
    assert not built.has("VirtualService/efishery")
    pods = {"gateway.networking.k8s.io/gateway-name": built.get("Gateway/efishery").name}
    filters = [m for m in built.of("EnvoyFilter") if m.body["metadata"]["namespace"] == "istio-system"]
    assert filters
    assert all(m.spec["workloadSelector"]["labels"] == pods for m in filters)
