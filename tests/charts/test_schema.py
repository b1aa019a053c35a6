"""Invalid values are refused by name; schema, values.yaml, templates and README list the same values."""

import json
import re
from typing import Any

import pytest

from tests.charts import helm, values_table

LIST = "fetch.listUrl=https://list.example.org"
CHARTS = ["efishery", "mysql"]
# Where a chart accepts what it does not read: values of another chart.
OPEN = {
    "efishery": {"/properties/global", "/properties/mysql"},
    "mysql": {"/properties/global", "/properties/global/properties/networkPolicy"},
}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("auth.replica=3", "replica"),
        ("auth.replicas=0", "replicas"),
        ("auth.autoscaling.minReplicas=0", "minReplicas"),
        ("auth.autoscaling.maxReplicas=1", "maxReplicas"),
        ("auth.autoscaling.cpuUtilization=0", "cpuUtilization"),
        ("auth.autoscaling.behavior.scaleSide.value=1", "behavior"),
        ("auth.autoscaling.behavior.scaleDown.policies[0].type=Pod", "policies"),
        ("auth.canary.weight=101", "weight"),
        ("auth.canary.weight=-1", "weight"),
        ("auth.canary.weight=1.5", "weight"),
        ("auth.canary.image.tag=latest", "tag"),
        ("auth.canary.replicas=0", "replicas"),
        ("auth.priorityClassName=High", "priorityClassName"),
        ("auth.topologySpreadConstraints[0].whenUnsatisfiable=Never", "topologySpreadConstraints"),
        ("auth.database.name=a/b", "name"),
        ("auth.firstAdmin.phone=0812", "phone"),
        ("auth.firstAdmin.phone=+0812345678", "phone"),
        (f"auth.firstAdmin.name={'x' * 101}", "name"),
        ("auth.image.tag=latest", "tag"),
        ("auth.keyRotation.publishSeconds=599", "publishSeconds"),
        ("auth.keyRotation.rotateDays=0", "rotateDays"),
        ("auth.keyRotation.schedule=hourly", "schedule"),
        ("auth.prune.schedule=daily", "schedule"),
        ("auth.publicUrl=https://api.example.org/", "publicUrl"),
        ("auth.resources.limits.memory=lots", "memory"),
        ("auth.resources.limit.memory=1Gi", "limit"),
        ("auth.signingKey.existingSecret=No_Name", "existingSecret"),
        ("auth.signingKey.previousSecrets={No_Name}", "previousSecrets"),
        ("egress.extraUrls={cdn.example.org}", "extraUrls"),
        ("egress.registryonly=true", "registryonly"),
        ("fetch.listUrl=list.example.org", "listUrl"),
        ("fetch.listUrl=https://list.example.org/a b", "listUrl"),
        ("fetch.listTtlSeconds=soon", "listTtlSeconds"),
        ("fetch.maxPriceIdr=10000000000001", "maxPriceIdr"),
        ("fetch.upstreamTimeoutSeconds=11", "upstreamTimeoutSeconds"),
        ("global.image.registry=https://registry.example.org", "registry"),
        ("global.image.registry=registry.example.org/", "registry"),
        ("global.image.tag=latest", "tag"),
        ("global.image.registri=x", "registri"),
        ("global.networkPolicy.dnsPorts={0}", "dnsPorts"),
        ("global.networkPolicy.externalCidrs={10.0.0.1}", "externalCidrs"),
        ("global.networkPolicy.externalCidrs={10.0.0.0/33}", "externalCidrs"),
        ("global.networkPolicy.externalCidrs={fd00::/129}", "externalCidrs"),
        ("global.networkPolicy.gateway[0].matchLabels.app=nginx", "gateway"),
        ("global.networkPolicy.kubernetesApiPorts=null", "kubernetesApiPorts"),
        ("log.level=critical", "level"),
        ("log.level=loud", "level"),
        ("mysql.backup.schedule=x", "schedule"),
        ("mysql.replicas=10", "replicas"),
        ("mysql.tls.renewal.waitSeconds=60", "waitSeconds"),
        ("mysql.tls.renewal.schedule=every day", "schedule"),
        ("fetch.extraEnv[0].name=A,fetch.extraEnv[0].value=1", "value"),
        ("auth.signingKey.previousSecrets={old,old}", "previousSecrets"),
        ("mysql.migration.user=a-b", "user"),
        ("mysql.image.allowDowngrade=maybe", "allowDowngrade"),
        ("mysql.antiAffinity=yes", "antiAffinity"),
        ("mysql.admissionPolicy.enabled=maybe", "enabled"),
        ("auth.database.migrationUser=a/b", "migrationUser"),
        ("mysql.databse=x", "databse"),
        ("mysql.resources.requests.cpu=1.5x", "cpu"),
        ("mysql.binlog.maxTotalSize=512MB", "maxTotalSize"),
        ("mysql.binlog.maxTotalSize=1000", "maxTotalSize"),
        ("mysql.topologySpreadConstraints[0].maxSkew=0", "topologySpreadConstraints"),
        ("rateCron.providers={bank}", "providers"),
        ("rateCron.minRate=little", "minRate"),
        ("rateCron.schedule=every minute", "schedule"),
        ("rateCron.schedule=* * * * * *", "schedule"),
        ("redis.image.tag=", "tag"),
        ("redis.image.tag=latest", "tag"),
        ("redis.external.port=70000", "port"),
        ("redis.persistence.size=big", "size"),
        ("sample.rows=0", "rows"),
        ("sample.rows=20001", "rows"),
        ("unknown=1", "unknown"),
    ],
)
def test_an_invalid_value_is_refused_by_name(value: str, named: str) -> None:
    refused = helm.template("efishery", "--set", LIST, "--set-string" if "phone" in value else "--set", value)
    assert refused.returncode != 0
    assert named in refused.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "fetch.listUrl is not set"),
        ([LIST, "mysql.enabled=false"], "auth.database.host is not set"),
        ([LIST, "mysql.enabled=false", "auth.database.host=h"], "auth.database.existingSecret is not set"),
        ([LIST, "redis.enabled=false", "redis.existingSecret=s"], "redis.external.host is not set"),
        ([LIST, "redis.enabled=false", "redis.external.host=h"], "redis.existingSecret is not set"),
        ([LIST, "rateCron.providers={custom}"], "rateCron.custom.url is not set"),
        (
            [LIST, "auth.keyRotation.enabled=true", "auth.signingKey.existingSecret=s"],
            "auth.keyRotation.enabled is set",
        ),
    ],
)
def test_a_missing_value_is_named_with_the_remedy(values: list[str], message: str) -> None:
    refused = helm.template("efishery", *(argument for value in values for argument in ("--set", value)))
    assert refused.returncode != 0
    assert message in refused.stderr
    assert "or set " in refused.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "auth.extraEnv[0].name=HTTP_THREADS",
            "auth.extraEnv sets HTTP_THREADS, which the chart sets: use the value auth.threads",
        ),
        (
            "fetch.extraEnv[0].name=FETCH_LIST_TTL_SECONDS",
            "fetch.extraEnv sets FETCH_LIST_TTL_SECONDS, which the chart sets: use the value fetch.listTtlSeconds",
        ),
        (
            "auth.extraEnv[0].name=AUTH_DATABASE_URL",
            "auth.extraEnv sets AUTH_DATABASE_URL, which the chart sets: remove it",
        ),
        ("fetch.podLabels.role=x", "fetch.podLabels.role is set: the label role is the chart's; choose another name"),
        (r"rateCron.podLabels.app\.kubernetes\.io/name=x", "rateCron.podLabels.app.kubernetes.io/name is set"),
        ("mysql.podLabels.reads=x", "mysql.podLabels.reads is set: the label reads is the chart's"),
        (
            "fetch.canary.weight=10",
            "fetch.canary.weight is 10, but fetch.canary.enabled is false: enable the canary, or set the weight to 0",
        ),
        (
            "fetch.listStaleAfterSeconds=10",
            "fetch.listStaleAfterSeconds is 10, below fetch.listTtlSeconds, 300: every list would be stale; raise it",
        ),
        (
            "fetch.listStaleIfErrorSeconds=299",
            "fetch.listStaleIfErrorSeconds is 299, below fetch.listTtlSeconds, 300: there would be no list until",
        ),
        ("tracing.endpoint=http://a.example:99999", "http://a.example:99999 has the port 99999: give one from 1 to"),
        ("mysql.tls.source=certManager", "mysql.tls.issuerRef.name is not set: name your cert-manager issuer"),
        ("mysql.tls.source=existingSecret", "mysql.tls.existingSecret is not set: name the Secret with"),
        (
            "mysql.tls.existingSecret=mine",
            "mysql.tls.existingSecret is set, but mysql.tls.source is 'generated': set mysql.tls.source=existingSecret",
        ),
    ],
)
def test_values_that_do_not_go_together_are_named_with_the_remedy(value: str, message: str) -> None:
    refused = helm.template("efishery", "--set", LIST, "--set", value)
    assert refused.returncode != 0
    assert message in refused.stderr


def test_the_mysql_chart_alone_names_its_values_without_a_prefix() -> None:
    refused = helm.template("mysql", "--set", "tls.source=certManager")
    assert "): tls.issuerRef.name is not set" in refused.stderr


def test_resources_take_every_form_of_a_quantity() -> None:
    values = "auth.resources.limits.cpu=2,auth.resources.requests.cpu=0.5,auth.resources.requests.memory=1e9"
    accepted = helm.template("efishery", "--set", LIST, "--set", values)
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize("least", ["0.0002", "0.0003", "0"])
def test_rate_bounds_that_exclude_every_rate_are_refused(least: str) -> None:
    refused = helm.template("efishery", "--set", LIST, "--set-string", f"rateCron.minRate={least}")
    assert "rateCron.minRate is not above 0 and below rateCron.maxRate" in refused.stderr


@pytest.mark.parametrize(
    "value",
    [
        "global.anything=1",
        "global.image.registry=localhost:5000/team",
        "auth.podLabels.team=fish",
        f"auth.image.tag={'0' * 64}",  # as skaffold makes them
        "mysql.settings.sort_buffer_size=1M",
        "rateCron.schedule=@hourly",
    ],
)
def test_free_form_values_are_accepted(value: str) -> None:
    accepted = helm.template("efishery", "--set", LIST, "--set", value)
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize("chart", CHARTS)
def test_the_schema_is_closed(chart: str) -> None:
    schema = json.loads((helm.REPOSITORY / f"charts/{chart}/values.schema.json").read_text())
    for path, node in _objects("", schema):
        if path not in OPEN[chart]:
            assert node.get("additionalProperties") is False, f"{chart}: {path or 'root'} accepts any key"


def _objects(path: str, node: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every object with named properties in a schema, by its JSON pointer."""
    here = [(path, node)] if "properties" in node else []
    inner = (
        (f"{path}/{key}/{name}", child)
        for key in ("properties", "definitions")
        for name, child in node.get(key, {}).items()
    )
    return here + [found for inner_path, child in inner for found in _objects(inner_path, child)]


@pytest.mark.parametrize("chart", CHARTS)
def test_schema_and_values_file_have_the_same_values(chart: str) -> None:
    rows = values_table.rows(helm.REPOSITORY / "charts" / chart)
    assert not [row.name for row in rows if row.default is values_table.MISSING], "in the schema, not in values.yaml"
    assert not [row.name for row in rows if not row.description], "without a description, or not in the schema"


@pytest.mark.parametrize("chart", CHARTS)
def test_a_template_reads_every_value(chart: str) -> None:
    folder = helm.REPOSITORY / "charts" / chart
    templates = "".join(path.read_text() for path in (folder / "templates").rglob("*") if path.is_file())
    unread = {row.name for row in values_table.rows(folder) if not re.search(_reading(row.name), templates)}
    # Helm reads the first as the dependency's condition; charts/mysql reads the second.
    of_the_other = {"mysql": {"enabled"}, "efishery": {"global.compatibility.argoCd", "mysql.networkPolicy.clients"}}
    assert unread == of_the_other[chart]


def _reading(name: str) -> str:
    """Return a pattern for the full name in a template, or for the name within a component in a shared helper."""
    _, _, in_component = name.partition(".")
    return rf"\.Values\.{re.escape(name)}\b" + (rf"|\.values\.{re.escape(in_component)}\b" if in_component else "")


@pytest.mark.parametrize("chart", CHARTS)
def test_the_readme_has_the_tables_of_values(chart: str) -> None:
    folder = helm.REPOSITORY / "charts" / chart
    tables = values_table.tables(folder)
    assert tables in (folder / "README.md").read_text(), "run `python -m tests.charts.values_table`"
