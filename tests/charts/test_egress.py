"""With egress.registryOnly, proxies connect only to Services and to the hosts that the values name (ADR 79)."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from efishery_rate_cron.settings import RateCronSettings
from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import SCENARIOS, Scenario

LIST = "fetch.listUrl=https://list.example.org/commodities"
PROVIDERS = {("api.frankfurter.dev", 443, "TLS"), ("open.er-api.com", 443, "TLS")}


def render(*values: str) -> Manifests:
    """Render the chart with `egress.registryOnly`."""
    options = (option for value in ("egress.registryOnly=true", *values) for option in ("--set", value))
    rendered = helm.template("efishery", *options)
    assert rendered.returncode == 0, rendered.stderr
    return parse(rendered.stdout)


def hosts(rendered: Manifests) -> set[tuple[str, int, str]]:
    """Return host, port and protocol of each ServiceEntry."""
    return {
        (host, port["number"], port["protocol"])
        for entry in rendered.of("ServiceEntry")
        for host in entry.spec["hosts"]
        for port in entry.spec["ports"]
    }


def sidecar(rendered: Manifests) -> dict[str, Any]:
    return rendered.get("Sidecar/default").spec


def test_it_is_off_by_default() -> None:
    """Without Istio, its objects could not be created."""
    off = [s for s in SCENARIOS if not s.rendered().of("Sidecar", "ServiceEntry")]
    assert [s for s in SCENARIOS if s not in off] == [Scenario("efishery", "customised")]


def test_the_proxies_of_the_namespace_know_its_services_and_the_kubernetes_api() -> None:
    spec = sidecar(render(LIST))
    assert "workloadSelector" not in spec
    assert spec["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert spec["egress"] == [{"hosts": ["./*", "default/kubernetes.default.svc.cluster.local", "istio-system/*"]}]


def test_list_and_providers_are_declared() -> None:
    assert hosts(render(LIST)) == PROVIDERS | {("list.example.org", 443, "TLS")}


def test_the_providers_are_those_of_rate_cron() -> None:
    defaults = {RateCronSettings.model_fields[f"{name}_url"].default for name in ("frankfurter", "open_er_api")}
    assert {(url.host, url.port, "TLS") for url in defaults} == PROVIDERS


@pytest.mark.parametrize(
    ("providers", "declared"),
    [
        ("{open-er-api}", {("open.er-api.com", 443, "TLS")}),
        ("{custom}", {("rate.example.org", 8000, "HTTP")}),
    ],
)
def test_only_providers_in_use_are_declared(providers: str, declared: set[tuple[str, int, str]]) -> None:
    rendered = render(LIST, f"rateCron.providers={providers}", "rateCron.custom.url=http://rate.example.org:8000/idr")
    assert hosts(rendered) == declared | {("list.example.org", 443, "TLS")}


def test_the_sample_needs_no_declaration() -> None:
    assert hosts(render("sample.enabled=true")) == set()


def test_a_host_that_is_named_twice_is_declared_once() -> None:
    rendered = render(LIST, "rateCron.providers={custom}", "rateCron.custom.url=https://LIST.example.org/rate")
    assert [entry.name for entry in rendered.of("ServiceEntry")] == ["list-example-org-443"]


def test_other_urls_are_declared() -> None:
    rendered = render(
        "sample.enabled=true",
        "tracing.endpoint=http://collector.example.org:4318",
        "egress.extraUrls={https://cdn.example.org/x,http://cdn.example.org}",
    )
    extra = {("cdn.example.org", 443, "TLS"), ("cdn.example.org", 80, "HTTP")}
    assert hosts(rendered) == extra | {("collector.example.org", 4318, "HTTP")}


@pytest.mark.parametrize("host", ["collector.tracing.svc", "collector.tracing.svc.cluster.local"])
def test_a_service_of_another_namespace_is_known_by_its_name(host: str) -> None:
    rendered = render("sample.enabled=true", f"tracing.endpoint=http://{host}:4318")
    assert hosts(rendered) == set()
    assert "*/collector.tracing.svc.cluster.local" in sidecar(rendered)["egress"][0]["hosts"]


def test_a_service_is_known_by_the_domain_of_the_cluster() -> None:
    values = ("tracing.endpoint=http://collector.tracing.svc.fish.local:4318", "mysql.clusterDomain=fish.local")
    rendered = render("sample.enabled=true", *values)
    assert hosts(rendered) == set()
    services = [host for host in sidecar(rendered)["egress"][0]["hosts"] if "svc" in host]
    assert services == ["default/kubernetes.default.svc.fish.local", "*/collector.tracing.svc.fish.local"]


@pytest.mark.parametrize("enabled", ["true", "false"], ids=["own MySQL", "another MySQL"])
@pytest.mark.parametrize("host", ["x.svc.example.org", "x.list.svc.fish.local", "svc.example.org", "xsvc.example.org"])
def test_a_host_outside_that_is_named_like_a_service_is_declared(host: str, enabled: str) -> None:
    values = ("--values", str(helm.charts() / "efishery/ci/external-mysql-redis-values.yaml"))
    options = (f"fetch.listUrl=https://{host}/list", f"mysql.enabled={enabled}", "egress.registryOnly=true")
    rendered = helm.template("efishery", *values, "--set", ",".join(options))
    assert rendered.returncode == 0, rendered.stderr
    assert (host, 443, "TLS") in hosts(parse(rendered.stdout))
    assert not [each for each in sidecar(parse(rendered.stdout))["egress"][0]["hosts"] if each.startswith("*/")]


def test_databases_outside_are_declared_by_their_port() -> None:
    values = helm.charts() / "efishery/ci/external-mysql-redis-values.yaml"
    rendered = parse(helm.template("efishery", "-f", str(values), "--set", "egress.registryOnly=true").stdout)
    mysql, redis = (rendered.get(f"ServiceEntry/{name}-external").spec for name in ("mysql", "redis"))
    assert mysql["hosts"] == ["mysql.example.org", "mysql-read.example.org"]
    assert [port["number"] for spec in (mysql, redis) for port in spec["ports"]] == [3307, 6380]
    assert mysql["resolution"] == redis["resolution"] == "NONE"
    assert "addresses" not in mysql


def test_databases_outside_that_have_only_an_address_are_declared(tmp_path: Path) -> None:
    values = ["--values", str(helm.charts() / "efishery/ci/external-mysql-redis-values.yaml")]
    hosts = "auth.database.host=10.0.0.5,auth.database.readHost=,redis.external.host=fd00::6"
    rendered = parse(helm.template("efishery", *values, "--set", f"egress.registryOnly=true,{hosts}").stdout)
    entries = [rendered.get(f"ServiceEntry/{name}-external") for name in ("mysql", "redis")]
    assert [entry.spec["hosts"] for entry in entries] == [["mysql.invalid"], ["redis.invalid"]]
    (tmp_path / "entries.yaml").write_text(yaml.safe_dump_all([entry.body for entry in entries]))
    istioctl = [helm.tool("istioctl"), "validate", "-f", str(tmp_path / "entries.yaml")]
    assert subprocess.run(istioctl, capture_output=True, text=True, check=False).returncode == 0
    urls = {
        env["value"]
        for w in rendered.workloads
        for c in w.all_containers
        for env in c.get("env", ())
        if "URL" in env["name"]
    }
    assert any("@10.0.0.5:3307/" in url for url in urls)
    assert any("@[fd00::6]:6380/" in url for url in urls)


def test_databases_outside_are_limited_to_the_addresses_outside() -> None:
    values = ["--values", str(helm.charts() / "efishery/ci/external-mysql-redis-values.yaml")]
    limit = "egress.registryOnly=true,global.networkPolicy.externalCidrs={203.0.113.0/24}"
    rendered = parse(helm.template("efishery", *values, "--set", limit).stdout)
    for name in ("mysql", "redis"):
        assert rendered.get(f"ServiceEntry/{name}-external").spec["addresses"] == ["203.0.113.0/24"]


def test_a_declaration_is_for_its_namespace_alone(rendered: Manifests) -> None:
    for entry in rendered.of("ServiceEntry"):
        assert (entry.spec["exportTo"], entry.spec["location"]) == (["."], "MESH_EXTERNAL"), entry.id


@pytest.mark.parametrize("address", ["http://10.0.0.1/list", "http://[2001:db8::1]/list"])
def test_an_address_in_place_of_a_name_is_refused(address: str) -> None:
    refused = helm.template("efishery", "--set", f"fetch.listUrl={address}", "--set", "egress.registryOnly=true")
    assert f"{address} has an address: give the host's name, or set egress.registryOnly=false" in refused.stderr
