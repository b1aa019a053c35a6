"""Which provider's answer is used."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from efishery_rate_cron.providers.base import ProviderError, Quote
from efishery_rate_cron.selection import Bounds, ChangeLimit, ChangeRefusedError, NoValidRateError, select
from servicekit.http import HTTPClient

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
BOUNDS = Bounds(Decimal("0.00002"), Decimal("0.0002"))
CHANGE = ChangeLimit(previous=Decimal("0.00006"), percent=Decimal(10))


@dataclass(frozen=True)
class Answering:
    name: str
    rate: Decimal | None

    def quote(self, client: HTTPClient) -> Quote:  # noqa: ARG002 -- the interface's argument
        if self.rate is None:
            raise ProviderError("answered with status 503")
        return Quote(self.rate)


DOWN = Answering("down", None)
ABSURD = Answering("absurd", Decimal("16350.5"))
FAR = Answering("far", Decimal("0.00008"))
GOOD = Answering("good", Decimal("0.000061"))
SECOND = Answering("second", Decimal("0.000062"))


def test_the_first_valid_answer_is_used(client: HTTPClient) -> None:
    answer = select([DOWN, ABSURD, FAR, GOOD, SECOND], client, BOUNDS, CHANGE, NOW)
    assert (answer.provider, answer.quote.rate) == ("good", Decimal("0.000061"))


def test_each_failure_is_logged_with_its_reason(client: HTTPClient) -> None:
    with capture_logs() as logs:
        select([DOWN, ABSURD, FAR, GOOD], client, BOUNDS, CHANGE, NOW)
    assert [(entry["event"], entry["provider"], entry["reason"]) for entry in logs] == [
        ("provider_failed", "down", "answered with status 503"),
        ("provider_failed", "absurd", "answered 16350.5, outside 0.00002 to 0.0002"),
        (
            "change_refused",
            "far",
            "far answered 0.00008, +33.33 % from 0.00006, over the limit of 10 %; "
            "if the rate is right, accept it with --accept-change",
        ),
    ]


def test_no_valid_answer_is_an_error_with_each_reason(client: HTTPClient) -> None:
    with pytest.raises(NoValidRateError) as caught:
        select([DOWN, ABSURD], client, BOUNDS, CHANGE, NOW)
    assert str(caught.value) == ("down answered with status 503; absurd answered 16350.5, outside 0.00002 to 0.0002")


def test_a_refused_change_is_the_error_even_if_other_providers_fail(client: HTTPClient) -> None:
    second = Answering("second", Decimal("0.00009"))
    with pytest.raises(ChangeRefusedError) as caught:
        select([DOWN, FAR, second, ABSURD], client, BOUNDS, CHANGE, NOW)
    assert caught.value.answer.provider == "far"


def test_without_a_change_limit_any_rate_within_the_bounds_is_used(client: HTTPClient) -> None:
    assert select([ABSURD, FAR], client, BOUNDS, None, NOW).provider == "far"


@pytest.mark.parametrize("rate", ["0.000054", "0.000066"])
def test_the_change_limit_is_inclusive(client: HTTPClient, rate: str) -> None:
    assert select([Answering("edge", Decimal(rate))], client, BOUNDS, CHANGE, NOW).quote.rate == Decimal(rate)


@pytest.mark.parametrize("rate", ["0.0000539999999", "0.0000660000001"])
def test_a_change_just_over_the_limit_is_refused(client: HTTPClient, rate: str) -> None:
    with pytest.raises(ChangeRefusedError):
        select([Answering("edge", Decimal(rate))], client, BOUNDS, CHANGE, NOW)


@pytest.mark.parametrize("rate", ["0.00002", "0.0002"])
def test_the_bounds_are_inclusive(client: HTTPClient, rate: str) -> None:
    assert select([Answering("edge", Decimal(rate))], client, BOUNDS, None, NOW).quote.rate == Decimal(rate)


@pytest.mark.parametrize("rate", ["0", "-0.00006", "0.0000199999", "0.000200001"])
def test_a_rate_outside_the_bounds_is_refused(rate: str) -> None:
    with pytest.raises(ProviderError, match="outside"):
        BOUNDS.check(Quote(Decimal(rate)), NOW)


@pytest.mark.parametrize("as_of", ["2026-10-23", "2026-11-22", "2026-11-23", "2026-11-22T23:00:00-10:00"])
def test_a_rate_of_the_last_thirty_days_is_valid(as_of: str) -> None:
    BOUNDS.check(Quote(GOOD.rate or Decimal(0), as_of), NOW)


@pytest.mark.parametrize("as_of", ["2026-10-22", "2026-11-24", "2026-11-23T23:00:00-10:00"])
def test_a_rate_of_another_time_is_refused(as_of: str) -> None:
    with pytest.raises(ProviderError, match="to come or over 30 days old"):
        BOUNDS.check(Quote(GOOD.rate or Decimal(0), as_of), NOW)
