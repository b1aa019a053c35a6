"""Which provider's answer is used."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from efishery_rate_cron.providers.base import ProviderError, Quote
from efishery_rate_cron.selection import Bounds, NoValidRateError, first_valid
from servicekit.http import HTTPClient

BOUNDS = Bounds(Decimal("0.00002"), Decimal("0.0002"))


@dataclass(frozen=True)
class Answering:
    name: str
    rate: Decimal | None

    def quote(self, client: HTTPClient) -> Quote:  # noqa: ARG002 -- the interface's argument
        if self.rate is None:
            raise ProviderError("answered 503")
        return Quote(self.rate)


DOWN = Answering("down", None)
ABSURD = Answering("absurd", Decimal("16350.5"))
GOOD = Answering("good", Decimal("0.00006"))
SECOND = Answering("second", Decimal("0.00007"))


def test_the_first_valid_answer_is_used(client: HTTPClient) -> None:
    provider, quote = first_valid([DOWN, ABSURD, GOOD, SECOND], client, BOUNDS)
    assert provider is GOOD
    assert quote.rate == Decimal("0.00006")


def test_each_failure_is_logged_with_its_reason(client: HTTPClient) -> None:
    with capture_logs() as logs:
        first_valid([DOWN, ABSURD, GOOD], client, BOUNDS)
    assert [(entry["provider"], entry["reason"]) for entry in logs] == [
        ("down", "answered 503"),
        ("absurd", "answered 16350.5, outside 0.00002 to 0.0002"),
    ]


def test_no_valid_answer_is_an_error_that_names_all_providers(client: HTTPClient) -> None:
    with pytest.raises(NoValidRateError, match="down, absurd"):
        first_valid([DOWN, ABSURD], client, BOUNDS)


@pytest.mark.parametrize("rate", ["0.00002", "0.0002"])
def test_the_bounds_are_inclusive(client: HTTPClient, rate: str) -> None:
    _, quote = first_valid([Answering("edge", Decimal(rate))], client, BOUNDS)
    assert quote.rate == Decimal(rate)


@pytest.mark.parametrize("rate", ["0.0000199999", "0.000200001"])
def test_a_rate_just_outside_is_refused(rate: str) -> None:
    with pytest.raises(ProviderError, match="outside"):
        BOUNDS.check(Decimal(rate))
