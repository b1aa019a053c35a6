"""Pods satisfy Pod Security "restricted"; tokens, RBAC rules, images and mounts are minimal."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifests, Workload, parse
from tests.charts.scenarios import Scenario


def test_pods_run_as_an_unprivileged_user(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        context = workload.pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True, workload.id
        assert context["runAsUser"] >= 999, workload.id
        assert context["fsGroup"] == context["runAsGroup"] == context["runAsUser"], workload.id
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, workload.id


@pytest.mark.parametrize("chart", ["efishery", "mysql"])
def test_a_cluster_can_choose_the_ids(chart: str) -> None:
    """As OpenShift does: an id that a pod names and that is not in the namespace's range is refused."""
    values = "global.compatibility.randomUid=true,global.image.tag=v1"
    parts = {"efishery": ",sample.enabled=true,auth.keyRotation.enabled=true,mysql.backup.enabled=true", "mysql": ""}
    rendered = parse(helm.template(chart, "--set", values + parts[chart]).stdout)
    assert rendered.workloads
    for workload in rendered.workloads:
        contexts = [workload.pod.spec["securityContext"], *(c["securityContext"] for c in workload.all_containers)]
        for context in contexts:
            assert not {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"} & context.keys(), workload.id
        assert contexts[0]["runAsNonRoot"] is True, workload.id


def test_a_random_uid_has_the_name_that_mysql_expects(tmp_path: Path) -> None:
    """The agent logs in by auth_socket, which compares the name of its uid with `mysql`."""
    rendered = parse(helm.template("mysql", "--set", "global.compatibility.randomUid=true").stdout)
    prepare, mysqld = (
        next(c for c in rendered.workload("StatefulSet/mysql").all_containers if c["name"] == name)
        for name in ("prepare", "mysql")
    )
    (folder,) = (mount["mountPath"] for mount in prepare["volumeMounts"] if mount["name"] == "passwd")
    (mount,) = (mount for mount in mysqld["volumeMounts"] if mount["name"] == "passwd")
    assert (mount["mountPath"], mount["subPath"]) == ("/etc/passwd", "passwd")
    script = (helm.REPOSITORY / "charts/mysql/files/prepare.sh").read_text()
    for path, local in {folder: tmp_path / "passwd", "/var/lib/mysql": tmp_path / "volume"}.items():
        (local / "data").mkdir(parents=True)
        script = script.replace(path, str(local))
    subprocess.run(["sh", "-c", script], check=True)
    name, _, uid, *_ = (tmp_path / "passwd/passwd").read_text().split(":")
    assert (name, int(uid)) == ("mysql", os.getuid())


def test_containers_have_no_privileges(rendered: Manifests) -> None:
    expected = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for workload in rendered.workloads:
        for container in workload.all_containers:
            assert container["securityContext"] == expected, f"{workload.id} {container['name']}"


def test_pods_share_no_namespace_or_path_with_the_node(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        spec = workload.pod.spec
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), workload.id
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "projected", "emptyDir", "persistentVolumeClaim"}, workload.id


def test_no_token_of_a_service_account_is_mounted_automatically(rendered: Manifests) -> None:
    for account in rendered.of("ServiceAccount"):
        assert account.body["automountServiceAccountToken"] is False, account.id
    for workload in rendered.workloads:
        assert workload.pod.spec["automountServiceAccountToken"] is False, workload.id
        assert workload.pod.spec["enableServiceLinks"] is False, workload.id


def test_only_programs_that_use_the_api_have_a_token_and_it_expires(rendered: Manifests) -> None:
    holders = set()
    for workload in rendered.workloads:
        for volume in workload.pod.spec.get("volumes", []):
            tokens = [
                s["serviceAccountToken"]
                for s in volume.get("projected", {}).get("sources", [])
                if len(s) == 1 and "serviceAccountToken" in s
            ]
            if tokens:
                assert all(token["expirationSeconds"] <= 3600 for token in tokens), workload.id
                holders |= {
                    (workload.id, container["name"])
                    for container in workload.all_containers
                    for mount in container.get("volumeMounts", [])
                    if mount["name"] == volume["name"]
                }
    assert holders <= {
        ("StatefulSet/mysql", "mysql-agent"),
        ("CronJob/auth-key-rotation", "auth-key-rotation"),
        ("Job/create-secrets", "create-secrets"),
        ("Job/mysql-create-lease", "create-lease"),
        ("Job/mysql-create-secrets", "create-secrets"),
        ("CronJob/mysql-certificate-renewal", "renew-certificate"),
    }


def test_the_agents_role_allows_its_pods_and_claims_one_lease_and_events(default: Manifests) -> None:
    rules = default.get("Role/mysql").body["rules"]
    may = {rule["resources"][0]: (set(rule["verbs"]), rule.get("resourceNames")) for rule in rules}
    pods = [f"mysql-{number}" for number in range(9)]
    assert may == {
        "pods": ({"get", "patch"}, pods),
        "persistentvolumeclaims": ({"get"}, [f"data-{pod}" for pod in pods]),
        "leases": ({"get", "patch"}, ["mysql"]),
        "events": ({"create"}, None),
    }
    roles = {role.name for role in default.of("Role", "ClusterRole")}
    assert roles == {"mysql", "create-secrets", "mysql-certificate-renewal", "mysql-create-secrets"}


def test_service_accounts_are_all_used_and_all_exist(rendered: Manifests) -> None:
    used = {workload.pod.spec["serviceAccountName"] for workload in rendered.workloads}
    assert used == {account.name for account in rendered.of("ServiceAccount")}


def test_every_image_has_a_fixed_tag_or_a_digest(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in workload.all_containers:
            image = container["image"]
            assert re.fullmatch(r"[a-z0-9./-]+(:[\w.-]+|@sha256:[0-9a-f]{64})", image), f"{workload.id}: {image}"
            assert not image.endswith(":latest"), f"{workload.id}: {image}"
            assert container["imagePullPolicy"] in ("IfNotPresent", "Always"), workload.id


def test_volumes_and_mounts_match(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        mounts = {mount["name"] for c in workload.all_containers for mount in c.get("volumeMounts", [])}
        assert mounts == _volumes(workload), workload.id


def _volumes(workload: Workload) -> set[str]:
    claims = workload.owner.spec.get("volumeClaimTemplates", [])
    names = {claim["metadata"]["name"] for claim in claims}
    return names | {volume["name"] for volume in workload.pod.spec.get("volumes", [])}


def test_a_policy_can_leave_the_agents_two_labels() -> None:
    """What the expressions allow and refuse is asked on a cluster (tests/e2e/test_admission_policy.py)."""
    rendered = Scenario("mysql", "restricted").rendered()
    name = "mysql-agent.efishery"
    policy = rendered.get(f"ValidatingAdmissionPolicy/{name}").spec
    binding = rendered.get(f"ValidatingAdmissionPolicyBinding/{name}").spec
    assert binding == {"policyName": name, "validationActions": ["Deny"]}
    account = rendered.workload("StatefulSet/mysql").pod.spec["serviceAccountName"]
    (condition,) = policy["matchConditions"]
    assert condition["expression"] == f"request.userInfo.username == 'system:serviceaccount:efishery:{account}'"
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"]) == (["UPDATE"], ["pods", "pods/*"])


def test_nothing_of_the_whole_cluster_is_made_by_default(default: Manifests) -> None:
    assert not default.of("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole")
