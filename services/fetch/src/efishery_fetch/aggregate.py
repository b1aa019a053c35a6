"""Weekly statistics by province. Weeks are ISO 8601 weeks (Monday to Sunday) in Jakarta time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from efishery_fetch.cleaning import Row
from efishery_fetch.dates import JAKARTA

TWO_DECIMALS = Decimal("0.01")
NO_PROVINCE = "no_province"
NO_DATE = "no_date"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of one or more numbers; `mean` and `median` are rounded half to even to two decimals."""

    count: int
    min: int | Decimal
    max: int | Decimal
    mean: Decimal
    median: Decimal


class GroupKey(NamedTuple):
    """The key of a group: one province in one ISO week. Sorts by province, year, week."""

    area_provinsi: str
    iso_year: int
    iso_week: int


@dataclass(frozen=True, slots=True)
class Group:
    """Statistics of price (rupiah) and size of one province and week; `size` is None when no row has a size."""

    key: GroupKey
    price: Statistics
    size: Statistics | None

    def as_json(self) -> dict[str, object]:
        """Return the JSON object; `week_start` is the Monday as `YYYY-MM-DD`."""
        monday = date.fromisocalendar(self.key.iso_year, self.key.iso_week, 1)
        return {
            **self.key._asdict(),
            "week_start": monday.isoformat(),
            "price": asdict(self.price),
            "size": asdict(self.size) if self.size else None,
        }


def aggregate(rows: Iterable[Row]) -> tuple[list[Group], dict[str, int]]:
    """Group rows by province and ISO week.

    Returns the groups sorted by province, year and week, and the number of rows excluded per reason. A row with
    neither province nor date counts as `no_province`.
    """
    groups: defaultdict[GroupKey, list[Row]] = defaultdict(list)
    excluded: Counter[str] = Counter()
    for row in rows:
        if row.area_provinsi is None:
            excluded[NO_PROVINCE] += 1
        elif row.moment is None:
            excluded[NO_DATE] += 1
        else:
            groups[_key(row.area_provinsi, row.moment)].append(row)
    return [_group(key, groups[key]) for key in sorted(groups)], dict(sorted(excluded.items()))


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


def _key(province: str, moment: datetime) -> GroupKey:
    # Around New Year the ISO year differs from the calendar year: 2022-01-01 is in week 52 of 2021.
    year, week, _ = moment.astimezone(JAKARTA).isocalendar()
    return GroupKey(province, year, week)


def _group(key: GroupKey, rows: Sequence[Row]) -> Group:
    sizes = [row.size for row in rows if row.size is not None]
    return Group(key, statistics([row.price for row in rows]), statistics(sizes) if sizes else None)


def _mean(values: Sequence[int | Decimal]) -> Decimal:
    total = sum((Decimal(value) for value in values), Decimal(0))
    return (total / len(values)).quantize(TWO_DECIMALS, rounding=ROUND_HALF_EVEN)
