"""The values become the right settings of the services."""

from typing import Any

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifests, Workload, parse
from tests.charts.scenarios import Scenario

SECRET_WORDS = ("PASSWORD", "SECRET", "TOKEN_KEY")


def test_passwords_come_only_from_secrets(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in workload.all_containers:
            for variable in container.get("env", []):
                name = variable["name"].removeprefix("CREATE_SECRETS_")  # which Secrets to create
                if any(word in name for word in SECRET_WORDS):
                    assert "secretKeyRef" in variable.get("valueFrom", {}), f"{workload.id} {variable['name']}"


def test_no_variable_is_set_twice(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in workload.all_containers:
            names = [variable["name"] for variable in container.get("env", [])]
            assert sorted(names) == sorted(set(names)), workload.id


def test_auth_writes_to_the_primary_and_reads_from_the_replicas(default: Manifests) -> None:
    settings = _settings(default.workload("Deployment/auth"))
    database = "mysql+pymysql://efishery@{}:3306/efishery?charset=utf8mb4"
    assert settings["AUTH_DATABASE_URL"] == database.format("mysql-primary")
    assert settings["AUTH_DATABASE_READ_URL"] == database.format("mysql-replicas")


def test_auth_has_the_lifetimes_of_sessions_and_its_own_user_of_redis(default: Manifests) -> None:
    settings = _settings(default.workload("Deployment/auth"))
    assert settings["AUTH_SESSION_IDLE_SECONDS"] == "604800"
    assert settings["AUTH_SESSION_SECONDS"] == "2592000"
    assert settings["AUTH_REFRESH_GRACE_SECONDS"] == "3"
    assert settings["AUTH_REDIS_URL"] == "redis://auth@redis:6379/0"
    assert settings["AUTH_REDIS_PASSWORD"]["secretKeyRef"] == {"name": "redis", "key": "auth-password"}


def test_auth_knows_the_cpus_and_the_memory_of_its_container(default: Manifests) -> None:
    settings = _settings(default.workload("Deployment/auth"))
    assert settings["AUTH_CPUS"] == {"resourceFieldRef": {"resource": "requests.cpu"}}
    assert settings["AUTH_MEMORY_BYTES"] == {"resourceFieldRef": {"resource": "limits.memory"}}


@pytest.mark.parametrize(("tag", "label"), [("9.7.4", "9.7.4"), ("0" * 64, "0" * 63), ("_9.7.", "9.7")])
def test_a_tag_becomes_a_valid_label(tag: str, label: str) -> None:
    rendered = parse(helm.template("mysql", "--set-string", f"image.tag={tag}").stdout)
    labels = rendered.workload("StatefulSet/mysql").pod.labels
    assert labels["app.kubernetes.io/version"] == label


@pytest.mark.parametrize("size", ["512Mi", "0", "2Gi"])
def test_the_agent_knows_how_large_the_binary_logs_may_become(size: str) -> None:
    rendered = parse(helm.template("mysql", "--set", f"binlog.maxTotalSize={size}").stdout)
    (agent,) = [c for c in rendered.workload("StatefulSet/mysql").all_containers if c["name"] == "mysql-agent"]
    variables = {variable["name"]: variable.get("value") for variable in agent["env"]}
    assert variables["MYSQL_AGENT_BINLOG_MAX_TOTAL_SIZE"] == size


@pytest.mark.parametrize("job", ["auth-migrate", "auth-first-admin"])
def test_the_jobs_of_auth_have_its_database_settings_but_no_keys(default: Manifests, job: str) -> None:
    auth, once = _settings(default.workload("Deployment/auth")), _settings(default.workload(f"Job/{job}"))
    own = {"ADMIN_PHONE", "AUTH_ADMIN_PASSWORD", "AUTH_DATABASE_WAIT_SECONDS"}
    own |= {"AUTH_MIGRATION_USER", "AUTH_MIGRATION_PASSWORD"} if job == "auth-migrate" else set()
    assert {name: once[name] for name in once.keys() - own} == {
        name: value for name, value in auth.items() if name.startswith(("AUTH_DATABASE_", "AUTH_LOG_"))
    }


@pytest.mark.parametrize(
    ("scenario", "user", "reference"),
    [
        ("default", "efishery_migration", {"name": "mysql-migration", "key": "password"}),
        ("external-mysql-redis", "auth-owner", {"name": "my-mysql", "key": "migration-password"}),
    ],
)
def test_only_the_migration_gets_the_account_that_changes_tables(
    scenario: str, user: str, reference: dict[str, str]
) -> None:
    rendered = Scenario("efishery", scenario).rendered()
    settings = _settings(rendered.workload("Job/auth-migrate"))
    assert settings["AUTH_MIGRATION_USER"] == user
    assert settings["AUTH_MIGRATION_PASSWORD"]["secretKeyRef"] == reference
    others = [w.id for w in rendered.workloads if w.id != "Job/auth-migrate" and w.owner.name.startswith("auth")]
    assert len(others) >= 3
    for identity in others:
        assert "MIGRATION" not in str(rendered.workload(identity).pod.body), identity


def test_the_agent_makes_the_account_of_the_migrations(default: Manifests) -> None:
    members = default.workload("StatefulSet/mysql")
    assert _settings(Workload(members.owner, members.pod))["MYSQL_AGENT_USER"] == "efishery"
    agent = next(c for c in members.sidecars if c["name"] == "mysql-agent")
    assert {"name": "MYSQL_AGENT_MIGRATION_USER", "value": "efishery_migration"} in agent["env"]
    (volume,) = (v for v in members.pod.spec["volumes"] if v["name"] == "passwords")
    files = {(s["secret"]["name"], i["path"]) for s in volume["projected"]["sources"] for i in s["secret"]["items"]}
    assert files == {
        ("mysql", "root-password"),
        ("mysql", "password"),
        ("mysql", "replication-password"),
        ("mysql-migration", "migration-password"),
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("user=mysql_replication", "user is mysql_replication, which is the name of another account"),
        ("user=root", "user is root, which is the name of another account"),
        ("database=mysql", "database is mysql, which is MySQL's own"),
        ("database=SYS", "database is SYS, which is MySQL's own"),
        ("tls.days=30,tls.renewal.waitSeconds=864000", "tls.renewal.waitSeconds is 864000, too long for tls.days=30"),
        ("tls.days=3", "/tls/days"),
    ],
)
def test_names_and_times_that_cannot_work_are_refused(value: str, message: str) -> None:
    assert message in helm.template("mysql", "--set", value).stderr


@pytest.mark.parametrize("user", ["efishery", "root", "mysql_agent", "mysql_replication"])
def test_the_account_of_the_migrations_is_another_one(user: str) -> None:
    refused = helm.template("mysql", "--set", f"migration.user={user}")
    assert f"migration.user is {user}, which is the name of another account: choose another name" in refused.stderr


def test_auth_believes_the_gateway_about_addresses_and_locks(default: Manifests) -> None:
    settings = _settings(default.workload("Deployment/auth"))
    locks = {name: value for name, value in settings.items() if name.startswith(("AUTH_LOCK_", "AUTH_TRUSTED_"))}
    assert locks == {
        "AUTH_TRUSTED_PROXIES": "1",
        "AUTH_LOCK_FAILURES": "5",
        "AUTH_LOCK_ADDRESS_FAILURES": "50",
        "AUTH_LOCK_WINDOW_SECONDS": "120",
        "AUTH_LOCK_SECONDS": "300",
    }


def test_pruning_has_the_database_and_no_keys(default: Manifests) -> None:
    auth, prune = (_settings(default.workload(name)) for name in ("Deployment/auth", "CronJob/auth-prune"))
    assert prune.pop("AUTH_AUDIT_KEEP_DAYS") == "400"
    shared = {name: value for name, value in auth.items() if name.startswith(("AUTH_DATABASE_", "AUTH_LOG_"))}
    assert prune == shared


@pytest.mark.parametrize(
    ("scenario", "secret", "key"),
    [("default", "mysql-tls", "ca.crt"), ("external-mysql-redis", "my-mysql-ca", "bundle.pem")],
)
def test_auth_mounts_the_databases_ca_and_no_private_key(scenario: str, secret: str, key: str) -> None:
    rendered = Scenario("efishery", scenario).rendered()
    for identity in ("Deployment/auth", "Job/auth-migrate", "Job/auth-first-admin", "CronJob/auth-prune"):
        workload = rendered.workload(identity)
        volume = next(v for v in workload.pod.spec["volumes"] if v["name"] == "database-ca")["secret"]
        assert (volume["secretName"], volume["items"]) == (secret, [{"key": key, "path": "ca.crt"}]), identity
        mount = next(m for m in workload.containers[0]["volumeMounts"] if m["name"] == "database-ca")
        assert _settings(workload)["AUTH_DATABASE_CA_FILE"] == f"{mount['mountPath']}/ca.crt", identity


def test_external_databases() -> None:
    rendered = Scenario("efishery", "external-mysql-redis").rendered()
    auth, fetch = (_settings(rendered.workload(f"Deployment/{name}")) for name in ("auth", "fetch"))
    rate_cron = _settings(rendered.workload("CronJob/rate-cron"))
    assert auth["AUTH_DATABASE_URL"] == "mysql+pymysql://auth@mysql.example.org:3307/users?charset=utf8mb4"
    assert "@mysql-read.example.org:3307/" in auth["AUTH_DATABASE_READ_URL"]
    assert auth["AUTH_DATABASE_PASSWORD"]["secretKeyRef"] == {"name": "my-mysql", "key": "secret"}
    assert auth["AUTH_REDIS_URL"] == "rediss://auth-writer@redis.example.org:6380/3"
    assert auth["AUTH_REDIS_PASSWORD"]["secretKeyRef"] == {"name": "my-redis", "key": "auth-password"}
    assert fetch["FETCH_REDIS_URL"] == "rediss://reader@redis.example.org:6380/3"
    assert rate_cron["RATE_CRON_REDIS_URL"] == "rediss://writer@redis.example.org:6380/3"
    assert not [manifest.id for manifest in rendered.objects if manifest.name.startswith(("mysql", "redis"))]


def test_the_sample_is_the_upstream_if_it_is_enabled(sample: Manifests) -> None:
    rate_cron = _settings(sample.workload("CronJob/rate-cron"))
    assert _settings(sample.workload("Deployment/fetch"))["FETCH_LIST_URL"] == "http://sample/commodities"
    assert rate_cron["RATE_CRON_PROVIDERS"] == "custom"
    assert rate_cron["RATE_CRON_CUSTOM_URL"] == "http://sample/rate"
    assert rate_cron["RATE_CRON_CUSTOM_DATE_PATH"] == "$.date"


def test_configured_urls_override_the_sample() -> None:
    rendered = Scenario("efishery", "customised").rendered()
    rate_cron = _settings(rendered.workload("CronJob/rate-cron"))
    assert _settings(rendered.workload("Deployment/fetch"))["FETCH_LIST_URL"].startswith("https://list.")
    assert rate_cron["RATE_CRON_PROVIDERS"] == "custom,frankfurter"
    assert rate_cron["RATE_CRON_CUSTOM_URL"] == "https://rate.example.org/idr"


def test_the_public_providers_are_the_default(default: Manifests) -> None:
    rate_cron = _settings(default.workload("CronJob/rate-cron"))
    assert rate_cron["RATE_CRON_PROVIDERS"] == "frankfurter,open-er-api"
    assert "RATE_CRON_CUSTOM_URL" not in rate_cron


def test_auth_and_fetch_are_traced_if_there_is_an_endpoint(default: Manifests) -> None:
    rendered = Scenario("efishery", "customised").rendered()
    for name in ("auth", "fetch"):
        settings = _settings(rendered.workload(f"Deployment/{name}"))
        assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.example.org:4318"
        assert settings["OTEL_SERVICE_NAME"] == name
        sampler = (settings["OTEL_TRACES_SAMPLER"], settings["OTEL_TRACES_SAMPLER_ARG"])
        assert sampler == ("parentbased_traceidratio", "0.25")
        attributes = dict(pair.split("=") for pair in settings["OTEL_RESOURCE_ATTRIBUTES"].split(","))
        assert attributes["service.version"] == "9.9.9"
        assert attributes["k8s.pod.name"] == "$(POD_NAME)"
        assert list(settings).index("POD_NAME") < list(settings).index("OTEL_RESOURCE_ATTRIBUTES")
    traced = {w.id for w in rendered.workloads if any(key.startswith("OTEL_") for key in _all_variables(w))}
    assert traced == {"Deployment/auth", "Deployment/fetch"}
    assert not any(key.startswith("OTEL_") for w in default.workloads for key in _all_variables(w))


def test_every_free_form_value_reaches_every_component() -> None:
    rendered = Scenario("efishery", "customised").rendered()
    for workload in (w for w in rendered.workloads if w.id != "Pod/mysql-test"):
        spec = workload.pod.spec
        assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}, workload.id
        assert spec["tolerations"] == [{"key": "dedicated", "operator": "Exists"}], workload.id
        assert "nodeAffinity" in spec["affinity"], workload.id
        assert spec["imagePullSecrets"] == [{"name": "pull"}], workload.id
        assert workload.pod.annotations["example.org/annotation"] == "yes", workload.id
        if workload.owner.kind != "Pod":
            assert workload.pod.labels["example.org/label"] == "yes", workload.id
        jobs_of_mysql = ("Job/mysql-create-lease", "Job/mysql-create-secrets", "CronJob/mysql-certificate-renewal")
        if workload.id not in ("Deployment/redis", "Pod/helm-test", "StatefulSet/mysql", *jobs_of_mysql):
            assert _settings(workload)["EXTRA"] == "1", workload.id


def test_the_global_registry_and_tag_apply_only_to_project_images() -> None:
    rendered = Scenario("efishery", "customised").rendered()
    images = {container["image"] for w in rendered.workloads for container in w.all_containers}
    ours = {image for image in images if "efishery/" in image}
    assert all(i.startswith("registry.example.org/efishery/") and i.endswith(":9.9.9") for i in ours)
    assert images - ours == {"redis:8", "mysql:9.7.4"}


def _settings(workload: Workload) -> dict[str, Any]:
    """Return the environment of the sidecar or first container: each value, or its valueFrom."""
    container = [*workload.sidecars, *workload.containers][0]
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in container["env"]}


def _all_variables(workload: Workload) -> set[str]:
    return {v["name"] for container in workload.all_containers for v in container.get("env", [])}
