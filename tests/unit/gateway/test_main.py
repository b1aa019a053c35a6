"""`python -m efishery_gateway`, up to the moment when the process becomes Envoy."""

import json
import os
from pathlib import Path

import pytest

from efishery_gateway import envoy
from efishery_gateway.__main__ import main
from efishery_run.cli import ISTIO


def test_it_becomes_envoy_with_the_named_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[tuple[str, ...]] = []
    monkeypatch.setattr(os, "execv", lambda _path, command: executed.append(command))
    config = tmp_path / "envoy.json"
    services = ["auth=auth:8080", "fetch=fetch:8080", "docs=docs:8080"]
    main([*services, "--istio", str(ISTIO), "--config", str(config)])
    assert executed == [envoy.command(config)]
    resources = json.loads(config.read_text())["static_resources"]
    address = {"socket_address": {"address": "0.0.0.0", "port_value": 8080}}  # noqa: S104 -- as in a container
    assert resources["listeners"][0]["address"] == address
    assert [cluster["name"] for cluster in resources["clusters"]] == ["auth", "fetch", "docs"]
    endpoint = resources["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["address"] == {"socket_address": {"address": "auth", "port_value": 8080}}


def test_a_service_that_the_routes_need_and_nobody_names_ends_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="leads to fetch"):
        main(["auth=auth:8080", "--istio", str(ISTIO), "--config", str(tmp_path / "envoy.json")])


def test_what_is_no_service_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["auth"])
    assert "is no address: give host:port" in capsys.readouterr().err
