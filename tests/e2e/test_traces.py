"""Gateway, proxies and services send the spans of one request to a collector, as one trace and without secrets."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, RELEASE, Cluster, run, wait_for
from tests.e2e.collector import CLIENT, ENDPOINT, INTERNAL, SERVER, Collector, ReceivedSpan, collecting
from tests.e2e.conftest import Gateway, Headers

TELEMETRY = "k8s/istio/components/tracing/telemetry.yaml"
UPGRADE = ("helm", "upgrade", RELEASE, "charts/efishery", "-n", NAMESPACE, "--reuse-values", "--no-hooks", "--wait")
PROXY_SPANS = 2  # at least: one of the gateway, one of the service's proxy


@pytest.fixture(scope="module")
def collector(cluster: Cluster, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that gets the spans of proxies and services; fetch refreshes its list often."""
    with collecting(cluster, repository, tmp_path_factory.mktemp("traces")) as running:
        values = f"tracing.endpoint={ENDPOINT},tracing.sampleRatio=1,fetch.listTtlSeconds=5"
        try:
            run(repository, "kubectl", "apply", "-f", TELEMETRY)
            run(repository, *UPGRADE, "--set", values)
            yield running
        finally:
            run(repository, "helm", "rollback", RELEASE, "-n", NAMESPACE, "--no-hooks", "--wait")
            run(repository, "kubectl", "delete", "-f", TELEMETRY)


def sampled() -> tuple[str, Headers]:
    """Return a new trace id, and the headers of a caller that has its trace recorded, whatever Envoy's version."""
    trace_id, parent_id = secrets.token_hex(16), secrets.token_hex(8)
    return trace_id, {"traceparent": f"00-{trace_id}-{parent_id}-01", "x-client-trace-id": trace_id}


def chain(spans: list[ReceivedSpan], last: ReceivedSpan) -> list[ReceivedSpan]:
    """Return the span and those above it."""
    by_id = {span.span_id: span for span in spans}
    found = [last]
    while above := by_id.get(found[-1].parent_id):
        found.append(above)
    return found


def server_span(collector: Collector, trace_id: str, service: str) -> ReceivedSpan | None:
    """Return the span of the service's own, once that of the gateway is there too."""
    spans = collector.trace(trace_id)
    for span in spans:
        if span.service == service and span.kind == SERVER and "http.route" in span.attributes:
            return span if len(chain(spans, span)) > PROXY_SPANS else None
    return None


@pytest.mark.timeout(400)
def test_a_login_is_one_trace_from_the_gateway_to_mysql(
    cluster: Cluster, gateway: Gateway, collector: Collector
) -> None:
    first = cluster.secret("auth-first-admin")
    trace_id, headers = sampled()
    answer = gateway.post("/auth/login", {"phone": first["phone"], "password": first["password"]}, headers)
    assert answer.status_code == 200
    login = wait_for("the span of the login", lambda: server_span(collector, trace_id, "auth"), 60)
    assert (login.name, login.attributes["http.route"]) == ("POST /auth/login", "/auth/login")

    spans = collector.trace(trace_id)
    above = chain(spans, login)[1:]
    assert above[-1].parent_id == headers["traceparent"].split("-")[2], "the caller's span"
    assert "istio-ingressgateway" in above[-1].service
    assert above[0].service.startswith("auth")

    databases = [span for span in spans if span.parent_id == login.span_id and span.kind == CLIENT]
    assert {span.name for span in databases} >= {"database replicas"}
    assert {span.attributes["db.system.name"] for span in databases} == {"mysql"}
    assert not [span for span in databases if "db.query.text" in span.attributes or "db.statement" in span.attributes]
    tokens = answer.json()["data"]
    for secret in (first["password"], first["phone"], tokens["access_token"], tokens["refresh_token"]):
        assert secret not in collector.text()


@pytest.mark.timeout(200)
def test_a_list_is_one_trace_from_the_gateway_to_fetch(gateway: Gateway, collector: Collector, user: Headers) -> None:
    trace_id, headers = sampled()
    assert gateway.get("/fetch/resource?limit=1", {**user, **headers}).status_code == 200
    served = wait_for("the span of the list", lambda: server_span(collector, trace_id, "fetch"), 60)
    assert (served.name, served.attributes["http.route"]) == ("GET /fetch/resource", "/fetch/resource")
    assert "istio-ingressgateway" in chain(collector.trace(trace_id), served)[-1].service
    assert user["Authorization"].removeprefix("Bearer ") not in collector.text()


@pytest.mark.timeout(200)
def test_a_refresh_of_the_list_is_one_trace_to_the_upstream_and_redis(collector: Collector) -> None:
    def refreshed() -> list[ReceivedSpan] | None:
        for span in collector.spans():
            if span.kind == INTERNAL and span.name == "refresh list":
                below = [each for each in collector.trace(span.trace_id) if each.parent_id == span.span_id]
                if {each.name for each in below} >= {"GET", "SET"}:
                    return below
        return None

    below = wait_for("the spans of a refresh", refreshed, 60)
    calls = {each.name: each for each in below}
    assert calls["GET"].attributes["server.address"] == "sample"
    assert calls["SET"].attributes["db.system.name"] == "redis"
    assert "fetch:list" not in str(calls["SET"].attributes)
