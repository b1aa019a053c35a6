"""The list as the service answers it, in files from which the references serve the same bytes."""

import gzip
import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import redis

from bench import http
from bench.scenarios import LIST
from efishery_run.errors import LaunchError

RATE_KEY = "rate:IDR:USD"  # services/rate-cron/src/efishery_rate_cron/rate_record.py


@dataclass(frozen=True)
class Content:
    """The body without and with gzip, and the number of rows in it."""

    identity: bytes
    compressed: bytes
    rows: int


def fetch(url: str, token: str) -> tuple[Content, dict[str, str]]:
    """Ask the service for the list in both encodings; also return the ETag of each, by its name.

    What the service lacks (compression, an ETag) is made here: `bench.checks` reports it.
    """
    identity = _list(url, token, "identity")
    compressed = _list(url, token, "gzip")
    has_gzip = compressed.headers.get("content-encoding") == "gzip"
    packed = compressed.body if has_gzip else gzip.compress(identity.body, compresslevel=6, mtime=0)
    content = Content(identity.body, packed, len(json.loads(identity.body)["data"]))
    digest = sha256(identity.body).hexdigest()[:32]
    return content, {
        "identity": identity.headers.get("etag", f'"{digest}"'),
        "gzip": compressed.headers.get("etag", f'"{digest}-gzip"'),
    }


def write(directory: Path, content: Content, etags: dict[str, str], rate: str) -> None:
    """Write the files of the references. `rate` is dollars for one rupiah, as decimal text.

    body.json, body.json.gz, etags.json: for those that serve the cached bytes. rows.json, envelope.json, rate.txt: for
    the one that makes the body anew, from the cleaned rows without `price_usd`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    body = json.loads(content.identity)
    rows = [{name: value for name, value in row.items() if name != "price_usd"} for row in body.pop("data")]
    (directory / "body.json").write_bytes(content.identity)
    (directory / "body.json.gz").write_bytes(content.compressed)
    (directory / "etags.json").write_text(json.dumps(etags))
    (directory / "rows.json").write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")))
    (directory / "envelope.json").write_text(json.dumps(body))
    (directory / "rate.txt").write_text(rate)


def read_rate(port: int) -> str:
    """Read the rate that rate-cron has written to Redis; raises LaunchError without one."""
    with redis.Redis(port=port) as client:
        record = client.get(RATE_KEY)
    if not isinstance(record, bytes):
        raise LaunchError(f"Redis has no {RATE_KEY}: rate-cron has written none")
    return str(json.loads(record)["rate"])


def _list(url: str, token: str, encoding: str) -> http.Answer:
    answer = http.get(url + LIST, {**http.bearer(token), "Accept-Encoding": encoding})
    if answer.status != 200:
        raise LaunchError(f"the service answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return answer
