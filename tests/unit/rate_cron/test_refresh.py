"""The choice among providers."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
import requests
from structlog.testing import capture_logs

from efishery_rate_cron.providers.base import ProviderError, Quote
from efishery_rate_cron.refresh import Bounds, NoSaneRateError, first_sane

BOUNDS = Bounds(Decimal("0.00002"), Decimal("0.0002"))


@dataclass(frozen=True)
class Answering:
    name: str
    rate: Decimal | None

    def quote(self, session: requests.Session) -> Quote:  # noqa: ARG002 -- the interface's argument
        if self.rate is None:
            raise ProviderError("answered 503")
        return Quote(self.rate)


DOWN = Answering("down", None)
ABSURD = Answering("absurd", Decimal("16350.5"))
GOOD = Answering("good", Decimal("0.00006"))
SECOND = Answering("second", Decimal("0.00007"))


def test_the_first_that_answers_sanely_wins(session: requests.Session) -> None:
    provider, quote = first_sane([DOWN, ABSURD, GOOD, SECOND], session, BOUNDS)
    assert provider is GOOD
    assert quote.rate == Decimal("0.00006")


def test_each_failure_is_logged_with_its_reason(session: requests.Session) -> None:
    with capture_logs() as logs:
        first_sane([DOWN, ABSURD, GOOD], session, BOUNDS)
    assert [(entry["provider"], entry["reason"]) for entry in logs] == [
        ("down", "answered 503"),
        ("absurd", "answered 16350.5, outside 0.00002 to 0.0002"),
    ]


def test_none_is_an_error_that_names_them_all(session: requests.Session) -> None:
    with pytest.raises(NoSaneRateError, match="down, absurd"):
        first_sane([DOWN, ABSURD], session, BOUNDS)


@pytest.mark.parametrize("rate", ["0.00002", "0.0002"])
def test_the_bounds_themselves_are_sane(session: requests.Session, rate: str) -> None:
    _, quote = first_sane([Answering("edge", Decimal(rate))], session, BOUNDS)
    assert quote.rate == Decimal(rate)


@pytest.mark.parametrize("rate", ["0.0000199999", "0.000200001"])
def test_just_outside_is_not(rate: str) -> None:
    with pytest.raises(ProviderError, match="outside"):
        BOUNDS.check(Decimal(rate))
