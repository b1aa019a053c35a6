"""The Redis users of the chart: each service's commands are allowed to its own user, and to no other.

fakeredis checks the commands and keys of a user, but knows no rights to read only (`%R~`): those are compared as text.
"""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
import redis
from fakeredis import FakeRedis, FakeServer
from sqlalchemy import create_engine

from efishery_auth.database import Database, Endpoint
from efishery_auth.models import Base
from efishery_auth.revocations import RevocationPublisher
from efishery_fetch.redis_cache import RedisCache
from efishery_rate_cron import store
from efishery_rate_cron.outcome import Outcome
from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import HISTORY_KEY, KEY, RUNS_KEY, make_record
from servicekit.revocations import KEY as REVOCATIONS_KEY
from servicekit.revocations import NOTHING, RevocationList, Revocations

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
KEYS = [KEY, HISTORY_KEY, RUNS_KEY]


@pytest.fixture(scope="module")
def rules(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return the rules of each user that the chart's script writes."""
    folder = tmp_path_factory.mktemp("acl")
    script = (repository / "charts/efishery/files/write-acl.sh").read_text().replace("/run/redis", str(folder))
    passwords = dict.fromkeys((f"{name}_PASSWORD" for name in ("ADMIN", "AUTH", "FETCH", "RATE_CRON")), "password")
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **passwords}
    subprocess.run(["sh", "-c", script], env=environment, check=True, timeout=10)
    lines = (folder / "users.acl").read_text().splitlines()
    return {line.split()[1]: line.split()[2:] for line in lines}


@pytest.fixture
def rate_cron(rules: dict[str, list[str]]) -> Iterator[redis.Redis]:
    """A client that has logged in as rate-cron."""
    server = FakeServer()
    command(FakeRedis(server=server), "ACL SETUSER", "rate-cron", *rules["rate-cron"])
    with FakeRedis(
        server=server, username="rate-cron", password="password", protocol=2, decode_responses=True
    ) as client:
        yield client


def test_rate_cron_may_do_all_that_a_run_does(rate_cron: redis.Redis) -> None:
    store.wait_until_ready(rate_cron, 0)
    assert store.read_rate(rate_cron) is None
    store.count_failure(rate_cron, Outcome.REFUSED, "too far", NOW)
    for day in ("2026-10-01", "2026-11-20"):  # the second deletes the first
        store.write(rate_cron, make_record(Quote(Decimal("0.00006"), day), "custom", NOW), timedelta(days=7))
    assert store.read_rate(rate_cron) == Decimal("0.00006")


@pytest.mark.parametrize(
    "words",
    [
        *(("GET", key) for key in ("fetch:list", "rate:EUR:USD", "rate:IDR:USD:other")),
        ("SET", "fetch:list", "[]"),
        ("DEL", KEY),
        ("EXPIRE", KEY, "1"),
        ("KEYS", "*"),
        ("FLUSHALL",),
    ],
)
def test_rate_cron_may_do_nothing_else(rate_cron: redis.Redis, words: tuple[str, ...]) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions"):
        command(rate_cron, *words)


@pytest.fixture
def auth(rules: dict[str, list[str]]) -> Iterator[redis.Redis]:
    """A client that has logged in as auth."""
    server = FakeServer()
    command(FakeRedis(server=server), "ACL SETUSER", "auth", *rules["auth"])
    with FakeRedis(server=server, username="auth", password="password", protocol=2) as client:
        yield client


def test_auth_may_publish_its_revocations(auth: redis.Redis) -> None:
    nothing_ended = Endpoint("sessions", create_engine("sqlite://"))
    Base.metadata.create_all(nothing_ended.engine)
    database = Database(nothing_ended, nothing_ended, nothing_ended)
    RevocationPublisher(database, auth, RevocationList(), timedelta(minutes=15)).publish(NOW)
    assert Revocations.loads(cast(bytes, auth.get(REVOCATIONS_KEY))) == NOTHING


@pytest.mark.parametrize("words", [("GET", KEY), ("SET", "fetch:list", "[]"), ("DEL", REVOCATIONS_KEY), ("KEYS", "*")])
def test_auth_may_do_nothing_else(auth: redis.Redis, words: tuple[str, ...]) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions"):
        command(auth, *words)


def test_rate_cron_has_its_three_keys(rules: dict[str, list[str]]) -> None:
    assert keys(rules["rate-cron"]) == {f"~{key}" for key in KEYS}


def test_fetch_reads_those_and_has_its_own(rules: dict[str, list[str]]) -> None:
    assert keys(rules["fetch"]) == {*(f"%R~{key}" for key in [*KEYS, REVOCATIONS_KEY]), "~fetch:*"}


def test_fetch_may_send_its_commands(rules: dict[str, list[str]]) -> None:
    connection = {"ping", "hello", "auth", "client|setname", "client|setinfo"}
    own = {"get", "set", "hgetall", "multi", "exec"}
    assert {rule[1:] for rule in rules["fetch"] if rule.startswith("+")} == own | connection
    assert "-@all" in rules["fetch"]


def test_fetch_may_do_all_that_its_cache_does(rules: dict[str, list[str]]) -> None:
    server = FakeServer()
    own = [rule.replace("%R~", "~") for rule in rules["fetch"]]
    command(FakeRedis(server=server), "ACL SETUSER", "fetch", *own)
    command(FakeRedis(server=server), "HSET", HISTORY_KEY, "2026-11-22", "a rate")
    cache = RedisCache(FakeRedis(server=server, username="fetch", password="password", protocol=2))
    cache.write_all({"fetch:list": b"a list", "fetch:list:fetched_at": b"1"}, 60)
    cache.write("fetch:aggregate", b"a body", 60)
    assert [cache.read(key, bytes.decode) for key in ("fetch:list", "fetch:list:fetched_at", "fetch:aggregate")] == [
        *("a list", "1", "a body")
    ]
    assert cache.read_hash(HISTORY_KEY, dict) == {b"2026-11-22": b"a rate"}
    assert [cache.acquire("fetch:lease", 60), cache.acquire("fetch:lease", 60)] == [True, False]


def test_default_cannot_log_in_and_has_the_rights_that_a_restart_needs(rules: dict[str, list[str]]) -> None:
    # Redis loads transactions from its append-only file with the rights of `default`; tests/e2e/test_rate_cron.py.
    assert rules["default"] == ["off", "~*", "&*", "+@all"]


def keys(rules: list[str]) -> set[str]:
    assert "resetkeys" in rules
    return {rule for rule in rules if rule.startswith(("~", "%"))}


def command(client: redis.Redis, *words: str) -> None:
    client.execute_command(*words)  # type: ignore[no-untyped-call]
