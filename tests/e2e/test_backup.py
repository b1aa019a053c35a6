"""A dump of charts/mysql's backups brings back what was lost, in a release of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster, run, wait_for

ROWS = 1000
MAKE = r"""
CREATE TABLE fish (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, size VARBINARY(8));
INSERT INTO fish WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  SELECT i, CONCAT('ikan "', i, '" \n ✓'), UNHEX(HEX(i)) FROM n;
"""
CHECKSUM = "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', id, name, HEX(size)))) FROM fish"

Sql = Callable[[str], str]


@pytest.fixture(scope="module")
def namespace(repository: Path) -> Iterator[str]:
    """Answer a namespace with one member and its backups."""
    with Cluster().temporary_namespace() as name:
        tag = os.environ.get("IMAGE_TAG", "dev")
        values = ["replicas=1", f"agent.image.tag={tag}", "backup.enabled=true", "backup.size=64Mi"]
        sets = [word for value in values for word in ("--set", value)]
        run(repository, ".tools/bin/helm", "install", "mysql", "charts/mysql", "-n", name, "--wait", *sets)
        yield name


@pytest.fixture(scope="module")
def sql(repository: Path, namespace: str) -> Sql:
    """Run statements as root on the only member; answer what they print."""

    def execute(statements: str) -> str:
        client = 'MYSQL_PWD="$0" mysql --no-defaults -uroot -S /var/run/mysqld/mysqld.sock -BN efishery -e "$1"'
        pod = ["kubectl", "-n", namespace, "exec", "mysql-0", "-c", "mysql", "--"]
        return run(repository, *pod, "sh", "-c", client, root_password(), statements).strip()

    def root_password() -> str:
        path = 'go-template={{ index .data "root-password" | base64decode }}'
        return run(repository, "kubectl", "-n", namespace, "get", "secret", "mysql", "-o", path)

    def takes_the_password() -> bool:
        with suppress(AssertionError):
            return execute("SELECT 1") == "1"
        return False

    # The agent makes the accounts a moment after the member is ready.
    wait_for("root to have the Secret's password", takes_the_password, 60)
    return execute


def test_what_was_lost_comes_back(repository: Path, namespace: str, sql: Sql) -> None:
    sql(MAKE)
    before = sql(CHECKSUM)
    kubectl = ["kubectl", "-n", namespace]
    run(repository, *kubectl, "create", "job", "--from=cronjob/mysql-backup", "now")
    run(repository, *kubectl, "wait", "--for=condition=complete", "job/now", "--timeout=180s")
    sql("DELETE FROM fish WHERE id > 10; UPDATE fish SET name = 'gone'")
    refused = ["bash", "-c", f"! NAMESPACE={namespace} hack/restore 2>&1"]
    assert "the database has tables: fish" in run(repository, *refused)
    restored = run(
        repository, "env", f"NAMESPACE={namespace}", "hack/restore", "--replace", dump_of(repository, kubectl)
    )
    assert f"fish: {ROWS} rows" in restored
    assert "all rows are those of the dump" in restored
    assert sql(CHECKSUM) == before
    sql("DROP TABLE fish")
    assert "fish: 10 rows" in run(repository, "env", f"NAMESPACE={namespace}", "hack/restore"), "it was dumped first"


def dump_of(repository: Path, kubectl: list[str]) -> str:
    """Answer the name of the dump that the Job `now` wrote."""
    return run(repository, *kubectl, "logs", "job/now", "-c", "backup").split()[1].rstrip(",")
