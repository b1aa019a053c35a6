"""Commands and settings of the targets, and the bodies of the references."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import content
from bench.content import Content
from bench.machine import Cores
from bench.references.fastapi.representations import cached, recomputed
from bench.targets import Factory, image_command
from efishery_run.errors import LaunchError
from efishery_run.state import State

BODY = {
    "success": True,
    "status": 200,
    "msg": "OK",
    "data": [
        {"uuid": None, "komoditas": "Lélé", "price": 20000, "price_usd": 1.224},
        {"uuid": "a", "komoditas": "Patin", "price": 12345.67, "price_usd": 0.7556},
    ],
    "meta": {"count": 2},
}
IDENTITY = json.dumps(BODY, ensure_ascii=False, separators=(",", ":")).encode()
ETAGS = {"identity": '"1"', "gzip": '"1-gzip"'}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    content.write(tmp_path, Content(IDENTITY, gzip.compress(IDENTITY), 2), ETAGS, "0.0000612")
    return tmp_path


def test_the_service_runs_as_its_image_does() -> None:
    command = image_command()
    assert command[0] in ("gunicorn", "python")
    assert "efishery_fetch" in command[-1]


def test_an_image_without_a_command_is_refused(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCMD run\n")
    with pytest.raises(LaunchError, match="has no line CMD"):
        image_command(dockerfile)


def test_recomputing_makes_the_body_of_the_service(written: Path) -> None:
    assert "price_usd" not in (written / "rows.json").read_text()
    made = recomputed(written)
    assert json.loads(made(gzip=False).body) == BODY
    assert json.loads(gzip.decompress(made(gzip=True).body)) == BODY
    assert made(gzip=True).etag != made(gzip=False).etag == made(gzip=False).etag


def test_caching_serves_the_bytes_of_the_service(written: Path) -> None:
    served = cached(written)
    assert (served(gzip=False).body, served(gzip=False).etag) == (IDENTITY, '"1"')
    assert gzip.decompress(served(gzip=True).body) == IDENTITY
    assert served(gzip=True).etag == '"1-gzip"'


def test_nginx_has_no_placeholder_left(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.tokens.key_id", lambda _state: "kid")
    factory = Factory(State(written), Cores(0, 1), written)
    target = factory.nginx("nginx", 8099)
    text = (written / "nginx" / "nginx.conf").read_text()
    assert "@" not in text
    assert "listen 127.0.0.1:8099;" in text
    assert f"root {written};" in text
    assert not target.checks_tokens


@pytest.mark.timeout(300)
def test_the_memo_of_the_go_reference(repository: Path) -> None:
    go = shutil.which("go")
    assert go, "Go is needed, as for Helm: make setup"
    command = [go, "test", "./..."]
    done = subprocess.run(command, cwd=repository / "bench/references/go", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
