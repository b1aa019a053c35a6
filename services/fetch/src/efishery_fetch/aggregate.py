"""Weekly statistics by province. Weeks are ISO 8601 weeks (Monday to Sunday) in Jakarta time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import NamedTuple

from efishery_fetch.cleaning import Row
from efishery_fetch.dates import JAKARTA
from efishery_fetch.money import EXACT, USD_DECIMALS, price_usd, rounded_quotient

DECIMALS = 2
NO_PROVINCE = "no_province"
NO_DATE = "no_date"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of one or more numbers; `mean` and `median` are rounded half to even."""

    count: int
    min: int | Decimal
    max: int | Decimal
    mean: Decimal
    median: Decimal

    def as_json(self) -> dict[str, object]:
        """Return the fields under their own names."""
        # dataclasses.asdict would deep-copy every value.
        return {"count": self.count, "min": self.min, "max": self.max, "mean": self.mean, "median": self.median}


class GroupKey(NamedTuple):
    """The key of a group: one province in one ISO week. Sorts by province, year, week."""

    area_provinsi: str
    iso_year: int
    iso_week: int


@dataclass(frozen=True, slots=True)
class Group:
    """Statistics of one province and week: of the price in rupiah, the price in dollars, and the size.

    `price_usd` is None without a rate, and `size` when no row has a size.
    """

    key: GroupKey
    price: Statistics
    price_usd: Statistics | None
    size: Statistics | None

    def as_json(self) -> dict[str, object]:
        """Return the JSON object; `week_start` is the Monday as `YYYY-MM-DD`."""
        monday = date.fromisocalendar(self.key.iso_year, self.key.iso_week, 1)
        return {
            **self.key._asdict(),
            "week_start": monday.isoformat(),
            "price": self.price.as_json(),
            "price_usd": self.price_usd.as_json() if self.price_usd else None,
            "size": self.size.as_json() if self.size else None,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """What statistics are computed from, all exact: `middle` is the sum of the one or two middle values."""

    count: int
    min: int | Decimal
    max: int | Decimal
    total: int | Decimal
    middle: int | Decimal
    middle_count: int


def aggregate(rows: Iterable[Row], rate: Decimal | None) -> tuple[list[Group], dict[str, int]]:
    """Group rows by province and ISO week; `rate` is US dollars for one rupiah.

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
    return [_group(key, groups[key], rate) for key in sorted(groups)], dict(sorted(excluded.items()))


def summarize(values: Sequence[int | Decimal]) -> Summary:
    """Return the summary of at least one number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    middle = ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1]
    with localcontext(EXACT):
        return Summary(len(ordered), ordered[0], ordered[-1], sum(ordered), sum(middle), len(middle))


def statistics(summary: Summary) -> Statistics:
    """Return the statistics in the unit of the summary, mean and median with two decimals."""
    return Statistics(
        count=summary.count,
        min=summary.min,
        max=summary.max,
        mean=rounded_quotient(summary.total, summary.count, DECIMALS),
        median=rounded_quotient(summary.middle, summary.middle_count, DECIMALS),
    )


def statistics_usd(summary: Summary, rate: Decimal) -> Statistics:
    """Return the statistics of a summary in rupiah in dollars: each exact, then rounded to four decimals."""
    return Statistics(
        count=summary.count,
        min=price_usd(summary.min, rate),
        max=price_usd(summary.max, rate),
        mean=rounded_quotient(EXACT.multiply(summary.total, rate), summary.count, USD_DECIMALS),
        median=rounded_quotient(EXACT.multiply(summary.middle, rate), summary.middle_count, USD_DECIMALS),
    )


def _key(province: str, moment: datetime) -> GroupKey:
    # Around New Year the ISO year differs from the calendar year: 2022-01-01 is in week 52 of 2021.
    year, week, _ = moment.astimezone(JAKARTA).isocalendar()
    return GroupKey(province, year, week)


def _group(key: GroupKey, rows: Sequence[Row], rate: Decimal | None) -> Group:
    price = summarize([row.price for row in rows])
    sizes = [row.size for row in rows if row.size is not None]
    return Group(
        key,
        price=statistics(price),
        price_usd=None if rate is None else statistics_usd(price, rate),
        size=statistics(summarize(sizes)) if sizes else None,
    )
