"""`mysql.settings`: what the group's safety depends on is refused, in every spelling that mysqld takes."""

import re
from pathlib import Path

import pytest
import yaml

from tests.charts import helm
from tests.charts.manifests import parse

# Set by the chart, and safe with any value.
FREE = {
    "character_set_server",
    "collation_server",
    "default_time_zone",
    "group_replication_components_stop_timeout",
    "group_replication_message_cache_size",
    "group_replication_recovery_reconnect_interval",
    "max_connect_errors",
    "skip_name_resolve",
}
# What takes safety away although the chart relies on mysqld's default of it.
DEFAULTS = {
    "binlog_do_db",
    "binlog_error_action",
    "binlog_format",
    "binlog_ignore_db",
    "bind_address",
    "group_replication_enforce_update_everywhere_checks",
    "group_replication_force_members",
    "group_replication_group_name",
    "group_replication_group_seeds",
    "group_replication_recovery_ssl_cert",
    "init_file",
    "innodb_data_home_dir",
    "innodb_doublewrite",
    "innodb_flush_method",
    "innodb_log_group_home_dir",
    "innodb_undo_directory",
    "innodb_page_size",
    "log_error",
    "log_error_services",
    "log_replica_updates",
    "log_slave_updates",
    "offline_mode",
    "plugin_load",
    "port",
    "read_only",
    "lower_case_table_names",
    "replica_preserve_commit_order",
    "replicate_do_db",
    "replica_skip_errors",
    "report_port",
    "skip_grant_tables",
    "skip_log_bin",
    "skip_networking",
    "skip_slave_start",
    "skip_ssl",
    "ssl_capath",
}
REMEDIES = {
    "ssl_ca": "tls.source",
    "require_secure_transport": "tls.source",
    "sync_binlog": "persistence.storageClassName",
    "super_read_only": "replicas",
    "group_replication_bootstrap_group": "replicas",
    "datadir": "persistence",
    "log_error": "log_error_verbosity",
    "skip_grant_tables": "existingSecret",
}


def refusal(tmp_path: Path, settings: dict[str, str | int], chart: str = "mysql") -> str:
    """Return Helm's message for these settings; empty where they are accepted."""
    values = tmp_path / "values.yaml"
    own = {"settings": settings}
    values.write_text(yaml.safe_dump(own if chart == "mysql" else {"sample": {"enabled": True}, "mysql": own}))
    return helm.template(chart, "--values", str(values)).stderr


def the_charts_own() -> set[str]:
    """Return the names that the chart itself gives to mysqld, in my.cnf and on the command line."""
    rendered = parse(helm.template("mysql", "--set", "settings=null").stdout)
    lines = rendered.get("ConfigMap/mysql").body["data"]["my.cnf"].splitlines()
    command = rendered.workload("StatefulSet/mysql").containers[0]["command"]
    names = [line.partition(" =")[0] for line in lines if " = " in line and not line.startswith("#")]
    names += [word[2:].partition("=")[0].replace("-", "_") for word in command if word.startswith("--")]
    return {name for name in names if name not in ("defaults_file", "plugin_load_add")}


RESERVED = sorted((the_charts_own() | DEFAULTS) - FREE)


@pytest.mark.parametrize("chart", ["mysql", "efishery"])
def test_each_reserved_setting_is_refused_by_name(chart: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, dict.fromkeys(RESERVED, 0), chart)
    accepted = [name for name in RESERVED if f"at '/settings/{name}': value must be 'unset: " not in message]
    assert not accepted


PREFIXES = ("loose_", "loose_loose_", "loose_skip_", "skip_", "disable_", "enable_", "maximum_")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_that_mysqld_takes_hides_no_reserved_setting(prefix: str, tmp_path: Path) -> None:
    names = [f"{prefix}{name.removeprefix('loose_').removeprefix('skip_')}" for name in RESERVED]
    message = refusal(tmp_path, dict.fromkeys(names, 0))
    assert not [name for name in names if f"at '/settings/{name}': value must be 'unset: " not in message]


@pytest.mark.parametrize("name", ["sync-binlog", "SYNC_BINLOG", "Sync_binlog", " sync_binlog", "!include", "a=1"])
def test_a_name_in_another_spelling_is_refused(name: str, tmp_path: Path) -> None:
    """mysqld takes dashes too: a second spelling of a default's name would not override it."""
    assert "in lower case with underscores" in refusal(tmp_path, {name: 0})


@pytest.mark.parametrize("value", ["1\nsync_binlog = 0", "1\rsync_binlog = 0"])
def test_a_value_has_one_line(value: str, tmp_path: Path) -> None:
    assert "/settings/max_connections" in refusal(tmp_path, {"max_connections": value})


@pytest.mark.parametrize(("name", "remedy"), REMEDIES.items())
def test_a_refusal_names_what_does_it_instead(name: str, remedy: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, {name: 0})
    assert re.search(rf"/settings/{name}': value must be 'unset: .*\b{re.escape(remedy)}", message), message


def test_no_text_makes_a_reserved_setting_pass(tmp_path: Path) -> None:
    message = refusal(tmp_path, {"sync_binlog": 0})
    (text,) = re.findall(r"value must be '(.*)'", message)
    assert "/settings/sync_binlog" in refusal(tmp_path, {"sync_binlog": text})


def test_other_settings_are_accepted(tmp_path: Path) -> None:
    free = [
        *FREE,
        "binlog_expire_logs_seconds",
        "group_replication_flow_control_mode",
        "group_replication_member_weight",
        "innodb_buffer_pool_size",
        "log_bin_trust_function_creators",
        "log_error_verbosity",
        "loose_group_replication_compression_threshold",
        "max_connections",
        "transaction_isolation",
    ]
    assert refusal(tmp_path, dict.fromkeys(free, "1")) == ""
