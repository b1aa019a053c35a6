"""The number of the pods, and the nodes that they run on."""

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import Scenario

AUTOSCALED = ["auth", "fetch", "docs"]
LIST = "fetch.listUrl=https://list.example.org"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


@pytest.fixture(scope="module")
def autoscaled() -> Manifests:
    return Scenario("efishery", "autoscaling").rendered()


def with_values(*values: str) -> Manifests:
    options = [option for value in (LIST, *values) for option in ("--set", value)]
    result = helm.template("efishery", *options)
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def test_nothing_is_autoscaled_by_default(default: Manifests) -> None:
    assert not default.of("HorizontalPodAutoscaler")


@pytest.mark.parametrize("name", AUTOSCALED)
def test_the_autoscaler_alone_sets_the_number_of_pods(autoscaled: Manifests, name: str) -> None:
    deployment, autoscaler = autoscaled.get(f"Deployment/{name}"), autoscaled.get(f"HorizontalPodAutoscaler/{name}")
    assert "replicas" not in deployment.spec, "an upgrade would undo what the autoscaler did"
    assert autoscaler.spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert autoscaler.spec["minReplicas"] < autoscaler.spec["maxReplicas"]


@pytest.mark.parametrize("name", AUTOSCALED)
def test_the_autoscaler_measures_the_cpu_of_the_service_without_the_proxy(autoscaled: Manifests, name: str) -> None:
    metric = autoscaled.get(f"HorizontalPodAutoscaler/{name}").spec["metrics"][0]
    assert metric["type"] == "ContainerResource"
    assert metric["containerResource"] == {
        "name": "cpu",
        "container": autoscaled.workload(f"Deployment/{name}").containers[0]["name"],
        "target": {"type": "Utilization", "averageUtilization": 80},
    }


def test_requests_count_only_where_their_number_is_set(autoscaled: Manifests) -> None:
    metrics = {m.name: m.spec["metrics"][1:] for m in autoscaled.of("HorizontalPodAutoscaler")}
    requests = {
        "metric": {"name": "http_server_requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": "50"},
    }
    assert metrics == {"auth": [{"type": "Pods", "pods": requests}], "fetch": [], "docs": []}


@pytest.mark.parametrize("name", AUTOSCALED)
def test_pods_are_added_fast_and_removed_slowly(autoscaled: Manifests, name: str) -> None:
    behavior = autoscaled.get(f"HorizontalPodAutoscaler/{name}").spec["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    assert up["stabilizationWindowSeconds"] == 0
    assert {(p["type"], p["value"], p["periodSeconds"]) for p in up["policies"]} == {
        ("Percent", 100, 15),
        ("Pods", 4, 15),
    }
    assert down["stabilizationWindowSeconds"] >= 300
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]


def test_a_behavior_of_ones_own_replaces_what_it_names() -> None:
    behavior = "auth.autoscaling.behavior.scaleDown"
    own = with_values("auth.autoscaling.enabled=true", f"{behavior}.stabilizationWindowSeconds=0")
    found = own.get("HorizontalPodAutoscaler/auth").spec["behavior"]
    charts = Scenario("efishery", "autoscaling").rendered().get("HorizontalPodAutoscaler/auth").spec["behavior"]
    assert found == charts | {"scaleDown": charts["scaleDown"] | {"stabilizationWindowSeconds": 0}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["auth.autoscaling.minReplicas=9"], "auth.autoscaling.minReplicas is 9, above maxReplicas, 8"),
        (["auth.resources.requests.cpu=null"], "auth.resources.requests.cpu is not"),
    ],
)
def test_an_autoscaler_that_cannot_work_is_refused_with_the_remedy(values: list[str], message: str) -> None:
    options = [option for value in [LIST, "auth.autoscaling.enabled=true", *values] for option in ("--set", value)]
    refused = helm.template("efishery", *options)
    assert refused.returncode != 0
    assert message in refused.stderr
    assert "or set auth.autoscaling." in refused.stderr


def test_auth_at_its_highest_number_of_pods_leaves_connections_of_mysql(default: Manifests) -> None:
    per_pod = 3 * 4  # pools for the primary, the replicas and sessions, of POOL_SIZE each
    most = with_values("auth.autoscaling.enabled=true").get("HorizontalPodAutoscaler/auth").spec["maxReplicas"]
    config = default.get("ConfigMap/mysql").body["data"]["my.cnf"]
    limit = next(int(line.split("=")[1]) for line in config.splitlines() if line.startswith("max_connections"))
    assert (most + 1) * per_pod < limit, "a rollout adds a pod"


def test_several_pods_are_spread_and_have_a_disruption_budget(rendered: Manifests) -> None:
    for manifest in rendered.of("Deployment"):
        several = manifest.spec.get("replicas", 2) > 1  # without replicas it is autoscaled
        spec = manifest.spec["template"]["spec"]
        zones = [each["topologyKey"] for each in spec.get("topologySpreadConstraints", [])]
        hosts = [term["podAffinityTerm"]["topologyKey"] for term in _anti_affinity(spec)]
        assert (zones, hosts) == (([ZONE], [HOST]) if several else ([], [])), manifest.id
        assert rendered.has(f"PodDisruptionBudget/{manifest.name}") == several, manifest.id


def _anti_affinity(
    spec: dict[str, dict[str, dict[str, list[dict[str, dict[str, str]]]]]],
) -> list[dict[str, dict[str, str]]]:
    anti_affinity = spec.get("affinity", {}).get("podAntiAffinity", {})
    return anti_affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])


def test_members_can_be_kept_from_sharing_a_node() -> None:
    workload = with_values("mysql.antiAffinity=required").workload("StatefulSet/mysql")
    labels = workload.owner.spec["selector"]["matchLabels"]
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": labels}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert workload.pod.spec["affinity"] == affinity


@pytest.mark.parametrize("replicas", [1, 3])
def test_scaling_mysql_changes_no_pod_template(replicas: int) -> None:
    result = helm.template("mysql", "--set", f"replicas={replicas}")
    members = parse(result.stdout).get("StatefulSet/mysql").spec
    assert members["template"] == Scenario("mysql", "default").rendered().get("StatefulSet/mysql").spec["template"]
    assert [each["topologyKey"] for each in members["template"]["spec"]["topologySpreadConstraints"]] == [ZONE]
    assert [term["podAffinityTerm"]["topologyKey"] for term in _anti_affinity(members["template"]["spec"])] == [HOST]


def test_pods_are_scheduled_where_spreading_is_not_possible(default: Manifests) -> None:
    for identity in ("Deployment/auth", "Deployment/fetch", "Deployment/docs", "StatefulSet/mysql"):
        spec = default.workload(identity).pod.spec
        assert {each["whenUnsatisfiable"] for each in spec["topologySpreadConstraints"]} == {"ScheduleAnyway"}, identity
        assert spec["affinity"].keys() == {"podAntiAffinity"}, identity
        assert spec["affinity"]["podAntiAffinity"].keys() == {"preferredDuringSchedulingIgnoredDuringExecution"}


@pytest.mark.parametrize("identity", ["Deployment/auth", "StatefulSet/mysql"])
def test_spreading_counts_only_pods_of_the_same_workload(default: Manifests, identity: str) -> None:
    workload = default.workload(identity)
    labels = workload.owner.spec["selector"]["matchLabels"]
    terms = [term["podAffinityTerm"] for term in _anti_affinity(workload.pod.spec)]
    for each in (*workload.pod.spec["topologySpreadConstraints"], *terms):
        assert each["labelSelector"] == {"matchLabels": labels}


def test_values_replace_the_constraints(autoscaled: Manifests) -> None:
    for identity in ("Deployment/auth", "StatefulSet/mysql"):
        (constraint,) = autoscaled.workload(identity).pod.spec["topologySpreadConstraints"]
        assert (constraint["topologyKey"], constraint["maxSkew"]) == (ZONE, 1), identity
        assert constraint["whenUnsatisfiable"] == "DoNotSchedule", identity


@pytest.mark.parametrize(("prefix", "identity"), [("auth", "Deployment/auth"), ("mysql", "StatefulSet/mysql")])
def test_an_anti_affinity_of_ones_own_replaces_the_charts_and_other_affinity_does_not(
    prefix: str, identity: str
) -> None:
    custom = Scenario("efishery", "customised").rendered().workload(identity).pod.spec["affinity"]
    assert custom.keys() == {"nodeAffinity", "podAntiAffinity"}
    own = f"{prefix}.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey={HOST}"
    affinity = with_values(own).workload(identity).pod.spec["affinity"]
    assert affinity["podAntiAffinity"].keys() == {"requiredDuringSchedulingIgnoredDuringExecution"}


def test_no_job_has_the_anti_affinity_of_the_pods_that_it_works_for() -> None:
    rule = f"affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey={HOST}"
    rendered = with_values(
        f"auth.{rule}", f"mysql.{rule}", "mysql.backup.enabled=true", "auth.keyRotation.enabled=true"
    )
    required = {
        workload.id
        for workload in rendered.workloads
        if "requiredDuringSchedulingIgnoredDuringExecution"
        in workload.pod.spec.get("affinity", {}).get("podAntiAffinity", {})
    }
    assert required == {"Deployment/auth", "StatefulSet/mysql"}


def test_every_pod_has_the_global_priority_class_or_its_own(autoscaled: Manifests, default: Manifests) -> None:
    for workload in autoscaled.workloads:
        of_auth = workload.owner.name.startswith("auth") or workload.id in ("Pod/helm-test", "Job/create-secrets")
        expected = "production-high" if of_auth else "production"
        assert workload.pod.spec["priorityClassName"] == expected, workload.id
    assert not [w.id for w in default.workloads if "priorityClassName" in w.pod.spec]


def test_values_of_an_older_release_are_enough() -> None:
    """With --reuse-values Helm does not know the defaults of values that are new."""
    missing = [f"{name}.autoscaling=null" for name in AUTOSCALED]
    missing += [f"{name}.topologySpreadConstraints=null" for name in (*AUTOSCALED, "mysql")]
    missing += [f"mysql.{name}=null" for name in ("antiAffinity", "migration", "admissionPolicy", "tls.renewal")]
    missing += [f"{name}.priorityClassName=null" for name in ("global", *AUTOSCALED, "redis", "mysql")]
    rendered = with_values(*missing)
    assert rendered.get("Deployment/auth").spec["replicas"] == 2
    assert rendered.has("PodDisruptionBudget/auth")
