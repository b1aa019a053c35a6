"""The alerts: each fires and resolves in a test of promtool, and the chart's values decide their numbers."""

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.e2e.monitoring.prometheus import SPEED
from tests.generated import section

RULES = sorted(helm.REPOSITORY.glob("charts/*/files/rules/*.yaml"))
TESTS = sorted((helm.REPOSITORY / "tests/charts/rules").glob("*.yaml"))
RUNBOOK = helm.REPOSITORY / "docs/operations.md"
ON = ["--set", "fetch.listUrl=https://list.example.org", "--set", "global.monitoring.rules.enabled=true"]
EVERY_GROUP = [*ON, "--set", "auth.keyRotation.enabled=true", "--set", "mysql.backup.enabled=true"]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(helm.REPOSITORY / ".tools/bin"), os.environ.get("PATH", "")])
    program = shutil.which("promtool", path=path)
    if program is None:
        raise FileNotFoundError("promtool is neither on PATH nor in .tools/bin: run `make chart-tools`")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def alerts_of(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for group in groups for rule in group["rules"]]


def alerts_in(path: Path) -> list[dict[str, Any]]:
    return alerts_of(yaml.safe_load(path.read_text())["groups"])


@functools.cache
def rendered_rules(*arguments: str, namespace: str = "efishery") -> Manifests:
    result = helm.template("efishery", *arguments, "--namespace", namespace)
    assert result.returncode == 0, result.stderr
    return Manifests(tuple(parse(result.stdout).of("PrometheusRule")))


def expressions(manifests: Manifests) -> dict[str, str]:
    return {rule["alert"]: rule["expr"] for each in manifests.objects for rule in alerts_of(each.spec["groups"])}


ALERTS = [pytest.param(rule, id=rule["alert"]) for path in RULES for rule in alerts_in(path)]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_the_file_is_valid_without_helm(path: Path) -> None:
    checked = promtool("check", "rules", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_resolve(path: Path) -> None:
    tested = promtool("test", "rules", str(path))
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("rule", ALERTS)
def test_promtool_sees_each_alert_quiet_then_firing_then_resolved(rule: dict[str, Any]) -> None:
    steps = [
        [bool(step.get("exp_alerts")) for step in test["alert_rule_test"] if step["alertname"] == rule["alert"]]
        for path in TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
    ]
    assert [False, True, False] in steps, "tests/charts/rules has no test of it"


@pytest.mark.parametrize("rule", ALERTS)
def test_each_alert_says_how_urgent_it_is_and_links_to_its_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert re.search(r"\{\{.*\$(value|labels)", annotations["description"]), "the description has no value and no label"
    assert f"\n### {rule['alert']}\n" in RUNBOOK.read_text()


def test_the_runbook_lists_each_alert_with_its_severity() -> None:
    listed = dict(re.findall(r"^\| \[(\w+)\]\(#\w+\) \| (\w+) \|", RUNBOOK.read_text(), flags=re.MULTILINE))
    assert listed == {rule["alert"]: rule["labels"]["severity"] for path in RULES for rule in alerts_in(path)}
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    assert [name for name in headings if name in listed] == list(listed), "in the order of the table"


def test_the_runbook_has_the_measured_times_of_each_alert() -> None:
    # `make e2e-observability ARGS=--write-docs` writes them.
    rows = re.findall(r"^\| (\w+) \| .+ \| \d+ \| \d+ \|$", section(RUNBOOK, "measured alerts"), flags=re.MULTILINE)
    assert rows == sorted(rule["alert"] for path in RULES for rule in alerts_in(path))


def test_the_measured_times_are_those_of_the_speed_of_today() -> None:
    assert f"divided by {SPEED}:" in section(RUNBOOK, "measured alerts")


def test_the_default_values_render_the_numbers_of_the_files() -> None:
    in_files = {rule["alert"]: rule["expr"] for path in RULES for rule in alerts_in(path)}
    assert expressions(rendered_rules(*EVERY_GROUP)) == in_files


def test_rendered_rules_are_valid(tmp_path: Path) -> None:
    for manifest in rendered_rules(*EVERY_GROUP, namespace="prices").objects:
        path = tmp_path / f"{manifest.name}.yaml"
        path.write_text(yaml.safe_dump(manifest.spec))
        checked = promtool("check", "rules", str(path))
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rules_select_the_namespace_of_the_release() -> None:
    for alert, expression in expressions(rendered_rules(*EVERY_GROUP, namespace="prices")).items():
        assert 'namespace="prices"' in expression, alert
        assert "efishery" not in expression, alert


@pytest.mark.parametrize(
    ("value", "alert", "number"),
    [
        ("mysql.replicas=5", "MysqlMembersMissing", "< 5 #"),
        ("fetch.listTtlSeconds=100", "ListNotRefreshed", "> 300 #"),
        ("fetch.rateStaleAfterSeconds=1200", "RateNotRefreshed", "> 3600 #"),
        ("fetch.rateStaleAfterSeconds=1200", "RateCronSilent", "offset 3600s #"),
        ("auth.keyRotation.rotateDays=10", "KeyRotationFails", f"> {11 * 86400 + 3600} #"),
        ("auth.keyRotation.publishSeconds=7200", "KeyRotationFails", f"> {91 * 86400 + 7200} #"),
    ],
)
def test_values_decide_the_numbers(value: str, alert: str, number: str) -> None:
    assert number in expressions(rendered_rules(*EVERY_GROUP, "--set", value))[alert]


def test_a_dump_may_take_its_time_before_an_alert() -> None:
    rendered = rendered_rules(*EVERY_GROUP, "--set", "mysql.backup.deadlineSeconds=21600")
    (rule,) = (
        rule
        for each in rendered.objects
        for rule in alerts_of(each.spec["groups"])
        if rule["alert"] == "MysqlBackupFails"
    )
    assert rule["for"] == "420m"


def test_every_commented_number_is_one_that_a_value_decides() -> None:
    changed = ["mysql.replicas=5", "fetch.listTtlSeconds=100", "fetch.rateStaleAfterSeconds=1200"]
    changed += ["auth.keyRotation.rotateDays=10"]
    arguments = [argument for value in changed for argument in ("--set", value)]
    rendered = expressions(rendered_rules(*EVERY_GROUP, *arguments))
    commented = {r["alert"]: r["expr"] for path in RULES for r in alerts_in(path) if re.search(r"\d+s? # ", r["expr"])}
    assert commented
    assert not [alert for alert, expression in commented.items() if rendered[alert] == expression]


@pytest.mark.parametrize(
    ("without", "alert"),
    [("auth.keyRotation.enabled", "KeyRotationFails"), ("mysql.backup.enabled", "MysqlBackupFails")],
)
def test_there_is_no_alert_on_what_is_off(without: str, alert: str) -> None:
    assert alert in expressions(rendered_rules(*EVERY_GROUP))
    assert alert not in expressions(rendered_rules(*EVERY_GROUP, "--set", f"{without}=false"))


def test_runbook_links_begin_with_the_value() -> None:
    url = "https://wiki.example.org/operations"
    manifests = rendered_rules(*EVERY_GROUP, "--set", f"global.monitoring.rules.runbookUrl={url}")
    rules = [rule for each in manifests.objects for rule in alerts_of(each.spec["groups"])]
    for rule in rules:
        assert rule["annotations"]["runbook_url"] == f"{url}#{rule['alert'].lower()}"


def test_dashboards_ask_in_valid_promql(tmp_path: Path) -> None:
    # As recording rules, which promtool parses; with the variables of Grafana filled in.
    expressions = [
        target["expr"].replace("$__rate_interval", "5m").replace("$namespace", "efishery")
        for path in helm.REPOSITORY.glob("charts/*/files/dashboards/*.json")
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    ]
    rules = [{"record": f"query:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", str(tmp_path / "queries.yaml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
