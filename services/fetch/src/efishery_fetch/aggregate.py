"""Weekly statistics by province. Weeks are ISO 8601 weeks (Monday to Sunday) of the calendar in Jakarta."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from efishery_fetch.cleaning import Row
from efishery_fetch.dates import JAKARTA

STEP = Decimal("0.01")
NO_PROVINCE = "no_province"
NO_DATE = "no_date"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of at least one number; `mean` and `median` are rounded half to even to two decimals."""

    count: int
    min: int | Decimal
    max: int | Decimal
    mean: Decimal
    median: Decimal


class Week(NamedTuple):
    """One province in one ISO week; sorts by province, year, week."""

    area_provinsi: str
    iso_year: int
    iso_week: int


@dataclass(frozen=True, slots=True)
class WeekSummary:
    """The prices (rupiah) of one province and week; `size` is None where no row of the week has one."""

    week: Week
    price: Statistics
    size: Statistics | None

    def as_json(self) -> dict[str, object]:
        """Return the group; `week_start` is its Monday as `YYYY-MM-DD`."""
        monday = date.fromisocalendar(self.week.iso_year, self.week.iso_week, 1)
        return {
            **self.week._asdict(),
            "week_start": monday.isoformat(),
            "price": asdict(self.price),
            "size": asdict(self.size) if self.size else None,
        }


def aggregate(rows: Iterable[Row]) -> tuple[list[WeekSummary], dict[str, int]]:
    """Group rows by province and ISO week.

    Returns the groups sorted by province, year and week, and how many rows are in none of them, per reason
    (`no_province` comes first where both are missing).
    """
    groups: defaultdict[Week, list[Row]] = defaultdict(list)
    excluded: Counter[str] = Counter()
    for row in rows:
        if row.area_provinsi is None:
            excluded[NO_PROVINCE] += 1
        elif row.moment is None:
            excluded[NO_DATE] += 1
        else:
            groups[_week(row.area_provinsi, row.moment)].append(row)
    return [_summary(week, groups[week]) for week in sorted(groups)], dict(sorted(excluded.items()))


def statistics(values: Sequence[int | Decimal]) -> Statistics:
    """Return the statistics of at least one number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    middle = ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1]
    return Statistics(
        count=len(ordered),
        min=ordered[0],
        max=ordered[-1],
        mean=_mean(ordered),
        median=_mean(middle),
    )


def _week(province: str, moment: datetime) -> Week:
    # The ISO year differs from the calendar's around New Year: 2022-01-01 is in 2021's week 52.
    year, week, _ = moment.astimezone(JAKARTA).isocalendar()
    return Week(province, year, week)


def _summary(week: Week, rows: Sequence[Row]) -> WeekSummary:
    sizes = [row.size for row in rows if row.size is not None]
    return WeekSummary(week, statistics([row.price for row in rows]), statistics(sizes) if sizes else None)


def _mean(values: Sequence[int | Decimal]) -> Decimal:
    total = sum((Decimal(value) for value in values), Decimal(0))
    return (total / len(values)).quantize(STEP, rounding=ROUND_HALF_EVEN)
