"""Every pod satisfies Pod Security "restricted", and more."""

import re

from tests.charts.manifests import Manifests, Workload


def test_pods_run_as_a_user_without_privileges(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        context = workload.pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True, workload.id
        assert context["runAsUser"] >= 999, workload.id
        assert context["fsGroup"] == context["runAsGroup"] == context["runAsUser"], workload.id
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, workload.id


def test_containers_can_gain_nothing(rendered: Manifests) -> None:
    expected = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for workload in rendered.workloads:
        for container in workload.all_containers:
            assert container["securityContext"] == expected, f"{workload.id} {container['name']}"


def test_pods_share_nothing_with_the_node(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        spec = workload.pod.spec
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), workload.id
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "projected", "emptyDir", "persistentVolumeClaim"}, workload.id


def test_no_pod_gets_a_kubernetes_token_unasked(rendered: Manifests) -> None:
    for account in rendered.of("ServiceAccount"):
        assert account.body["automountServiceAccountToken"] is False, account.id
    for workload in rendered.workloads:
        assert workload.pod.spec["automountServiceAccountToken"] is False, workload.id
        assert workload.pod.spec["enableServiceLinks"] is False, workload.id


def test_the_agent_alone_has_a_token_that_expires(rendered: Manifests) -> None:
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
    assert holders <= {("StatefulSet/mysql", "mysql-agent")}


def test_the_agent_may_touch_its_pods_one_lease_and_events(default: Manifests) -> None:
    rules = default.get("Role/mysql").body["rules"]
    may = {rule["resources"][0]: (set(rule["verbs"]), rule.get("resourceNames")) for rule in rules}
    pods = [f"mysql-{number}" for number in range(9)]
    assert may == {
        "pods": ({"get", "patch"}, pods),
        "leases": ({"get", "patch"}, ["mysql"]),
        "events": ({"create"}, None),
    }
    assert [role.name for role in default.of("Role", "ClusterRole")] == ["mysql"]


def test_every_account_exists_and_is_used(rendered: Manifests) -> None:
    used = {workload.pod.spec["serviceAccountName"] for workload in rendered.workloads}
    assert used == {account.name for account in rendered.of("ServiceAccount")}


def test_every_image_has_a_fixed_tag(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in workload.all_containers:
            image = container["image"]
            assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+", image), f"{workload.id}: {image}"
            assert not image.endswith(":latest"), f"{workload.id}: {image}"
            assert container["imagePullPolicy"] in ("IfNotPresent", "Always"), workload.id


def test_every_mount_has_a_volume_and_every_volume_a_mount(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        mounts = {mount["name"] for c in workload.all_containers for mount in c.get("volumeMounts", [])}
        assert mounts == _volumes(workload), workload.id


def _volumes(workload: Workload) -> set[str]:
    claims = workload.owner.spec.get("volumeClaimTemplates", [])
    names = {claim["metadata"]["name"] for claim in claims}
    return names | {volume["name"] for volume in workload.pod.spec.get("volumes", [])}
