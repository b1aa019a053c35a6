"""Runs the scripts of the pods."""

import hashlib
import json
import runpy
import signal
import subprocess
import time
from collections.abc import Callable
from email.message import Message
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from tests.charts import helm
from tests.charts.helm import REPOSITORY
from tests.charts.manifests import parse

AWKWARD = r"it's a \ and a $HOME `x` # ;"


def _run(script: str, folder: Path, pod_folder: str, **environment: str) -> None:
    """Run a chart's script with `pod_folder` in its text replaced by `folder`."""
    text = (REPOSITORY / "charts" / script).read_text().replace(pod_folder, str(folder))
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    subprocess.run(["sh", "-c", text], env=path | environment, check=True, timeout=10)


def test_redis_acl_has_a_user_per_service(tmp_path: Path) -> None:
    passwords = {"ADMIN_PASSWORD": "a", "AUTH_PASSWORD": "b", "FETCH_PASSWORD": AWKWARD, "RATE_CRON_PASSWORD": "r"}
    _run("efishery/files/write-acl.sh", tmp_path, "/run/redis", **passwords)
    users = {line.split()[1]: line.split()[2:] for line in (tmp_path / "users.acl").read_text().splitlines()}
    assert users.keys() == {"default", "probe", "admin", "rate-cron", "auth", "fetch"}
    assert users["default"][0] == "off"
    assert "#" + hashlib.sha256(AWKWARD.encode()).hexdigest() in users["fetch"]
    assert users["probe"] == ["on", "nopass", "resetkeys", "resetchannels", "-@all", "+ping"]


def test_redis_acl_has_no_plain_passwords(tmp_path: Path) -> None:
    passwords = {f"{name}_PASSWORD": f"open-{name}" for name in ("ADMIN", "AUTH", "FETCH", "RATE_CRON")}
    _run("efishery/files/write-acl.sh", tmp_path, "/run/redis", **passwords)
    assert "open-" not in (tmp_path / "users.acl").read_text()
    assert (tmp_path / "users.acl").stat().st_mode & 0o077 == 0


def test_the_pre_stop_hook_waits_for_the_agent(tmp_path: Path) -> None:
    (tmp_path / "left").touch()
    _run("mysql/files/leave.sh", tmp_path, "/var/run/mysqld")
    assert (tmp_path / "leave").exists()


# Notes its start, and whether its parent is the process that MYSQLD_PARENT_PID names. Ends with the next code of
# `ends`; without one it goes on until a SIGTERM, which it answers with 0 a moment later, as mysqld's end takes time.
SUPERVISED = """#!/bin/sh
echo "$@ $([ "$PPID" = "$MYSQLD_PARENT_PID" ] && echo managed)" >>$FOLDER/starts
read -r code <$FOLDER/ends && sed -i 1d $FOLDER/ends && exit "$code"
trap 'sleep 0.3; exit 0' TERM
touch $FOLDER/ready
while :; do sleep 0.05; done
"""


def _start_mysqld(folder: Path, *ends: int) -> subprocess.Popen[bytes]:
    """Run mysqld.sh with a mysqld that ends with these codes, one at each start."""
    for name in ("leave", "left", "mysqld.sock.lock"):
        (folder / name).touch()
    (folder / "ends").write_text("".join(f"{code}\n" for code in ends))
    mysqld = folder / "bin/mysqld"
    mysqld.parent.mkdir()
    mysqld.write_text(SUPERVISED)
    mysqld.chmod(0o755)
    text = (REPOSITORY / "charts/mysql/files/mysqld.sh").read_text().replace("/var/run/mysqld", str(folder))
    script = folder / "mysqld.sh"
    script.write_text(text)
    environment = {"PATH": f"{mysqld.parent}:/usr/bin:/bin", "FOLDER": str(folder)}
    return subprocess.Popen(["sh", script, "--an-option", "b c"], env=environment)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 10
    while not file.exists():
        assert time.monotonic() < deadline, f"no {file.name}"
        time.sleep(0.02)


@pytest.mark.parametrize(("ends", "code"), [((0,), 0), ((16, 16, 1), 1), ((16, 137), 137)])
def test_mysqld_is_started_again_after_restart_and_after_nothing_else(
    tmp_path: Path, ends: tuple[int, ...], code: int
) -> None:
    assert _start_mysqld(tmp_path, *ends).wait(timeout=10) == code
    assert (tmp_path / "starts").read_text() == "--an-option b c managed\n" * len(ends)
    assert not [name for name in ("leave", "left", "mysqld.sock.lock") if (tmp_path / name).exists()]


def test_sigterm_ends_mysqld_before_its_shell(tmp_path: Path) -> None:
    process = _start_mysqld(tmp_path, 16)
    _wait_for(tmp_path / "ready")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0, "the code of mysqld, which has ended by itself"
    assert len((tmp_path / "starts").read_text().splitlines()) == 2


def test_sigterm_while_mysqld_restarts_ends_the_new_one(tmp_path: Path) -> None:
    process = _start_mysqld(tmp_path, *[16] * 2000)
    _wait_for(tmp_path / "starts")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    assert len((tmp_path / "starts").read_text().splitlines()) < 2000


def test_the_data_directory_is_initialised_once(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    for _ in range(2):
        assert _prepare(volume, tmp_path).returncode == 0
        assert sorted(path.name for path in volume.iterdir()) == ["agent", "data"]


def test_an_interrupted_initialisation_starts_again(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    (volume / "data.new").mkdir(parents=True)
    assert _prepare(volume, tmp_path).returncode == 0
    assert (volume / "data").is_dir()


# Of data made by 9.6.2 and upgraded to 9.7.4, in MySQL's own format.
HISTORY = (
    '{"file_format":"1","upgrade_history":[{"date":"2026-02-26 03:20:43","version":"9.6.2","maturity":"INNOVATION",'
    '"initialize":true},{"date":"2026-11-26 03:20:43","version":"9.7.4-2","maturity":"LTS",'
    '"update_history":[{"date":"2026-11-26 03:20:43","version_with_update":"9.7.4.0-2"}]}]}'
)


@pytest.mark.parametrize(
    ("image", "allowed", "remedy"),
    [
        ("9.7.4", "false", None),
        ("9.7.5-1", "false", None),
        ("9.7.10", "false", None),
        ("10.0.0", "false", None),
        ("9.7.3", "false", "image.allowDowngrade=true"),
        ("9.7.3", "true", None),
        ("9.6.9", "true", "restore a dump"),
        ("8.4.10", "false", "restore a dump"),
    ],
)
def test_an_older_image_does_not_start_on_the_data(
    tmp_path: Path, image: str, allowed: str, remedy: str | None
) -> None:
    volume = tmp_path / "volume"
    (volume / "data").mkdir(parents=True)
    (volume / "data/mysql_upgrade_history").write_text(HISTORY)
    done = _prepare(volume, tmp_path, image, ALLOW_DOWNGRADE=allowed)
    assert (done.returncode == 0) == (remedy is None)
    if remedy:
        assert f"MySQL {image.partition('-')[0]}" in done.stderr
        assert "of MySQL 9.7.4" in done.stderr
        assert "image.tag" in done.stderr
        assert remedy in done.stderr


def test_data_without_a_history_start(tmp_path: Path) -> None:
    (tmp_path / "volume/data").mkdir(parents=True)
    assert _prepare(tmp_path / "volume", tmp_path).returncode == 0


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_the_chart_says_whether_a_downgrade_is_allowed_and_shows_the_refusal(allowed: str) -> None:
    rendered = parse(helm.template("mysql", "--set", f"image.allowDowngrade={allowed}").stdout)
    (prepare,) = (c for c in rendered.workload("StatefulSet/mysql").all_containers if c["name"] == "prepare")
    assert prepare["env"] == [{"name": "ALLOW_DOWNGRADE", "value": allowed}]
    assert prepare["terminationMessagePolicy"] == "FallbackToLogsOnError", "kubectl describe pod prints it"


MYSQLD = """#!/bin/sh
for word; do case $word in
  --datadir=*) mkdir "${word#--datadir=}";;
  --version) echo "/usr/sbin/mysqld  Ver $VERSION for Linux on x86_64 (MySQL Community Server - GPL)";;
esac; done
"""


def _prepare(
    volume: Path, programs: Path, version: str = "9.7.4", **environment: str
) -> subprocess.CompletedProcess[str]:
    (programs / "mysqld").write_text(MYSQLD)
    (programs / "mysqld").chmod(0o755)
    text = (REPOSITORY / "charts/mysql/files/prepare.sh").read_text().replace("/var/lib/mysql", str(volume))
    variables = {"PATH": f"{programs}:/usr/bin:/bin", "VERSION": version, **environment}
    command = ["sh", "-c", text]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=10)


def _urlopen_stub(refused: str) -> Callable[..., BytesIO]:
    """Return a urlopen that gives status 503 for the path `refused` and 200 for all others."""

    def urlopen(request: Request, timeout: float) -> BytesIO:
        if request.selector == refused:
            raise HTTPError(request.full_url, 503, "no rate yet", Message(), BytesIO(b"{}"))
        return BytesIO(json.dumps({"data": {"access_token": "t"}}).encode())

    return urlopen


@pytest.mark.parametrize(("expected", "fails"), [("true", True), ("false", False)])
def test_the_smoke_test_requires_a_rate_if_one_is_expected(
    monkeypatch: pytest.MonkeyPatch, expected: str, fails: bool
) -> None:
    for name, value in {"ADMIN_PHONE": "+62", "ADMIN_PASSWORD": "p", "RATE_EXPECTED": expected}.items():
        monkeypatch.setenv(name, value)
    main = runpy.run_path(str(REPOSITORY / "charts/efishery/files/smoke.py"))["main"]
    main.__globals__.update(urlopen=_urlopen_stub("/fetch/rate"), TIMEOUT_SECONDS=-1)
    if fails:
        with pytest.raises(SystemExit, match=r"FAILED .*/fetch/rate: HTTP 503"):
            main()
    else:
        main()


@pytest.mark.parametrize("on_install", ["true", "false"])
def test_the_smoke_test_expects_a_rate_if_the_release_fetches_one(on_install: str) -> None:
    rendered = helm.template("efishery", "--set", f"sample.enabled=true,rateCron.runOnInstall={on_install}")
    pod = parse(rendered.stdout).workload("Pod/helm-test")
    assert {"name": "RATE_EXPECTED", "value": on_install} in pod.containers[0]["env"]
