"""The CronJob that rotates the signing key: what it may do, and what it runs."""

import json
import re
from typing import Any

import pytest
import yaml

from efishery_auth.commands.keys import keys
from efishery_auth.key_rotation import SYNC_MARGIN_SECONDS
from efishery_auth.views.jwks import MAX_AGE_SECONDS
from servicekit.reloaded_keys import RELOAD_SECONDS
from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.documented import shell_block

NAME = "auth-key-rotation"
KINDS = ("CronJob", "ServiceAccount", "Role", "RoleBinding")


@pytest.fixture(scope="module")
def enabled() -> Manifests:
    values = ["sample.enabled=true", "auth.keyRotation.enabled=true", "auth.keyRotation.publishSeconds=7200"]
    rendered = helm.template("efishery", "--set", ",".join([*values, "tokens.accessSeconds=1200"]))
    assert rendered.returncode == 0, rendered.stderr
    return parse(rendered.stdout)


def pod(rendered: Manifests) -> dict[str, Any]:
    return rendered.workload(f"CronJob/{NAME}").pod.spec


def test_it_is_off_by_default(default: Manifests, enabled: Manifests) -> None:
    assert all(enabled.has(f"{kind}/{NAME}") for kind in KINDS)
    assert not [manifest.id for manifest in default.objects if manifest.name == NAME]


def test_it_may_read_and_update_the_signing_key_and_nothing_else(enabled: Manifests) -> None:
    rules = enabled.get(f"Role/{NAME}").body["rules"]
    secret = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["auth-signing-key"]}
    assert rules == [{**secret, "verbs": ["get", "update"]}]
    binding = enabled.get(f"RoleBinding/{NAME}").body
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", NAME)
    users = [w.id for w in enabled.workloads if w.pod.spec["serviceAccountName"] == NAME]
    assert users == [f"CronJob/{NAME}"]


def test_runs_do_not_overlap_and_end(enabled: Manifests) -> None:
    spec = enabled.get(f"CronJob/{NAME}").spec
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] < 3600
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] < 3600
    (_, hopeless) = job["podFailurePolicy"]["rules"]
    assert hopeless["onExitCodes"] == {"containerName": NAME, "operator": "In", "values": [2]}


def test_its_arguments_are_those_of_the_command(enabled: Manifests) -> None:
    flask, application, group, *arguments = pod(enabled)["containers"][0]["args"]
    assert (flask, application, group) == ("flask", "--app=efishery_auth.commands", "keys")
    context = keys.make_context("keys", list(arguments))
    name, command, rest = keys.resolve_command(context, [*context._protected_args, *context.args])
    assert name == "rotate"
    assert command is not None
    assert context.params == {"namespace": "efishery", "secret": "auth-signing-key"}
    assert command.make_context("rotate", rest, parent=context).params == {
        "rotate_days": 90,
        "publish_seconds": 7200,
        "access_seconds": 1200,
        "start_now": False,
    }


def test_the_documented_command_begins_a_rotation(enabled: Manifests) -> None:
    command = shell_block(helm.REPOSITORY / "docs/operations.md", f"--from=cronjob/{NAME}")
    ((operation,),) = map(json.loads, re.findall(r"-p '(\[.*\])'", command))
    assert operation == {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--now"}
    arguments = [*pod(enabled)["containers"][0]["args"], operation["value"]]
    rotate = keys.commands["rotate"].make_context("rotate", arguments[arguments.index("rotate") + 1 :])
    assert rotate.params["start_now"] is True


def test_the_waits_are_longer_than_what_they_are_for(enabled: Manifests) -> None:
    schema = json.loads((helm.REPOSITORY / "charts/efishery/values.schema.json").read_text())
    shortest = schema["properties"]["auth"]["properties"]["keyRotation"]["properties"]["publishSeconds"]["minimum"]
    values = yaml.safe_load((helm.REPOSITORY / "charts/efishery/values.yaml").read_text())
    proxies = (helm.REPOSITORY / "k8s/istio/base/envoyfilter-keys.yaml").read_text()
    (proxy_seconds,) = map(int, re.findall(r"cache_duration: (\d+)s", proxies))
    kubelet_seconds = 120
    assert values["auth"]["keyRotation"]["publishSeconds"] > shortest
    assert shortest > max(MAX_AGE_SECONDS, proxy_seconds) + kubelet_seconds
    assert kubelet_seconds + RELOAD_SECONDS < SYNC_MARGIN_SECONDS


def test_it_mounts_no_key(enabled: Manifests) -> None:
    assert "auth-signing-key" not in json.dumps(pod(enabled)["volumes"])


def test_auth_gets_the_public_url() -> None:
    values = "sample.enabled=true,auth.publicUrl=https://api.example.org"
    auth = parse(helm.template("efishery", "--set", values).stdout).workload("Deployment/auth")
    settings = {variable["name"]: variable.get("value") for variable in auth.containers[0]["env"]}
    assert settings["AUTH_PUBLIC_URL"] == "https://api.example.org"
