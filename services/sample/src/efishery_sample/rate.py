"""The generated rate: it changes a little each minute and is the same within a minute."""

from datetime import datetime
from decimal import Decimal
from typing import Final

MIDDLE: Final = Decimal("0.0000612")
_STEP: Final = Decimal("0.000000001")
_STEPS: Final = 601


def rate_at(now: datetime) -> Decimal:
    """Return US dollars for one rupiah at `now`, within half a percent of `MIDDLE`.

    The step of a minute is 37 times the minute modulo 601, a prime: consecutive minutes always differ, which makes a
    refresh visible.
    """
    minute = int(now.timestamp()) // 60
    return MIDDLE + _STEP * (minute * 37 % _STEPS - _STEPS // 2)
