"""The generated rate."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from efishery_sample.rate import rate_at

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_it_changes_each_minute() -> None:
    assert rate_at(NOON) == rate_at(NOON + timedelta(seconds=59))
    assert rate_at(NOON) != rate_at(NOON + timedelta(seconds=60))


def test_it_stays_within_half_a_percent() -> None:
    rates = [rate_at(NOON + timedelta(minutes=minute)) for minute in range(1_000)]
    assert Decimal("0.0000609") <= min(rates) < max(rates) <= Decimal("0.0000615")
