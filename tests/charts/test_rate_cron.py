"""The CronJob and the Job of rate-cron: which failures are repeated, and how a change of the rate is accepted."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest

from efishery_rate_cron.cli import parse_arguments
from efishery_rate_cron.outcome import EXIT_CODES, Outcome
from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifests
from tests.documented import shell_block

BAD_SETTINGS = 2


def job_specs(manifests: Manifests) -> list[dict[str, Any]]:
    return [manifests.get("CronJob/rate-cron").spec["jobTemplate"]["spec"], manifests.release_job("rate-cron").spec]


def environment(spec: dict[str, Any]) -> dict[str, str]:
    container = spec["template"]["spec"]["containers"][0]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def test_runs_never_overlap_and_a_missed_one_is_left_to_the_next(default: Manifests) -> None:
    spec = default.get("CronJob/rate-cron").spec
    assert spec["schedule"] == "*/5 * * * *"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] < 5 * 60
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 5 * 60
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 3)


def test_only_failures_that_may_pass_are_repeated(default: Manifests) -> None:
    for spec in job_specs(default):
        drained, hopeless = spec["podFailurePolicy"]["rules"]
        assert drained == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        assert hopeless["action"] == "FailJob"
        assert hopeless["onExitCodes"]["operator"] == "In"
        assert hopeless["onExitCodes"]["values"] == [BAD_SETTINGS, EXIT_CODES[Outcome.REFUSED]]
        pod = spec["template"]["spec"]
        # Both are conditions of Kubernetes for a podFailurePolicy.
        assert pod["restartPolicy"] == "Never"
        assert hopeless["onExitCodes"]["containerName"] in [container["name"] for container in pod["containers"]]
        assert spec["backoffLimit"] >= 2


def test_an_installation_has_the_pod_of_the_schedule_and_waits_longer_for_redis(default: Manifests) -> None:
    scheduled, installed = job_specs(default)
    wait = "RATE_CRON_REDIS_WAIT_SECONDS"
    assert "helm.sh/hook" not in default.release_job("rate-cron").annotations
    assert (environment(scheduled)[wait], environment(installed)[wait]) == ("30", "300")
    replaced = json.dumps(installed["template"]).replace(f'"{wait}", "value": "300"', f'"{wait}", "value": "30"')
    assert json.loads(replaced) == scheduled["template"]


def test_a_run_ends_before_its_deadline(default: Manifests) -> None:
    for spec in job_specs(default):
        settings = environment(spec)
        providers = settings["RATE_CRON_PROVIDERS"].count(",") + 1
        redis_seconds = int(settings["RATE_CRON_REDIS_WAIT_SECONDS"]) + 4 * 5
        assert redis_seconds + providers * int(settings["RATE_CRON_TIMEOUT_SECONDS"]) < spec["activeDeadlineSeconds"]


@pytest.mark.parametrize("document", ["docs/operations.md", "services/rate-cron/README.md"])
def test_the_documented_command_accepts_a_change(default: Manifests, document: str) -> None:
    command = shell_block(REPOSITORY / document, "--accept-change")
    job = deepcopy(default.get("CronJob/rate-cron").spec["jobTemplate"])
    for operation in json.loads(re.findall(r"-p '(\[.*\])'", command)[0]):
        add(job, **operation)
    container = job["spec"]["template"]["spec"]["containers"][0]
    program, *arguments = container["args"]
    assert (container["name"], program) == ("rate-cron", "rate-cron")
    assert parse_arguments(arguments).accept_change
    assert "--from=cronjob/rate-cron" in command


def add(document: Any, op: str, path: str, value: Any) -> None:
    """Apply the operation `add` of a JSON Patch (RFC 6902, section 4.1) at the end of an array."""
    *steps, last = path.removeprefix("/").split("/")
    assert (op, last) == ("add", "-")
    for step in steps:
        document = document[int(step) if isinstance(document, list) else step]
    document.append(value)


def test_the_chart_starts_the_command_of_the_image(default: Manifests) -> None:
    dockerfile = (REPOSITORY / "services/rate-cron/Dockerfile").read_text()
    (command,) = re.findall(r"^CMD (.*)$", dockerfile, flags=re.MULTILINE)
    for spec in job_specs(default):
        assert spec["template"]["spec"]["containers"][0]["args"] == json.loads(command)


def test_redis_evicts_the_cache_before_the_rate(default: Manifests) -> None:
    assert "maxmemory-policy volatile-ttl" in default.get("ConfigMap/redis").body["data"]["redis.conf"]


def test_the_readme_has_the_exit_codes() -> None:
    readme = (REPOSITORY / "services/rate-cron/README.md").read_text()
    documented = {name: int(code) for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", readme, flags=re.MULTILINE)}
    assert documented == EXIT_CODES
