"""The EnvoyFilters of k8s/istio: where they apply, and that their limits agree with each other and the services."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from servicekit.app import MAX_BODY_BYTES
from tests.charts import kustomize
from tests.charts.manifests import Manifests

LARGEST_BODY = 4096  # bytes
LOAD_TEST_RATE = 100  # logins and registrations a second
HASHES_PER_SECOND = 250  # of two pods of auth


def _patches(istio: Manifests, name: str) -> list[dict[str, Any]]:
    """Return the values of an EnvoyFilter's patches."""
    patches: list[dict[str, Any]] = istio.get(f"EnvoyFilter/{name}").spec["configPatches"]
    return [patch["patch"]["value"] for patch in patches]


def _typed(istio: Manifests, name: str, kind: str) -> dict[str, Any]:
    """Return the one configuration of a kind in an EnvoyFilter's patches."""
    configs: list[dict[str, Any]] = [
        value["typed_config"] for value in _patches(istio, name) if "typed_config" in value
    ]
    (found,) = [config for config in configs if config["@type"].endswith(f".{kind}")]
    return found


GATEWAY_FILTERS = [
    "efishery-limits",
    "efishery-errors",
    "efishery-headers",
    "efishery-retries",
    "efishery-paths",
    "efishery-rate-limit",
    "efishery-response-headers",
]


@pytest.mark.parametrize("name", GATEWAY_FILTERS)
def test_the_gateways_filters_are_where_the_gateway_is(istio: Manifests, name: str) -> None:
    found = istio.get(f"EnvoyFilter/{name}")
    assert found.body["metadata"]["namespace"] == "istio-system"
    assert found.spec["workloadSelector"]["labels"] == istio.get("Gateway/efishery").spec["selector"]


@pytest.mark.parametrize("name", ["limits", "errors", "auth-role", "keys", "paths"])
def test_the_services_filters_are_for_what_comes_in(istio: Manifests, name: str) -> None:
    found = istio.get(f"EnvoyFilter/{name}")
    assert found.body["metadata"]["namespace"] == "efishery"
    assert {patch["match"]["context"] for patch in found.spec["configPatches"]} == {"SIDECAR_INBOUND"}


@pytest.mark.parametrize("name", ["efishery-limits", "limits"])
def test_a_proxy_reads_whole_bodies_of_the_size_that_services_take(istio: Manifests, name: str) -> None:
    assert _typed(istio, name, "Buffer")["max_request_bytes"] == LARGEST_BODY <= MAX_BODY_BYTES
    longest = "\N{FISH}" * 128  # two escaped characters of UTF-16 each
    assert len(json.dumps({"current_password": longest, "new_password": longest})) < LARGEST_BODY


def test_the_proxies_have_the_same_timeouts(istio: Manifests) -> None:
    at_gateway = _typed(istio, "efishery-limits", "HttpConnectionManager")
    inside = _typed(istio, "limits", "HttpConnectionManager")
    timeouts = {"request_headers_timeout", "request_timeout", "stream_idle_timeout"}
    assert {name: inside[name] for name in timeouts} == {name: at_gateway[name] for name in timeouts}


def test_no_answer_is_given_up_while_a_route_waits_for_it(istio: Manifests) -> None:
    idle = _typed(istio, "efishery-limits", "HttpConnectionManager")["stream_idle_timeout"]
    timeouts = [route["timeout"] for route in istio.get("VirtualService/efishery").spec["http"]]
    assert max(int(timeout.removesuffix("s")) for timeout in timeouts) < int(idle.removesuffix("s"))


def test_the_services_proxies_get_the_gateways_error_answers(istio: Manifests) -> None:
    at_gateway, inside = (
        _typed(istio, name, "HttpConnectionManager")["local_reply_config"] for name in ("efishery-errors", "errors")
    )
    assert inside == at_gateway
    assert len(inside["mappers"]) > 5


def test_error_answers_name_the_limits(istio: Manifests) -> None:
    limits = _typed(istio, "efishery-limits", "HttpConnectionManager")
    replies = _typed(istio, "efishery-errors", "HttpConnectionManager")["local_reply_config"]["mappers"]
    texts = {_status(reply): reply.get("body", {}).get("inline_string", "") for reply in replies if _of_status(reply)}
    assert "encoded slash" in texts[400], "of envoyfilter-paths.yaml; such a request is valid HTTP"
    assert str(LARGEST_BODY) in texts[413]
    assert limits["request_timeout"].replace("s", " s") in texts[408]
    assert f"{limits['common_http_protocol_options']['max_headers_count']}, " in texts[431]
    assert f"{limits['max_request_headers_kb']} KiB" in texts[431]
    assert not any('"' in text for text in texts.values()), "they go into a JSON string as they are"


def test_answers_that_say_try_again_say_when(istio: Manifests) -> None:
    replies = _typed(istio, "efishery-errors", "HttpConnectionManager")["local_reply_config"]["mappers"]
    after = {_status(reply) for reply in replies if _of_status(reply) and "headers_to_add" in reply}
    assert after == {429, 503}


def test_the_rate_limit_leaves_room_for_the_load_tests_and_not_more_than_auth_can_hash(istio: Manifests) -> None:
    config = _typed(istio, "efishery-rate-limit", "LocalRateLimit")
    one_address, together, anything = config["descriptors"]
    bucket = together["token_bucket"]
    assert bucket["fill_interval"] == "1s"
    assert LOAD_TEST_RATE < bucket["tokens_per_fill"] < HASHES_PER_SECOND
    assert bucket["max_tokens"] >= bucket["tokens_per_fill"]
    action = config["rate_limits"][0]["actions"][0]["header_value_match"]
    key, value = action["descriptor_key"], action["descriptor_value"]
    assert together["entries"] == [{"key": key, "value": value}]
    assert one_address["entries"] == [{"key": key, "value": value}, {"key": "masked_remote_address"}]
    assert one_address["token_bucket"]["max_tokens"] < bucket["max_tokens"] < config["token_bucket"]["max_tokens"]
    assert anything["entries"] == [{"key": "masked_remote_address"}]
    assert anything["token_bucket"]["max_tokens"] < config["token_bucket"]["max_tokens"]
    assert config["filter_enforced"] == config["filter_enabled"]
    assert config["filter_enforced"]["default_value"] == {"numerator": 100, "denominator": "HUNDRED"}


def test_every_address_is_counted_for_the_same_paths_as_all_together(istio: Manifests) -> None:
    together, one_address, anything = _typed(istio, "efishery-rate-limit", "LocalRateLimit")["rate_limits"]
    assert one_address["actions"] == together["actions"] + anything["actions"]
    assert anything["actions"] == [{"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}]


def test_gateway_and_sidecars_normalize_paths_alike(istio: Manifests) -> None:
    at_gateway = _typed(istio, "efishery-paths", "HttpConnectionManager")
    assert at_gateway == _typed(istio, "paths", "HttpConnectionManager")
    assert at_gateway["path_with_escaped_slashes_action"] == "REJECT_REQUEST"
    assert at_gateway["normalize_path"] is at_gateway["merge_slashes"] is True


def test_with_the_component_one_address_gets_as_much_as_all_together(tmp_path: Path) -> None:
    manifests = kustomize.build(kustomize.installation(tmp_path / "istio", "one-address"))
    limits = _typed(manifests, "efishery-rate-limit", "LocalRateLimit")
    one_address, together, anything = limits["descriptors"]
    assert one_address["token_bucket"] == together["token_bucket"]
    assert anything["token_bucket"] == limits["token_bucket"]


def test_the_rate_limit_is_for_requests_that_hash_or_issue_tokens(istio: Manifests) -> None:
    action = _typed(istio, "efishery-rate-limit", "LocalRateLimit")["rate_limits"][0]["actions"][0]
    matches = {each["name"]: each["string_match"] for each in action["header_value_match"]["headers"]}
    methods = matches[":method"]["safe_regex"]["regex"]
    assert [method for method in ("GET", "HEAD", "POST", "PUT") if re.fullmatch(methods, method)] == ["POST", "PUT"]
    pattern = matches[":path"]["safe_regex"]["regex"].replace(r"\C", "(?s:.)")  # RE2's any byte
    public = istio.get("AuthorizationPolicy/auth-public").spec["rules"][0]["to"]
    posts = next(target["operation"]["paths"] for target in public if target["operation"]["methods"] == ["POST"])
    assert all(
        re.fullmatch(pattern, path + query)
        for path in [*posts, "/auth/password", "/auth/name"]
        for query in ("", "?next=/", "?\xff")
    )
    assert not re.fullmatch(pattern, "/auth/claims")


def _of_status(mapper: dict[str, Any]) -> bool:
    """Whether a mapper is for every answer of a status."""
    return "status_code_filter" in mapper["filter"]


def _status(mapper: dict[str, Any]) -> int:
    value: int = mapper["filter"]["status_code_filter"]["comparison"]["value"]["default_value"]
    return value


@pytest.mark.parametrize("component", ["auth", "fetch", "docs"])
def test_requests_to_a_service_are_limited(istio: Manifests, component: str) -> None:
    http = istio.get(f"DestinationRule/{component}").spec["trafficPolicy"]["connectionPool"]["http"]
    assert 0 < http["http2MaxRequests"] == http["http1MaxPendingRequests"] < 1024
