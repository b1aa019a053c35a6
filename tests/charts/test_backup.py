"""Backups of charts/mysql: off by default, from a replica, with few rights; and their scripts, run here."""

import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.charts import helm
from tests.charts.helm import REPOSITORY
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import Scenario


@pytest.fixture(scope="module")
def backup() -> Manifests:
    return Scenario("mysql", "backup").rendered()


def test_backups_are_off_by_default() -> None:
    rendered = Scenario("mysql", "default").rendered()
    assert not [manifest.id for manifest in rendered.objects if "backup" in manifest.name]


def test_backup_reads_from_a_replica_with_the_applications_account(backup: Manifests) -> None:
    (container,) = backup.workload("CronJob/mysql-backup").containers
    variables = {variable["name"]: variable for variable in container["env"]}
    assert container["env"][0] == {"name": "HOST", "value": "mysql-replicas"}, "hack/restore replaces the first one"
    assert variables["MYSQL_USER"]["value"] == "efishery"
    assert variables["MYSQL_PWD"]["valueFrom"]["secretKeyRef"]["key"] == "password"
    assert variables["KEEP"]["value"] == "3"


def test_backup_and_restore_use_the_account_of_the_migrations_where_there_is_one() -> None:
    rendered = parse(helm.template("mysql", "--set", "backup.enabled=true,migration.user=owner").stdout)
    variables = {each["name"]: each for each in rendered.workload("CronJob/mysql-backup").containers[0]["env"]}
    assert variables["MYSQL_USER"]["value"] == "owner"
    assert variables["MYSQL_PWD"]["valueFrom"]["secretKeyRef"] == {"name": "mysql-migration", "key": "password"}


def test_backup_mounts_the_ca_and_no_private_key(backup: Manifests) -> None:
    volumes = {volume["name"]: volume for volume in backup.workload("CronJob/mysql-backup").pod.spec["volumes"]}
    assert volumes["tls"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


def test_backups_do_not_overlap_and_have_a_deadline(backup: Manifests) -> None:
    spec = backup.get("CronJob/mysql-backup").spec
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600


def test_no_service_or_disruption_budget_selects_the_backup_pod(backup: Manifests) -> None:
    labels = backup.workload("CronJob/mysql-backup").pod.labels
    for manifest in backup.of("Service", "PodDisruptionBudget"):
        selector = manifest.spec["selector"]
        assert not selector.get("matchLabels", selector).items() <= labels.items(), manifest.id


def test_an_existing_claim_replaces_the_charts_volume(backup: Manifests) -> None:
    volumes = backup.workload("CronJob/mysql-backup").pod.spec["volumes"]
    assert volumes[0]["persistentVolumeClaim"] == {"claimName": "my-backups"}
    assert not backup.of("PersistentVolumeClaim")


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_scripts_have_valid_sh_syntax_and_are_in_the_config_map(script: str, repository: Path) -> None:
    path = repository / "charts/mysql/files" / script
    checked = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{script}: |" in str(path.parents[1].joinpath("templates/backup-configmap.yaml").read_text())


def test_an_installation_starts_a_first_dump_with_the_same_pod_template() -> None:
    result = helm.template("mysql", "--set", "backup.enabled=true")
    rendered = parse(result.stdout)
    job = rendered.release_job("mysql-backup").spec
    assert job["template"] == rendered.get("CronJob/mysql-backup").spec["jobTemplate"]["spec"]["template"]
    claim = rendered.get("PersistentVolumeClaim/mysql-backup")
    assert claim.annotations["helm.sh/resource-policy"] == "keep"


MYSQLDUMP = '#!/bin/sh\n[ ! -e "$FOLDER/is-away" ] || exit 1\ncat "$STATE"\n'
# Answers the lists of tables and of stored programs from files, and loads what it reads into the state.
MYSQL = """#!/bin/sh
[ ! -e "$FOLDER/is-away" ] || exit 1
case $* in *"CREATE DATABASE IF NOT EXISTS"*) rm -f "$FOLDER/no-database"; exit;; esac
[ ! -e "$FOLDER/no-database" ] || exit 1
for word; do case $word in
  *information_schema.tables*) sed -n 's/^CREATE TABLE `\\(.*\\)`.*/\\1/p' "$STATE"; exit;;
  *information_schema.routines*) cat "$FOLDER/programs" 2>/dev/null; exit 0;;
  --execute=DROP*) echo "$word" >>"$FOLDER/dropped"; : >"$STATE"; exit;;
  --execute=*) exit;;
esac; done
cat >>"$STATE"
[ ! -e "$FOLDER/load-fails" ]
"""
FISH = "CREATE TABLE `fish` (\nINSERT INTO `fish` VALUES (1);\n"
BIRD = "CREATE TABLE `bird` (\n"
END = "-- Dump completed on 2026-01-02\n"


class Volume:
    """The volume of the dumps, and a database that is one text file: its dump."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.dumps, self.state = folder, folder / "backup", folder / "state"
        self.dumps.mkdir()
        self.state.write_text(END)
        for name, text in {"mysqldump": MYSQLDUMP, "mysql": MYSQL}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        for script in ("backup.sh", "restore.sh"):
            text = (REPOSITORY / "charts/mysql/files" / script).read_text()
            (folder / script).write_text(text.replace("folder=/backup", f"folder={self.dumps}"))

    def add(self, day: int, content: bytes) -> str:
        """Put a dump of a day there, with its checksum."""
        name = f"efishery-202501{day:02}T000000Z.sql.gz"
        (self.dumps / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (self.dumps / f"{name}.sha256").write_text(f"{digest}  {name}\n")
        return name

    def dump(self, day: int, text: str) -> str:
        """Put a real dump of that text there."""
        return self.add(day, gzip.compress((text + END).encode()))

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the pod does; its exit code and output are the caller's to check."""
        settings = {"HOST": "h", "MYSQL_USER": "u", "MYSQL_DATABASE": "efishery", "KEEP": "0"}
        here = {
            "PATH": f"{self.folder}:/usr/bin:/bin",
            "STATE": str(self.state),
            "FOLDER": str(self.folder),
        }
        command = ["sh", str(self.folder / script)]
        everything = settings | here | environment
        return subprocess.run(command, env=everything, capture_output=True, text=True, timeout=30, check=False)

    def replace_sleep(self, command: str) -> None:
        """Run a command in place of each pause of a script."""
        (self.folder / "sleep").write_text(f"#!/bin/sh\n{command}\n")
        (self.folder / "sleep").chmod(0o755)

    def names(self) -> set[str]:
        """Return the dumps' names."""
        return {path.name for path in self.dumps.glob("efishery-*.gz")}


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def sized(volume: Volume, *sizes: int) -> list[str]:
    """Put dumps of these sizes there, the oldest first."""
    return [volume.add(day, b"x" * size) for day, size in enumerate(sizes, 1)]


# Sizes from the oldest to the newest before a dump of about 60 bytes is made, and which of them stay with KEEP=2.
RETENTION = [
    ("equal", [100, 100, 100, 100], {4}),
    ("growing", [50, 60, 70, 80], {4}),
    ("shrank", [900, 900, 100, 100, 100], {2, 5}),
    ("shrank twice", [9000, 900, 900, 100, 100], {1, 3, 5}),
    ("grew again", [900, 100, 500, 500], {4}),
    ("shrank slowly", [160, 150, 140, 130], {4}),
]


@pytest.mark.parametrize(("sizes", "stay"), [case[1:] for case in RETENTION], ids=[case[0] for case in RETENTION])
def test_the_newest_dumps_stay_and_the_last_one_before_the_data_shrank(
    volume: Volume, sizes: list[int], stay: set[int]
) -> None:
    before = sized(volume, *sizes)
    done = volume.run("backup.sh", KEEP="2")
    assert done.returncode == 0, done.stderr
    wrote = done.stdout.split()[1].rstrip(",")
    assert volume.names() == {wrote} | {before[day - 1] for day in stay}
    assert {path.name for path in volume.dumps.glob("*.sha256")} == {f"{name}.sha256" for name in volume.names()}


def test_without_a_number_all_dumps_stay(volume: Volume) -> None:
    before = sized(volume, 100, 100, 100)
    assert volume.run("backup.sh", KEEP="0").returncode == 0
    assert set(before) < volume.names()


def test_a_dump_that_was_cut_short_is_not_kept_and_removes_none(volume: Volume) -> None:
    before = sized(volume, 100, 100, 100)
    volume.state.write_text(FISH)
    assert volume.run("backup.sh", KEEP="1").returncode == 1
    assert volume.names() == set(before)


def test_a_restore_leaves_exactly_what_the_dump_holds(volume: Volume) -> None:
    name = volume.dump(1, FISH)
    volume.state.write_text(BIRD + END)
    refused = volume.run("restore.sh", FILE=name)
    assert refused.returncode == 1
    assert f"the database has tables: bird; to replace them all: hack/restore --replace {name}" in refused.stderr
    done = volume.run("restore.sh", FILE=name, REPLACE="yes")
    assert done.returncode == 0, done.stderr
    assert volume.state.read_text() == FISH + END
    assert f"restored {name}: all tables and rows are those of the dump" in done.stdout
    (saved,) = volume.names() - {name}
    assert gzip.decompress((volume.dumps / saved).read_bytes()).decode() == BIRD + END


def test_nothing_is_dropped_for_a_file_that_is_not_whole(volume: Volume) -> None:
    name = volume.dump(1, FISH)
    (volume.dumps / name).write_bytes(gzip.compress(b"another"))
    cut = volume.add(2, gzip.compress(FISH.encode()))
    for file, reason in {name: "does not have its checksum", cut: "is not complete", "none": "no dump none"}.items():
        done = volume.run("restore.sh", FILE=file, REPLACE="yes")
        assert done.returncode == 1
        assert reason in done.stderr
    assert not (volume.folder / "dropped").exists()


def test_nor_where_the_database_has_what_no_dump_holds(volume: Volume) -> None:
    (volume.folder / "programs").write_text("nightly\n")
    done = volume.run("restore.sh", FILE=volume.dump(1, FISH), REPLACE="yes")
    assert done.returncode == 1
    assert "stored routines or events, which no dump holds: nightly" in done.stderr
    assert not (volume.folder / "dropped").exists()


def test_nor_where_the_database_does_not_answer(volume: Volume) -> None:
    name = volume.dump(1, FISH)
    (volume.folder / "is-away").touch()
    volume.replace_sleep("")
    done = volume.run("restore.sh", FILE=name)
    assert done.returncode == 1
    assert "the primary does not answer" in done.stderr
    assert "loading" not in done.stdout, "a query that fails is no database without tables"


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_a_script_waits_until_the_network_lets_it_connect(volume: Volume, script: str) -> None:
    volume.dump(1, FISH)
    (volume.folder / "is-away").touch()
    volume.replace_sleep('rm "$FOLDER/is-away"')
    done = volume.run(script)
    assert done.returncode == 0, done.stderr


def test_one_that_was_interrupted_without_a_database_can_be_repeated(volume: Volume) -> None:
    (volume.folder / "no-database").touch()
    done = volume.run("restore.sh", FILE=volume.dump(1, FISH))
    assert done.returncode == 0, done.stderr


def test_an_empty_dump_is_restored_only_by_its_name(volume: Volume) -> None:
    full, empty = volume.dump(1, FISH), volume.dump(2, "")
    done = volume.run("restore.sh")
    assert done.returncode == 1
    assert f"the newest dump, {empty}, has no tables: name the one to restore" in done.stderr
    assert full in done.stderr
    assert volume.run("restore.sh", FILE=empty).returncode == 0


def test_a_restore_that_fails_names_the_way_back(volume: Volume) -> None:
    name = volume.dump(1, FISH)
    volume.state.write_text(BIRD + END)
    (volume.folder / "load-fails").touch()
    done = volume.run("restore.sh", FILE=name, REPLACE="yes")
    (saved,) = volume.names() - {name}
    assert done.returncode == 1
    assert f"or restore {saved}, which is what was there before" in done.stderr


def test_a_table_that_was_made_meanwhile_is_found(volume: Volume) -> None:
    name = volume.dump(1, FISH)
    (volume.folder / "mysqldump").write_text(f"#!/bin/sh\necho '{BIRD}'\ncat \"$STATE\"\n")
    done = volume.run("restore.sh", FILE=name)
    assert done.returncode == 1
    assert "differs from the dump" in done.stderr
