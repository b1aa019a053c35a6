"""The rate of the sample: a little different each minute, and the same for all who ask in one."""

from datetime import datetime
from decimal import Decimal
from typing import Final

MIDDLE: Final = Decimal("0.0000612")
_STEP: Final = Decimal("0.000000001")
_STEPS: Final = 601


def rate_at(now: datetime) -> Decimal:
    """US dollars for one rupiah at `now`, within half a percent of the middle.

    Minutes walk through the steps by 37, which shares no divisor with 601: two minutes in a row always
    differ, so that a refresh can be seen.
    """
    minute = int(now.timestamp()) // 60
    return MIDDLE + _STEP * (minute * 37 % _STEPS - _STEPS // 2)
